"""Answers that are chosen, not written: from what words a model says how probable each is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from q2e.answer.base import Work
from q2e.answer.lines import Line
from q2e.answer.quotes import NOTHING, cited
from q2e.query.parts import words_of_meaning
from q2e.text.fence import clean
from q2e.text.tokens import tokens
from q2e.types import Sentence, Video

#: Answers that are weighed, at most.
MOST = 20


def words_in(
    texts: Sequence[str], question: str, language: str | None, most: int = MOST
) -> list[str]:
    """Return the words of texts that could answer: those in most texts first, none of the question.

    Each counts once a text, and words of one form once.
    """
    asked = set(tokens(question))
    counts: Counter[str] = Counter()
    spelled: dict[str, str] = {}
    for text in texts:
        for word in dict.fromkeys(words_of_meaning(text, language, 100)):
            key = " ".join(tokens(word))
            if key and not set(key.split()) & asked:
                spelled.setdefault(key, word)
                counts[key] += 1
    return [spelled[key] for key, _ in counts.most_common(most)]


def looks_like(video: Video, start_s: float, end_s: float, text: str) -> Line:
    """Return a text that a stretch of a video looks like as a line of it: a model's word."""
    text = clean(text, 500)
    return Line(video, "frame", start_s, max(start_s, end_s), text, text, None, seen=True)


def told(work: Work, answer: str, share: float, lines: Sequence[Line]) -> Work:
    """Return a chosen answer as the draft, with the lines that bear it out; nothing without any."""
    if not answer or not lines:
        return work.noting(f"{NOTHING}: there is nothing to choose an answer from")
    known = {(one.video.id, one.start_s, one.text) for one in work.lines}
    new = tuple(one for one in lines if (one.video.id, one.start_s, one.text) not in known)
    draft = (Sentence(answer, tuple(cited(one) for one in lines), quoted=False),)
    return replace(work, lines=(*work.lines, *new), draft=draft, confidence=share)
