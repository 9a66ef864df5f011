"""The ways of writing a word find one another, in every script; see the table of pairs."""

from __future__ import annotations

from pathlib import Path

import pytest

import q2e
from q2e.errors import QueryError
from q2e.search.phrases import phrase_rows
from q2e.store.base import Item, StageKey
from q2e.store.memory import MemoryStore
from q2e.text.lexical import indexed
from q2e.text.tokens import tokens
from q2e.types import Evidence, Video

ROWS = [
    line.split("\t")
    for line in (Path(__file__).parent / "data" / "words_that_meet.tsv")
    .read_text("utf-8")
    .splitlines()
    if not line.startswith("#")
][1:]
MEET = [row for row in ROWS if not row[4]]
#: What some folding would make one, though readers take it for two.
APART = [
    ("es", "juego", "jugo"),
    ("es", "puede", "pude"),
    ("en", "guest", "gust"),
    ("en", "poet", "pot"),
    ("ru", "белый", "белыи"),
    ("uk", "їжа", "іжа"),
    ("hi", "लड़की", "लडकी"),
    ("hi", "कम", "कमल"),
    ("ar", "سلام", "سلم"),
    ("th", "ไก่", "ไก"),
    ("th", "มา", "ม้า"),
    ("ja", "ビール", "ビル"),
    ("ja", "はし", "ばし"),
    ("zh", "大", "太"),
    ("ko", "산불", "지진"),
    ("el", "νόμος", "νομός α"),
    ("he", "שלום", "שלומי"),
    ("en", "1,5", "15"),
    ("en", "1,000", "1.0"),
    ("en", "12 345", "12345"),
    ("de", "drucken", "drücken u"),
    ("bn", "পড়া", "পডা"),
    ("emoji", "🎉", "🎂"),
]


def _store(text: str) -> MemoryStore:
    store = MemoryStore()
    store.put_video(Video("v", "v.mp4", 1.0))
    item = Item(Evidence("v", "speech", 0.0, 1.0, text=text), indexed(text))
    store.put_part(StageKey("v", "speech", 0), "key", [item])
    return store


def _finds(asked: str, text: str) -> bool:
    """Return whether the exact words find the text, and plain words too."""
    store = _store(text)
    plain = len(store.lexical(tokens(asked))[0]) > 0
    exact = len(phrase_rows(store, asked)) > 0
    assert plain or not exact
    return exact


@pytest.mark.parametrize(("script", "language", "one", "other", "_"), MEET)
def test_a_word_is_found_however_it_is_written(
    script: str, language: str, one: str, other: str, _: str
) -> None:
    assert tokens(one) and tokens(other)
    assert _finds(one, other), (tokens(one), tokens(other))
    assert _finds(other, one), (tokens(other), tokens(one))


@pytest.mark.parametrize(("language", "one", "other"), APART)
def test_other_words_stay_other_words(language: str, one: str, other: str) -> None:
    assert not (_finds(one, other) and _finds(other, one)), (tokens(one), tokens(other))


def test_the_table_is_wide_and_what_stays_apart_is_little_and_true() -> None:
    assert len(ROWS) >= 120
    assert len({row[0] for row in ROWS}) >= 15
    kept_apart = [row for row in ROWS if row[4]]
    assert len(kept_apart) * 10 <= len(ROWS)
    for _, _, one, other, _ in kept_apart:
        assert not (_finds(one, other) and _finds(other, one)), (one, other)


@pytest.mark.parametrize("question", ["🎉", "speech:🎂", "❤️", "👨\u200d👩\u200d👧", "🇯🇵"])
def test_an_emoji_is_a_question(sample_index: q2e.Index, question: str) -> None:
    sample_index.search(question)


@pytest.mark.parametrize("question", ["…", "→", "\u0301", "!?", "__"])
def test_a_sign_is_none(sample_index: q2e.Index, question: str) -> None:
    with pytest.raises(QueryError, match="the question is empty"):
        sample_index.search(question)
