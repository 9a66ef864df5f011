"""How often is a hit right that is said to be certain? Whole collections and small parts of them.

`python -m benchmarks certainty --data SETS`; SETS as for `truth`. Each collection is asked whole,
and random parts of 1, 2, 5 and 10 of its videos with questions whose answer is among them and as
many (at least four) whose answer was left out. The law from leads to certainties (two numbers) is
fitted to all collections of `FITTED` but one, every size of each counting alike, and told of the
hits of that one; what is no part of `FITTED` is told by the law of them all.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import q2e
from q2e.search.certain import Law, lead, trusted
from q2e.search.fuse import given_of, grounds_of
from q2e.search.plan import Plan
from q2e.search.search import Searcher, line
from q2e.search.state import State
from q2e.settings import Settings
from q2e.store.base import Item, StageKey, Store
from q2e.store.memory import MemoryStore
from q2e.text.lexical import indexed
from q2e.types import Query
from q2e.types.answer import CERTAIN

FITTED = ("clips1", "samples", "talks", "videos2")
SIZES = (1, 2, 5, 10)
#: Parts of each size; fewer of collections that have few videos.
PARTS = {"clips1": (19, 10, 8, 6), "samples": (30, 15, 10, 6), "wiki-vast": (20, 15, 10, 8)}
USUAL = (30, 20, 12, 8)
#: Hits of a question that are judged, questions with an answer and without one asked of a part.
HITS, ANSWERED, LEAST = 4, 12, 4
BINS = 10

Question = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Judged:
    """A hit: its collection, videos of the part (0 for the whole), rank from 0, and the lead."""

    collection: str
    size: int
    rank: int
    lead: float
    right: bool


def run(sets: Path) -> dict[str, Any]:
    """Return the figures of all collections of a folder."""
    return figures([one for file in sorted(sets.glob("*.json")) for one in judged(file)])


# -- asking -------------------------------------------------------------------------------------
def judged(file: Path) -> Iterator[Judged]:
    """Yield the first hits of every question, of a collection and of parts of it."""
    questions = [one for one in json.loads(file.read_text("utf-8")) if one["q"].strip()]
    name = file.stem
    with q2e.open(file.with_suffix(".q2e"), confidence=0.0) as index:
        ids: dict[str, set[str]] = {}
        for video in index.videos():
            for known in (video.id, Path(video.path).name):
                ids.setdefault(known, set()).add(video.id)
        right = [{v for name in one["right"] for v in ids.get(name, ())} for one in questions]
        whole = Searcher(index.store, index.models)
        for number, question in enumerate(questions):
            yield from _hits(whole, index.settings, question, right[number], name, 0)
        drawn = random.Random(7)
        videos = [video.id for video in index.videos()]
        for size, parts in zip(SIZES, PARTS.get(name, USUAL), strict=True):
            for _ in range(parts):
                drawn.shuffle(videos)
                kept = set(videos[:size])
                numbers = range(len(questions))
                answered = [n for n in numbers if right[n] & kept]
                others = [n for n in numbers if not right[n] & kept]
                drawn.shuffle(others)
                drawn.shuffle(answered)
                answered = answered[:ANSWERED]
                asked = answered + others[: max(LEAST, len(answered))]
                searcher = Searcher(part(index.store, kept), index.models)
                for number in asked:
                    yield from _hits(
                        searcher, index.settings, questions[number], right[number], name, size
                    )


def part(store: Store, kept: set[str]) -> MemoryStore:
    """Return a store of some of the videos of another, by their ids."""
    vectors: dict[int, dict[str, Any]] = {}
    for space in store.spaces():
        rows, matrix = store.vectors(space)
        for row, vector in zip(rows.tolist(), matrix, strict=True):
            vectors.setdefault(row, {})[space] = vector
    found: dict[tuple[str, str], list[Item]] = {}
    for row, one in enumerate(store.evidence(range(len(store.table())))):
        if one.video in kept:
            own = replace(one, vectors=vectors.get(row, {}))
            words = indexed(one.text) if one.text else ()
            found.setdefault((one.video, one.channel), []).append(Item(own, words))
    new = MemoryStore()
    for kind in ("space.text", "space.image", "space.video"):
        if (space := store.setting(kind)) is not None:
            new.set_setting(kind, space)
    for video in store.videos():
        if video.id in kept:
            new.put_video(video)
    for (video_id, channel), items in found.items():
        new.put_part(StageKey(video_id, channel, 0), "part", items)
    return new


def _hits(
    searcher: Searcher, settings: Settings, asked: Question, right: set[str], name: str, size: int
) -> Iterator[Judged]:
    plan = replace(Plan.of(settings), details=False)
    with searcher.store.snapshot():
        state = line(plan).until("rank")(State(searcher.at, plan, Query(asked["q"])))
    if not state.rows:
        return
    raw = np.stack([row.video for row in state.rows])
    grounds, given = grounds_of(state, state.rows, raw), given_of(state, state.rows)
    level = lead(trusted(state.fusion.contribution, grounds, given).sum(axis=0))
    for rank, video in enumerate(state.ranking[:HITS].tolist()):
        answers = state.at.table.video_ids[video] in right
        yield Judged(name, size, rank, float(level[video]), answers)


# -- fitting ------------------------------------------------------------------------------------
def figures(hits: Sequence[Judged]) -> dict[str, Any]:
    """Return the law, and how hits come out whose collection it was not fitted to."""
    law = fitted([one for one in hits if one.collection in FITTED])
    told: list[float] = []
    laws = {}
    for name in dict.fromkeys(one.collection for one in hits):
        others = [one for one in hits if one.collection in FITTED and one.collection != name]
        laws[name] = fitted(others) if name in FITTED else law
    told = [float(_chance(laws[one.collection], one.lead)) for one in hits]
    groups = {"all": [one.collection in FITTED for one in hits]}
    for size in (0, *SIZES):
        label = f"parts of {size}" if size else "whole collections"
        groups[label] = [one.size == size and one.collection in FITTED for one in hits]
    for name in laws:
        groups[name] = [one.collection == name for one in hits]
    chance = np.array(told)
    return {
        "law": list(law),
        "laws": {name: list(one) for name, one in laws.items() if name in FITTED},
        "groups": {name: _group(hits, chance, np.array(own)) for name, own in groups.items()},
        "bins": _bins(hits, chance, np.array(groups["all"])),
    }


def fitted(hits: Sequence[Judged]) -> Law:
    """Return the law by logistic regression; every size of each collection counts alike."""
    from scipy.optimize import minimize

    place = [(one.collection, one.size) for one in hits]
    weight = np.array([1.0 / place.count(one) for one in place])
    weight /= weight.sum()
    x = np.array([one.lead for one in hits])
    y = np.array([one.right for one in hits], dtype=float)

    def loss(law: Any) -> float:
        level = law[0] + law[1] * x
        return float((weight * (np.logaddexp(0.0, level) - y * level)).sum())

    return Law(*(float(one) for one in minimize(loss, [0.0, 1.0]).x))


def _chance(law: Law, level: float) -> Any:
    return 1.0 / (1.0 + np.exp(-np.clip(law.start + law.slope * level, -40, 40)))


def _group(hits: Sequence[Judged], chance: Any, own: Any) -> dict[str, Any]:
    """Return how the hits of a group come out."""
    right = np.array([one.right for one in hits])
    first = np.array([one.rank == 0 for one in hits])
    found = own & (chance >= CERTAIN["found"])
    answers = own & right & first
    base = float(right[own].mean())
    return {
        "hits": int(own.sum()),
        "error": _error(chance[own], right[own]),
        "brier": float(((chance[own] - right[own]) ** 2).mean()),
        "base": base * (1 - base),
        "found": int(found.sum()),
        "right": float(right[found].mean()) if found.any() else None,
        "firsts": int(answers.sum()),
        "firsts found": float((chance[answers] >= CERTAIN["found"]).mean()),
    }


def _equal(chance: Any) -> list[Any]:
    return [one for one in np.array_split(np.argsort(chance, kind="stable"), BINS) if len(one)]


def _error(chance: Any, right: Any) -> float:
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
