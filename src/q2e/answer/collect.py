"""Collects the lines that may answer: pieces of evidence of the best videos, then their lines.

A line's worth is the log-odds that it answers. Its terms: the certainty of its video, how far its
meaning stands above that of other texts for this question, which share of the question's words it
holds where both are in one language, and whether it lacks a number of the question. The weights
are logistic regressions on questions that people asked about passages of encyclopedias in eight
languages, among them some whose own passage was taken away (docs/research/answers.md).
Among many lines some come near any question by chance, so the odds before anything is read fall
with their number (Bayes' rule: where one line answers, each does so with one chance in as many).
Of an event whole videos tell, so there they fall with the number of videos.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from q2e.answer.base import Tools, Work
from q2e.answer.lines import Line, lines_of
from q2e.answer.topic import about, only_asks, stands
from q2e.answer.wanted import holds
from q2e.arrays import Float32, Float64, Int64
from q2e.query.parts import words_of_meaning
from q2e.text.tokens import tokens
from q2e.types import Results, Video

if TYPE_CHECKING:
    from q2e.store.base import Table

#: Pieces of evidence that are cut into lines.
PIECES = 24
#: Log-odds of a line: at none, by log-odds of its video, by standard deviation, by share of words.
START, BY_VIDEO, BY_MEANING, BY_WORDS = -1.7, 0.45, 0.79, 3.5
#: What a line loses in the question's language, where its words can tell, and gains in another:
#: a share of .74 is worth as much as not being able to tell. And one without a number of the
#: question.
TELLS, ELSEWHERE, NUMBER = -2.0, 0.6, -1.0
#: Pieces of text, of an event videos, up to which `START` holds. One of twice as many answers half
#: as likely by itself.
_FEW = 150
#: What a line gains that holds the kind of answer asked for, and loses that does not.
HOLDS, LACKS = 0.5, -0.5
#: What a line loses that is a question itself.
ASKS = -1.0
#: By how much less a line is worth that answers a query made of the question, not in it.
ASIDE = 0.7
#: Pieces of a collection as so many of which its spread of scores is taken to be `_USUAL`.
_PRIOR, _USUAL = 30, 0.03
#: Chance of a video of which no certainty is known, and the least that counts: what a search takes
#: a whole video for says little of one of its lines.
_UNKNOWN, _LEAST = 0.5, 0.12
_WITHOUT_SPACES = ("ja", "th", "zh")
_ASKED = re.compile(r"[?？؟][\"'”’»）)」』】\]]*\s*$")


def collect(work: Work, tools: Tools) -> Work:
    """Find the best lines for each query of the plan and put them together, best first."""
    found: dict[tuple[str, str, float], Line] = {}
    for query in work.queries or (work.question,):
        results = tools.find(query)
        if work.unfolded is None:
            language = work.language or results.query.language
            work = replace(work, unfolded=results.decomposition, language=language)
        work = replace(work, likeliest=work.likeliest or _likeliest(results))
        # What answers a query that a model made of the question may not answer the question.
        aside = 0.0 if query in work.question or work.event else ASIDE
        for line in lines_for(work, query, results, tools):
            line = replace(line, worth=line.worth - aside)
            key = (line.video.id, line.text, line.start_s)
            if key not in found or found[key].worth < line.worth:
                found[key] = line
    lines = sorted(found.values(), key=lambda one: -one.worth)
    return replace(work, lines=tuple(lines))


def lines_for(work: Work, query: str, results: Results, tools: Tools) -> list[Line]:
    """Return the lines of the videos that a search found, with what each is worth to a query."""
    if not results.hits:
        return []
    sure = _sure(results)
    videos = {hit.video.id: hit.video for hit in results.hits}
    with tools.store.snapshot():
        table = tools.store.table()
        space = tools.models.text.space
        rows, matrix = tools.store.vectors(space)
        mask = tools.store.rows(results.query.filters)
        asked = tools.models.text.encode_queries([query])[0]
        cosine = np.asarray(matrix @ asked, np.float64)
        chance = _chance(cosine, _many(work, table))
        own = np.isin(table.video[rows], [table.video_ids.index(one) for one in videos])
        if mask is not None:
            own &= mask[rows]
        near = np.flatnonzero(own)
        words = _Words(query, _language(work, query, results), tools)
        best = near[np.argsort(-cosine[near], kind="stable")[:PIECES]]
        lexical = tools.store.lexical(words.tokens, mask=mask, k=4 * PIECES)[0]
        both = _both(rows, best, lexical, near)
        pieces = tools.store.evidence(rows[both].tolist())
    told = zip(pieces, cosine[both].tolist(), strict=True)
    lines = [(line, near) for one, near in told for line in lines_of(videos[one.video], one)]
    return _weighed(work, lines, words, sure, chance, asked, tools)


def weigh(
    work: Work, query: str, results: Results, lines: Sequence[Line], tools: Tools
) -> list[Line]:
    """Return lines, however they were come by, with what each is worth to a query."""
    if not lines:
        return []
    with tools.store.snapshot():
        table = tools.store.table()
        matrix = tools.store.vectors(tools.models.text.space)[1]
        asked = tools.models.text.encode_queries([query])[0]
        chance = _chance(np.asarray(matrix @ asked, np.float64), _many(work, table))
        words = _Words(query, _language(work, query, results), tools)
    alone = [(line, math.nan) for line in lines]
    return _weighed(work, alone, words, _sure(results), chance, asked, tools)


def _language(work: Work, query: str, results: Results) -> str | None:
    """Return a query's language: a word of the question alone has that of the question."""
    return work.language if query in work.question else results.query.language


