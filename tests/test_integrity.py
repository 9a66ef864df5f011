"""Faults of experiments are found."""

from __future__ import annotations

import pytest

from q2e.evaluate.integrity import indexed_queries, shared_videos, tested_bank

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
    assert indexed_queries(TEXTS, [document, "something else"]) == (language,)
    assert tested_bank(TEXTS, [TEXTS[language]]) == (language,)


def test_parts_of_a_document_are_no_fault() -> None:
    assert indexed_queries({"q": "rice"}, ["a man cooks rice"]) == ()


def test_videos_in_two_splits_are_named() -> None:
    splits = {"train": ["a", "b", "b"], "test": ["b", "c"], "val": ["b"]}
    assert shared_videos(splits) == {"b": ("train", "test", "val")}
