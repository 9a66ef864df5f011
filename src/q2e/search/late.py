"""ColBERT's MaxSim of all texts of a collection: vectors of tokens, kept beside a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from q2e.arrays import Bool, Float32, Float64, Int64
from q2e.cache import content_key, write_whole
from q2e.models.base import TokenEncoder
from q2e.models.registry import Models
from q2e.models.windows import Windows
from q2e.store.base import Searched

#: Texts encoded at a time.
_BLOCK = 256


def token_encoder(models: Models) -> TokenEncoder:
    """Return the profile's model of tokens (`late`), else windows of words by its text model."""
    return models.late if models.has("late") else Windows(models.text)


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """Vectors of the tokens (T, d) of n texts; `starts` (n,) says where each begins."""

    rows: Int64
    """(n,) the texts as rows of the store's table."""
    vectors: Float32
    starts: Int64

    @classmethod
    def of(cls, store: Searched, space: str, encoder: TokenEncoder, folder: Path) -> Tokens:
        """Return the tokens of all texts with vectors in `space`; `folder` keeps what was made."""
        rows, _ = store.vectors(space)
        found = zip(rows.tolist(), store.evidence(rows.tolist()), strict=True)
        told = [(row, one.text) for row, one in found if one.text]
        texts = [text for _, text in told]
        key = content_key(encoder.info.id, encoder.info.source, *texts)
        file = folder / f"tokens-{key[:16]}.npz"
        if not file.is_file():
            parts: list[Float32] = []
            for first in range(0, len(texts), _BLOCK):
                parts += encoder.encode_passage_tokens(texts[first : first + _BLOCK])
            vectors = np.concatenate(parts) if parts else np.zeros((0, 1), np.float32)
            lengths = np.array([len(part) for part in parts], np.int64)
            half = vectors.astype(np.float16)
            write_whole(file, lambda out: np.savez(out, vectors=half, lengths=lengths))
        with np.load(file, allow_pickle=False) as kept:
            lengths, vectors = kept["lengths"], kept["vectors"].astype(np.float32)
        # A text without a token matches nothing.
        whole = lengths > 0
        starts = (np.cumsum(lengths) - lengths)[whole]
        return cls(np.array([row for row, _ in told], np.int64)[whole], vectors, starts)

    def scores(
        self, asked: Sequence[Float32], owner: Int64, videos: int, mask: Bool | None
    ) -> Float64:
        """Return (V,) the best of the texts asked, as tokens (m, d), over each video's texts.

        sum_j max_i q_j.d_i, never below 0 as in Q2E's code; NaN where a video has no text. `owner`
        (E,) is the video of each row of the table, `mask` (E,) the rows that count.
        """
        found = np.full(videos, np.nan)
        if not len(self.rows):
            return found
        kept = np.ones(len(self.rows), bool) if mask is None else mask[self.rows]
        own = owner[self.rows]
        found[own[kept]] = 0.0
        for tokens in asked:
            if not len(tokens):
                continue
            best = np.maximum.reduceat(tokens @ self.vectors.T, self.starts, axis=1).sum(axis=0)
            np.maximum.at(found, own[kept], best[kept].astype(np.float64))
        return found
