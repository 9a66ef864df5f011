"""Channels are known by name: those that are installed, those an index holds, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import q2e
from q2e import channel_facts as known
from q2e.channel_facts import Facts
from q2e.cli import app
from q2e.errors import ConfigError, QueryError
from q2e.plugins import registry
from q2e.query.language import parse, write
from q2e.registry import method
from q2e.settings import load_settings
from q2e.types import Evidence, in_order


@method("channel", "smell", title="smelt", style="caption", timeless=True)
def open_smell(settings: Any, models: Any) -> Any:
    """What is smelt."""


@pytest.fixture
def smell(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(known, "_MET", set())
    registry().add(open_smell)
    yield
    del registry()._methods["channel"]["smell"]


ASKED_FOR_SMELL: list[tuple[str, dict[str, Any]]] = [
    ("smell:fish", {}),
    ('smell:("fish" or "tar") -speech:night', {}),
    ("channel:smell harbour", {}),
    ("harbour", {"channels": ("smell",)}),
    ("harbour -channel:speech", {}),
]


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    rows = [
        {"video": "a", "channel": "speech", "text": "the harbour at night", "start": 1, "end": 3},
        {"video": "b", "channel": "smell", "text": "fish in the harbour", "start": 1, "end": 3},
    ]
    file = tmp_path / "lines.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def test_a_channel_that_came_with_a_plugin_is_taken_everywhere(
    smell: None, lines: Path, tmp_path: Path
) -> None:
    assert known.facts("smell") == Facts("smelt", "caption", timeless=True)
    assert "smell" in known.of_style("caption")
    assert load_settings(channels=("smell", "frame")).channels == ("smell", "frame")
    clause = parse("smell:fish").clause
    assert clause is not None
    assert (clause.channel, write(clause)) == ("smell", 'smell:("fish")')
    with q2e.open(tmp_path / "i") as index:
        index.import_evidence(lines)
        assert index.status().evidence == {"speech": 1, "smell": 1}
        for question, options in ASKED_FOR_SMELL:
            hits = index.search(question, confidence=0, **options)
            assert hits[0].video.id == "b"
            assert {why.channel for hit in hits for why in hit.why} == {"smell"}


def test_what_was_read_by_a_plugin_that_is_gone_can_still_be_found(
    smell: None, lines: Path, tmp_path: Path
) -> None:
    with q2e.open(tmp_path / "i") as index:
        index.import_evidence(lines)
        del registry()._methods["channel"]["smell"]
        try:
            for question, options in ASKED_FOR_SMELL:
                hits = index.search(question, confidence=0, **options)
                assert [hit.video.id for hit in hits] == ["b"], question
            assert known.facts("smell") == Facts("smell")
            index.import_evidence(lines)
        finally:
            registry().add(open_smell)


@pytest.mark.parametrize(
    ("question", "options", "said"),
    [
        ("harbour", {"channels": ("sound",)}, "nothing here is of channel sound; .*: speech"),
        ("channel:sound,frame harbour", {}, "nothing here is of channel sound or frame"),
        ("sound:bark", {}, "nothing here is of channel sound"),
        ("sound:bark or frame:dog", {}, "nothing here is of channel sound or frame"),
        ("harbour", {"channels": ("speach",)}, "unknown channel 'speach'; known: .*speech"),
        ("harbour", {"channels": ("Speech: ",)}, "at most 40 of a-z"),
    ],
)
def test_a_channel_that_nothing_fills_is_no_silent_zero(
    question: str, options: dict[str, Any], said: str, speaking: q2e.Index
) -> None:
    with pytest.raises(QueryError, match=said):
        speaking.search(question, **options)


@pytest.mark.parametrize("question", ["sound:bark or speech:harbour", "channel:sound,speech night"])
def test_one_channel_that_is_filled_is_enough(question: str, speaking: q2e.Index) -> None:
    assert [hit.video.id for hit in speaking.search(question, confidence=0)] == ["a"]


@pytest.fixture(scope="module")
def speaking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[q2e.Index]:
    folder = tmp_path_factory.mktemp("speaking")
    line = {"video": "a", "channel": "speech", "text": "the harbour at night"}
    (folder / "lines.jsonl").write_text(json.dumps(line))
    with q2e.open(folder / "i") as index:
        index.import_evidence(folder / "lines.jsonl")
        yield index


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("speach", "unknown channel 'speach'; did you mean 'speech'\\? known: frame, caption"),
    ],
)
def test_a_channel_that_nothing_reads_is_refused_before_a_file_is_opened(
    name: str, said: str, tmp_path: Path, samples: Path
) -> None:
    with pytest.raises(ConfigError, match=said):
        arguments = ["index", str(samples), "--channel", name, "--index", str(tmp_path / "i")]
        app(arguments, standalone_mode=False)
    assert not (tmp_path / "i").exists()


@pytest.mark.parametrize("name", ["", "Speech", "two words", "lang", "shots", "a" * 41, "речь"])
def test_what_cannot_stand_before_a_colon_names_no_channel(name: str) -> None:
    with pytest.raises(ValueError, match="channel"):
        Evidence("v", name, 0.0, 1.0)


def test_channels_are_shown_in_one_order() -> None:
    assert in_order({"sound", "metadata", "smell", "frame", "speech", "caption"}) == (
        *("frame", "caption", "speech", "metadata", "smell", "sound"),
    )
