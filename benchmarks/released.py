"""The arithmetic of Q2E's released code on public score matrices, beside ours.

Scores there are (cos + 1) / 2 * 100, so that its softmax over the queries is one of 50 cosines. Two
pairs of 1,000 x 1,000 matrices of MSR-VTT-1kA: Cap4Video's (cosines of sentences with videos and
with titles) and, of Vote-in-Context, InternVideo2 (scores in [0, 1]) with CLIP4Clip (logits).
R@1 in per cent, the diagonal alone relevant.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from q2e.arrays import Float64
from q2e.evaluate.matrix import evaluate_matrices, load_matrix
from q2e.evaluate.measures import parse_measures
from q2e.methods.fuse.base import entropy_bits
from q2e.methods.normalise.batch import batch

HIT = parse_measures("Success@1")
#: Rules of the released code as they are chosen here, in the order of the paper's table 4.
RULES = {
    "inverse entropy": "entropy(shares=False)",
    "mean": "mean",
    "max": "max",
    "RRF, k = 60": "rrf",
    "exp(+entropy), as released": "exponential(sign='+')",
    "exp(-entropy), as named": "exponential",
}
#: Temperatures of cosines: the released code's scale, and ours.
HEATS = (50.0, 100.0)


def run(dev_data: Path) -> dict[str, Any]:
    """Return every figure; `dev_data` holds `cap4video/` and `vic/`."""
    ours = [f"msrvtt_{name}_matrix.npy" for name in ("video", "titles")]
    aligned = (
        dev_data / "vic" / "InternVideo2_msrvtt.npy",
        dev_data / "vic" / "clip4clip_msrvtt.npy",
    )
    cosines = [load_matrix(dev_data / "cap4video" / name) for name in ours]
    return {
        "cap4video": {f"{heat:g}": _rules(cosines, heat) for heat in HEATS},
        "vic": _reversed([load_matrix(path) for path in aligned]),
    }


def _rules(matrices: list[Float64], heat: float) -> dict[str, Any]:
    given: dict[str, Any] = {"mode": "batch", "temperature": heat}
    found = {"video alone": _hit(matrices[:1], **given)}
    found |= {name: _hit(matrices, rule=rule, **given) for name, rule in RULES.items()}
    # Videos that swap places in two lists tie; the released code takes them as numpy sorts them.
    fused = evaluate_matrices(matrices, rule="rrf", measures=HIT, **given).fused
    first = np.argsort(-fused, axis=1)[:, 0]
    sorted_hits = float((first == np.arange(len(first))).mean())
    return found | {"RRF, ties as sorted": round(100 * sorted_hits, 1)}


def _reversed(matrices: list[Float64]) -> dict[str, Any]:
    """Return what negative entropies do where one temperature serves cosines and logits."""
    found: dict[str, Any] = {"alone": [_hit([one]) for one in matrices]}
    for heat in HEATS:
        bits = [entropy_bits(batch(one, temperature=heat)) for one in matrices]
        given: dict[str, Any] = {"mode": "batch", "temperature": heat}
        found[f"{heat:g}"] = {
            "weights below 0": int(sum((one < 0).sum() for one in bits)),
            "as released": _hit(matrices, rule="entropy(shares=False)", **given),
            "weights that sum to 1": _hit(matrices, rule="entropy", **given),
        }
    given = {"mode": "batch", "temperature": [50.0, 0.5]}
    found["50 and 0.5"] = {
        "as released": _hit(matrices, rule="entropy(shares=False)", **given),
        "weights that sum to 1": _hit(matrices, rule="entropy", **given),
    }
    return found


def _hit(matrices: list[Float64], **options: Any) -> float:
    report = evaluate_matrices(matrices, measures=HIT, **options)
    return round(100 * report.queries_to_items.values["Success@1"], 1)
