"""Vectors of fixed lists of texts, kept on disk so that a cold start need not make them again."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from q2e.arrays import Float32
from q2e.cache import cache_dir, content_key, write_whole
from q2e.models.base import TextEncoder

Form = Literal["query", "passage"]


def remembered(encoder: TextEncoder, texts: Sequence[str], form: Form) -> Float32:
    """Return the (n, d) vectors of `texts`, from disk where this list was encoded before.

    A damaged file is made anew; a cache folder that cannot be written only costs time.
    """
    key = content_key(encoder.space, form, *texts)
    path = cache_dir() / "vectors" / f"{key}.npy"
    stored = _read(path)
    if stored is not None and len(stored) == len(texts):
        return stored
    encode = encoder.encode_queries if form == "query" else encoder.encode_passages
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
