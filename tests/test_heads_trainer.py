"""The one trainer: the same bits as a plain loop, one look at key-images, losses against numpy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from q2e.heads.features import FeatureSet
from q2e.heads.ranks import reciprocal_rank
from q2e.heads.schedule import TrainConfig
from q2e.mmi.features import config_for
from q2e.mmi.synthetic import SyntheticConfig, synthetic

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def small() -> FeatureSet:
    return synthetic(SyntheticConfig(groups=20, dimension=16, vocabulary=12, frames=(1, 3)))


def _plain_loop(features: FeatureSet, head: Any, c: TrainConfig) -> tuple[dict[str, Any], float]:
    """Train as MMI-TVR's first trainer did, written out: no checkpoints, no classes."""
    from q2e.mmi.objective import HeadObjective

    torch.set_num_threads(1)
    made = HeadObjective(head, seed=c.seed, dropout=c.dropout, mask_rate=c.mask_rate)
    wide = [one for one in made.parameters() if one.ndim > 1]
    flat = [one for one in made.parameters() if one.ndim < 2]
    groups = [{"params": wide}, {"params": flat, "weight_decay": 0.0}]
    steps = torch.optim.AdamW(groups, lr=c.learning_rate, weight_decay=c.weight_decay)
    shown, held = features.subset("train"), features.subset("val")
    best, state = -1.0, {}
    order = [pairs for epoch in range(99) for pairs in shown.batches(c.batch, c.seed, epoch)]
    for step in range(c.total):
        torch.manual_seed(c.seed * 1_000_003 + step)
        made.train()
        for group in steps.param_groups:
            group["lr"] = c.rate(step)
        for part in range(c.accumulate):
            batch = made.batch(shown, order[step * c.accumulate + part], "cpu")
            loss = made.masked(batch) if step < c.masked_steps else made.contrast(batch)
            (loss / c.accumulate).backward()
        torch.nn.utils.clip_grad_norm_(made.parameters(), c.clip_norm)
        steps.step()
        steps.zero_grad()
        if (step + 1) % c.check_every == 0 and step >= c.masked_steps:
            made.eval()
            texts, videos = made.vectors(held, "cpu")
            value = reciprocal_rank((texts @ videos.T).double().numpy(), held.relevance())
            if value > best:
                best = value
                state = {name: one.clone() for name, one in made.state_dict().items()}
    return state, best


@pytest.mark.parametrize(
    ("changes", "others"),
    [
        ({}, {}),
        ({"alpha": "learned", "beta": "learned"}, {"accumulate": 2}),
        ({"temporal": "self", "spatial": "none"}, {"seed": 3}),
    ],
)
def test_the_trainer_gives_the_bits_of_a_plain_loop(
    small: FeatureSet, changes: dict[str, Any], others: dict[str, Any]
) -> None:
    from q2e.mmi.train import train_head

    made = {"steps": 20, "masked_steps": 10, "batch": 16, "warmup": 3, "check_every": 5}
    config = TrainConfig(**({**made, "patience": 0} | others))
    head = config_for(small, **changes)
    found, done = train_head(small, head, config)
    state, best = _plain_loop(small, head, config)
    assert done.best == best
    assert all((done.state[name] == state[name]).all() for name in state)
    assert (found.weights["video"] == state["module.w.video"].numpy()).all()


def test_key_images_are_made_once_a_step(small: FeatureSet) -> None:
    from q2e.mmi.objective import HeadObjective

    made = HeadObjective(config_for(small))
    batch = made.batch(small, [(0, 0), (1, 1), (2, 2)], "cpu")
    looked = []
    keys = made.module.keys
    made.module.keys = lambda videos: (looked.append(1), keys(videos))[1]
    made.masked(batch)
    assert len(looked) == 1


@pytest.mark.parametrize("hardest", [False, True])
def test_losses_are_their_formulas(hardest: bool) -> None:
    from q2e.heads.losses import infonce_among, margin, paired_logistic, symmetric_infonce

    rng = np.random.default_rng(0)
    scores = rng.normal(size=(5, 5))
    given = torch.from_numpy(scores)

    def cross(rows: np.ndarray, right: Any) -> float:
        logs = rows - np.log(np.exp(rows).sum(axis=1, keepdims=True))
        return float(-logs[np.arange(len(rows)), right].mean())

    diagonal = np.arange(5)
    both = (cross(scores, diagonal) + cross(scores.T, diagonal)) / 2
    assert float(symmetric_infonce(given)) == pytest.approx(both)

    wrong = ~np.eye(5, dtype=bool)
    hinges = [np.maximum(0.2 + m - m.diagonal()[:, None], 0) * wrong for m in (scores, scores.T)]
    mean = [m.max(axis=1).mean() if hardest else m.sum() / 20 for m in hinges]
    assert float(margin(given, 0.2, hardest)) == pytest.approx(sum(mean))

    logistic = [np.log1p(np.exp(-scores.diagonal())), np.log1p(np.exp(scores[wrong]))]
    assert float(paired_logistic(given)) == pytest.approx(sum(x.mean() for x in logistic) / 2)

    other, right = rng.normal(size=(7, 5)), np.array([0, 3, 6, 2, 2])
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (scores, other)]
    found = infonce_among(given, torch.from_numpy(other), torch.from_numpy(right), torch.tensor(4))
    assert float(found) == pytest.approx(cross(4 * unit[0] @ unit[1].T, right))


def test_what_cannot_be_read_as_a_checkpoint_is_refused(tmp_path: Path) -> None:
    from q2e.errors import ConfigError
    from q2e.heads.checkpoint import kept

    for content in (b"", b"no checkpoint", b"\x80\x02K\x01."):
        (tmp_path / "checkpoint.pt").write_bytes(content)
        with pytest.raises(ConfigError, match="no checkpoint of ours"):
            kept(tmp_path)
