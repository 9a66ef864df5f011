"""Fusion and normalisation on two real 1,000 x 1,000 score matrices of MSR-VTT-1kA (Cap4Video).

One matrix compares sentences with videos, the other with generated titles. Figures are
percentages of sentences whose own video comes first (ties by average rank), with 95 % bootstrap
intervals over sentences. Run it with `python -m benchmarks.matrices DATA`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from q2e.arrays import Bool, Float64
from q2e.evaluate.agreement import agreement
from q2e.evaluate.compare import bootstrap, randomisation_test
from q2e.evaluate.judging import judge_matrix
from q2e.evaluate.matrix import evaluate_matrices, load_matrix, query_groups
from q2e.evaluate.measures import parse_measures
from q2e.methods.fuse.base import entropy_bits, fuse_batch
from q2e.methods.normalise.base import normalise, softmax, zscore
from q2e.plugins import registry

RULES = registry().names("fuse")
HITS = parse_measures("Success@1,Success@5,Success@10")
SPLITS = 5
#: Corrections by a bank, at the settings compared.
CORRECTIONS: dict[str, str | None] = {
    "no bank": None,
    "NNN, nearest 1 %, alpha 0.5": "nnn",
    "NNN, nearest 1 %, alpha 0.75": "nnn(alpha=0.75)",
    # More than a bank has: all of it.
    "NNN, whole bank, alpha 0.5": "nnn(k=1000)",
    "NNN, whole bank, alpha 1": "nnn(k=1000, alpha=1)",
    "inverted softmax, 20": "inverted_softmax",
    "inverted softmax, 50": "inverted_softmax(temperature=50)",
    "dynamic inverted softmax, 50": "dynamic_inverted_softmax(temperature=50)",
    "dynamic inverted softmax, 70": "dynamic_inverted_softmax(temperature=70)",
    "dual softmax with bank, 50": "dual_softmax(temperature=50)",
}


def run(dev_data: Path) -> dict[str, Any]:
    """Return every figure; `dev_data` holds `cap4video/`."""
    folder = dev_data / "cap4video"
    video = load_matrix(folder / "msrvtt_video_matrix.npy")
    titles = load_matrix(folder / "msrvtt_titles_matrix.npy")
    stack = np.stack([video, titles])
    return {
        "protocol": "1,000 sentences, 1,000 videos, the diagonal alone is relevant",
        "single channels": {"video": _figures([video]), "titles": _figures([titles])},
        "weighted sum 0.73 / 0.27": _figures([video, titles], rule="sum", weights=[0.73, 0.27]),
        "batch mode, temperature 100 (transductive)": {
            "video alone": _figures([video], mode="batch"),
            "titles alone": _figures([titles], mode="batch"),
            **{rule: _figures([video, titles], rule=rule, mode="batch") for rule in RULES},
            "rrf, ties counted in favour": _figures(
                [video, titles], rule="rrf", mode="batch", ties="optimistic"
            ),
        },
        "one query at a time, no bank": {
            rule: _figures([video, titles], rule=rule, mode="videos") for rule in RULES
        },
        "entropy rule by temperature": {
            str(heat): _figures([video, titles], mode="videos", temperature=heat)["R@1"]["value"]
            for heat in (0.25, 0.35, 0.5, 0.7, 1.0, 1.5, 2.0)
        },
        "tried and not kept": _tried(stack),
        "one query at a time, half of the queries as bank": _banks(stack),
        "repeated sentences": _repeated(stack),
        "permuted copy": _permuted(video, titles),
    }


def _figures(matrices: list[Float64], **options: Any) -> dict[str, Any]:
    report = evaluate_matrices(matrices, measures=HITS, **options)
    values, back = report.queries_to_items.values, report.items_to_queries.values
    figures: dict[str, Any] = {f"R@{k}": round(100 * values[f"Success@{k}"], 1) for k in (5, 10)}
    figures["R@1"] = _percent(list(report.queries_to_items.per_query["Success@1"].values()))
    figures["video to text R@1"] = round(100 * back["Success@1"], 1)
    return figures


def _percent(hits: Any) -> dict[str, float]:
    interval = bootstrap(hits)
    return {
        "value": round(100 * interval.value, 2),
        "low": round(100 * interval.low, 2),
        "high": round(100 * interval.high, 2),
    }


def _hits(scores: Float64, own: Any) -> Float64:
    """Return (Q,) 1 where the own video of a query comes first."""
    relevance = np.zeros(scores.shape)
    relevance[np.arange(len(own)), own] = 1
    return np.array([float(one.ranks[0] <= 1) for one in judge_matrix(scores, relevance)])


def _tried(stack: Float64) -> dict[str, float]:
    """Return R@1 of ideas that were not kept, on rows standardised over the videos."""
    z = zscore(stack)
    p = softmax(z)
    ordered = -np.sort(-z, axis=-1)
    gap, best = ordered[..., 0] - ordered[..., 1], ordered[..., 0]
    ideas = {
        "z-scores, inverse entropy, 1.0": (z, _inverse_entropy(p)),
        "z-scores, inverse entropy, 0.35": (z, _inverse_entropy(softmax(z / 0.35))),
        "square roots of probabilities": (np.sqrt(p), _inverse_entropy(p)),
        "probabilities, equal weights": (p, np.ones(gap.shape)),
        "z-scores, gap to the second": (z, gap),
        "z-scores, best": (z, best),
        "z-scores, best cubed": (z, best**3),
        "z-scores, fourth moment": (z, (z**4).mean(axis=-1)),
        "sum of exponentials of z-scores": (np.exp(z), np.ones(gap.shape)),
    }
    own = np.arange(stack.shape[1])
    return {
        name: round(100 * float(_hits((weight[..., None] * value).sum(0), own).mean()), 1)
        for name, (value, weight) in ideas.items()
    }


def _inverse_entropy(probability: Float64) -> Float64:
    return np.asarray(1 / (entropy_bits(probability) / np.log2(probability.shape[-1]) + 0.1))


def _banks(stack: Float64) -> dict[str, Any]:
    """Measure corrections in five splits, either half of the queries serving as the bank.

    `whole gallery` searches all videos: the bank's own videos are in it, and a bank that pushes
    them down helps the queries under test without knowing anything about them. `unseen gallery`
    searches the videos of the tested half alone, which no bank query is about.
    """
    groups = query_groups(stack)  # the same sentence must not be its own bank
    halves = []
    for seed in range(SPLITS):
        first = np.random.default_rng(seed).permutation(groups.max() + 1)[groups] % 2 == 0
        halves += [first, ~first]
    table: dict[str, Any] = {}
    for gallery in ("whole gallery", "unseen gallery"):
        plain = _split_hits(stack, halves, gallery, None, channel=0)
        table[gallery] = {"best channel alone": _percent(plain)}
        for name, correction in CORRECTIONS.items():
            fused = _split_hits(stack, halves, gallery, correction)
            alone = _split_hits(stack, halves, gallery, correction, channel=0)
            table[gallery][name] = {
                "video alone": _percent(alone),
                "entropy": _percent(fused),
                "entropy against best channel": _percent(fused - plain)
                | {"p": round(randomisation_test(fused, plain, draws=5_000), 4)},
            }
    return table


def _split_hits(
    stack: Float64,
    halves: list[Bool],
    gallery: str,
    correction: str | None,
    channel: int | None = None,
) -> Float64:
    """Return (Q,) how often each query hits over the splits, 0 to 1."""
    total = np.zeros(stack.shape[1])
    for tested in halves:
        shown = tested if gallery == "unseen gallery" else np.ones(len(tested), dtype=bool)
        own = (np.cumsum(shown) - 1)[tested]
        rows = [table[np.ix_(tested, shown)] for table in stack]
        if correction is not None:
            banks = [table[np.ix_(~tested, shown)] for table in stack]
            formula = registry().one("correction", correction).bound
            rows = [formula(row, bank) for row, bank in zip(rows, banks, strict=True)]
        fused = rows[channel] if channel is not None else fuse_batch(normalise(np.stack(rows)))
        total[tested] += _hits(fused, own)
    return total / SPLITS


def _repeated(stack: Float64) -> dict[str, Any]:
    """Measure sentences that stand several times once, with all their videos relevant."""
    groups = query_groups(stack)
    first = np.unique(groups, return_index=True)[1]
    relevance = (groups[first][:, None] == groups[None, :]).astype(float)
    single, merged = {}, {}
    for name, matrix in (("video", stack[0]), ("titles", stack[1])):
        single[name] = round(100 * float(_hits(matrix, np.arange(len(matrix))).mean()), 1)
        judged = judge_matrix(matrix[first], relevance)
        merged[name] = round(100 * float(np.mean([one.ranks[0] <= 1 for one in judged])), 2)
    counts = np.bincount(groups)
    return {
        "different sentences": len(first),
        "sentences that stand several times": int((counts > 1).sum()),
        "R@1 over 1,000 rows": single,
        "hit rate at 1 over different sentences": merged,
    }


def _permuted(video: Float64, titles: Float64) -> dict[str, Any]:
    """Show what fusing a matrix in another order would have claimed, were it not refused."""
    order = np.random.default_rng(0).permutation(len(titles))
    moved = titles[np.ix_(order, order)]
    figures: dict[str, Any] = {}
    for name, other in (("same order", titles), ("other order", moved)):
        pair = normalise(np.stack([video, other]), "videos")
        found = agreement(video, other)
        figures[name] = {
            "off-diagonal rank correlation": round(found.off_diagonal, 3),
            "refused": found.different_order,
            "R@1 of the mean rule": round(
                100 * float(_hits(fuse_batch(pair, "mean"), np.arange(len(video))).mean()), 1
            ),
        }
    return figures


if __name__ == "__main__":
    print(json.dumps(run(Path(sys.argv[1])), indent=1))
