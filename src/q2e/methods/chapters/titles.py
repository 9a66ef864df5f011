"""Titles of chapters, taken from what is said, written and described in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import log, sqrt

from q2e.methods.chapters.base import Line, within
from q2e.text.chunk import chunk_text, count_words
from q2e.text.tokens import tokens
from q2e.types import Chapter

#: Words of a title, at least and at most, and characters.
_FEWEST, _MOST, _LONGEST = 2, 12, 100
#: What is written on a slide is a title more often than what is said.
_WORTH = {"screen_text": 1.3}
#: Words from which a line of several sentences or clauses is cut.
_ENDINGS = " \t,;:.，、；：。،؛।-–—"


def titled(
    stretches: Sequence[tuple[float, float]], lines: Sequence[Line], name: str
) -> tuple[Chapter, ...]:
    """Return stretches as chapters, each titled by the line that tells it best from the others.

    A word is worth (1 + log of its lines in the chapter) * log(1 + N / chapters that have it), of
    N chapters; a line the sum over its words, divided by sqrt(words + 3), so that it is neither one
    word nor a whole paragraph. Where nothing is said the title is the chapter's number.
    """
    held = [within(lines, *one) for one in stretches]
    counts = [Counter(word for line in own for word in set(tokens(line.text))) for own in held]
    spread = Counter(word for one in counts for word in one)
    taken: set[str] = set()
    found = []
    for number, (stretch, own, count) in enumerate(zip(stretches, held, counts, strict=True), 1):
        worth = {
            word: (1 + log(often)) * log(1 + len(held) / spread[word])
            for word, often in count.items()
        }
        best, line = max(
            ((text, line) for line in own for text in _pieces(line)),
            key=lambda one: (one[0] not in taken, _value(one[0], one[1], worth)),
            default=("", None),
        )
        taken.add(best)
        fallback = name if len(stretches) == 1 else str(number)
        language = None if line is None else line.language
        found.append(Chapter(*stretch, best or fallback, language))
    return tuple(found)


def _pieces(line: Line) -> list[str]:
    """Return what of a line can be a title: all of it, or its sentences and clauses."""
    pieces = (one.strip(_ENDINGS) for one in chunk_text(line.text, _MOST))
    return [one[:_LONGEST].rstrip() for one in pieces if one]


def _value(text: str, line: Line, worth: dict[str, float]) -> float:
    words = set(tokens(text))
    value = sum(worth.get(word, 0.0) for word in words) / sqrt(len(words) + 3)
    short = 0.5 if count_words(text) < _FEWEST else 1.0
    return value * short * _WORTH.get(line.channel, 1.0)
