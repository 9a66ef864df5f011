"""Asks collections whole and in random small parts, and keeps what every channel scored.

From what is kept, rules of fusion and laws of certainty are told without asking again. A folder
of collections holds for each `NAME.q2e`, an index, and `NAME.json`: a list of {"q", "right":
[names or ids], "kind", "lang"}; a question without an answer has no `right`.
"""

from __future__ import annotations

import json
import pickle
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import q2e
from q2e.arrays import Bool, Float64, Int64
from q2e.methods.fuse.base import fuse
from q2e.methods.fuse.witnesses import Grounds
from q2e.methods.normalise.base import normalise
from q2e.search.certain import trusted
from q2e.search.fuse import given_of, grounds_of
from q2e.search.plan import Plan
from q2e.search.search import Searcher, line
from q2e.search.specific import Specific, specific
from q2e.search.state import State
from q2e.settings import Settings
from q2e.store.base import Item, StageKey, Store
from q2e.store.memory import MemoryStore
from q2e.text.language import detect
from q2e.text.lexical import indexed
from q2e.types import Query

SIZES = (1, 2, 5, 10)
#: Parts of each size; fewer of collections that have few videos.
PARTS = {"clips1": (19, 10, 8, 6), "samples": (30, 15, 10, 6), "wiki-vast": (20, 15, 10, 8)}
USUAL = (30, 20, 12, 8)
#: Hits of a question that are judged.
HITS = 4
#: Questions with an answer and without one that are asked of a part.
ANSWERED, LEAST = 12, 4

Question = Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A question and what its rows (S, V) scored; `size` is that of a part, 0 for the whole."""

    collection: str
    size: int
    question: str
    language: str
    kind: str
    grounds: Grounds
    given: Float64
    ranking: Int64
    """The videos that were found, best first."""
    right: Bool
    """(V,) which videos answer."""
    own: Specific
    """(V,) what the best pieces of the first `HITS` say."""

    def contribution(self, rule: str = "witnesses") -> Float64:
        """Return (S, V) what each row adds by a rule of fusion, as text such as `witnesses`."""
        from q2e.plugins import registry

        level = normalise(self.grounds.raw, "none", floor=np.zeros(len(self.grounds.raw)))
        level = replace(level, grounds=self.grounds)
        return fuse(level, registry().one("fuse", rule), self.given).contribution

    def first_right(self, score: Float64 | None = None) -> float:
        """Return the reciprocal rank of the best answer, ranked anew where a score is given."""
        order = self.ranking
        if score is not None:
            order = order[np.argsort(-score[order], kind="stable")]
        places = np.flatnonzero(self.right[order])
        return 1.0 / (1 + int(places[0])) if len(places) else 0.0


def asked(sets: Path, keep: Path | None = None) -> list[Asked]:
    """Return what all collections of a folder were asked; read again from `keep`, where it is."""
    found: list[Asked] = []
    for file in sorted(sets.glob("*.json")):
        kept = keep / f"{file.stem}.asked" if keep is not None else None
        if kept is not None and kept.exists():
            found += pickle.loads(kept.read_bytes())
            continue
        own = list(of_collection(file))
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(pickle.dumps(own))
        found += own
    return found


def questions_of(file: Path) -> list[Question]:
    """Return the questions of a collection."""
    return [one for one in json.loads(file.read_text("utf-8")) if one["q"].strip()]


def of_collection(file: Path) -> Iterator[Asked]:
    """Yield every question asked of a collection, and some of parts of it."""
    questions, name = questions_of(file), file.stem
    with q2e.open(file.with_suffix(".q2e"), confidence=0.0) as index:
        ids: dict[str, set[str]] = {}
        videos = sorted(video.id for video in index.videos())
        for video in index.videos():
            for known in (video.id, Path(video.path).name):
                ids.setdefault(known, set()).add(video.id)
        right = [{v for name in one["right"] for v in ids.get(name, ())} for one in questions]
        whole = Searcher(index.store, index.models)
        for number, question in enumerate(questions):
            yield from _asked(whole, index.settings, question, right[number], name, 0)
        drawn = random.Random(7)
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
                chosen = answered + others[: max(LEAST, len(answered))]
                searcher = Searcher(part(index.store, kept), index.models)
                for number in chosen:
                    yield from _asked(
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
        if (own_space := store.setting(kind)) is not None:
            new.set_setting(kind, own_space)
    for video in store.videos():
        if video.id in kept:
            new.put_video(video)
    for (video_id, channel), items in found.items():
        new.put_part(StageKey(video_id, channel, 0), "part", items)
    return new


def _asked(
    searcher: Searcher, settings: Settings, one: Question, right: set[str], name: str, size: int
) -> Iterator[Asked]:
    plan = replace(Plan.of(settings), details=False)
    with searcher.store.snapshot():
        state = line(plan).until("rank")(State(searcher.at, plan, Query(one["q"])))
        if not state.rows:
            return
        raw = np.stack([row.video for row in state.rows])
        grounds = grounds_of(state, state.rows, raw, None)
        given = given_of(state, state.rows)
        told = trusted(state.fusion.contribution, grounds, given)
        own = specific(state, grounds, told, state.ranking[:HITS].tolist())
    language = one.get("lang", "?")
    yield Asked(
        name, size, one["q"], (detect(one["q"]) or "?") if language == "?" else language,
        one["kind"], grounds, given, state.ranking,
        np.isin(state.at.table.video_ids, sorted(right)), own,
    )  # fmt: skip
