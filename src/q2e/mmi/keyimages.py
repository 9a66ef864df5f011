"""Cuts a video's frames into segments where they differ notably, and weighs what is in them.

The key-images of MMI-TVR (Multi-Modal Inductive Framework for Text-Video Retrieval, MM '24). The
paper gives neither the rule of the cut nor the logits of the weights; both are named here. n is
the number of frames, d the dimension, K the number of key-images.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from q2e.arrays import Float32, Float64, Int64
from q2e.errors import ConfigError

#: Where the logits of the weights come from. `closeness` is the cosine with the segment's (for
#: key-images: the video's) mean, `length` the logarithm of a segment's number of frames.
WeightSource = Literal["closeness", "disparity", "learned", "length", "query", "uniform"]

#: Most key-images of a video.
MOST = 16
#: A frame starts a segment where its disparity exceeds the mean by this many deviations.
DEVIATIONS = 1.0
#: Softness of the weights by cosine.
TEMPERATURE = 0.1


def disparity(frames: Float32) -> Float64:
    """Return (n,) one minus the cosine of each frame with the one before; the first has 0."""
    unit = _unit(frames)
    steps = 1.0 - np.einsum("nd,nd->n", unit[1:], unit[:-1])
    return np.concatenate([np.zeros(1), np.maximum(steps, 0.0)])


def segments(frames: Float32, most: int = MOST, deviations: float = DEVIATIONS) -> Int64:
    """Return (n,) the number of each frame's segment, from 0 on.

    A segment starts where the disparity exceeds its mean by `deviations` standard deviations; of
    more than `most` segments those of the largest disparity start one. Raises ConfigError for no
    frames.
    """
    if frames.ndim != 2 or not len(frames):
        raise ConfigError(f"key-images need frames of shape (n, d), got {frames.shape}")
    if most < 1:
        raise ConfigError(f"most = {most}: at least one key-image is needed")
    steps = disparity(frames)
    inner = steps[1:]
    if not len(inner):
        return np.zeros(1, np.int64)
    # Rounding must not cut a video whose frames are all the same.
    notable = np.flatnonzero(steps > inner.mean() + deviations * inner.std() + 1e-6)
    kept = notable[np.argsort(-steps[notable], kind="stable")][: most - 1]
    starts = np.zeros(len(frames), np.int64)
    starts[kept] = 1
    return np.asarray(np.cumsum(starts), np.int64)


def frame_logits(
    frames: Float32, segment: Int64, source: WeightSource, query: Float32 | None = None
) -> Float64:
    """Return (n,) logits of the weights of frames inside their segments.

    `learned` is no rule and has no logits here: a trained head adds its own.
    """
    if source in ("uniform", "learned", "length"):
        return np.zeros(len(frames))
    if source == "disparity":
        return disparity(frames) / TEMPERATURE
    if source == "query":
        return np.asarray(_unit(frames) @ _asked(query) / TEMPERATURE)
    if source == "closeness":
        unit = _unit(frames)
        means = _unit(members(segment) @ unit)
        return np.asarray(np.einsum("nd,nd->n", unit, means[segment]) / TEMPERATURE)
    raise _unknown(source)


def video_logits(
    keys: Float32, segment: Int64, source: WeightSource, query: Float32 | None = None
) -> Float64:
    """Return (K,) logits of the weights of key-images in their video."""
    if source in ("uniform", "learned"):
        return np.zeros(len(keys))
    if source == "length":
        return np.log(np.bincount(segment))
    if source == "disparity":
        return disparity(keys) / TEMPERATURE
    if source == "query":
        return np.asarray(_unit(keys) @ _asked(query) / TEMPERATURE)
    if source == "closeness":
        unit = _unit(keys)
        return np.asarray(unit @ _unit(unit.mean(axis=0)[None])[0] / TEMPERATURE)
    raise _unknown(source)


def members(segment: Int64) -> Float64:
    """Return (K, n) 1 where a frame is in a segment, else 0."""
    return np.asarray(np.arange(segment[-1] + 1)[:, None] == segment[None], np.float64)


def weights_in(inside: Float64, logits: Float64) -> Float64:
    """Return (K, n) softmax of frame logits (n,) inside each segment, 0 elsewhere."""
    return softmax(np.where(inside > 0, logits[None], -np.inf))


def key_times(segment: Int64, times: Float64) -> Float64:
    """Return (K,) the mean normalised time of each segment's frames."""
    inside = members(segment)
    return np.asarray(inside @ times / inside.sum(axis=1))


def softmax(scores: Float64) -> Float64:
    """Return the softmax over the last axis; -inf has no weight."""
    lifted = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(lifted / lifted.sum(axis=-1, keepdims=True))


def _unit(vectors: Float32 | Float64) -> Float64:
    wide = np.asarray(vectors, np.float64)
    return np.asarray(wide / np.maximum(np.linalg.norm(wide, axis=-1, keepdims=True), 1e-12))


def _asked(query: Float32 | None) -> Float64:
    if query is None:
        raise ConfigError("weights by 'query' need the question's vector; give query=")
    return np.asarray(_unit(query[None])[0])


def _unknown(source: str) -> ConfigError:
    return ConfigError(f"unknown weights {source!r}; known: {', '.join(get_args(WeightSource))}")
