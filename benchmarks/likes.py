"""What likes and dislikes bring over rounds, on real events: a user who judges what is shown.

The events of the experiment `events`: `multivent1_dev`, asked by name over descriptions. In each
round the user looks at the first ten, likes the first right video not judged yet and dislikes
the first wrong one, and searches again. Judged videos are taken out of the list and of the
judgements before it is measured (the residual collection, Chang et al. 1971), and out of the
list without likes likewise, so that nothing is counted for having been pointed at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np

import q2e
from q2e.cache import cache_dir
from q2e.evaluate.compare import bootstrap, randomisation_test
from q2e.evaluate.conduct_index import IndexBench
from q2e.evaluate.datasets import Dataset
from q2e.evaluate.experiment import read_experiment
from q2e.evaluate.judging import judge
from q2e.evaluate.measures.ndcg import ndcg

HERE = Path(__file__).parent
ROUNDS, SHOWN = 5, 10
EVERYTHING: dict[str, Any] = {
    # As many as are left ten of when all judged are taken out.
    "top": SHOWN + 2 * ROUNDS,
    "moments": False,
    "confidence": 0.0,
    "duplicates": "keep",
}


def run(dev_data: Path) -> dict[str, Any]:
    """Return nDCG@10 by round, with likes alone and with dislikes too, beside no judging."""
    plan = read_experiment(HERE / "experiments" / "events.toml", dev_data)
    bench = IndexBench(plan, cache_dir() / "experiments" / "events", None)
    return {
        "questions": len(bench.queries),
        "shown": SHOWN,
        "likes": _rounds(bench.index, bench.dataset, dislikes=False),
        "likes and dislikes": _rounds(bench.index, bench.dataset, dislikes=True),
    }


def _rounds(index: q2e.Index, dataset: Dataset, dislikes: bool) -> list[dict[str, Any]]:
    """Return the figures of each round from the first with a judgement on."""
    pairs: list[list[tuple[float, float]]] = [[] for _ in range(ROUNDS)]
    for query, text in dataset.queries.items():
        right = dataset.qrels[query]
        plain = shown = _search(index, text, [], [])
        liked: list[str] = []
        disliked: list[str] = []
        for number in range(ROUNDS):
            fresh = [v for v in shown[:SHOWN] if v not in liked and v not in disliked]
            liked += [video for video in fresh if video in right][:1]
            disliked += [video for video in fresh if video not in right][: int(dislikes)]
            if liked or disliked:
                shown = _search(index, text, liked, disliked)
            judged = {*liked, *disliked}
            if right.keys() - judged:
                without = _residual(plain, right, judged)
                pairs[number].append((without, _residual(shown, right, judged)))
    return [_figures(np.array(found)) for found in pairs]


def _search(
    index: q2e.Index, text: str, liked: Sequence[str], disliked: Sequence[str]
) -> list[str]:
    return [hit.video.id for hit in index.search(text, like=liked, dislike=disliked, **EVERYTHING)]


def _residual(ranking: Sequence[str], right: Mapping[str, int], judged: Set[str]) -> float:
    """Return nDCG@10 of what is left of list and judgements without what was judged."""
    left = [video for video in ranking if video not in judged]
    scores = {video: -float(place) for place, video in enumerate(left)}
    return ndcg(judge(scores, {v: g for v, g in right.items() if v not in judged}), cutoff=10)


def _figures(pairs: Any) -> dict[str, Any]:
    without, judged = 100 * pairs.T
    change = bootstrap(judged - without)
    return {
        "questions": len(pairs),
        "without": round(float(without.mean()), 1),
        "nDCG@10": round(float(judged.mean()), 1),
        "change": [round(one, 1) for one in (change.value, change.low, change.high)],
        "better": int((judged > without).sum()),
        "worse": int((judged < without).sum()),
        "p": float(f"{randomisation_test(judged, without):.2g}"),
    }
