"""Would the constants be others, had a collection or a language never been seen?

`python -m benchmarks leftout --data SETS [--keep FOLDER]`; what is asked as in `benchmarks.asked`.
Each constant of the fusion and of the certainty is chosen from a few plain values by all
collections but one, each counting alike, and judged on that one; then the same by languages. What
is lost against the constant that stands in the product is given with a paired 95 % interval.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.asked import Asked, asked
from benchmarks.certainty import FITTED, Judged, chances, fitted, judged
from benchmarks.truth import SAID
from q2e.arrays import Float64
from q2e.evaluate.compare import bootstrap
from q2e.search.certain import NOTHING, PRIOR
from q2e.types.answer import CERTAIN

#: Values that are tried of the chance at which a channel is believed, and of the eye's share.
ALPHAS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
SHARES = (0.25, 0.5, 0.75, 1.0)
STANDS = "witnesses(alpha=0.05, share=0.5)"
#: Values that are tried of what stands for no answer, and of what is known of texts at large.
NOTHINGS = (20.0, 40.0, 60.0, 80.0, 120.0)
PRIORS = (1.0, 2.0, 4.0, 8.0)
#: Questions, or hits, from which a language is left out for itself.
LEAST, HITS = 15, 150

Group = Callable[[Any], str]
BY: Mapping[str, Group] = {
    "collection": lambda one: str(one.collection),
    "language": lambda one: str(one.language),
}


def run(sets: Path, keep: Path | None = None) -> dict[str, Any]:
    """Return the tables of the fusion, of its channels and of the certainty."""
    known = [one for one in asked(sets, keep) if one.collection in FITTED]
    whole = [one for one in known if one.size == 0 and one.right.any()]
    return {
        "fusion": _fusion(whole),
        "channels": _channels(whole),
        "certainty": _certainty(known),
    }


# -- fusion -------------------------------------------------------------------------------------
def _fusion(whole: Sequence[Asked]) -> list[dict[str, Any]]:
    """Return reciprocal ranks by constants chosen without a group, and as they stand."""
    rules = [f"witnesses(alpha={alpha}, share={share})" for alpha in ALPHAS for share in SHARES]
    ranks = np.array(
        [[one.first_right(one.contribution(rule).sum(axis=0)) for rule in rules] for one in whole]
    )
    before = np.array(
        [one.first_right(one.contribution("entropy_sum").sum(axis=0)) for one in whole]
    )
    places = np.array([one.collection for one in whole])
    stands = rules.index(STANDS)
    rows = []
    for by, group in BY.items():
        names = np.array([group(one) for one in whole])
        left = np.full(len(whole), np.nan)
        for name in sorted(set(names)):
            own = names == name
            chosen = int(np.argmax(_even(ranks[~own], places[~own])))
            left[own] = ranks[own, chosen]
            if by == "collection" or own.sum() >= LEAST:
                rows.append(
                    _compared(by, name, rules[chosen], before[own], ranks[own, stands], left[own])
                )
        rows.append(_compared(by, "all", "", before, ranks[:, stands], left))
    best = int(np.argmax(_even(ranks, places)))
    rows.append(_compared("none", "all", rules[best], before, ranks[:, stands], ranks[:, best]))
    return rows


def _even(ranks: Float64, places: Any) -> Float64:
    """Return (r,) the mean of ranks (q, r) in which each collection counts alike."""
    means = [ranks[places == name].mean(axis=0) for name in sorted(set(places.tolist()))]
    return np.asarray(np.mean(means, axis=0))


def _compared(
    by: str, name: str, chosen: str, before: Float64, stands: Float64, left: Float64
) -> dict[str, Any]:
    change, gain = bootstrap(left - stands), bootstrap(stands - before)
    return {
        "by": by,
        "left out": name,
        "chosen": chosen.removeprefix("witnesses"),
        "questions": len(stands),
        "before": float(before.mean()),
        "stands": float(stands.mean()),
        "left": float(left.mean()),
        "gain": [gain.value, gain.low, gain.high],
        "change": [change.value, change.low, change.high],
    }


def _channels(whole: Sequence[Asked]) -> list[dict[str, Any]]:
    """Return reciprocal ranks of all channels together and of the best single one, by kind."""
    rows = []
    for place in sorted({one.collection for one in whole}):
        for kind in ("seen", "said"):
            own = [
                one
                for one in whole
                if one.collection == place and (one.kind in SAID) == (kind == "said")
            ]
            channels = sorted({name for one in own for name in one.grounds.channels})
            if not own:
                continue
            alone = {name: np.array([_alone(one, name) for one in own]) for name in channels}
            best = max(channels, key=lambda name: float(alone[name].mean()))
            together = np.array([one.first_right(one.contribution().sum(axis=0)) for one in own])
            change = bootstrap(together - alone[best])
            rows.append(
                {
                    "collection": place,
                    "kind": kind,
                    "questions": len(own),
                    "channel": best,
                    "alone": float(alone[best].mean()),
                    "together": float(together.mean()),
                    "change": [change.value, change.low, change.high],
                }
            )
    return rows


def _alone(one: Asked, channel: str) -> float:
    """Return the reciprocal rank by the scores of one channel; what it lacks comes last."""
    own = [number for number, name in enumerate(one.grounds.channels) if name == channel]
    if not own:
        return 0.0
    score = np.zeros(one.grounds.raw.shape[1])
    for number in own:
        raw = one.grounds.raw[number]
        if one.grounds.leads[number]:
            score += np.where(np.isfinite(raw), raw, -99.0)
        else:
            score += one.given[number] * np.maximum(np.nan_to_num(raw), 0.0)
    return one.first_right(score)


# -- certainty ----------------------------------------------------------------------------------
def _certainty(known: Sequence[Asked]) -> list[dict[str, Any]]:
    """Return how hits come out by constants and laws chosen without a group."""
    settings = [(nothing, prior) for nothing in NOTHINGS for prior in PRIORS]
    told = [one.contribution() for one in known]
    hits = {
        (nothing, prior): [
            hit
            for one, own in zip(known, told, strict=True)
            for hit in judged(one, own, nothing, prior)
        ]
        for nothing, prior in settings
    }
    first = hits[settings[0]]
    right = np.array([hit.right for hit in first], dtype=float)
    rows = []
    for by, group in BY.items():
        names = np.array([group(hit) for hit in first])
        left, stands = np.full(len(first), np.nan), np.full(len(first), np.nan)
        for name in sorted(set(names.tolist())):
            own = names == name
            rest = np.flatnonzero(~own)
            laws = {key: fitted([found[n] for n in rest]) for key, found in hits.items()}
            loss = {
                key: _loss([found[n] for n in rest], chances(laws[key], [found[n] for n in rest]))
                for key, found in hits.items()
            }
            chosen = min(settings, key=lambda key: loss[key])
            usual = (NOTHING, PRIOR)
            mine = np.flatnonzero(own)
            left[own] = chances(laws[chosen], [hits[chosen][n] for n in mine])
            stands[own] = chances(laws[usual], [hits[usual][n] for n in mine])
            if by == "collection" or own.sum() >= HITS:
                rows.append(
                    _told(by, name, chosen, [first[n] for n in mine], right[own], left[own],
                          stands[own])
                )  # fmt: skip
        rows.append(_told(by, "all", None, first, right, left, stands))
    return rows


def _loss(hits: Sequence[Judged], chance: Float64) -> float:
    """Return the mean loss of probabilities, every size of each collection counting alike."""
    places = [(hit.collection, hit.size) for hit in hits]
    right = np.array([hit.right for hit in hits])
    loss = -np.log(np.clip(np.where(right, chance, 1.0 - chance), 1e-12, 1.0))
    count = {one: places.count(one) for one in set(places)}
    weight = np.array([1.0 / count[one] for one in places])
    return float((loss * weight).sum() / weight.sum())


def _told(
    by: str,
    name: str,
    chosen: tuple[float, float] | None,
    hits: Sequence[Judged],
    right: Float64,
    left: Float64,
    stands: Float64,
) -> dict[str, Any]:
    change = bootstrap((left - right) ** 2 - (stands - right) ** 2)
    row: dict[str, Any] = {
        "by": by,
        "left out": name,
        "chosen": list(chosen) if chosen else [],
        "hits": len(hits),
        "change": [change.value, change.low, change.high],
    }
    firsts = (right == 1) & np.array([hit.rank == 0 for hit in hits])
    for label, chance in (("left", left), ("stands", stands)):
        found = chance >= CERTAIN["found"]
        row[label] = {
            "brier": float(((chance - right) ** 2).mean()),
            "found": int(found.sum()),
            "right": float(right[found].mean()) if found.any() else None,
            "firsts found": float(found[firsts].mean()) if firsts.any() else None,
        }
    return row
