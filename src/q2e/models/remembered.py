"""Vectors of fixed lists of texts, kept on disk so that a cold start need not make them again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from q2e.arrays import Float32
from q2e.cache import ARRAY, ResultCache, fingerprint

#: Raised when vectors are kept in another way, or another program computes those of a space: they
#: differ in their last digits, and what is made of both must not be mixed.
VERSION = 2
_VECTORS = ResultCache("vectors", ARRAY)


def remembered(
    space: str,
    form: str,
    texts: Sequence[str],
    encode: Callable[[list[str]], Float32],
    folder: Path | None = None,
) -> Float32:
    """Return `encode(texts)` as (n, d) vectors, from disk where this was asked before.

    `space` and `form` name the model and the way in which `encode` uses it. A damaged file is
    made anew; a cache folder that cannot be written only costs time. They are kept in `folder`
    instead of the user's cache where that is given.
    """
    kept = _VECTORS if folder is None else replace(_VECTORS, folder=folder)
    which = fingerprint(*texts, method=form, version=VERSION, space=space)
    stored = kept.get(which)
    if stored is not None and stored.ndim == 2 and len(stored) == len(texts):
        return stored
    vectors = np.ascontiguousarray(encode(list(texts)), dtype=np.float32)
    kept.put(which, vectors)
    return vectors
