"""Inductive reasoning over key-images in numpy: the head of MMI-TVR, untrained or with weights.

Temporal attention (eq. 1) mixes scores by H, spatial attention (eq. 2) by G; equations and letters
are the paper's, what it leaves open is said where it is decided. K is the number of key-images,
R of regions in each, d the dimension. `q2e.mmi.module` is the same in PyTorch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Self

import numpy as np

from q2e.arrays import Float32, Float64
from q2e.errors import ConfigError
from q2e.mmi.keyimages import (
    DEVIATIONS,
    MOST,
    WeightSource,
    frame_logits,
    key_times,
    members,
    segments,
    softmax,
    video_logits,
    weights_in,
)

#: Added to a variance before its root is taken.
EPSILON = 1e-5


@dataclass(frozen=True, slots=True)
class HeadConfig:
    """What a head is made of; each ablation of the paper's table 3 is one of these.

    `temporal` and `spatial`: attention mixed by `H` or `G`, plain `self` attention, or `none`.
    `scale` multiplies inner products; 0 stands for the paper's 1 / sqrt(d), under which unit
    vectors attend to all alike. `grid` is the side of the grid of regions in a frame; without
    regions (0) spatial attention is over key-images and its geometry is time.
    """

    dimension: int
    grid: int = 0
    most: int = MOST
    deviations: float = DEVIATIONS
    alpha: WeightSource = "closeness"
    beta: WeightSource = "length"
    temporal: Literal["H", "self", "none"] = "H"
    spatial: Literal["G", "self", "none"] = "G"
    positions: bool = False
    """Add learned vectors of absolute position to key-images; for comparison, not the paper's."""
    share: float = 0.5
    """Share of position in H and G; the rest is similarity."""
    reach: float = 0.25
    """Distance, in parts of the video or the picture, over which position fades by 1/e."""
    scale: float = 10.0
    skeleton_dimension: int = 0

    def __post_init__(self) -> None:
        if self.dimension < 1 or self.grid < 0 or self.skeleton_dimension < 0:
            raise ConfigError(
                f"head: needs dimension >= 1, grid >= 0 and skeleton_dimension >= 0, got "
                f"{self.dimension}, {self.grid} and {self.skeleton_dimension}"
            )
        for name, known in (
            ("temporal", ("H", "self", "none")),
            ("spatial", ("G", "self", "none")),
        ):
            if getattr(self, name) not in known:
                raise ConfigError(
                    f"head: {name} = {getattr(self, name)!r}; known: {', '.join(known)}"
                )
        if not (self.most >= 1 and 0 <= self.share <= 1 and self.reach > 0 and self.scale >= 0):
            raise ConfigError(
                f"head: needs most >= 1, share in [0, 1], reach > 0 and scale >= 0, got "
                f"{self.most}, {self.share}, {self.reach} and {self.scale}"
            )

    @property
    def factor(self) -> float:
        """What inner products are multiplied by."""
        return self.scale or self.dimension**-0.5

    @property
    def attentions(self) -> int:
        """How many of the two attentions there are."""
        return (self.temporal != "none") + (self.spatial != "none")


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A video's features ready for reasoning: what no training changes."""

    frames: Float32
    """(n, d) frame vectors in time order."""
    inside: Float64
    """(K, n) 1 where a frame belongs to a key-image."""
    alpha: Float64
    """(n,) logits of frames in their segment."""
    beta: Float64
    """(K,) logits of key-images in the video."""
    times: Float64
    """(K,) time of each key-image in [0, 1]."""
    regions: Float32 | None = None
    """(n, R, d) vectors of the regions of each frame, row by row of its grid."""


def prepare(
    config: HeadConfig,
    frames: Float32,
    times_s: Float64 | None = None,
    regions: Float32 | None = None,
    query: Float32 | None = None,
) -> Clip:
    """Cut frames (n, d) into key-images and weigh them by the rules of `config`.

    `times_s` (n,) are presentation times, evenly spaced where not given. `query` (d,) is needed
    by weights that look at the question. Raises ConfigError where shapes do not fit.
    """
    if frames.ndim != 2 or frames.shape[1] != config.dimension:
        raise ConfigError(f"the head is for frames of (n, {config.dimension}), got {frames.shape}")
    if not np.isfinite(frames).all():
        raise ConfigError("frame vectors hold NaN or infinite numbers; make the features again")
    if config.grid:
        wanted = (len(frames), config.grid**2, config.dimension)
        if regions is None or regions.shape != wanted:
            got = None if regions is None else regions.shape
            raise ConfigError(f"the head is for regions of {wanted}, got {got}")
    when = np.arange(len(frames), dtype=np.float64) if times_s is None else np.asarray(times_s)
    if when.shape != (len(frames),):
        raise ConfigError(f"{len(frames)} frames need as many times, got {when.shape}")
    length = float(np.ptp(when)) or 1.0
    segment = segments(frames, config.most, config.deviations)
    inside = members(segment)
    means = (inside / inside.sum(axis=1, keepdims=True) @ frames).astype(np.float32)
    return Clip(
        frames=frames,
        inside=inside,
        alpha=frame_logits(frames, segment, config.alpha, query),
        beta=video_logits(means, segment, config.beta, query),
        times=key_times(segment, (when - when.min()) / length),
        regions=regions if config.grid else None,
    )


