"""Training of queries that each become a stretch: a small DETR whose frames are gated by saliency.

QD-DETR's and SG-DETR's course: saliency s_i = cos(text, frame) gates what a frame takes from the
words; an encoder mixes frames; M learned queries look at them and become (centre, width) and a
chance each. What is right is given to the query that fits best (Hungarian method), by L1 and the
generalised IoU (Rezatofighi et al. 2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from q2e.arrays import Float64, Int64
from q2e.heads.blocks.spans import SpanObjective, Told, texts_of_videos, told_of
from q2e.heads.features import FeatureSet

#: Weights of L1, of 1 - gIoU, of the chance, and of saliency (Moment-DETR, Lei et al. 2021).
_L1, _GIOU, _CHANCE, _SALIENT = 10.0, 1.0, 4.0, 1.0
#: Margin between the saliency of a frame inside and one outside; weight of queries for nothing.
_MARGIN, _NOTHING = 0.2, 0.1


class QueryObjective(SpanObjective):
    """Centre and width of a stretch, and the chance of it, for each of M queries."""

    def __init__(
        self, dimension: int, text_dimension: int, hidden: int, queries: int, layers: int,
        heads: int, dropout: float, gate: bool,
    ) -> None:  # fmt: skip
        super().__init__()
        self.seen = nn.Sequential(nn.Linear(dimension, hidden), nn.LayerNorm(hidden))
        self.said = nn.Sequential(nn.Linear(text_dimension, hidden), nn.LayerNorm(hidden))
        self.words = nn.MultiheadAttention(hidden, heads, dropout, batch_first=True)
        self.encoder, self.decoder = nn.ModuleList(), nn.ModuleList()
        for _ in range(layers):
            form: Any = {"dropout": dropout, "batch_first": True, "norm_first": True}
            self.encoder.append(nn.TransformerEncoderLayer(hidden, heads, 2 * hidden, **form))
            self.decoder.append(nn.TransformerDecoderLayer(hidden, heads, 2 * hidden, **form))
        # Queries begin as places along the video: centres evenly apart.
        self.queries = nn.Parameter(placed((torch.arange(queries) + 0.5) / queries, hidden))
        self.bounds, self.chance = nn.Linear(hidden, 2), nn.Linear(hidden, 1)
        with torch.no_grad():
            self.bounds.weight.mul_(0.1)
            self.bounds.bias.zero_()
        middle = (torch.arange(queries) + 0.5) / queries
        self.register_buffer("start", torch.stack([middle, torch.full_like(middle, 0.25)], -1))
        self.log_sharp = nn.Parameter(torch.tensor(1.0))
        self.hidden, self.gate = hidden, gate

    def forward(self, told: Told) -> tuple[Tensor, Tensor, Tensor]:
        """Return centres and widths (B, M, 2), logits (B, M) and saliency (B, N)."""
        frames, words = self.seen(told.frames), self.said(told.tokens)
        text = words.sum(dim=1) / told.said.sum(dim=1, keepdim=True)
        salient = F.cosine_similarity(frames, text[:, None], dim=-1)
        heard, _ = self.words(frames, words, words, key_padding_mask=~told.said)
        if self.gate:
            share = (self.log_sharp.exp() * salient).sigmoid()[..., None]
            frames, heard = share * frames, share * heard
        count = told.real.sum(dim=1, keepdim=True)
        place = (torch.arange(frames.shape[1], device=frames.device) + 0.5) / count
        where = placed(place, self.hidden)
        mixed = frames + heard + where
        for layer in self.encoder:
            mixed = layer(mixed, src_key_padding_mask=~told.real)
        found = self.queries.expand(len(frames), -1, -1) + text[:, None]
        for layer in self.decoder:
            found = layer(found, mixed + where, memory_key_padding_mask=~told.real)
        moved = self.bounds(found) + torch.logit(self.start.clamp(0.02, 0.98))
        return moved.sigmoid(), self.chance(found).squeeze(-1), salient

    def batch(self, features: FeatureSet, pairs: Sequence[tuple[int, int]], device: Any) -> Told:
        """Return pairs of (video, text) with what each text describes."""
        return told_of(features, pairs, device)

    def contrast(self, batch: Told) -> Tensor:
        """Return L1 + 1 - gIoU of the query that is given the stretch, chances, and saliency."""
        centred, logits, salient = self(batch)
        spans = edged(centred)
        right = batch.spans[:, None]
        chance = logits.sigmoid()
        with torch.no_grad():
            away = (centred - middled(right)).abs().sum(-1)
            cost = _L1 * away - _GIOU * giou(spans, right) - _CHANCE * chance
            given = matched([row.cpu().double().numpy()[:, None] for row in cost])
        row = torch.arange(len(spans), device=spans.device)
        query = torch.tensor([int(one[0, 0]) for one in given], device=spans.device)
        own, target = spans[row, query], batch.spans
        close = _L1 * (centred[row, query] - middled(target)).abs().sum(-1).mean()
        over = _GIOU * (1 - giou(own, target)).mean()
        wanted = torch.zeros_like(logits)
        wanted[row, query] = 1.0
        weight = torch.where(wanted > 0, 1.0, _NOTHING)
        named = F.binary_cross_entropy_with_logits(logits, wanted, weight)
        return close + over + _CHANCE * named + _SALIENT * margins(salient, batch)

    def judged(
        self, features: FeatureSet, texts: Sequence[int], device: Any
    ) -> tuple[Tensor, Tensor]:
        centred, logits, _ = self(told_of(features, texts_of_videos(features, texts), device))
        return edged(centred).clamp(0, 1), logits


def placed(place: Tensor, hidden: int) -> Tensor:
    """Return sines and cosines (..., hidden) of places in 0 to 1, slow ones and quick ones."""
    half = hidden // 2
    rate = torch.pi * 2.0 ** (torch.arange(half, device=place.device) * 8.0 / half - 1.0)
    angle = place[..., None] * rate
    whole = torch.cat([angle.sin(), angle.cos()], dim=-1)
    return F.pad(whole, (0, hidden - 2 * half)) * 0.5


def edged(centred: Tensor) -> Tensor:
    """Return begin and end (..., 2) of centre and width."""
    centre, width = centred.unbind(-1)
    return torch.stack([centre - width / 2, centre + width / 2], dim=-1)


def middled(spans: Tensor) -> Tensor:
    """Return centre and width (..., 2) of begin and end."""
    begin, end = spans.unbind(-1)
    return torch.stack([(begin + end) / 2, end - begin], dim=-1)


def giou(one: Tensor, other: Tensor) -> Tensor:
    """Return IoU less the share of the hull that neither covers, of spans (..., 2)."""
    both = torch.minimum(one[..., 1], other[..., 1]) - torch.maximum(one[..., 0], other[..., 0])
    both = both.clamp_min(0)
    either = (one[..., 1] - one[..., 0]) + (other[..., 1] - other[..., 0]) - both
    hull = torch.maximum(one[..., 1], other[..., 1]) - torch.minimum(one[..., 0], other[..., 0])
    return both / either.clamp_min(1e-6) - (hull - either) / hull.clamp_min(1e-6)


def matched(costs: Sequence[Float64]) -> list[Int64]:
    """Return (k, 2) rows and columns of the cheapest matching of each cost matrix."""
    from scipy.optimize import linear_sum_assignment

    return [np.stack(linear_sum_assignment(cost), axis=1) for cost in costs]


def margins(salient: Tensor, told: Told) -> Tensor:
    """Return the mean hinge: frames inside are at least .2 more like the text than those outside.

    Each frame inside is held against the most like one outside, each one outside against the least
    like inside, as a soft mean over pairs of the video.
    """
    count = told.real.sum(dim=1, keepdim=True)
    place = (torch.arange(salient.shape[1], device=salient.device) + 0.5) / count
    inside = (place >= told.spans[:, :1]) & (place < told.spans[:, 1:]) & told.real
    outside = told.real & ~inside
    pair = (inside[:, :, None] & outside[:, None]).float()
    hinge = (_MARGIN - salient[:, :, None] + salient[:, None]).clamp_min(0)
    return (pair * hinge).sum() / pair.sum().clamp_min(1)
