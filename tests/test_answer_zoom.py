"""Answers by a search in time, driven by a scripted server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import q2e
from answering import kinds, sure_of
from q2e.answer.clips import Clip
from q2e.answer.looking import most_common
from q2e.answer.zooming import halves
from q2e.types import Answer, Video
from scripted_model import Asked, Said, completion, refusing, scripted

TALK = Video(id="talk", path="talk.mp4", duration_s=3_600.0)


def test_windows_are_halved_down_to_two_seconds() -> None:
    window, lengths = Clip(TALK, 0, 60, 120), []
    while parts := halves(window):
        assert (parts[0].start_s, parts[1].end_s) == (window.start_s, window.end_s)
        assert parts[0].end_s == parts[1].start_s
        window = parts[1]
        lengths.append(window.end_s - window.start_s)
    assert lengths == [30, 15, 7.5, 3.75]


@pytest.mark.parametrize(
    ("texts", "best"),
    [
        (["A koala.", "a  koala", "a bear"], ("A koala.", 2 / 3)),
        (["熊猫", "熊猫。", "熊猫"], ("熊猫", 1.0)),
        (["a", "b", "c"], ("a", 1 / 3)),
    ],
)
def test_answers_agree_by_their_letters(texts: list[str], best: tuple[str, float]) -> None:
    assert most_common(texts) == pytest.approx(best)


def zoomed(
    index: q2e.Index,
    answers: Callable[[int], Said],
    how: str = "zoom",
    enough: bool = True,
    best: int = 1,
    times: int = 1,
) -> tuple[Answer, list[Asked]]:
    """Ask what is seen in a video of 12 s; `answers` says what is answered to which question."""
    number = 0

    def said(asked: Asked) -> Said:
        nonlocal number
        fields = set((asked.schema or {}).get("properties", {}))
        if fields == {"scenes"}:
            return json.dumps({"scenes": [{"window": one, "why": "so"} for one in (9, 1)]})
        if fields == {"enough", "answer"}:
            return json.dumps({"enough": enough, "answer": best})
        if "at most 15 words" in asked.prompt:
            return "An animal in a tree."
        number += 1
        return answers(number)

    (video,) = [one.id for one in index.videos() if one.path.endswith("reel-01.mp4")]
    with scripted(said) as model:
        both = {"language_model": model.source, "vision_model": model.source}
        for _ in range(times):
            number = 0
            answer = index.answer("Which animal climbs?", how=how, video=video, **both)
    return answer, model.asked


@pytest.fixture(autouse=True)
def _fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("Q2E_CACHE", str(tmp_path / "cache"))


def test_it_stops_at_the_first_answer_that_is_sure_and_final(sample_index: q2e.Index) -> None:
    told = {1: sure_of("a bear", 0.5), 2: sure_of("a panda", 0.7), 3: sure_of("a koala", 0.9)}
    answer, asked = zoomed(sample_index, lambda number: told[number])
    # One description; the whole of 12 s, where to go on, both halves, is it final.
    assert kinds(asked) == ["look", "look", "scenes", "look", "look", "enough,answer"]
    assert [one.pictures for one in asked] == [6, 6, 0, 3, 3, 0]
    (sentence,) = answer.sentences
    assert sentence.text == "a koala" and not sentence.quoted
    (cited,) = sentence.citations
    assert (cited.start_s, cited.end_s) == (6, 12) and answer.confidence == pytest.approx(0.9)
    assert "1 sentence resting on what a model says it sees in the pictures alone" in answer.notes
    # What was said of the pictures and what was replied is in the cache: nobody is asked again.
    _, both = zoomed(sample_index, lambda number: told[number], times=2)
    assert kinds(both) == kinds(asked)


def test_what_is_never_sure_is_chosen_among_all(sample_index: q2e.Index) -> None:
    answer, asked = zoomed(sample_index, lambda number: sure_of(f"animal {number}", 0.3), best=6)
    # 12 s, two of 6, four of 3; halves of those would be shorter than two seconds.
    assert kinds(asked) == ["look"] * 2 + ["scenes"] + ["look"] * 6 + ["enough,answer"]
    assert [one.text for one in answer.sentences] == ["animal 6"]
    assert any(
        note.startswith("no answer was sure: the best is so to 0.30") for note in answer.notes
    )


@pytest.mark.slow
def test_an_answer_that_is_not_final_is_looked_for_further(sample_index: q2e.Index) -> None:
    _, asked = zoomed(sample_index, lambda number: sure_of("a koala", 0.9), enough=False)
    assert kinds(asked).count("look") == 1 + 7 and kinds(asked).count("enough,answer") == 7 + 1


@pytest.mark.parametrize("questions", [4])
def test_no_more_is_asked_than_is_allowed(sample_index: q2e.Index, questions: int) -> None:
    answer, asked = zoomed(
        sample_index,
        lambda number: sure_of("a koala", 0.3),
        how=f"zoom(questions={questions}, described=0)",
    )
    assert kinds(asked).count("look") == questions
    assert f"all {questions} questions were asked" in answer.notes


def test_without_probabilities_three_looks_agree(sample_index: q2e.Index) -> None:
    answer, asked = zoomed(sample_index, lambda number: completion("A koala."))
    assert [one.pictures for one in asked] == [6, 6, 6, 6, 0]
    # The three looks are at other frames.
    shown = {json.dumps(one.body["messages"]) for one in asked[1:4]}
    assert len(shown) == 3 and answer.confidence == 1.0
    assert answer.sentences[0].text == "A koala."


def test_an_option_needs_nine_tenths_and_no_second_opinion(sample_index: q2e.Index) -> None:
    told = {1: sure_of("B", 0.85), 2: sure_of("B", 0.95)}
    how = 'zoom(options="a bear | a koala")'
    answer, asked = zoomed(sample_index, lambda number: told[number], how=how)
    assert kinds(asked) == ["look", "look", "scenes", "look"]
    assert answer.sentences[0].text == "a koala" and "B. a koala" in asked[1].prompt


HOSTILE: dict[str, Callable[[int], Said]] = {
    "nothing": lambda number: sure_of("none", 0.99),
    "refused": lambda number: refusing(400, "no"),
}


@pytest.mark.parametrize("answers", HOSTILE.values(), ids=HOSTILE)
def test_a_model_that_is_of_no_use_leaves_quotes_or_nothing(
    sample_index: q2e.Index, answers: Callable[[int], Any]
) -> None:
    answer, asked = zoomed(sample_index, answers, how="zoom(questions=5)")
    assert len(asked) <= 20 and answer.notes
    assert 0 <= answer.confidence <= 1
    assert all(cited.video.path for one in answer.sentences for cited in one.citations)
