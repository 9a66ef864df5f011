"""Vectors of fixed lists of texts, kept on disk so that a cold start need not make them again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from q2e.arrays import Float32
from q2e.cache import cache_dir, content_key, write_whole


def remembered(
    space: str, form: str, texts: Sequence[str], encode: Callable[[list[str]], Float32]
) -> Float32:
    """Return `encode(texts)` as (n, d) vectors, from disk where this was asked before.

    `space` and `form` name the model and the way in which `encode` uses it. A damaged file is
    made anew; a cache folder that cannot be written only costs time.
    """
    key = content_key(space, form, *texts)
    path = cache_dir() / "vectors" / f"{key}.npy"
    stored = _read(path)
    if stored is not None and len(stored) == len(texts):
        return stored
    vectors = np.ascontiguousarray(encode(list(texts)), dtype=np.float32)
    with contextlib.suppress(OSError):
        write_whole(path, lambda file: np.save(file, vectors, allow_pickle=False))
    return vectors


def _read(path: Path) -> Float32 | None:
    try:
        stored: Float32 = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return stored if stored.ndim == 2 and stored.dtype == np.float32 else None
