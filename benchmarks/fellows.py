"""How often is a hit right that is said to be one of many? Events that many videos are about.

`python -m benchmarks fellows --data DEV [--keep SETS]`: DEV holds `multivent1_dev` and
`wikivideo_dev` (descriptions in five languages, captions by five models), SETS collections whose
questions have one answer each, as `benchmarks.asked` reads them. Asked are event names and
beginnings of articles, of whole collections, of random parts, half of whose events are left out,
and of parts that hold one video of each event; of SETS, what Q2E takes for an event or a mere
name. The law (`q2e.search.fellows.Fellows`) is fitted to all groups but a hit's own.
"""

from __future__ import annotations

import json
import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import q2e
from benchmarks.asked import Question, part, questions_of
from benchmarks.certainty import error
from q2e.arrays import Float64
from q2e.evaluate.datasets.base import Dataset, Files, FileSpec
from q2e.evaluate.datasets.catalogue import load, spec_of
from q2e.evaluate.datasets.events import wikivideo
from q2e.methods.fuse.witnesses import CERTAINTY
from q2e.search.certain import NOTHING, Law, by_signs, signs, trusted
from q2e.search.fellows import BEST, Fellows, above_the_rest, by_fellows, likeness
from q2e.search.fuse import given_of, grounds_of
from q2e.search.plan import Plan
from q2e.search.search import Searcher, line
from q2e.search.specific import specific
from q2e.search.state import State
from q2e.settings import Settings
from q2e.types import Query
from q2e.types.answer import CERTAIN

MODELS = (
    "qwenvl_2_5_72b", "qwenvl_2_5_72b_audio", "qwenvl_2_5_3b", "internvideo2.5_8b", "vast",
)  # fmt: skip
#: Videos of a random part; parts of each size, and questions with and without an answer of each.
SIZES, PARTS, ASKED = (10, 30, 100), 4, 20
#: Parts that hold one video of each event; every other one leaves half of the events out.
SINGLE = 6
_RIDGE = 1e-3


@dataclass(frozen=True, slots=True)
class Told:
    """A hit: its group and collection, what of it was asked, its rank from 0 and its signs."""

    group: str
    collection: str
    size: str
    rank: int
    one: tuple[float, ...]
    """What `Law` weighs."""
    many: tuple[float, float, float, float]
    """Above the rest, size, text and likeness: what `Fellows` weighs."""
    right: bool
    answered: bool
    """Whether any video of what was asked answers."""


def run(dev: Path, sets: Path | None) -> dict[str, Any]:
    """Return how hits come out whose group was left out of the fit, and the law."""
    told = list(_events(dev))
    for file in sorted(sets.glob("*.json")) if sets is not None else ():
        with q2e.open(file.with_suffix(".q2e"), confidence=0.0) as index:
            told += _of(index, questions_of(file), "one answer", file.stem)
    groups = list(dict.fromkeys(one.group for one in told))
    chance = np.zeros(len(told))
    alone = by_signs(np.array([one.one for one in told]).T, Law(*CERTAINTY))
    for group in groups:
        own = np.array([one.group == group for one in told])
        law = fitted([one for one in told if one.group != group])
        chance[own] = chances(law, [one for one in told if one.group == group])
    both = np.maximum(chance, alone)
    kinds = {"all": np.ones(len(told), bool)}
    for size in dict.fromkeys(one.size for one in told):
        kinds[size] = np.array([one.size == size for one in told])
    for name in dict.fromkeys(one.collection for one in told):
        kinds[f"{name}, whole"] = np.array(
            [one.collection == name and one.size == "whole collections" for one in told]
        )
    return {
        "law": list(fitted(told)),
        "groups": {
            name: {"before": _figures(told, alone, own), "now": _figures(told, both, own)}
            for name, own in kinds.items()
            if own.any()
        },
    }


def _events(dev: Path) -> Iterator[Told]:
    names = load("multivent1_names", dev / "multivent1_dev").dataset
    excerpts = load("multivent1", dev / "multivent1_dev").dataset
    with tempfile.TemporaryDirectory() as folder, _index(Path(folder), names) as index:
        yield from _of(index, _questions(names), "MultiVENT", "MultiVENT, names")
        yield from _of(index, _questions(excerpts), "MultiVENT", "MultiVENT, excerpts")
    for model in MODELS:
        spec = spec_of("wikivideo")
        spec = replace(spec, options={**spec.options, "captions": model})
        files = Files(dev / "wikivideo_dev", [FileSpec(f"{model}.json", "captions", "")])
        dataset = wikivideo(spec, files)
        with tempfile.TemporaryDirectory() as folder, _index(Path(folder), dataset) as index:
            yield from _of(index, _questions(dataset), "WikiVideo", f"WikiVideo, {model}")


def _index(folder: Path, dataset: Dataset) -> q2e.Index:
    file = folder / "evidence.jsonl"
    lines = [json.dumps(one, ensure_ascii=False) + "\n" for one in dataset.evidence]
    file.write_text("".join(lines), encoding="utf-8")
    index = q2e.open(folder / "index", confidence=0.0)
    index.import_evidence(file)
    return index


def _questions(dataset: Dataset) -> list[Question]:
    return [
        {"q": text, "right": list(dataset.qrels[query])} for query, text in dataset.queries.items()
    ]


