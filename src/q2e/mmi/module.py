"""The head of `q2e.mmi.reason` as a PyTorch module, in batches: what training changes.

B is the number of videos or texts of a batch, N its most frames, K its most key-images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from q2e.arrays import Float32
from q2e.mmi.reason import EPSILON, Clip, Head, HeadConfig, grid_places, initial_weights

#: Score of what must not be attended to; finite, so that rows of padding stay numbers.
_NEVER = -1e9


@dataclass(frozen=True, slots=True, eq=False)
class Videos:
    """Padded videos: frames (B, N, d), inside (B, K, N), real (B, K) and the rest of `Clip`."""

    frames: Tensor
    inside: Tensor
    alpha: Tensor
    beta: Tensor
    times: Tensor
    real: Tensor
    regions: Tensor | None


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """Padded texts: tokens (B, M, d), real (B, M) and places (B, M) in [0, 1]."""

    tokens: Tensor
    real: Tensor
    places: Tensor


def pad_videos(clips: Sequence[Clip], device: Any = "cpu") -> Videos:
    """Return prepared videos as one batch."""
    keys = [len(clip.times) for clip in clips]
    regions = None
    if clips[0].regions is not None:
        regions = _pad([clip.regions for clip in clips], device)
    inside = np.zeros((len(clips), max(keys), max(len(clip.frames) for clip in clips)), np.float32)
    for row, clip in zip(inside, clips, strict=True):
        row[: clip.inside.shape[0], : clip.inside.shape[1]] = clip.inside
    return Videos(
        frames=_pad([clip.frames for clip in clips], device),
        inside=torch.from_numpy(inside).to(device),
        alpha=_pad([clip.alpha for clip in clips], device),
        beta=_pad([clip.beta for clip in clips], device),
        times=_pad([clip.times for clip in clips], device),
        real=_pad([np.ones(count) for count in keys], device) > 0,
        regions=regions,
    )


def pad_texts(texts: Sequence[Float32], device: Any = "cpu") -> Texts:
    """Return texts, each (m, d) token vectors, as one batch."""
    return Texts(
        tokens=_pad(texts, device),
        real=_pad([np.ones(len(text)) for text in texts], device) > 0,
        places=_pad([np.linspace(0.0, 1.0, len(text)) for text in texts], device),
    )


class HeadModule(nn.Module):
    """Makes unit vectors (B, d) of videos and texts; equal to `Head` with the same weights."""

    def __init__(self, config: HeadConfig, seed: int = 0, dropout: float = 0.0) -> None:
        super().__init__()
        self.config = config
        self.w = nn.ParameterDict(
            {
                name: nn.Parameter(torch.from_numpy(value))
                for name, value in initial_weights(config, seed).items()
            }
        )
        self.dropout = nn.Dropout(dropout)

    def head(self, space: str = "") -> Head:
        """Return the same head in numpy."""
        weights = {
            name: value.detach().cpu().float().numpy().copy() for name, value in self.w.items()
        }
        return Head(self.config, weights, space)

    def load(self, head: Head) -> None:
        """Take the weights of a head. They must be of this configuration."""
        self.w.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in head.weights.items()})

    def keys(self, videos: Videos) -> tuple[Tensor, Tensor | None]:
        """Return raw key-images (B, K, d) and their regions (B, K, R, d), if there are any."""
        logits = videos.alpha
        if self.config.alpha == "learned":
            logits = logits + videos.frames @ self.w["alpha"]
        inside = torch.where(videos.inside > 0, logits[:, None], _NEVER).softmax(-1)
        inside = inside * videos.real[:, :, None]
        regions = None
        if videos.regions is not None:
            regions = torch.einsum("bkn,bnrd->bkrd", inside, videos.regions)
        return inside @ videos.frames, regions

    def reason(self, raw: Tensor, regions: Tensor | None, times: Tensor, real: Tensor) -> Tensor:
        """Return (B, K, d) key-images with what surrounds them in time and in the picture."""
        c, w = self.config, self.w
        keys = self.dropout(raw @ w["image"])
        if c.positions:
            keys = keys + w["position"][: keys.shape[1]]
        parts = []
        if c.temporal != "none":
            mix = None
            if c.temporal == "H":
                mix = self._relations(raw, times[..., None], real)
                mix = (mix + self._shifts("temporal_bias", keys.shape[1])) * real[:, None]
            parts.append(self._attend(keys, mix, "temporal", real))
        if c.spatial != "none" and regions is None:
            mix = self._relations(raw, times[..., None], real) if c.spatial == "G" else None
            parts.append(self._attend(keys, mix, "spatial", real))
        elif c.spatial != "none":
            places = torch.from_numpy(grid_places(c.grid)).to(raw)
            mix = self._relations(regions, places, None) if c.spatial == "G" else None
            parts.append(self._attend(regions @ w["image"], mix, "spatial", None).mean(-2))
        if not parts:
            return keys
        return torch.stack([keys, *parts]).mean(0) + self._layer(torch.cat(parts, -1), "fuse")

    def video(self, videos: Videos, keys: tuple[Tensor, Tensor | None] | None = None) -> Tensor:
        """Return the (B, d) unit vectors h_v; `keys` where the key-images are known already."""
        raw, regions = keys or self.keys(videos)
        seen = self.reason(raw, regions, videos.times, videos.real)
        beta = videos.beta
        if self.config.beta == "learned":
            beta = beta + raw @ self.w["beta"]
        beta = beta.masked_fill(~videos.real, _NEVER).softmax(-1)
        return F.normalize(torch.einsum("bk,bkd->bd", beta, seen) @ self.w["video"], dim=-1)

    def words(self, texts: Texts) -> Tensor:
        """Return (B, M, d) tokens with what surrounds them."""
        words = self.dropout(texts.tokens @ self.w["text"])
        mix = self._relations(texts.tokens, texts.places[..., None], texts.real)
        mix = (mix + self._shifts("words_bias", words.shape[1])) * texts.real[:, None]
        context = self._attend(words, mix, "words", texts.real)
        return (words + context) / 2 + self._layer(torch.cat([words, context], -1), "say")

    def text(self, texts: Texts) -> Tensor:
        """Return the (B, d) unit vectors h_T."""
        share = texts.real / texts.real.sum(-1, keepdim=True)
        return F.normalize(torch.einsum("bm,bmd->bd", share, self.words(texts)), dim=-1)

    def skeleton(self, texts: Tensor, videos: Tensor) -> Tensor:
        """Return (T, V) logits that skeleton vectors (T, s) and (V, s) describe one scene."""
        slope, height = self.w["skeleton_line"]
        texts, videos = (F.normalize(x @ self.w["skeleton"], dim=-1) for x in (texts, videos))
        return slope * (texts @ videos.T) + height

    def _attend(self, values: Tensor, mix: Tensor | None, name: str, real: Tensor | None) -> Tensor:
        query, key, value = (
            values @ self.w[f"{name}_{part}"] for part in ("query", "key", "value")
        )
        scores = self.config.factor * (query @ key.transpose(-1, -2))
        if mix is not None:
            scores = scores @ mix.transpose(-1, -2)
        if real is not None:
            scores = scores.masked_fill(~real[:, None], _NEVER)
        return scores.softmax(-1) @ value

    def _relations(self, vectors: Tensor, places: Tensor, real: Tensor | None) -> Tensor:
        # H and G are made from the features, not learned through.
        unit = F.normalize(vectors.detach().float(), dim=-1)
        apart = (places.unsqueeze(-2) - places.unsqueeze(-3)).norm(dim=-1)
        near = (-apart / self.config.reach).exp()
        alike = (unit @ unit.transpose(-1, -2)).clamp_min(0.0)
        both = self.config.share * near + (1.0 - self.config.share) * alike
        if real is not None:
            both = both * real[:, None]
        return both / both.sum(-1, keepdim=True).clamp_min(1e-12)

    def _shifts(self, name: str, count: int) -> Tensor:
        bias = self.w[name]
        reach = len(bias) // 2
        places = torch.arange(count, device=bias.device)
        return bias[(places[None] - places[:, None]).clamp(-reach, reach) + reach]

    def _layer(self, inputs: Tensor, name: str) -> Tensor:
        w = self.w
        inner = inputs @ w[f"{name}_weight"] + w[f"{name}_inner"]
        curved = F.gelu(inner, approximate="tanh")
        return F.layer_norm(
            curved, curved.shape[-1:], w[f"{name}_gain"], w[f"{name}_shift"], EPSILON
        )


def _pad(arrays: Sequence[Any], device: Any) -> Tensor:
    """Return arrays of different first lengths as one float32 tensor, zeros after their ends."""
    longest = max(len(array) for array in arrays)
    whole = np.zeros((len(arrays), longest, *arrays[0].shape[1:]), np.float32)
    for row, array in zip(whole, arrays, strict=True):
        row[: len(array)] = array
    return torch.from_numpy(whole).to(device)
