"""Vectors of short windows of words in place of token vectors, from any encoder of whole texts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from q2e.arrays import Float32
from q2e.models.base import ModelInfo, TextEncoder
from q2e.text.chunk import chunk_text

#: Words in a window of a question, and of a passage.
ASKED, TOLD = 3, 10


class Windows:
    """A `TokenEncoder` made of a `TextEncoder`: late interaction without a model of its own.

    A question is itself and its windows of 3 words, a passage its pieces of 10, cut at sentences
    where there are any. A window knows nothing of its surroundings, as a token would.
    """

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder
        self.info = ModelInfo(
            id=f"windows of {encoder.info.id}",
            task="token vectors",
            source=encoder.info.source,
            licence=encoder.info.licence,
            languages=encoder.info.languages,
            dimension=encoder.info.dimension,
        )

    def encode_query_tokens(self, texts: Sequence[str]) -> list[Float32]:
        """Return (windows, d) unit vectors of each question."""
        return [
            self._encoder.encode_queries(list(dict.fromkeys([text, *chunk_text(text, ASKED)])))
            for text in texts
        ]

    def encode_passage_tokens(self, texts: Sequence[str]) -> list[Float32]:
        """Return (windows, d) unit vectors of each passage."""
        windows = [chunk_text(text, TOLD) or [text] for text in texts]
        vectors = self._encoder.encode_passages([one for own in windows for one in own])
        ends = np.cumsum([len(own) for own in windows])
        return [vectors[end - len(own) : end] for own, end in zip(windows, ends, strict=True)]
