"""Writes an answer of quotes: relevant lines that each say something new, in their own words.

Lines are chosen by maximal marginal relevance (Carbonell and Goldstein 1998): the next is that
with the greatest lambda * worth - (1 - lambda) * likeness to what was chosen before.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from q2e.answer.base import Tools, Work
from q2e.answer.collect import spread, unsaid
from q2e.answer.lines import Line
from q2e.answer.wanted import Kind, holds
from q2e.arrays import Float32
from q2e.paths import shown_name
from q2e.query.asking import asks
from q2e.text.tokens import tokens
from q2e.types import EVENT_KINDS, Citation, Place, Sentence

#: Log-odds from which a line supports an answer, and by how much less another may be worth.
SUPPORTS, BEHIND = 0.3, 1.5
#: Share of worth beside novelty, and sentences.
RELEVANCE, SENTENCES = 0.7, 4
#: Likeness from which two lines say the same.
_SAME = 0.95
#: Deviations by which a line is clearly nearer to what came before or after than to the event.
_CLEARLY = 0.5
_PLACES: dict[str, Place] = dict(zip(EVENT_KINDS, ("before", "during", "after"), strict=True))

_ASKED: dict[Kind, str] = {
    "who": "a name",
    "where": "a place",
    "when": "a time",
    "how many": "a number",
}

QUOTES = "the sentences are quotes, in the language in which they were said"
NOTHING = "nothing here answers"


def keep(work: Work, tools: Tools, least: float = SUPPORTS, behind: float = BEHIND) -> Work:
    """Keep the lines that support an answer; without any, nothing here answers."""
    del tools
    best = work.lines[0].worth if work.lines else -math.inf
    confidence = 0.0 if math.isinf(best) else 1.0 / (1.0 + math.exp(-best))
    if best < least:
        why = "no line supports an answer" if work.lines else "the search found nothing"
        nearest = work.lines[0] if work.lines else None
        said: tuple[str, ...] = ()
        if nearest is not None:
            said = unsaid(work.question, work.language, [(nearest.whole, nearest.language)])
        work = work.noting(f"{NOTHING}: {why}")
        if work.likeliest is not None:
            video, start_s = work.likeliest
            name = shown_name(video.path) or video.id
            work = work.noting(
                f"it may be seen in {name} at {start_s:.1f} s, where no words answer"
            )
        return replace(work, kept=(), confidence=confidence, not_found=said)
    kept = tuple(line for line in work.lines if line.worth >= max(least, best - behind))
    return replace(work, kept=kept, confidence=confidence)


def write(work: Work, tools: Tools, most: int = SENTENCES, relevance: float = RELEVANCE) -> Work:
    """Quote the kept lines that are relevant and new, the best first.

    Of a question that names an event, each is told to stand before, during or after it.
    """
    if not work.kept:
        return work
    vectors = tools.models.text.encode_passages([line.text for line in work.kept])
    chosen = novel(work.kept, vectors, most, relevance)
    places = _places(work, vectors[chosen], tools)
    draft = tuple(
        quoted(work.kept[number], place) for number, place in zip(chosen, places, strict=True)
    )
    said = [(work.kept[number].whole, work.kept[number].language) for number in chosen]
    missing = unsaid(work.question, work.language, said)
    work = replace(work, draft=draft, not_found=missing).noting(QUOTES)
    for kind in sorted(work.wanted):
        if all(holds(work.kept[n].text, kind, work.kept[n].language) is False for n in chosen):
            work = work.noting(f"{_ASKED[kind]} is asked for, and no sentence here holds one")
    return work


def quoted(line: Line, place: Place | None = None) -> Sentence:
    """Return a line as a sentence that quotes it."""
    return Sentence(line.text, (cited(line),), place)


def cited(line: Line, quote: str = "") -> Citation:
    """Return where a line stands, with a quote of it or all of it."""
    end_s = max(line.start_s, line.end_s)
    return Citation(
        line.video, line.start_s, end_s, quote or line.text, line.channel, line.language
    )


def novel(lines: Sequence[Line], vectors: Float32, most: int, relevance: float) -> list[int]:
    """Return which lines are told, the first by worth, the others by worth and novelty."""
    worth = np.array([line.worth for line in lines])
    scaled = worth - worth.max()
    alike = np.asarray(vectors @ vectors.T, np.float64)
    words = [set(tokens(line.text)) for line in lines]
    chosen = [int(np.argmax(worth))]
    left = [number for number in range(len(lines)) if number != chosen[0]]
    while left and len(chosen) < most:
        likeness = [
            max(_likeness(float(alike[n, c]), words[n], words[c]) for c in chosen) for n in left
        ]
        value = [
            relevance * scaled[n] - (1 - relevance) * own
            for n, own in zip(left, likeness, strict=True)
        ]
        place = int(np.argmax(value))
        if likeness[place] < _SAME:
            chosen.append(left[place])
        left.pop(place)
    return chosen


def _likeness(cosine: float, one: set[str], other: set[str]) -> float:
    """Return how alike two lines are: by the words that the shorter shares, or by meaning."""
    shared = len(one & other) / max(1, min(len(one), len(other)))
    return max(shared, cosine if cosine >= _SAME else 0.0)


def _places(work: Work, vectors: Float32, tools: Tools) -> list[Place | None]:
    """Return for each line where the sub-event of the question stands that it is nearest to.

    Sub-events differ in how near all texts come to them, so nearness is counted from each one's
    own mean in its own deviations. What is no clearly nearer to anything before or after the event
    than to the event happened during it.
    """
    unfolded = work.unfolded
    if unfolded is None or not unfolded.events or asks(work.question):
        return [None] * len(vectors)
    events = [event for event in unfolded.events if event.kind in _PLACES]
    texts = tools.models.text.encode_queries([event.text for event in events])
    held = tools.store.vectors(tools.models.text.space)[1]
    usual = np.array([spread(np.asarray(held @ text, np.float64)) for text in texts])
    near = (vectors @ texts.T - usual[:, 0]) / usual[:, 1]
    near[:, [event.kind == "current" for event in events]] += _CLEARLY
    return [_PLACES[events[int(np.argmax(row))].kind] for row in near]
