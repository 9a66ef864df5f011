"""Certainty where many videos may answer: those about an event do not stand in each other's way."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import q2e
from q2e.methods.fuse.witnesses import OF_MANY
from q2e.search.fellows import BEST, Fellows, above_the_rest, by_fellows, likeness

TOLD = (
    "A ferry sank off the coast of Norway near Bergen; rescue boats search for passengers.",
    "Rescuers carry passengers of the sunken ferry ashore in Bergen, Norway.",
    "Families wait in the port of Bergen after the ferry sank on its way along the coast.",
    "Divers look for the wreck of the ferry that sank off Norway with forty passengers.",
)


def test_the_best_do_not_count_against_one_another() -> None:
    ranking = np.arange(40)
    evidence = np.where(ranking < 5, 6.0, 0.0)
    above = above_the_rest(evidence, ranking, 60.0)
    assert above[:5] == pytest.approx(6.0 - np.log(60.0 + 30.0))
    evidence[BEST:] = 6.0
    assert (above_the_rest(evidence, ranking, 60.0)[:5] < above[:5] - 4.0).all()


def test_videos_that_stand_for_many_count_as_many() -> None:
    ranking, evidence = np.arange(12), np.full(12, 2.0)
    often = np.where(ranking == 11, 3.0, 1.0)
    repeated = above_the_rest(np.full(14, 2.0), np.arange(14), 60.0)
    assert above_the_rest(evidence, ranking, 60.0, often)[0] == pytest.approx(repeated[0])


def test_likeness_is_to_the_best_others() -> None:
    unit = np.eye(6, dtype=np.float32)
    unit[1] = unit[0]
    found = likeness(unit, np.arange(6), [0, 1, 2, 5])
    assert found == pytest.approx([1 / 3, 1 / 3, 0.0, 0.0])
    assert likeness(np.full((1, 3), np.nan, np.float32), np.arange(1), [0]) == pytest.approx([0.0])


@pytest.mark.parametrize("sign", ["above", "text", "alike"])
def test_what_stands_out_and_is_alike_is_surer(sign: str) -> None:
    usual = {"above": -3.0, "size": 0.95, "text": 2.0, "alike": 0.4}
    more = {**usual, sign: usual[sign] + 0.5}
    law = Fellows(*OF_MANY)
    assert by_fellows(law, **more) > by_fellows(law, **usual)


def test_several_videos_of_one_event_are_all_believed(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    other = (
        "A cook fries onions in a pan.", "Two men play chess in a park.", "A cat sleeps on a sofa.",
        "A teacher draws a triangle.", "Snow falls on a quiet street.", "A band plays the guitar.",
        "A child learns to ride a bicycle.", "A farmer feeds his cows.", "People dance together.",
    )  # fmt: skip
    lines = [
        {"video": f"ferry-{number}", "channel": "caption", "text": text}
        for number, text in enumerate(TOLD)
    ]
    lines += [
        {"video": f"other-{number}", "channel": "caption",
         "text": f"{other[number % len(other)]} {random.choice(other)}"}
        for number in range(27)
    ]  # fmt: skip
    file = tmp_path / "told.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in lines), encoding="utf-8")
    with q2e.open(tmp_path / "index") as index:
        index.import_evidence(file)
        hits = index.search("ferry disaster in Norway").hits
        asked = index.search("what is told of the ferry disaster in Norway?").hits
    assert [hit.certain for hit in hits[:4]] == ["perhaps"] * 4
    assert all(hit.video.id.startswith("ferry") for hit in hits[:4])
    assert all(hit.certain == "weaker" for hit in hits[4:])
    # Put as a question it asks for one of them, and they are each other's rivals.
    assert any(hit.certain == "weaker" for hit in asked[:4])
