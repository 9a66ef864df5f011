"""Labels of a user's own: given by meaning or by votes, kept as tags, taken back whole."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

import q2e
from q2e.cli import app
from q2e.errors import ConfigError
from q2e.ingest.tagged import put_set, remove_set, tagged, take_over
from q2e.store.memory import MemoryStore
from q2e.tagging import read_labels
from q2e.types import Video
from scripted_model import Asked, scripted

_SAID = Path(__file__).parent / "data" / "two_subjects.tsv"
SAID = [line.split("\t") for line in _SAID.read_text("utf-8").splitlines()]
#: Sentences of one language tell what videos in all are about.
LABELS = "# mine\nquake\tAn earthquake has destroyed houses\nBäckerei\tWie man Brot backt\n"


def line(video: str, texts: list[str]) -> str:
    text = ". ".join(texts)
    return json.dumps({"video": video, "channel": "caption", "text": text, "start": 0, "end": 9})


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> q2e.Index:
    folder = tmp_path_factory.mktemp("tag")
    lines = []
    for language, first, second in SAID:
        lines.append(line(f"quake-{language}", first.split("|")))
        lines.append(line(f"bread-{language}", second.split("|")))
    (folder / "e.jsonl").write_text("\n".join(lines), "utf-8")
    opened = q2e.open(folder / "index")
    opened.import_evidence(folder / "e.jsonl")
    return opened


def test_videos_in_eleven_languages_have_the_label_that_they_mean(
    index: q2e.Index, tmp_path: Path
) -> None:
    file = tmp_path / "mine.tsv"
    file.write_text(LABELS, "utf-8")
    found = index.tag(file, how="meaning(least=0, most=1)", keep=False)
    wanted = {"quake": "quake", "bread": "Bäckerei"}
    right = [video for video, own in found.videos.items() if wanted[video[:5]] in own]
    assert len(SAID) == 11 and len(right) >= 21, found.videos
    assert index.tag_sets == {}  # nothing was written


def test_labels_are_filters_until_they_are_taken_back(index: q2e.Index, tmp_path: Path) -> None:
    file = tmp_path / "mine.tsv"
    file.write_text(LABELS, "utf-8")
    index.tag(file, how="meaning(least=0, most=1)", name="one")
    quakes = {hit.video.id for hit in index.search("a house", tags=("quake",), top=50)}
    assert quakes and all(video.startswith("quake") for video in quakes)
    assert index.facets()["tag"]["quake"] >= 10
    file.write_text("loaf\tbread from the oven\n", "utf-8")
    index.tag(file, how="meaning(least=0, most=1)", name="one")
    assert "quake" not in index.facets()["tag"]
    assert index.untag("one") >= 10
    assert index.facets()["tag"] == {} and index.tag_sets == {}
    with pytest.raises(ConfigError, match="unknown set of labels 'one'"):
        index.untag("one")


def test_a_model_votes_and_only_a_majority_counts(index: q2e.Index, tmp_path: Path) -> None:
    file = tmp_path / "mine.tsv"
    file.write_text(LABELS, "utf-8")
    seen: dict[str, int] = {}

    def vote(asked: Asked) -> str:
        # A model that likes bread, and that names the first label on every third look.
        number = int(next(iter(re.findall(r"(\d)\. Bäckerei", asked.prompt))))
        count = seen["n"] = seen.get("n", 0) + 1
        baked = "oven" in asked.prompt.split("labels, each")[0]
        first = [3 - number] if count % 3 == 0 else []
        return json.dumps({"labels": [number, 99] if baked else first})

    with scripted(vote) as server:
        opened = q2e.open(index.directory, language_model=server.source)
        found = opened.tag(file, how="votes", keep=False)
    assert found.videos == {"bread-en": {"Bäckerei": 1.0}}
    assert len(server.asked) == 3 * 22
    orders = {
        asked.prompt.index("Bäckerei") < asked.prompt.index("quake:") for asked in server.asked
    }
    assert orders == {True, False}
    with pytest.raises(ConfigError, match="needs a language model"):
        index.tag(file, how="votes")


def test_another_generation_takes_labels_over() -> None:
    older, newer = MemoryStore(), MemoryStore()
    video = Video(id="v", path="v.mp4", duration_s=1.0, tags=("own",))
    for store in (older, newer):
        store.put_video(video)
    assert put_set(older, "s", "meaning", {"v": {"own": 0.9, "new": 0.8}}) == 1
    take_over(newer, older)
    assert newer.video("v").tags == ("own", "new")  # type: ignore[union-attr]
    # What is read again keeps its labels, beside tags that it has of its own by now.
    assert tagged(newer, replace(video, tags=("later",))).tags == ("later", "new", "own")
    newer.put_video(tagged(newer, video))
    assert remove_set(newer, "s") == 1
    assert newer.video("v") == video


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "holds 0 labels"), ("x" * 61 + "\n", "line 1: a label has 1 to 60"), ("\ta\n", "line 1")],
)
def test_a_file_that_holds_no_labels_is_refused(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "l.tsv"
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=says):
        read_labels(file)
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="UTF-8"):
        read_labels(file)


def test_the_command_gives_lists_and_takes_back(index: q2e.Index, tmp_path: Path) -> None:
    file = tmp_path / "by hand.tsv"
    file.write_text(LABELS, "utf-8")

    def run(*given: str) -> str:
        done = CliRunner().invoke(app, ["tag", "--index", str(index.directory), *given])
        assert done.exit_code == 0, done.output
        return done.stdout

    found = json.loads(run("--labels", str(file), "--how", "meaning(least=0, most=1)", "--json"))
    assert found["set"] == "by hand" and found["changed"] == 22
    assert sum(found["labels"].values()) == len(found["videos"]) == 22
    assert run() == "by hand\tmeaning(least=0.0, most=1)\n"
    assert json.loads(run("--undo", "by hand", "--json"))["changed"] == 22
    assert json.loads(run("--json"))["sets"] == []
