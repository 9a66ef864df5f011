"""The loss of L_s while a large model is tuned: Enc of eq. 9, asked of right and of wrong pairs.

Enc is the model itself, asked in the very words that the joint score asks it in
(`q2e.mmi.scorer`): the probability of `yes` against `no`. The paper adds L_s to what it calls a
loss (eq. 10) although it grows with likeness, and says neither which pairs are asked about nor how
often. Here a request is asked about with its own video, where the answer should be yes, and with
the video that L_r mistakes most for it, where it should be no: such pairs are what a search asks
about.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from q2e.mmi.scorer import enc_prompt

#: What Enc may say, that of a right pair first.
ANSWERS = ("yes", "no")


@dataclass(frozen=True, slots=True)
class Enc:
    """How a model is asked: a prompt as token numbers in its own form of a chat."""

    ask: Callable[[str], Sequence[int]]
    first: Callable[[str], int]
    """The number of the first token of an answer."""

    def prompt(self, request: str, video: str) -> Sequence[int]:
        """Return the token numbers of the question about two skeletons, written out.

        Marks around them are drawn by PyTorch's seed, so that a training repeats exactly.
        """
        drawn = torch.randint(2**62, (2,)).tolist()
        return self.ask(enc_prompt(request, video, marks=(f"{drawn[0]:016x}", f"{drawn[1]:016x}")))

    @property
    def answers(self) -> tuple[int, int]:
        """Return the numbers of `yes` and of `no`."""
        yes, no = (self.first(answer) for answer in ANSWERS)
        return yes, no


def mistaken(likeness: Tensor) -> Tensor:
    """Return for each text of a batch (B, B) the number of the wrong video that it is most like."""
    same = torch.eye(len(likeness), dtype=torch.bool, device=likeness.device)
    return likeness.detach().masked_fill(same, -torch.inf).argmax(dim=1)


def skeleton_loss(right: Tensor, wrong: Tensor) -> Tensor:
    """Return the binary cross-entropy of L_s, from log-odds of `yes` against `no`.

    `right` and `wrong` (n,) weigh the same, whatever their numbers.
    """
    return (F.softplus(-right).mean() + F.softplus(wrong).mean()) / 2
