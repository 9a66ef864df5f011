"""What Whisper writes several times though it is said once, or goes round in circles over.

A window of sound holds so many letters as people say in its time. Where more are written and the
text begins again with what it began with, only the first time stays.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from q2e.models.local.whisper_words import Segment, parts
from q2e.types import Span

#: Letters a second from which a text is looked at: people seldom say more. Where a letter is a
#: syllable or a word, as in Chinese, Japanese and Korean, fewer are said.
_FAST, _FAST_SYLLABLES = 18.0, 8.0
_SYLLABLE = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")
#: Share of its words that what is written again has in common with the first time, at least.
_ALIKE = 0.6


def said_once(words: Sequence[str], seconds: float) -> int:
    """Return how many words, from the first on, are said: all, or those before it starts over.

    `words` may be parts of words or single letters; `seconds` is how long the sound is.
    """
    plain = [re.sub(r"\W+", "", one).casefold() for one in words]
    if not _too_many("".join(plain), seconds):
        return len(words)
    for again in range(2, len(plain) - 1):
        if plain[again] != plain[0] or not plain[0]:
            continue
        length = min(again, len(plain) - again)
        first, second = plain[:length], plain[again : again + length]
        if SequenceMatcher(None, first, second, autojunk=False).ratio() >= _ALIKE:
            return again
    return len(words)


def _too_many(letters: str, seconds: float) -> bool:
    syllables = len(_SYLLABLE.findall(letters))
    return syllables / _FAST_SYLLABLES + (len(letters) - syllables) / _FAST > seconds


def once(
    segments: Sequence[Segment],
    duration_s: float,
    special: int,
    text: Callable[[Sequence[int]], str],
) -> list[Segment]:
    """Return segments up to where the text starts over that was said once.

    Tokens from `special` on are no text.
    """
    tokens = [token for one in segments for token in one.tokens if token < special]
    found = list(parts(tokens, text))
    left = found[said_once([part for *_, part in found], duration_s) - 1][1] if found else 0
    kept = []
    for one in segments:
        own = tuple(token for token in one.tokens if token < special)[:left]
        left -= len(own)
        if own:
            kept.append(replace(one, tokens=own))
    return kept


def compression(text: str) -> float:
    """Return how many times shorter a text packs: more where it goes round in circles."""
    data = text.encode("utf-8")
    return len(data) / len(zlib.compress(data))


def without_repetition(lines: Sequence[Span]) -> list[Span]:
    """Drop a line said three times or more in a row, but for the first."""
    kept: list[Span] = []
    first = 0
    for index, line in enumerate(lines):
        if index and _plain(line.text) != _plain(lines[index - 1].text):
            first = index
        run = first
        while run + 1 < len(lines) and _plain(lines[run + 1].text) == _plain(line.text):
            run += 1
        if index == first or run - first + 1 < 3:
            kept.append(line)
    return kept


def _plain(text: str) -> str:
    return re.sub(r"\W+", "", text).casefold()
