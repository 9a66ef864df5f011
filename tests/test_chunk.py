"""Chunks of text and transcripts, and cleaning of hostile text, in nine languages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from q2e.text.chunk import chunk, chunk_text, count_words, join
from q2e.text.clean import clean
from q2e.types import Span

#: Two sentences of each language as they must be cut.
SENTENCES = {
    "en": ("Dr. Smith measured 3.5 metres.", "Then everybody left!"),
    "de": ("Der Zug kam um 8.30 Uhr an.", "Niemand stieg aus."),
    "zh": ("昨天夜里发生了地震。", "“大家都跑出来了！”"),
    "ja": ("昨夜、大きな地震がありました。", "「みんな無事ですか？」"),
    "ko": ("어젯밤에 지진이 났다.", "사람들이 밖으로 나왔다."),
    "ar": ("هل وقع زلزال أمس؟", "خرج الناس إلى الشوارع."),
    "ru": ("Ночью произошло землетрясение.", "Люди вышли на улицы."),
    "hi": ("कल रात भूकंप आया।", "लोग घरों से बाहर निकले।"),
    "th": ("เมื่อคืนเกิดแผ่นดินไหว", "ผู้คนวิ่งออกจากบ้าน"),
}


@pytest.mark.parametrize("language", SENTENCES)
def test_text_is_cut_between_sentences(language: str) -> None:
    first, second = SENTENCES[language]
    text = join([first, second]) if language != "th" else f"{first} {second}"
    words = max(count_words(first), count_words(second))
    assert chunk_text(text, words) == [first, second]
    assert chunk_text(text, 2 * words + 1) == [text]


def test_words_are_counted_by_script() -> None:
    assert count_words("three short words - 7") == 4
    assert count_words("地震发生了") == 3
    assert count_words("LINE は便利") == 3
    assert count_words("지진이 났다") == 2
    assert count_words("") == 0


def test_long_sentences_are_cut_at_ever_weaker_places() -> None:
    text = "one two three, four five six; seven eight nine ten eleven twelve"
    assert chunk_text(text, 6) == [
        "one two three, four five six;",
        "seven eight nine ten eleven twelve",
    ]
    assert chunk_text("地" * 30, 5) == ["地" * 10] * 3
    assert chunk_text("", 5) == chunk_text(" \n ", 5) == []


@given(st.text(max_size=400), st.integers(1, 30))
def test_nothing_is_lost_and_no_piece_is_longer(text: str, words: int) -> None:
    pieces = chunk_text(text, words)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(count_words(piece) <= words for piece in pieces)


@pytest.mark.parametrize("language", SENTENCES)
def test_timed_lines_become_chunks_at_sentences(language: str) -> None:
    first, second = SENTENCES[language]
    spans = [Span(i * 2.0, i * 2.0 + 2, (first, second)[i % 2]) for i in range(12)]
    chunks = chunk(spans, 30)
    assert [span for piece in chunks for span in piece.spans] == spans
    assert all(count_words(piece.text) <= 30 for piece in chunks)
    assert all(piece.start_s == piece.spans[0].start_s for piece in chunks)
    assert all(piece.end_s == piece.spans[-1].end_s for piece in chunks)
    assert len(chunks) < len(spans)


def test_a_sentence_is_kept_whole_where_lines_cut_it() -> None:
    lines = ["The river rose", "all night long.", "In the morning", "the bridge was gone."]
    spans = [Span(i, i + 1.0, line) for i, line in enumerate(lines)]
    assert [piece.text for piece in chunk(spans, 10)] == [
        "The river rose all night long.",
        "In the morning the bridge was gone.",
    ]


def test_a_pause_begins_a_new_chunk() -> None:
    spans = [Span(0, 1, "Yes."), Span(2, 3, "No."), Span(20, 21, "Later.")]
    assert [len(piece.spans) for piece in chunk(spans)] == [2, 1]
    assert chunk([]) == []


def test_a_long_line_is_divided_with_its_time() -> None:
    chunks = chunk([Span(10.0, 20.0, "ten letter " * 10)], 10)
    assert [(piece.start_s, piece.end_s) for piece in chunks] == [(10.0, 15.0), (15.0, 20.0)]


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("a\0b\x07c", "abc"),
        ("one\r\n\ttwo\u2028three", "one two three"),
        ("\u202egpj.exe\u202c \u2066x\u2069", "gpj.exe x"),
        ("hid\U000e0041\U000e0042den \ue000\ud800", "hidden"),
        ("soft\u00adhy\u200bphen\ufeff", "softhyphen"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("क्\u200dष", "क्\u200dष"),
        ("e\u0301", "é"),
    ],
)
def test_hostile_text_is_cleaned(hostile: str, harmless: str) -> None:
    assert clean(hostile, 100) == harmless


def test_cleaning_keeps_the_limit_and_whole_letters() -> None:
    assert clean("กำลัง", 3) == "กำ"
    assert clean("abc def", 4) == "abc"
    assert clean("x" * 10**6, 10) == "x" * 10
    for pair in SENTENCES.values():
        assert clean(" ".join(pair), 200) == " ".join(pair)


@given(st.text(), st.integers(0, 50))
def test_cleaning_is_bounded_and_can_be_repeated(text: str, limit: int) -> None:
    once = clean(text, limit)
    assert len(once) <= limit
    assert clean(once, limit) == once
    once.encode("utf-8")  # holds no lone surrogate
