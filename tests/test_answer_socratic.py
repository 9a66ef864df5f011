"""Answers from a log that models write for one another, driven by a scripted server."""

from __future__ import annotations

import json
import re

import pytest

import q2e
from answering import GOOD, QUESTION, kinds, liar, wrote
from scripted_model import Asked, Said, refusing, scripted


def test_a_log_is_written_moment_by_moment_and_answered_from(sample_index: q2e.Index) -> None:
    proposed = ["somebody phones", "a dog runs on grass", "a ship sails"]
    seen = ("An animal is seen.", "Seen: ", "Seen:")

    def said(asked: Asked) -> Said:
        fields = set((asked.schema or {}).get("properties", {}))
        if fields == {"activities"}:
            assert "recognised, perhaps wrongly" in asked.prompt
            return json.dumps({"activities": proposed})
        return wrote(asked, GOOD, seen)

    with scripted(said) as model:
        answer = sample_index.answer(
            QUESTION, how="socratic(moments=4, proposals=3)", language_model=model.source
        )
    order = kinds(model.asked)
    assert order[-1] == "sentences" and set(order[:-1]) == {"activities"}
    assert 1 <= len(order) - 1 <= 4 and answer.spent["calls"] == len(order)
    entries = re.findall(r"Seen: (.+?)\. Perhaps: (.+?)\.", model.asked[-1].prompt)
    # Each entry has the one of the three that the picture model takes.
    assert len(entries) == len(order) - 1
    assert {activity for _, activity in entries} <= set(proposed)
    assert [one.text for one in answer.sentences] == [GOOD[0], "An animal is seen."]
    assert answer.sentences[1].citations[0].quote == "Seen:"
    assert "1 sentence resting on what a model says it sees in the pictures alone" in answer.notes


@pytest.mark.parametrize(
    ("script", "note"),
    [
        (liar, "dropped"),
        (lambda asked: refusing(400, "no"), "an activity was left out"),
        (lambda asked: json.dumps({"activities": ["a"] * 99}), "an activity was left out"),
    ],
)
def test_a_model_that_is_of_no_use_leaves_quotes(
    sample_index: q2e.Index, script: object, note: str
) -> None:
    with scripted(script) as model:  # type: ignore[arg-type]
        answer = sample_index.answer(
            QUESTION, how="socratic(moments=2)", language_model=model.source
        )
    assert any(note in one for one in answer.notes), answer.notes
    assert all(one.quoted and "Seen:" not in one.text for one in answer.sentences)


def test_what_is_spent_leaves_the_rest_of_the_log_to_labels(sample_index: q2e.Index) -> None:
    with scripted(lambda asked: json.dumps({"activities": ["a ship sails"]})) as model:
        answer = sample_index.answer(QUESTION, how="socratic(calls=1)", language_model=model.source)
    assert len(model.asked) == 1
    assert any("activities were left out from here on" in one for one in answer.notes)
    assert answer.sentences and answer.sentences[0].quoted
