"""Graphs of captions are merged: things that several captions name are kept, as `seen:`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import q2e
from q2e.arrays import Float32
from q2e.errors import ConfigError, ModelError
from q2e.methods.scene_graph import Triple, consolidated
from q2e.types import Evidence
from scripted_model import Asked, scripted

#: Directions of things that mean the same, or nearly.
MEANT = {"dog": (1, 0, 0), "hound": (0.9, 0.436, 0), "cat": (0.6, 0.8, 0), "ball": (0, 0, 1)}


def encode(texts: object) -> Float32:
    return np.array([MEANT[text] for text in texts], np.float32)  # type: ignore[attr-defined]


def caption(number: int, text: str) -> Evidence:
    return Evidence("v", "caption", number, number + 1, text=text, origin="m")


def test_things_are_one_where_they_mean_the_same_and_each_once() -> None:
    told = {
        "one": [Triple(subject="dog", relation="chases", object="ball")],
        "two": [Triple(subject="hound", relation="chases", object="ball")],
        "three": [Triple(subject="dog"), Triple(subject="hound"), Triple(subject="cat")],
        "four": [],
    }

    def answer(asked: Asked) -> str | None:
        name = next(one for one in told if f"\n{one}\n" in asked.prompt)
        if name == "four":
            return "no JSON"
        return json.dumps({"triples": [one.model_dump() for one in told[name]]})

    with scripted(answer) as server:
        captions = [caption(number, text) for number, text in enumerate(told)]
        graph = consolidated(captions, lambda: server.model, encode)
        with pytest.raises(ModelError):
            consolidated(captions[3:], lambda: server.model, encode)
    fields = [
        caption(0, "subjects: dog; ball\nplace: cat"),
        caption(1, "subjects: dog\nplace: cat\nstyle: dark"),
    ]
    kept = consolidated(fields, lambda: pytest.fail("no model is needed"), encode)
    assert [kept.nodes[number].name for number in kept.kept] == ["dog", "cat"]
    # The hound of the third caption is no second dog: a thing is matched once.
    assert [one.name for one in graph.nodes] == ["dog", "ball", "hound", "cat"]
    assert [graph.nodes[n].name for n in graph.kept] == ["dog", "ball"]
    assert graph.nodes[0].stretches == [(0, 1), (1, 2), (2, 3)]
    assert graph.relations == ["dog chases ball"]
    assert graph.edges == {(0, "chases", 1): 2}


def test_captions_in_named_fields_are_searched_by_what_several_name(tmp_path: Path) -> None:
    scenes = [
        ("subjects: a dog; a ball", 0),
        ("subjects: the dog; a beach", 10),
        ("subjects: a car; a beach", 20),
        ("subjects: 猫; 自転車", 30),
        ("subjects: 猫", 40),
    ]
    lines = [
        json.dumps({"video": "v", "channel": "caption", "text": text, "start": at, "end": at + 9})
        for text, at in scenes
    ]
    (tmp_path / "e.jsonl").write_text("\n".join(lines), "utf-8")
    index = q2e.open(tmp_path / "index")
    index.import_evidence(tmp_path / "e.jsonl")
    assert index.keep_seen() == 3
    found = {one.tags[0].label: one for one in index.show("v").evidence if one.channel == "seen"}
    assert set(found) == {"a dog", "a beach", "猫"}
    assert (found["a dog"].start_s, found["a dog"].end_s) == (0, 19)
    assert found["猫"].tags[0].probability == 0.4
    hit = index.search("seen:dog")[0]
    assert hit.moments[0].start_s < 19
    # What is seen is a facet, as kinds of sound are, and leaves videos in which it is.
    assert index.facets()["seen"] == {"a beach": 1, "a dog": 1, "猫": 1}
    assert index.facets('seen:"猫"')["seen"] == index.facets()["seen"]
    assert index.search('seen:"a horse"').hits == ()
    assert index.keep_seen(False) == 0
    assert "seen" not in index.facets() or not index.facets()["seen"]
    sentence = json.dumps({"video": "w", "channel": "caption", "text": "A dog runs.", "start": 0,
                           "end": 1})  # fmt: skip
    (tmp_path / "e.jsonl").write_text(sentence, "utf-8")
    index.import_evidence(tmp_path / "e.jsonl")
    with pytest.raises(ConfigError, match="needs a language model"):
        index.keep_seen()
