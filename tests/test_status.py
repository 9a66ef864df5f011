"""What a collection says of itself: of many failures and lost files the first, and how many."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import q2e
from q2e.cli import app
from q2e.store.base import Failure
from q2e.store.generations import FIRST
from q2e.store.sqlite import SqliteStore
from q2e.survey import LISTED
from q2e.types import Video

FAILED, LOST = LISTED + 7, LISTED + 3


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    with SqliteStore(folder / FIRST) as store:
        for number in range(FAILED):
            store.put_failure(Failure(f"/bad/{number:05}.mp4", "empty"))
        for number in range(LOST):
            store.put_video(Video(f"v{number:05}", f"/gone/{number:05}.mp4", 1.0))
    return folder


def test_of_many_failures_and_lost_files_the_first_are_named_and_all_counted(many: Path) -> None:
    with q2e.open(many) as index:
        status = index.status()
        assert (status.failed, status.lost) == (FAILED, LOST)
        assert len(status.failures) == len(status.gone) == len(status.missing) == LISTED
        assert status.failures[0].path == "/bad/00000.mp4"
        assert status.missing[0] == "/gone/00000.mp4"
        whole = index.status(listed=None)
        assert (len(whole.failures), len(whole.gone)) == (FAILED, LOST)
        assert index.status(files=False).lost == 0


@pytest.mark.parametrize("every", [False, True])
def test_the_command_names_the_first_or_all(many: Path, every: bool) -> None:
    words = ["status", "--index", str(many), *(["--all"] if every else [])]
    told = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    assert (told["failed"], told["lost"], told["videos"]) == (FAILED, LOST, LOST)
    found = [len(told[name]) for name in ("failures", "missing", "gone", "ids")]
    assert found == ([FAILED, LOST, LOST, LOST] if every else [LISTED] * 4)
    said = CliRunner().invoke(app, words).stdout
    assert f"{FAILED} failed" in said and f"{LOST} files are gone" in said
    assert ("and 7 more (--all)" in said) == ("and 3 more (--all)" in said) == (not every)


def test_the_server_lists_failures_by_pages(many: Path) -> None:
    pytest.importorskip("fastapi")
    import httpx

    from serving import serving

    with q2e.open(many) as index, serving(index) as address:
        asked = {"offset": LISTED, "limit": 5}
        told = httpx.get(f"{address}/v1/failures", params=asked).json()
        assert (told["total"], told["offset"]) == (FAILED, LISTED)
        paths = [f"/bad/{number:05}.mp4" for number in range(LISTED, LISTED + 5)]
        assert [one["path"] for one in told["failures"]] == paths
        status = httpx.get(f"{address}/v1/status").json()
        assert (status["failed"], len(status["failures"])) == (FAILED, LISTED)


def test_all_that_is_lost_is_removed(many: Path) -> None:
    with q2e.open(many) as index:
        assert len(index.remove(missing=True)) == LOST and len(index) == 0
