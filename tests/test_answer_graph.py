"""Answers by a graph of entities over very long videos, driven by a scripted server."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import q2e
from answering import GOOD, QUESTION, kinds, liar, wrote
from q2e.answer.clips import Clip
from q2e.answer.entities import Entity, Read, Relation, chunks_of, chunks_of_entities, merged
from q2e.answer.lines import Line
from q2e.types import Video
from scripted_model import Asked, Said, refusing, scripted

TALK, OTHER = (Video(id=name, path=f"{name}.mp4", duration_s=300.0) for name in ("talk", "other"))


def clip(video: Video, number: int, text: str) -> Clip:
    start_s = 30.0 * number
    line = Line(video, "speech", start_s, start_s + 30, text, text, "en")
    return Clip(video, number, start_s, start_s + 30, (line,) if text else ())


def test_segments_become_chunks_of_one_video_up_to_so_many_tokens() -> None:
    clips = [clip(TALK, n, "a" * 40) for n in range(5)] + [clip(OTHER, 0, "b"), clip(OTHER, 1, "")]
    chunks = chunks_of(clips, tokens=20)
    assert [[one.key for one in chunk.clips] for chunk in chunks] == [
        [("talk", 0), ("talk", 1)],
        [("talk", 2), ("talk", 3)],
        [("talk", 4)],
        [("other", 0)],
    ]


def read_of(*names: str, related: tuple[tuple[str, str], ...] = ()) -> Read:
    return Read(
        entities=[Entity(name=name, description=f"about {name}") for name in names],
        relations=[Relation(source=a, target=b, description="met") for a, b in related],
    )


def test_entities_are_merged_by_name_and_chunks_ranked_by_neighbours() -> None:
    nodes = merged(
        [
            (0, read_of("Anna", "Bob", related=(("anna", "BOB"), ("Anna", "Cleo")))),
            (1, read_of("ANNA", "Bob", "Cleo")),
            (2, read_of("Dora", related=(("Dora", "dora"),))),
        ]
    )
    assert set(nodes) == {"ANNA", "BOB", "CLEO", "DORA"}
    assert nodes["ANNA"].chunks == [0, 1] and nodes["ANNA"].beside == {"BOB", "CLEO"}
    assert nodes["ANNA"].text == "Anna: about Anna about ANNA" and not nodes["DORA"].beside
    # Chunk 1 tells of both neighbours of Anna, chunk 0 of one (Cleo came from 1), 2 of none.
    assert chunks_of_entities(nodes, ["ANNA", "DORA"], 9) == [1, 0, 2]
    assert chunks_of_entities(nodes, ["DORA", "ANNA"], 1) == [1]


@pytest.fixture
def talks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> q2e.Index:
    """Two talks, each a chunk of two segments."""
    monkeypatch.setenv("Q2E_CACHE", str(tmp_path / "cache"))
    said = {
        "harbour": ["The mayor opened the harbour.", "Gulls sleep here."],
        "bread": ["The harbour smells of bread.", "The oven is hot."],
    }
    rows: list[dict[str, object]] = [
        {"video": video, "channel": "speech", "text": text, "start": 30 * n, "end": 30 * n + 30}
        for video, texts in said.items()
        for n, text in enumerate(texts)
    ]
    (tmp_path / "talks.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    index = q2e.open(tmp_path / "index")
    index.import_evidence(tmp_path / "talks.jsonl")
    return index


OPENED = ("The mayor opened it.", "mayor", "The mayor opened the harbour.")


def model_of(related: str, *sentences: tuple[str, str, str]) -> object:
    """Return a model that finds entities in the harbour alone, and related what holds a word."""

    def said(asked: Asked) -> Said:
        fields = set((asked.schema or {}).get("properties", {}))
        if fields == {"entities", "relations"}:
            known = "Found in it before" in asked.prompt
            there = "mayor" in asked.prompt and not known
            read = read_of("Mayor", "Harbour", related=(("Mayor", "Harbour"),)) if there else None
            return (read or read_of()).model_dump_json()
        if fields == {"query"}:
            return json.dumps({"query": "a mayor opens a harbour"})
        if fields == {"related"}:
            return json.dumps({"related": related in asked.prompt})
        return wrote(asked, *sentences)

    return said


def test_a_graph_asks_in_the_order_of_the_paper_and_reads_a_chunk_once(talks: q2e.Index) -> None:
    how = "graph(least=1, chunk=10)"
    with scripted(model_of("mayor", OPENED)) as model:  # type: ignore[arg-type]
        answer = talks.answer("Who opened the harbour?", how=how, language_model=model.source)
        first = kinds(model.asked)
        again = talks.answer("Who opened it?", how=how, language_model=model.source)
        second = kinds(model.asked)[len(first) :]
    # Two rewordings; a chunk read twice, and once where nothing was found, as the same words get
    # the same reply; the segment with the mayor judged; one answer.
    assert first == ["query"] * 2 + ["entities,relations"] * 3 + ["related"] + ["sentences"]
    assert second == ["query"] * 2 + ["related"] + ["sentences"]
    assert answer.spent["calls"] == 7 and again.spent["calls"] == 4
    assert [one.text for one in answer.sentences] == ["The mayor opened it."]
    assert "nothing was looked at again: there is no vision model" in answer.notes


@pytest.mark.parametrize(
    ("related", "gulls", "note"),
    [("mayor", False, ""), ("nothing", True, "no segment was said to help, so all were kept")],
)
def test_segments_that_help_stay_or_all_of_them(
    talks: q2e.Index, related: str, gulls: bool, note: str
) -> None:
    with scripted(model_of(related, OPENED)) as model:  # type: ignore[arg-type]
        answer = talks.answer(
            "Who opened the harbour?", how="graph(least=1, lines=2)", language_model=model.source
        )
    shown = re.findall(r"\(\d+\) (.*?)(?= \(\d+\) |\n)", model.asked[-1].prompt)
    assert not note or note in answer.notes
    assert ("Gulls sleep here." in shown) or not gulls
    assert "The mayor opened the harbour." in shown


def test_a_spent_budget_says_how_far_it_came(talks: q2e.Index) -> None:
    with scripted(model_of("mayor", OPENED)) as model:  # type: ignore[arg-type]
        answer = talks.answer(
            "Who opened the harbour?", how="graph(calls=4, chunk=10)", language_model=model.source
        )
    assert len(model.asked) == 4
    assert any(note.startswith("1 of 2 chunks were read: the budget") for note in answer.notes)
    assert answer.sentences[0].quoted and answer.sentences[0].text == OPENED[2]


@pytest.mark.parametrize("script", [liar, lambda asked: refusing(400, "no"), lambda asked: "{}"])
def test_a_model_that_is_of_no_use_is_not_believed(talks: q2e.Index, script: object) -> None:
    with scripted(script) as model:  # type: ignore[arg-type]
        answer = talks.answer("Who opened the harbour?", how="graph", language_model=model.source)
    assert all("arrested" not in one.text for one in answer.sentences) and answer.notes
    assert all(
        one.citations[0].quote in OPENED[2] + "Gulls sleep here." for one in answer.sentences
    )


#: A lie about a moment that was described, with a quote that the description does not hold.
LIE = ("The mayor was arrested.", "telephone on", "the mayor was arrested")


def test_segments_are_looked_at_again_with_keywords(sample_index: q2e.Index) -> None:
    ask = model_of("Weasels", GOOD, ("A telephone lies there.", "telephone on", "a telephone"), LIE)

    def said(asked: Asked) -> Said:
        if asked.pictures:
            assert asked.pictures == 15 and "a mayor opens a harbour" in asked.prompt
            return "There is a telephone on the table."
        return ask(asked)  # type: ignore[operator]

    with scripted(said) as model:
        both = {"language_model": model.source, "vision_model": model.source}
        answer = sample_index.answer(QUESTION, how="graph(chunks=2, least=-1)", **both)
    order = kinds(model.asked)
    looked = order.count("look")
    assert 1 <= looked <= 8 and order[-1] == "sentences" and order[-2] == "look"
    # One call for the keywords, before the looks.
    assert order[-2 - looked] == "query" and answer.spent["calls"] == len(order)
    told = [one.text for one in answer.sentences]
    assert "A telephone lies there." in told and LIE[0] not in told
    dropped = "dropped 1 of the model's sentences that share no word with what they cite"
    assert any(note.startswith(dropped) for note in answer.notes)
    assert "1 sentence resting on what a model says it sees in the pictures alone" in answer.notes
