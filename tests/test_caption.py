"""Captions composed of what other channels recognised."""

from __future__ import annotations

import pytest

import q2e
from q2e.methods.caption.composed import ComposedCaptionChannel
from q2e.methods.summary.composed import ComposedSummaryChannel
from q2e.plugins import registry
from q2e.settings import Settings
from q2e.types import Evidence, Part, Segment, Span, Tag, Video

VIDEO = Video(id="v", path="v.mp4", duration_s=20.0)


def _frame(start_s: float, end_s: float, at_s: float, *tags: tuple[str, float]) -> Evidence:
    return Evidence(
        "v", "frame", start_s, end_s, frame_s=at_s, tags=tuple(Tag(*tag) for tag in tags)
    )


def _captions(*evidence: Evidence) -> list[Evidence]:
    return ComposedCaptionChannel().extract(Part(VIDEO, 0.0, 20.0, evidence=evidence))


def test_confidence_is_said() -> None:
    (caption,) = _captions(
        _frame(0, 10, 2, ("dog", 0.9), ("sofa", 0.3)), _frame(0, 10, 6, ("dog", 0.7), ("cat", 0.01))
    )
    assert caption.text == "Shows dog, perhaps sofa."
    assert (caption.origin, caption.language, caption.frame_s) == ("composed", "en", 2)
    assert (caption.start_s, caption.end_s) == (0, 10)


def test_nothing_recognised_says_nothing() -> None:
    assert _captions(_frame(0, 10, 2, ("dog", 0.05)), _frame(10, 20, 12)) == []


def test_speech_and_screen_text_of_the_same_time_are_quoted() -> None:
    first, second = _captions(
        _frame(0, 10, 2, ("dog", 0.5)),
        _frame(10, 20, 12, ("cat", 0.5)),
        Evidence("v", "speech", 3, 8, text="Да здравствует  лето"),
        Evidence("v", "screen_text", 10, 15, text="夏"),
    )
    assert first.text == "Shows dog. Said: “Да здравствует лето”."
    assert second.text == "Shows cat. Text on screen: “夏”."


def test_only_the_lines_of_a_shot_are_quoted() -> None:
    lines = (Span(1, 4, "First."), Span(11, 14, "Second."))
    speech = Evidence("v", "speech", 1, 14, text="First. Second.", spans=lines)
    first, second = _captions(_frame(0, 10, 2), _frame(10, 20, 12), speech)
    assert (first.text, second.text) == ("Said: “First.”.", "Said: “Second.”.")


def test_no_frames_no_captions() -> None:
    assert _captions(Evidence("v", "speech", 0, 5, text="hello")) == []


def test_confidence_over_time_is_said() -> None:
    (caption,) = _captions(
        _frame(0, 10, 1, ("dog", 0.9), ("sofa", 0.5)),
        _frame(0, 10, 4, ("dog", 0.8), ("sofa", 0.5)),
        _frame(0, 10, 6, ("cat", 0.9), ("sofa", 0.5)),
        _frame(0, 10, 9, ("cat", 0.9), ("sofa", 0.4)),
    )
    assert caption.text == "Shows sofa, cat later and dog at first."


def test_movement_and_pace_are_said_beside_what_is_known() -> None:
    shots = [Segment(0, 10, 0.1), Segment(10, 20, 1.0), Segment(20, 30, 5.0), Segment(30, 40, 12.0)]
    seen = [_frame(s.start_s, s.end_s, s.start_s + 1, ("dog", 0.9)) for s in shots]
    part = Part(VIDEO, 0.0, 40.0, tuple(shots), evidence=tuple(seen))
    said = [caption.text for caption in ComposedCaptionChannel().extract(part)]
    assert said == [
        "Shows dog. Still picture.",
        "Shows dog. Little movement.",
        "Shows dog.",
        "Shows dog. Much movement.",
    ]
    quick = [_frame(s, s + 2, s + 1, ("dog", 0.9)) for s in range(0, 8, 2)]
    found = _captions(*quick, _frame(8, 20, 9, ("cat", 0.9)))
    said = [caption.text for caption in found]
    assert said[:2] == ["Shows dog. Quickly cut."] * 2 and said[-1] == "Shows cat."
    assert _captions(_frame(0, 2, 1, ("dog", 0.01)), _frame(2, 4, 3)) == []


def test_movement_of_real_clips_is_in_their_captions(sample_index: q2e.Index) -> None:
    """City lights gone by, a call with one picture, a card with a line of text."""
    texts = {
        video.path.rsplit("/", 1)[-1]: [
            one.text for one in sample_index.store.evidence_of(video.id) if one.channel == "caption"
        ]
        for video in sample_index.videos()
    }
    assert any("Much movement." in text for text in texts["footage-04.mp4"])
    assert any("Little movement." in text for text in texts["звонок-10.mp4"])
    segments = sample_index.store.segments(sample_index.find("news-13.mp4").id)
    assert [one.movement for one in segments] == pytest.approx([1.5], abs=0.5)


def _summary(*evidence: Evidence) -> list[Evidence]:
    return ComposedSummaryChannel().extract(Part(VIDEO, 0.0, 20.0, evidence=evidence))


def test_a_summary_weighs_shots_by_their_length() -> None:
    (summary,) = _summary(
        _frame(0, 16, 2, ("dog", 0.9)),
        _frame(16, 20, 17, ("cat", 0.9)),
        Evidence("v", "speech", 3, 8, text="Hola"),
        Evidence("v", "speech", 3, 8, text="Hello", origin="english/ears"),
        Evidence("v", "screen_text", 10, 15, text="夏"),
    )
    assert summary.text == ("2 shots. Shows dog, perhaps cat. Text on screen: “夏”. Said: “Hola”.")
    assert (summary.start_s, summary.end_s, summary.origin) == (0.0, 20.0, "composed")
    assert _summary(_frame(0, 2, 1, ("dog", 0.9)), _frame(2, 4, 3, ("dog", 0.9)))[0].text == (
        "2 shots, quickly cut. Shows dog."
    )


def test_a_summary_of_nothing_is_none() -> None:
    assert _summary(_frame(0, 20, 2)) == []
    assert _summary() == []


def test_wording_is_a_choice_that_enters_the_key() -> None:
    plain, bold = (
        registry().one("caption", text).bound(Settings(), None)
        for text in ("composed", "composed(likely=0.25, labels=1)")
    )
    assert plain.config_key == "composed/5" != bold.config_key
    part = Part(VIDEO, 0.0, 20.0, evidence=(_frame(0, 10, 2, ("dog", 0.3), ("cat", 0.2)),))
    assert "perhaps dog and cat" in plain.extract(part)[0].text
    assert "Shows dog." in bold.extract(part)[0].text
