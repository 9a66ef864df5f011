"""Faults of experiments are found."""

from __future__ import annotations

from pathlib import Path

import pytest

import q2e
from q2e.errors import EvaluationError
from q2e.evaluate.integrity import queries_among, shared_videos
from q2e.evaluate.run_checks import run_warnings

TEXTS = {
    "en": "A man  cooks RICE",
    "de": "Straße im Regen",
    "zh": "火山喷发",
    "ja": "ラーメンを食べる",
    "ko": "지진",
    "ar": "زلزال في المدينة",
    "ru": "Наводнение",
    "hi": "भूकंप",
    "th": "น้ำท่วม",
}


@pytest.mark.parametrize("language", TEXTS)
def test_a_query_that_is_a_document_is_found_in_any_language(language: str) -> None:
    document = TEXTS[language].upper().replace(" ", "\t") + "\n"
    assert queries_among(TEXTS, [document, "something else"]) == (language,)


def test_parts_of_a_document_are_no_fault() -> None:
    assert queries_among({"q": "rice"}, ["a man cooks rice"]) == ()


def test_videos_in_two_splits_are_named() -> None:
    splits = {"train": ["a", "b", "b"], "test": ["b", "c"], "val": ["b"]}
    assert shared_videos(splits) == {"b": ("train", "test", "val")}


def test_a_run_says_which_queries_are_indexed_and_which_found_nothing(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence.jsonl"
    evidence.write_text(
        '{"video": "v1", "channel": "caption", "text": "Наводнение"}\n', encoding="utf-8"
    )
    queries, out = tmp_path / "q.tsv", tmp_path / "out.run"
    queries.write_text("a\tнаводнение\nb\tquarterly accounts\n", encoding="utf-8")
    index = q2e.open(tmp_path / "index")
    index.import_evidence(evidence)
    out.write_text("a Q0 v1 1 0.9 q2e\n", encoding="utf-8")
    said = list(run_warnings(index, queries, out))
    assert "1 queries are indexed word for word" in said[0]
    assert "1 queries found nothing" in said[1] and "'b'" in said[1]


def test_a_run_is_not_continued_with_other_settings(tmp_path: Path) -> None:
    evidence, queries = tmp_path / "evidence.jsonl", tmp_path / "q.tsv"
    evidence.write_text(
        '{"video": "v1", "channel": "caption", "text": "ein Elch"}\n', encoding="utf-8"
    )
    queries.write_text("a\tElch\nb\tlos\n", encoding="utf-8")
    index = q2e.open(tmp_path / "index")
    index.import_evidence(evidence)
    out = tmp_path / "out.run"
    assert index.run(queries, out).queries == 2
    again = index.run(queries, out)
    assert (again.queries, again.resumed) == (0, 2)
    with pytest.raises(EvaluationError, match="begun with other settings"):
        index.run(queries, out, decompose="none")
    out.unlink()
    assert index.run(queries, out, decompose="none").queries == 2
