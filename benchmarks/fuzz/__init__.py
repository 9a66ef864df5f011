"""Feeds damaged input to every door that takes what strangers made.

`python -m benchmarks fuzz --count 10000 --seed 1 --only media`. Every input is made from the seed,
the target's name and its number alone, so a fault is made again by `--first NUMBER --count 1`.

A target is a row of `targets.TARGETS`: what its whole inputs are, and the code that reads one.
That code may return, or raise an error of ours; anything else is a fault: another exception
(`traceback`), the end of the process (`crash`), or more than 60 s (`hang`).
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.fuzz.child import Child
from benchmarks.fuzz.targets import TARGETS, Target

#: Longest that one input may take.
LIMIT_S = 60.0
#: Inputs after which the reading process is replaced, as decoders leak.
_RECYCLE = 500


def run(count: int, seed: int, only: Sequence[str] = (), first: int = 0) -> dict[str, Any]:
    """Return what became of `count` inputs of each target, from number `first` on."""
    chosen = [target for target in TARGETS if not only or {target.name, target.group} & set(only)]
    figures: dict[str, Any] = {"seed": seed, "first": first, "targets": {}}
    for target in chosen:
        figures["targets"][target.name] = feed(target, count, seed, first)
    return figures


def feed(
    target: Target, count: int, seed: int, first: int = 0, limit_s: float = LIMIT_S
) -> dict[str, Any]:
    """Return what became of `count` inputs of one target, and the first fifty faults."""
    outcomes: Counter[str] = Counter()
    faults: list[dict[str, Any]] = []
    slowest_s = 0.0
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        seeds = target.seeds(Path(folder))
        digests = {one.name: hashlib.sha256(one.read_bytes()).hexdigest()[:16] for one in seeds}
        child: Child | None = None
        for number in range(first, first + count):
            if child is None:
                child = Child(target, seed, seeds)
            started = time.perf_counter()
            outcome, what = child.feed(number, limit_s)
            slowest_s = max(slowest_s, time.perf_counter() - started)
            outcomes[outcome] += 1
            if outcome not in ("read", "refused"):
                faults.append({"number": number, "outcome": outcome, "what": what})
            if outcome in ("crash", "hang") or number % _RECYCLE == _RECYCLE - 1:
                child.close()
                child = None
        if child is not None:
            child.close()
    spent_s = time.perf_counter() - began
    return {
        "inputs": count,
        **{name: outcomes[name] for name in ("read", "refused", "traceback", "crash", "hang")},
        "slowest_s": round(slowest_s, 2),
        "seconds": round(spent_s, 1),
        "seeds": digests,
        "faults": faults[:50],
    }
