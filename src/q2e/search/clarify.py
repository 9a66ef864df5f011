"""Finds the question back that would tell the best hits apart, from what is known about them.

Each answer is a piece of the query language that is added to the question, so a person, a page
or an assistant can go on from it, and nothing is decided behind their back.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from q2e.query.language import write
from q2e.store.base import Searched
from q2e.text.tokens import tokens
from q2e.types import Clause, Evidence, Hit, Query, Results, Video

#: Hits that are told apart.
HITS = 20
#: Options of one question, and labels of one hit that are asked about.
_OPTIONS, _LABELS = 6, 8
#: Least share of the hits' weight on either side of a question of yes or no.
_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Option:
    """One answer: what it is called, the question with it, and how many of the hits have it."""

    label: str
    text: str
    videos: int


@dataclass(frozen=True, slots=True)
class Clarification:
    """A question back; `bits` is what its answer is expected to tell of the best hits."""

    question: str
    options: tuple[Option, ...]
    bits: float
    results: Results


def clarify(store: Searched, results: Results) -> Clarification | None:
    """Return the question that tells the hits apart best; None where nothing does.

    A hit weighs as much as its score; the answer's entropy over these weights is what is
    expected to be learnt (the information of a split, as in a decision tree).
    """
    hits = results.hits[:HITS]
    if len(hits) < 2:
        return None
    score = np.array([hit.score for hit in hits])
    weight = np.maximum(score - min(0.0, float(score.min())), 1e-6)
    weight = weight / weight.sum()
    base = _base(results.query)
    said = set(tokens(results.query.text))
    facts = [_facts(hit.video, store.evidence_of(hit.video.id)) for hit in hits]
    found = [_of_many(name, facts, weight, base) for name in ("language", "year")]
    found += _of_labels(hits, facts, weight, base, said)
    asked = [one for one in found if one is not None]
    if not asked:
        return None
    bits, question, options = max(asked, key=lambda one: (one[0], one[1]))
    return Clarification(question, options, bits, results)


_Asked = tuple[float, str, tuple[Option, ...]]


@dataclass(frozen=True, slots=True)
class _Facts:
    language: str | None
    year: str | None
    labels: frozenset[str]
    tags: frozenset[str]


def _base(query: Query) -> str:
    """Return a question to which clauses can be added; plain words are put in quotes."""
    return write(Clause("text", query.text)) if query.clause is None else query.text


def _facts(video: Video, evidence: Sequence[Evidence]) -> _Facts:
    labels: dict[str, float] = defaultdict(float)
    spoken: dict[str, int] = defaultdict(int)
    for one in evidence:
        for tag in one.tags:
            labels[tag.label] = max(labels[tag.label], tag.probability)
        if one.language and one.channel in ("speech", "screen_text"):
            spoken[one.language] += 1
    best = sorted(labels, key=lambda name: (-labels[name], name))[:_LABELS]
    language = max(spoken, key=lambda name: (spoken[name], name), default=video.language)
    year = video.date[:4] if video.date else None
    return _Facts(language, year, frozenset(best), frozenset(video.tags))


def _of_many(
    name: str, facts: Sequence[_Facts], weight: Iterable[float], base: str
) -> _Asked | None:
    """Return the question which of several values is meant."""
    shares: dict[str, float] = defaultdict(float)
    counts: dict[str, int] = defaultdict(int)
    for one, share in zip(facts, weight, strict=True):
        value = getattr(one, name)
        if value:
            shares[value] += share
            counts[value] += 1
    if len(shares) < 2:
        return None
    best = sorted(shares, key=lambda value: (-shares[value], value))[:_OPTIONS]
    clause = {"language": "lang:{0}", "year": "after:{0} until:{0}"}[name]
    question = {
        "language": "In which language is it spoken or written?",
        "year": "From which year is it?",
    }[name]
    options = [Option(one, f"{base} {clause.format(one)}", counts[one]) for one in best]
    return _entropy(list(shares.values())), question, tuple(options)


def _of_labels(
    hits: Sequence[Hit],
    facts: Sequence[_Facts],
    weight: Sequence[float],
    base: str,
    said: set[str],
) -> list[_Asked]:
    """Return the questions of yes or no about what is seen, and about tags."""
    found: list[_Asked] = []
    for kind in ("labels", "tags"):
        for label in sorted(set().union(*(getattr(one, kind) for one in facts))):
            has = [label in getattr(one, kind) for one in facts]
            share = sum(part for part, one in zip(weight, has, strict=True) if one)
            if set(tokens(label)) <= said or not _SHARE <= share <= 1 - _SHARE:
                continue
            phrase = write(Clause("text", label))
            seen, clause = f"Is this seen: {label}?", (f"AND {phrase}", f"NOT {phrase}")
            if kind == "tags":
                seen, clause = f"Is it about: {label}?", (f"tag:{phrase}", f"-tag:{phrase}")
            counts = sum(has), len(hits) - sum(has)
            options = tuple(
                Option(answer, f"{base} {more}", count)
                for answer, more, count in zip(("yes", "no"), clause, counts, strict=True)
            )
            found.append((_entropy([share, 1 - share]), seen, options))
    return found


def _entropy(shares: Sequence[float]) -> float:
    total = sum(shares)
    return -sum(s / total * math.log2(s / total) for s in shares if s > 0)