def _likeliest(results: Results) -> tuple[Video, float] | None:
    """Return the best video and moment, where it is likelier than not that it is meant."""
    best = results.hits[0] if results.hits else None
    if best is None or not best.moments or (best.certainty or 0.0) < _UNKNOWN:
        return None
    return best.video, best.moments[0].start_s


def _sure(results: Results) -> dict[str, float]:
    """Return how certain it is of each video found that it answers."""
    return {
        hit.video.id: _UNKNOWN if hit.certainty is None else hit.certainty for hit in results.hits
    }


def _weighed(
    work: Work,
    lines: Sequence[tuple[Line, float]],
    words: _Words,
    sure: dict[str, float],
    chance: _Chance,
    asked: Float32,
    tools: Tools,
) -> list[Line]:
    if not lines:
        return []
    vectors = tools.models.text.encode_passages([line.text for line, _ in lines])
    cosine = vectors @ asked
    found = []
    for (line, piece), own in zip(lines, cosine.tolist(), strict=True):
        piece = own if math.isnan(piece) else piece
        meaning = (max(own, piece) / 2 + (own + piece) / 4 - chance.mean) / chance.spread
        certain = min(max(sure.get(line.video.id, _UNKNOWN), _LEAST), 1 - _LEAST)
        worth = chance.start + BY_VIDEO * math.log(certain / (1 - certain)) + BY_MEANING * meaning
        if line.language in (None, words.language):
            # What a sentence leaves to those beside it is half of what it says itself.
            worth += TELLS + BY_WORDS * (words.share(line.text) + words.share(line.whole)) / 2
        else:
            worth += ELSEWHERE
        if words.lacks_number(line):
            worth += NUMBER
        if _ASKED.search(line.text):
            worth += ASKS
        for kind in work.wanted:
            there = holds(line.text, kind, line.language)
            worth += 0.0 if there is None else HOLDS if there else LACKS
        found.append(replace(line, worth=worth))
    return found


@dataclass(frozen=True, slots=True)
class _Chance:
    """What a collection's texts are worth to a question that none of them answers."""

    start: float
    """Log-odds of a line of which nothing is known."""
    mean: float
    spread: float
    """Mean and deviation of the question's cosines."""


def _many(work: Work, table: Table) -> int:
    """Return how many texts may answer, or how many videos may tell of an event."""
    texts = sum(table.texts(channel) for channel in table.held)
    return min(texts, table.videos) if work.event else texts


def _chance(cosine: Float64, many: int) -> _Chance:
    """Return the chance of a collection of so many, its spread drawn to the usual if few."""
    return _Chance(START - max(0.0, math.log(max(many, 1) / _FEW)), *spread(cosine))


def spread(cosine: Float64) -> tuple[float, float]:
    """Return mean and deviation of a text's cosines to those of a collection, as drawn of few."""
    if not len(cosine):
        return 0.0, _USUAL
    held = len(cosine)
    variance = (cosine.var() * held + _USUAL**2 * _PRIOR) / (held + _PRIOR)
    return float(cosine.mean()), float(np.sqrt(variance))


def _both(rows: Int64, best: Int64, lexical: Int64, near: Int64) -> list[int]:
    """Return the pieces nearest in meaning, and those of the same videos nearest in words."""
    place = {int(row): at for at, row in zip(near.tolist(), rows[near].tolist(), strict=True)}
    worded = [place[row] for row in lexical.tolist() if row in place][: PIECES // 2]
    return list(dict.fromkeys([*best.tolist(), *worded]))


class _Words:
    """The words of a question that mean something, each by how rare it is in the collection."""

    def __init__(self, query: str, language: str | None, tools: Tools) -> None:
        self.language = language
        words = about(query, language) or words_of_meaning(query, language)
        self.tokens = [token for word in words for token in tokens(word)]
        self.numbers = set(re.findall(r"\d+", " ".join(tokens(query))))
        held = len(tools.store.table())
        self._weight = {
            token: math.log((held + 1) / (len(tools.store.lexical([token])[0]) + 0.5))
            for token in dict.fromkeys(self.tokens)
        }

    def share(self, text: str) -> float:
        """Return the share of their weight that a text holds, with any ending, in 0 to 1."""
        whole = sum(self._weight.values())
        if whole <= 0:
            return 0.0
        held = set(tokens(text))
        return sum(own for token, own in self._weight.items() if stands(token, held)) / whole

    def lacks_number(self, line: Line) -> bool:
        """Whether a number of the question is neither said around a line nor told of its video."""
        if not self.numbers:
            return False
        own = (line.whole, line.video.title, line.video.description, line.video.date or "")
        return not self.numbers <= set(re.findall(r"\d+", " ".join(tokens(" ".join(own)))))


def unsaid(
    question: str, language: str | None, texts: Iterable[tuple[str, str | None]]
) -> tuple[str, ...]:
    """Return the words of a question that no text (with its language) says in any form.

    Words that only ask are none of them (how many, is said).
    Of texts in other languages, and of scripts without spaces, that cannot be told: then nothing
    is returned.
    """
    held: set[str] = set()
    for text, own in texts:
        if language in (None, *_WITHOUT_SPACES) or (own is not None and own != language):
            return ()
        held |= set(tokens(text))
    return tuple(
        word
        for word in words_of_meaning(question, language)
        if not only_asks(word, language)
        and (told := tokens(word))
        and not any(stands(one, held) for one in told)
    )
