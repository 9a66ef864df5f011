"""Channels made of what an index holds: words of a user's list, and titles of chapters."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import q2e
from q2e.cli import app
from q2e.errors import ConfigError, QueryError
from q2e.ingest.words import LEAST, read_words, standing_out

_DATA = Path(__file__).parent / "data"
#: The same fourteen words by language; panda, cat and coffee are the first three.
WORDS = {
    line.split("\t")[0]: line.split("\t")[1:]
    for line in (_DATA / "picture_words.tsv").read_text("utf-8").splitlines()
}
SUBJECTS = [
    line.split("\t") for line in (_DATA / "two_subjects.tsv").read_text("utf-8").splitlines()
]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> q2e.Index:
    """A panda and other animals, a cat, and a cup of coffee, as pictures alone."""
    index = q2e.open(tmp_path_factory.mktemp("seen") / "index", channels=("frame",))
    index.add(*(samples / "clips" / f"reel-0{number}.mp4" for number in (1, 2, 3)))
    return index


def listed(folder: Path, language: str) -> Path:
    file = folder / f"list.{language}.txt"
    file.write_text("# what may be seen\n" + "\n".join(WORDS[language]), "utf-8")
    return file


def words_of(index: q2e.Index) -> dict[str, set[str]]:
    """Return the words that each video was given, by its name."""
    return {
        Path(video.path).stem: {
            tag.label
            for one in index.show(video.id).evidence
            if one.channel == "word"
            for tag in one.tags
        }
        for video in index.each_video()
    }


def test_words_of_a_list_in_any_language_are_told_of_pictures(
    seen: q2e.Index, tmp_path: Path
) -> None:
    right = 0
    for language, words in WORDS.items():
        assert seen.keep_words(listed(tmp_path, language)) > 0
        found = words_of(seen)
        assert set.union(*found.values()) <= set(words)  # of no list before
        wanted = {"reel-01": words[0], "reel-02": words[1], "reel-03": words[2]}
        right += sum(word in found[name] for name, word in wanted.items())
    assert right >= 24, right  # of 33
    hit = seen.search(f"word:{WORDS['zh'][2]}")[0]
    assert hit.video.path.endswith("reel-03.mp4")
    (piece,) = {one.language for one in hit.moments[0].evidence}
    assert piece == "zh"
    assert seen.keep_words(None) == 0 and set.union(*words_of(seen).values()) == set()


def test_how_far_a_word_stands_out_is_told_among_the_list() -> None:
    rng = np.random.default_rng(0)
    words = rng.normal(size=(200, 8))
    words /= np.linalg.norm(words, axis=1, keepdims=True)
    strength = standing_out(words[:1].astype(np.float32), words.astype(np.float32))[0]
    cosine = words @ words[0]
    np.testing.assert_allclose(strength, (cosine - cosine.mean()) / cosine.std(), atol=1e-4)
    assert strength.argmax() == 0 and strength[0] > LEAST


def test_a_list_that_tells_nothing_is_refused(tmp_path: Path) -> None:
    short = tmp_path / "short.txt"
    short.write_text("one\none\ntwo\n")
    with pytest.raises(ConfigError, match="holds 2 words; write 10"):
        read_words(short)
    short.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ConfigError, match="UTF-8"):
        read_words(short)


def talk(video: str, language: str) -> list[str]:
    """Return the lines of a talk of two subjects, eight minutes long, as evidence to import."""
    (parts,) = [one[1:] for one in SUBJECTS if one[0] == language]
    said = [text for part in parts for text in part.split("|") * 3]
    return [
        json.dumps(
            {
                "video": video,
                "channel": "speech",
                "start": 20 * number,
                "end": 20 * number + 20,
                "text": text,
            }
        )
        for number, text in enumerate(said)
    ]


def test_titles_of_chapters_are_searched_until_they_are_taken_back(tmp_path: Path) -> None:
    file = tmp_path / "talks.jsonl"
    index = q2e.open(tmp_path / "index")
    file.write_text("\n".join(talk("en", "en") + talk("th", "th")), "utf-8")
    index.import_evidence(file)
    run = CliRunner().invoke(app, ["chapters", "--keep", "--index", str(index.directory), "--json"])
    assert run.exit_code == 0, run.output
    assert json.loads(run.stdout)["kept"] >= 4
    # A video that comes later has chapters too, and one that changes has others.
    file.write_text("\n".join(talk("ja", "ja") + talk("en", "de")), "utf-8")
    index.import_evidence(file)
    for video in ("ja", "th", "en"):
        told = [one for one in index.show(video).evidence if one.channel == "chapter"]
        assert [one.text for one in told] == [one.title for one in index.chapters(video)]
        assert len(told) >= 2
    found = index.search("chapter:bread", top=3)
    assert {one.channel for one in found[0].moments[0].evidence} == {"chapter"}
    assert found[0].moments[0].start_s > 0
    assert index.keep_chapters("none") == 0
    with pytest.raises(QueryError, match="nothing here is of channel chapter"):
        index.search("chapter:bread")
    alone = CliRunner().invoke(app, ["chapters", "--index", str(index.directory)])
    assert isinstance(alone.exception, ConfigError)