def initial_weights(config: HeadConfig, seed: int = 0) -> dict[str, Float32]:
    """Return weights under which a head only smooths: identities, and no say for the rest.

    The non-linear layer starts with gain 0; its inner matrix is random by `seed`.
    """
    d = config.dimension
    rng = np.random.default_rng(seed)
    one = np.eye(d)
    bias = np.zeros(2 * config.most - 1)

    def layer(inputs: int) -> dict[str, Float64]:
        spread = np.sqrt(1.0 / (inputs * d))
        return {
            "weight": rng.normal(0.0, spread, (inputs * d, d)),
            "inner": np.zeros(d),
            "gain": np.zeros(d),
            "shift": np.zeros(d),
        }

    weights: dict[str, Float64] = {"image": one, "video": one, "text": one}
    if config.alpha == "learned":
        weights["alpha"] = np.zeros(d)
    if config.beta == "learned":
        weights["beta"] = np.zeros(d)
    if config.positions:
        weights["position"] = np.zeros((config.most, d))
    for name in ("temporal", "spatial", "words"):
        if name == "words" or getattr(config, name) != "none":
            weights |= {f"{name}_{part}": one for part in ("query", "key", "value")}
    if config.temporal == "H":
        weights["temporal_bias"] = bias
    weights["words_bias"] = bias
    if config.attentions:
        weights |= {f"fuse_{name}": value for name, value in layer(config.attentions).items()}
    weights |= {f"say_{name}": value for name, value in layer(2).items()}
    if config.skeleton_dimension:
        weights["skeleton"] = np.eye(config.skeleton_dimension)
        weights["skeleton_line"] = np.array([10.0, -5.0])
    return {name: value.astype(np.float32) for name, value in weights.items()}


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A head with its weights; makes unit vectors of videos and texts.

    `space` names the vectors it was trained on, empty for an untrained head.
    """

    config: HeadConfig
    weights: Mapping[str, Float32]
    space: str = ""

    def __post_init__(self) -> None:
        wanted = {name: value.shape for name, value in initial_weights(self.config).items()}
        got = {name: value.shape for name, value in self.weights.items()}
        if wanted != got:
            wrong = sorted(name for name in wanted | got if wanted.get(name) != got.get(name))
            raise ConfigError(
                f"weights do not fit the head: {wrong[0]} is {got.get(wrong[0])}, "
                f"needed {wanted.get(wrong[0])}"
            )
        if not all(np.isfinite(value).all() for value in self.weights.values()):
            raise ConfigError("weights hold NaN or infinite numbers; train again")

    @classmethod
    def untrained(cls, config: HeadConfig) -> Self:
        """Return the zero-shot head: identity weights, a smoothing prior."""
        return cls(config, initial_weights(config))

    def video(
        self,
        frames: Float32,
        times_s: Float64 | None = None,
        regions: Float32 | None = None,
        query: Float32 | None = None,
    ) -> Float32:
        """Return the (d,) unit vector h_v of a video from its frames (n, d)."""
        clip = prepare(self.config, frames, times_s, regions, query)
        return self.vector(clip)

    def vector(self, clip: Clip) -> Float32:
        """Return the (d,) unit vector h_v of a prepared video."""
        c, w = self.config, self.weights
        logits = clip.alpha + clip.frames @ w["alpha"] if c.alpha == "learned" else clip.alpha
        inside = weights_in(clip.inside, logits)
        raw = inside @ clip.frames
        keys = raw @ w["image"]
        if c.positions:
            keys = keys + w["position"][: len(keys)]
        seen, parts = [keys], []
        if c.temporal != "none":
            mix = np.eye(len(keys))
            if c.temporal == "H":
                mix = relations(raw, clip.times[:, None], c) + _shifts(
                    w["temporal_bias"], len(keys)
                )
            parts.append(attend(keys, mix, w, "temporal", c.factor))
        if c.spatial != "none":
            parts.append(self._spatial(clip, inside, raw, keys))
        if parts:
            seen = [np.mean(seen + parts, axis=0) + layer(np.concatenate(parts, -1), w, "fuse")]
        beta = clip.beta + raw @ w["beta"] if c.beta == "learned" else clip.beta
        return _unit(softmax(beta) @ seen[0] @ w["video"])

    def _spatial(self, clip: Clip, inside: Float64, raw: Float64, keys: Float64) -> Float64:
        """Return (K, d) what the regions of each key-image say together (eq. 2)."""
        c, w = self.config, self.weights
        if clip.regions is None:
            mix = relations(raw, clip.times[:, None], c) if c.spatial == "G" else np.eye(len(keys))
            return attend(keys, mix, w, "spatial", c.factor)
        regions = np.einsum("kn,nrd->krd", inside, clip.regions)
        mix = relations(regions, grid_places(c.grid), c) if c.spatial == "G" else np.eye(c.grid**2)
        return np.asarray(attend(regions @ w["image"], mix, w, "spatial", c.factor).mean(axis=-2))

    def text(self, tokens: Float32) -> Float32:
        """Return the (d,) unit vector h_T of a text from its token vectors (m, d), m >= 1.

        A sentence vector is a text of one token, which an untrained head returns as it is.
        """
        c, w = self.config, self.weights
        if tokens.ndim != 2 or not len(tokens) or tokens.shape[1] != c.dimension:
            raise ConfigError(f"a text needs tokens of (m, {c.dimension}), got {tokens.shape}")
        words = tokens.astype(np.float64) @ w["text"]
        places = np.linspace(0.0, 1.0, len(tokens))[:, None]
        mix = relations(tokens, places, c) + _shifts(w["words_bias"], len(tokens))
        context = attend(words, mix, w, "words", c.factor)
        said = (words + context) / 2 + layer(np.concatenate([words, context], -1), w, "say")
        return _unit(said.mean(axis=0))

    def skeleton(self, texts: Float32, videos: Float32) -> Float64:
        """Return (T, V) probabilities that skeletons (T, s) and (V, s) describe one scene."""
        slope, height = self.weights["skeleton_line"].astype(np.float64)
        matrix = self.weights["skeleton"]
        likeness = _units(texts @ matrix) @ _units(videos @ matrix).T
        return np.asarray(1.0 / (1.0 + np.exp(-(slope * likeness + height))))


def attend(
    values: Float64, mix: Float64, weights: Mapping[str, Float32], name: str, factor: float
) -> Float64:
    """Return (..., K, d) softmax(factor * (Q W_Q)(K W_K)^T M^T) V W_V (eqs. 1 and 2).

    The paper prints K W_K M^T, which multiplies only if K is read as columns; this is that
    reading. With M the identity it is plain self-attention.
    """
    query, key, value = (values @ weights[f"{name}_{part}"] for part in ("query", "key", "value"))
    scores = factor * (query @ np.swapaxes(key, -1, -2)) @ np.swapaxes(mix, -1, -2)
    return np.asarray(softmax(scores) @ value)


def relations(vectors: Float64 | Float32, places: Float64, config: HeadConfig) -> Float64:
    """Return (..., K, K) the initial H or G: nearness in place and in meaning, rows summing to 1.

    eta * exp(-|p_i - p_j| / s) + (1 - eta) * max(0, cos(x_i, x_j)); the paper says only that
    position and semantic similarity are combined.
    """
    unit = _units(vectors)
    apart = np.linalg.norm(places[:, None] - places[None], axis=-1)
    near = np.exp(-apart / config.reach)
    alike = np.maximum(unit @ np.swapaxes(unit, -1, -2), 0.0)
    both = config.share * near + (1.0 - config.share) * alike
    return np.asarray(both / both.sum(axis=-1, keepdims=True))


@lru_cache(maxsize=8)
def grid_places(side: int) -> Float64:
    """Return (side * side, 2) centres of the cells of a grid over a picture of side 1."""
    line = (np.arange(side) + 0.5) / side
    return np.stack(np.meshgrid(line, line, indexing="ij"), -1).reshape(-1, 2)


def layer(inputs: Float64, weights: Mapping[str, Float32], name: str) -> Float64:
    """Return gain * norm(gelu(inputs W + b)) + shift; the paper names only "a nonlinearity"."""
    inner = inputs @ weights[f"{name}_weight"] + weights[f"{name}_inner"]
    curved = 0.5 * inner * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (inner + 0.044715 * inner**3)))
    centred = curved - curved.mean(axis=-1, keepdims=True)
    norm = centred / np.sqrt(curved.var(axis=-1, keepdims=True) + EPSILON)
    return np.asarray(weights[f"{name}_gain"] * norm + weights[f"{name}_shift"])


def _shifts(bias: Float32, count: int) -> Float64:
    """Return (count, count) the learned bias of each signed distance j - i, the far ones alike."""
    reach = len(bias) // 2
    steps = np.arange(count)[None] - np.arange(count)[:, None]
    return np.asarray(bias[np.clip(steps, -reach, reach) + reach], np.float64)


def _unit(vector: Float64) -> Float32:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), np.float32)


def _units(vectors: Float64 | Float32) -> Float64:
    wide = np.asarray(vectors, np.float64)
    return np.asarray(wide / np.maximum(np.linalg.norm(wide, axis=-1, keepdims=True), 1e-12))
