"""How often is a hit right that is said to be certain? Whole collections and small parts of them.

`python -m benchmarks certainty --data SETS [--keep FOLDER]`; SETS and what is asked as in
`benchmarks.asked`. The law from signs to certainties (`q2e.search.certain.Law`) is fitted to all
collections of `FITTED` but one, every size of each counting alike, and told of the hits of that
one; what is no part of `FITTED` is told by the law of them all. The same with each language left
out in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.asked import HITS, SIZES, Asked, asked
from q2e.arrays import Float64
from q2e.search.certain import NOTHING, PRIOR, Law, by_signs, signs, trusted
from q2e.types.answer import CERTAIN

FITTED = (
    "captions", "clips1", "lessons", "passages", "pictures", "samples", "talks", "videos2",
)  # fmt: skip
BINS = 10
#: Hits from which a language is told of.
LEAST = 100


@dataclass(frozen=True, slots=True)
class Judged:
    """A hit: its collection, videos of the part (0 for the whole), rank from 0, and its signs."""

    collection: str
    language: str
    size: int
    rank: int
    signs: tuple[float, ...]
    right: bool


def run(sets: Path, keep: Path | None = None) -> dict[str, Any]:
    """Return the figures of all collections of a folder."""
    return figures([hit for one in asked(sets, keep) for hit in judged(one, one.contribution())])


def judged(
    one: Asked, contribution: Float64, nothing: float = NOTHING, prior: float = PRIOR
) -> Iterator[Judged]:
    """Yield the first hits of a question, by what each row adds (S, V)."""
    told = trusted(contribution, one.grounds, one.given, prior)
    found = signs(told, one.grounds, one.ranking, one.own, nothing)
    for rank, video in enumerate(one.ranking[:HITS].tolist()):
        yield Judged(
            one.collection, one.language, one.size, rank, tuple(found[:, video].tolist()),
            bool(one.right[video]),
        )  # fmt: skip


# -- fitting ------------------------------------------------------------------------------------
def figures(hits: Sequence[Judged]) -> dict[str, Any]:
    """Return the law, and how hits come out whose collection or language it was not fitted to."""
    law = fitted([one for one in hits if one.collection in FITTED])
    chance, laws = left_out(hits, lambda one: one.collection)
    spoken, of_languages = left_out(hits, lambda one: one.language)
    known = [one.collection in FITTED for one in hits]
    groups = {"all": known}
    for size in (0, *SIZES):
        label = f"parts of {size}" if size else "whole collections"
        groups[label] = [one.size == size and one.collection in FITTED for one in hits]
    for name in laws:
        groups[name] = [one.collection == name for one in hits]
    languages = {
        name: [one.language == name and one.collection in FITTED for one in hits]
        for name in sorted(of_languages)
    }
    return {
        "law": list(law),
        "laws": {name: list(one) for name, one in laws.items() if name in FITTED},
        "groups": {name: _group(hits, chance, np.array(own)) for name, own in groups.items()},
        "languages": {
            name: _group(hits, spoken, np.array(own))
            for name, own in {"all": known, **languages}.items()
            if sum(own) >= LEAST
        },
        "bins": _bins(hits, chance, np.array(groups["all"])),
    }


def left_out(hits: Sequence[Judged], group: Callable[[Judged], str]) -> tuple[Any, dict[str, Law]]:
    """Return (n,) certainties by the law of all groups but a hit's own, and the law for each."""
    fit = [one for one in hits if one.collection in FITTED]
    laws = {
        name: fitted([one for one in fit if group(one) != name])
        for name in dict.fromkeys(group(one) for one in hits)
    }
    told = [float(chances(laws[group(one)], [one])[0]) for one in hits]
    return np.array(told), laws


def fitted(hits: Sequence[Judged]) -> Law:
    """Return the law by logistic regression; every size of each collection counts alike."""
    from scipy.optimize import minimize

    place = [(one.collection, one.size) for one in hits]
    count = {one: place.count(one) for one in set(place)}
    weight = np.array([1.0 / count[one] for one in place])
    weight /= weight.sum()
    x = np.array([(1.0, *one.signs) for one in hits])
    y = np.array([one.right for one in hits], dtype=float)

    def loss(law: Any) -> tuple[float, Any]:
        level = x @ law
        off = weight * (1.0 / (1.0 + np.exp(-np.clip(level, -40, 40))) - y)
        return float((weight * (np.logaddexp(0.0, level) - y * level)).sum()), off @ x

    start = [0.0, 1.0, *[0.0] * (x.shape[1] - 2)]
    return Law(*(float(one) for one in minimize(loss, start, jac=True).x))


