"""Losses of pairs in a batch: what is right stands on the diagonal of a score matrix (B, B)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def symmetric_infonce(logits: Tensor) -> Tensor:
    """Return the mean of the cross-entropies of rows and of columns (CLIP, Radford et al. 2021)."""
    right = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, right) + F.cross_entropy(logits.T, right)) / 2


def infonce_among(guesses: Tensor, choices: Tensor, right: Tensor, scale: Tensor) -> Tensor:
    """Return the cross-entropy of guesses (n, d) among choices (m, d), by `scale` times cosine.

    `right` (n,) numbers the choice that each guess should be.
    """
    unit = F.normalize(guesses, dim=-1), F.normalize(choices, dim=-1)
    return F.cross_entropy(scale * (unit[0] @ unit[1].T), right)


def paired_logistic(logits: Tensor) -> Tensor:
    """Return the binary cross-entropy of all pairs, right and wrong ones weighing the same."""
    same = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    return (F.softplus(-logits[same]).mean() + F.softplus(logits[~same]).mean()) / 2


def margin(scores: Tensor, width: float, hardest: bool = False) -> Tensor:
    """Return the hinge of both directions: mean of max(0, width + wrong - right).

    With `hardest` the one most mistaken wrong pair of each row and column counts alone (VSE++,
    Faghri et al. 2018).
    """
    right = scores.diagonal()
    same = torch.eye(len(scores), dtype=torch.bool, device=scores.device)
    of_rows = (width + scores - right[:, None]).clamp_min(0).masked_fill(same, 0)
    of_columns = (width + scores - right[None]).clamp_min(0).masked_fill(same, 0)
    if hardest:
        return of_rows.max(dim=1).values.mean() + of_columns.max(dim=0).values.mean()
    wrong = max(len(scores) * (len(scores) - 1), 1)
    return (of_rows.sum() + of_columns.sum()) / wrong