def _of(
    index: q2e.Index, questions: Sequence[Question], group: str, collection: str
) -> Iterator[Told]:
    """Yield the hits of a whole collection and of parts of it."""
    ids: dict[str, set[str]] = {}
    for video in index.videos():
        for known in (video.id, Path(video.path).name):
            ids.setdefault(known, set()).add(video.id)
    right = [{v for name in one["right"] for v in ids.get(name, ())} for one in questions]
    texts = [str(one["q"]) for one in questions]
    whole = Searcher(index.store, index.models)
    for text, own in zip(texts, right, strict=True):
        yield from _asked(
            whole, index.settings, text, own, (group, collection, "whole collections")
        )
    drawn = random.Random(7)
    for kept, size in _parts(drawn, right, group != "one answer"):
        searcher = Searcher(part(index.store, kept), index.models)
        answered = [n for n, own in enumerate(right) if own & kept]
        others = [n for n, own in enumerate(right) if not own & kept]
        drawn.shuffle(answered)
        drawn.shuffle(others)
        for n in answered[:ASKED] + others[:ASKED]:
            place = group, collection, size
            yield from _asked(searcher, index.settings, texts[n], right[n], place)


def _parts(
    drawn: random.Random, right: Sequence[set[str]], events: bool
) -> Iterator[tuple[set[str], str]]:
    """Yield parts of a collection, by ids: random ones, and such with one video of each event."""
    for size in SIZES:
        for _ in range(PARTS):
            pool = sorted(set().union(*(own for own in right if drawn.random() < 0.5)))
            drawn.shuffle(pool)
            yield set(pool[:size]), f"parts of {size}"
    for number in range(SINGLE if events else 0):
        some = [own for own in right if own and (number % 2 == 0 or drawn.random() < 0.5)]
        yield {drawn.choice(sorted(own)) for own in some}, "one video of each event"


def _asked(
    searcher: Searcher, settings: Settings, text: str, right: set[str], place: tuple[str, str, str]
) -> Iterator[Told]:
    plan = replace(Plan.of(settings), details=False)
    with searcher.store.snapshot():
        state = line(plan).until("rank")(State(searcher.at, plan, Query(text)))
        if not state.rows or not state.many or not len(state.ranking):
            return
        grounds = grounds_of(state, state.rows, np.stack([row.video for row in state.rows]), None)
        told = trusted(state.fusion.contribution, grounds, given_of(state, state.rows))
        best = state.ranking[:BEST].tolist()
        found = signs(told, grounds, state.ranking, specific(state, grounds, told, best))
        above = above_the_rest(told.sum(axis=0), state.ranking, NOTHING)
        space = next(one.space for one in state.asked if one.how == "meaning")
        alike = likeness(state.at.kept.centred_means(space), state.ranking, best)
        answers = np.isin(state.at.table.video_ids, sorted(right))
    for rank, video in enumerate(best):
        size, text_says = float(found[3, video]), float(found[5, video])
        many = float(above[video]), size, text_says, float(alike[rank])
        one = tuple(found[:, video].tolist())
        yield Told(*place, rank, one, many, bool(answers[video]), bool(answers.any()))


# -- fitting ------------------------------------------------------------------------------------
def fitted(told: Sequence[Told]) -> Fellows:
    """Return the law by ridge logistic regression; every size of each group counts alike."""
    from scipy.optimize import minimize

    above, size, text, alike = np.array([one.many for one in told]).T
    x = np.stack((above, size, size * above, text, alike, size * alike), axis=1)
    middle, spread = x.mean(axis=0), x.std(axis=0) + 1e-9
    table = np.hstack((np.ones((len(x), 1)), (x - middle) / spread))
    count = Counter((one.group, one.size) for one in told)
    weight = np.array([1.0 / count[one.group, one.size] for one in told])
    weight /= weight.sum()
    y = np.array([one.right for one in told], dtype=float)

    def loss(law: Any) -> tuple[float, Any]:
        level, slope = table @ law, np.append(0.0, law[1:])
        off = weight * (1.0 / (1.0 + np.exp(-np.clip(level, -40, 40))) - y)
        kept = _RIDGE * float((slope**2).sum())
        value = float((weight * (np.logaddexp(0.0, level) - y * level)).sum()) + kept
        return value, off @ table + 2 * _RIDGE * slope

    found = minimize(loss, np.zeros(table.shape[1]), jac=True).x
    slopes = found[1:] / spread
    return Fellows(float(found[0] - slopes @ middle), *slopes.tolist())


def chances(law: Fellows, told: Sequence[Told]) -> Float64:
    """Return how certain hits (n,) are by a law."""
    return by_fellows(law, *np.array([one.many for one in told]).T)


def _figures(told: Sequence[Told], chance: Float64, own: Any) -> Mapping[str, Any]:
    """Return how the hits of a group come out."""
    right = np.array([one.right for one in told])
    first = np.array([one.rank == 0 for one in told])
    answered = np.array([one.answered for one in told])
    called = chance >= CERTAIN["found"]
    firsts, found, none = own & first & right, own & called, own & first & ~answered

    def share(of: Any, among: Any) -> float | None:
        return float(of[among].mean()) if among.any() else None

    return {
        "hits": int(own.sum()),
        "error": error(chance[own], right[own]),
        "found": int(found.sum()),
        "right": share(right, found),
        "firsts found": share(called, firsts),
        "all found": share(called, own & right),
        "shown": share(chance >= CERTAIN["perhaps"], own & right),
        "unanswerable": int(none.sum()),
        "unanswerable found": share(called, none),
    }
