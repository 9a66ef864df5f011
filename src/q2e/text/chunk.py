"""Cuts transcripts and descriptions into pieces of about equal length, at the ends of sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from q2e.types import Span

#: Letters of scripts written without spaces: Thai, Lao, Myanmar, Khmer; Kana, Han.
_UNSPACED = (
    "\u0e01-\u0e30\u0e32\u0e33\u0e40-\u0e46\u0e81-\u0eb0\u1000-\u102a\u1780-\u17b3"
    "\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
UNSPACED_LETTER = re.compile(f"[{_UNSPACED}]")
_LETTERS_PER_WORD = 2

_CLOSING = "[\"'”’»）)」』】\\]]*"
#: Where a sentence ends: a full stop needs white space after it and no small letter then.
SENTENCE = re.compile(
    rf"(?<=[。！？؟।॥])(?!{_CLOSING}[。！？؟।॥\"'”’»）)」』】\]])"
    rf"|(?<=[.!?…])(?<!\b[A-ZА-Я]\.)(?<!\b(?:Dr|Mr|Ms|St)\.)\s+(?![a-zа-я])"
    rf"|(?<=[.!?…。！？؟।॥][\"'”’»）)」』】\]])\s*"
    r"|\n+"
)
#: Weaker places, taken in a sentence that is too long: clauses, then the spaces of Thai, then any.
_WEAKER = (
    re.compile(r"(?<=[;:])\s+|(?<=[；：؛])"),
    re.compile(r"(?<=,)\s+|(?<=[，、،])"),
    re.compile(r"(?<=[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff])\s+"),
    re.compile(r"\s+"),
)
_ENDS = re.compile(rf"[.!?…。！？؟।॥]{_CLOSING}$")
#: Silence after which a new chunk begins, and the part of a chunk that may end with a sentence.
_PAUSE_S = 10.0
_ENOUGH = 0.6


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of a transcript; `text` is its lines put together."""

    start_s: float
    end_s: float
    text: str
    spans: tuple[Span, ...]


def count_words(text: str) -> int:
    """Return the number of words; two letters of an unspaced script count as one word."""
    letters = len(UNSPACED_LETTER.findall(text))
    spaced = UNSPACED_LETTER.sub(" ", text) if letters else text
    words = sum(any(map(str.isalnum, word)) for word in spaced.split())
    return words + -(-letters // _LETTERS_PER_WORD)


def chunk_text(text: str, words: int = 60) -> list[str]:
    """Return `text` in pieces of at most `words` words, cut at sentences where there are any."""
    return list(_packed(_pieces(text, words, 0), words))


def chunk(spans: Sequence[Span], words: int = 60) -> list[Chunk]:
    """Return timed lines, given in time order, in chunks of at most `words` words.

    A chunk ends with a sentence where it holds 60 % of `words`, and before a pause of 10 s. A
    line with more than `words` words is divided, its times in proportion to the letters.
    """
    chunks: list[Chunk] = []
    open_: list[Span] = []
    size = 0
    for span in (piece for line in spans for piece in _divided(line, words)):
        own = count_words(span.text)
        if open_:
            pause = span.start_s - open_[-1].end_s >= _PAUSE_S
            full = size >= _ENOUGH * words and _ENDS.search(open_[-1].text)
            if pause or full or size + own > words:
                chunks.append(_chunk(open_))
                open_, size = [], 0
        open_.append(span)
        size += own
    if open_:
        chunks.append(_chunk(open_))
    return chunks


def join(texts: Sequence[str]) -> str:
    """Return texts put together, with a space but between letters of unspaced scripts."""
    result = ""
    for text in texts:
        glued = not result or (
            result[-1] in "。！？，、；：」』）"
            or (UNSPACED_LETTER.match(result[-1]) and UNSPACED_LETTER.match(text[:1]))
        )
        result += text if glued else f" {text}"
    return result


def _chunk(spans: Sequence[Span]) -> Chunk:
    return Chunk(
        min(span.start_s for span in spans),
        max(span.end_s for span in spans),
        join([span.text for span in spans]),
        tuple(spans),
    )


def _divided(span: Span, words: int) -> Iterator[Span]:
    text = span.text.strip()
    if not text:
        return
    if count_words(text) <= words:
        yield span if text == span.text else replace(span, text=text, words=())
        return
    pieces = chunk_text(text, words)
    per_letter_s = (span.end_s - span.start_s) / sum(map(len, pieces))
    done = 0
    for piece in pieces:
        start_s = span.start_s + done * per_letter_s
        done += len(piece)
        end_s = min(span.start_s + done * per_letter_s, span.end_s)
        yield Span(start_s, end_s, piece, span.confidence)


def _pieces(text: str, words: int, depth: int) -> Iterator[str]:
    """Yield parts of at most `words` words, cutting at ever weaker places."""
    if depth and count_words(text) <= words:
        yield text
        return
    if depth > len(_WEAKER):
        while text:
            size = words * _LETTERS_PER_WORD
            while size > 1 and count_words(text[:size]) > words:
                size -= 1
            yield text[:size]
            text = text[size:]
        return
    pattern = _WEAKER[depth - 1] if depth else SENTENCE
    for piece in pattern.split(text):
        if piece and piece.strip():
            yield from _pieces(piece.strip(), words, depth + 1)


def _packed(pieces: Iterator[str], words: int) -> Iterator[str]:
    open_: list[str] = []
    size = 0
    for piece in pieces:
        own = count_words(piece)
        if open_ and size + own > words:
            yield join(open_)
            open_, size = [], 0
        open_.append(piece)
        size += own
    if open_:
        yield join(open_)