def chances(law: Law, hits: Sequence[Judged]) -> Float64:
    """Return (n,) how certain hits are by a law."""
    return by_signs(np.array([one.signs for one in hits]).T, law)


def _group(hits: Sequence[Judged], chance: Any, own: Any) -> dict[str, Any]:
    """Return how the hits of a group come out."""
    right = np.array([one.right for one in hits])
    first = np.array([one.rank == 0 for one in hits])
    found = own & (chance >= CERTAIN["found"])
    answers = own & right & first
    base = float(right[own].mean())
    return {
        "hits": int(own.sum()),
        "error": error(chance[own], right[own]),
        "brier": float(((chance[own] - right[own]) ** 2).mean()),
        "base": base * (1 - base),
        "found": int(found.sum()),
        "right": float(right[found].mean()) if found.any() else None,
        "firsts": int(answers.sum()),
        "firsts found": (
            float((chance[answers] >= CERTAIN["found"]).mean()) if answers.any() else None
        ),
    }


def _equal(chance: Any) -> list[Any]:
    return [one for one in np.array_split(np.argsort(chance, kind="stable"), BINS) if len(one)]


def error(chance: Any, right: Any) -> float:
    """Return the expected calibration error in bins of equal count."""
    parts = _equal(chance)
    gaps = [len(one) * abs(chance[one].mean() - right[one].mean()) for one in parts]
    return float(sum(gaps) / len(chance))


def _bins(hits: Sequence[Judged], chance: Any, own: Any) -> list[list[float]]:
    """Return the count, stated chance and share of right ones of bins of equal count."""
    right = np.array([one.right for one in hits], dtype=float)[own]
    told = chance[own]
    return [[len(one), float(told[one].mean()), float(right[one].mean())] for one in _equal(told)]


# -- the picture --------------------------------------------------------------------------------
def picture(found: Mapping[str, Any]) -> str:
    """Return the reliability of stated certainties as a picture in SVG."""
    side, edge = 300, 40
    whole = side + 2 * edge

    def at(x: float, y: float) -> tuple[float, float]:
        return edge + side * x, edge + side * (1 - y)

    marks, lines = [], []
    for count, told, right in found["bins"]:
        x, y = at(told, right)
        # 95 % by Wilson: bins in which nothing is right are not sure of it.
        n, z = count, 1.96
        middle = (right + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * ((right * (1 - right) / n + z * z / (4 * n * n)) ** 0.5)
        low, high = at(told, middle - half)[1], at(told, middle + half)[1]
        lines.append(f'<path d="M{x:.1f} {low:.1f}V{high:.1f}" stroke="#467"/>')
        marks.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#146">'
            f"<title>{count} hits: said {told:.0%}, right {right:.0%}</title></circle>"
        )
    ticks = []
    for n in range(0, 101, 20):
        x, y = at(n / 100, n / 100)
        ticks.append(f'<text x="{x:.0f}" y="{edge + side + 16}" text-anchor="middle">{n}</text>')
        ticks.append(f'<text x="{edge - 6}" y="{y + 4:.0f}" text-anchor="end">{n}</text>')
    (x0, y0), (x1, y1) = at(0, 0), at(1, 1)
    body = [
        f'<rect width="{whole}" height="{whole}" fill="#fff"/>',
        f'<rect x="{edge}" y="{edge}" width="{side}" height="{side}" fill="none" stroke="#999"/>',
        f'<path d="M{x0} {y0}L{x1} {y1}" stroke="#999" stroke-dasharray="4"/>',
        *ticks,
        *lines,
        *marks,
        f'<text x="{whole / 2:.0f}" y="{whole - 6}" text-anchor="middle">said, in %</text>',
        f'<text x="12" y="{whole / 2:.0f}" text-anchor="middle" '
        f'transform="rotate(-90 12 {whole / 2:.0f})">right, in %</text>',
        f'<text x="{whole / 2:.0f}" y="22" text-anchor="middle">'
        f"{found['groups']['all']['hits']} hits of collections left out of the fit</text>",
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole} {whole}" role="img" '
        f'font-family="sans-serif" font-size="12" fill="#222">\n<title>Stated certainty and share '
        "of right hits, in ten bins of equal count</title>\n" + "\n".join(body) + "\n</svg>\n"
    )
