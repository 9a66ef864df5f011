"""Faults of experiments are found."""

from __future__ import annotations

import pytest

from q2e.evaluate.integrity import queries_among, shared_videos

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
