"""A linear layer that changes nothing before it is trained."""

from __future__ import annotations

import torch
from torch import nn


def projection(inputs: int, outputs: int | None = None, bias: bool = False) -> nn.Linear:
    """Return a layer whose weight starts as the identity and whose bias starts at 0."""
    made = nn.Linear(inputs, outputs or inputs, bias=bias)
    with torch.no_grad():
        made.weight.copy_(torch.eye(outputs or inputs, inputs))
        if bias:
            made.bias.zero_()
    return made
