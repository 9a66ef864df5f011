"""The examples of plugins work as their pages say: installed, found, and used."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import q2e

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
#: What is done with each example; `index` is a folder to fill and `clip` a sample.
SCRIPTS = {
    "plugin-fusion": """
from q2e.plugins import registry
with q2e.open(index, channels=("frame", "metadata")) as collection:
    assert collection.add(clip).ok
    hit = collection.search("a person on the phone", fuse="borda(power=2)", confidence=0)[0]
    assert abs(sum(reason.contribution for reason in hit.why) - hit.score) < 1e-9
    try:
        collection.search("phone", fuse="borda(power=-1)")
        raise SystemExit("a power below 0 was taken")
    except q2e.Q2EError as error:
        assert "power" in str(error), error
assert "borda" in registry().names("fuse")
""",
    "plugin-channel": """
with q2e.open(index, channels=("light",)) as collection:
    assert collection.add(clip).ok
    evidence = collection.show(clip.name).evidence
    assert {one.channel for one in evidence} == {"light"}
    words = {one.text for one in evidence}
    asked = sorted(words)[0].split()[1]
    hit = collection.search(f"light:{asked}", confidence=0)[0]
    assert {reason.channel for reason in hit.why} == {"light"}
""",
    "plugin-rerank": """
with q2e.open(index, channels=("metadata",)) as collection:
    assert collection.add(clip).ok
    found = collection.search("phone call", rerank="newest(depth=5)", confidence=0)
    assert found.info["rerank"]["strategy"] == "newest", found.info
""",
    "plugin-store": """
folder = index.parent / "disk"
with q2e.open(index, channels=("metadata",), store=f"shelf(folder={str(folder)!r})") as collection:
    assert collection.add(clip).ok
with q2e.open(index) as collection:
    assert collection.add(clip).unchanged == 1
    assert collection.search("phone call", confidence=0).hits
    assert not list(index.glob("*.sqlite")) and len(list(folder.glob("*.sqlite"))) == 1
    for act, said in (
        (lambda: collection.back_up(index.parent / "copy"), "own means"),
        (lambda: q2e.open(index, profile="standard").add(clip), "another index"),
        (lambda: q2e.open(index, store="sqlite").add(clip), "another index"),
    ):
        try:
            act()
            raise SystemExit(said)
        except q2e.Q2EError as error:
            assert said in str(error), error
    assert collection.remove(clip.name, forget=True)
    assert not collection.videos()
    assert b"call-06" not in next(folder.glob("*.sqlite")).read_bytes()
""",
    "plugin-dataset": """
from q2e.evaluate.datasets import load, names
folder = index.parent / "set"
folder.mkdir()
(folder / "haiku.txt").write_text("a phone rings / call-06.mp4 / en\\n", "utf-8")
assert "haiku" in names() and "msrvtt" in names()
dataset = load("haiku", folder).dataset
assert dataset.qrels == {"1": {"call-06.mp4": 1}}, dataset
with q2e.open(index, channels=("metadata",)) as collection:
    assert collection.add(clip).ok
""",
}
HEAD = """
import sys
from pathlib import Path
import q2e
index, clip = Path(sys.argv[1]), Path(sys.argv[2])
"""


def install(example: str, site: Path) -> None:
    """Install an example into a folder that only the test's own Python sees."""
    source = EXAMPLES / example
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--target", str(site), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        # Without hatchling here, the entry point is written by hand as an installer would.
        project = tomllib.loads((source / "pyproject.toml").read_text("utf-8"))["project"]
        entries = project["entry-points"]["q2e"]
        info = site / f"{project['name'].replace('-', '_')}-0.1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Name: {project['name']}\nVersion: 0.1.0\n")
        lines = [f"{name} = {module}\n" for name, module in entries.items()]
        (info / "entry_points.txt").write_text("[q2e]\n" + "".join(lines))
        for module in entries.values():
            (site / module).symlink_to(source / "src" / module)


@pytest.mark.parametrize("example", SCRIPTS)
def test_an_example_is_installed_found_and_used(
    example: str, tmp_path: Path, samples: Path
) -> None:
    site = tmp_path / "site"
    install(example, site)
    clip = samples / "clips" / "call-06.mp4"
    done = subprocess.run(
        [sys.executable, "-c", HEAD + SCRIPTS[example], str(tmp_path / "index"), str(clip)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={"PYTHONPATH": str(site), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    if example == "plugin-store":
        with pytest.raises(q2e.Q2EError, match="unknown store 'shelf'"):
            q2e.open(tmp_path / "index")
        return
    # What it made is searched where it is not installed, as by somebody who was given the index.
    with q2e.open(tmp_path / "index", channels=("frame",)) as index:
        assert index.search("a picture", confidence=0.0).hits


def test_every_example_is_tried_and_has_a_page() -> None:
    tried = {*SCRIPTS, "plugin-encoder"}
    assert {path.name for path in EXAMPLES.iterdir()} == tried
    for name in tried:
        assert "pip install ./examples/" in (EXAMPLES / name / "README.md").read_text("utf-8")
