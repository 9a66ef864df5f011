"""Puts pictures and text into one space without an image-text model: a bridge of labels.

A classifier names what a picture shows; the picture's vector is the probability-weighted sum of
the text vectors of those names (ConSE: Norouzi et al., Zero-Shot Learning by Convex Combination
of Semantic Embeddings, 2014). So only what has a label, or lies near one, can be found: it does
not see actions, relations or style as a model trained on pictures with captions does.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files

import numpy as np

from q2e.arrays import Float32, UInt8
from q2e.models.base import ModelInfo, TextEncoder
from q2e.models.lite2 import Lite2
from q2e.models.remembered import remembered
from q2e.types import Tag

_TAGS = 5


class TagBridge:
    """Lite2's labels in the space of a multilingual text encoder; see the module's text.

    The vectors lie in a space of their own: they are centred, and so are those of questions.
    """

    def __init__(self, text: TextEncoder) -> None:
        self._classifier = Lite2()
        self._text = text
        self._labels = load_labels()
        self._sentences = [sentence(label) for label in self._labels]
        self.info = ModelInfo(
            id=f"tagbridge:{Lite2.info.id}",
            task="image and text vectors",
            source=Lite2.info.source,
            licence=Lite2.info.licence,
            languages=text.info.languages,
            size_bytes=Lite2.info.size_bytes,
            dimension=text.info.dimension,
            citation=Lite2.info.citation,
            note="a bridge of 1,000 labels, not a model trained on pictures with text",
        )
        self.space = f"tagbridge-1/lite2/{text.space}"

    def encode_images(self, images: Sequence[UInt8]) -> Float32:
        """Return (n, d) unit vectors of RGB uint8 pictures of shape (h, w, 3)."""
        return self._place(self._probabilities(images))

    def encode_texts(self, texts: Sequence[str]) -> Float32:
        """Return (n, d) unit vectors of questions in any language."""
        return _unit(self._text.encode_queries(list(texts)))

    def tags(self, images: Sequence[UInt8]) -> list[tuple[Tag, ...]]:
        """Return the five most probable labels of each picture, best first."""
        return [self._named(row) for row in self._probabilities(images)]

    def read(self, images: Sequence[UInt8]) -> tuple[Float32, list[tuple[Tag, ...]]]:
        """Return vectors and tags of pictures in one pass of the classifier."""
        probabilities = self._probabilities(images)
        return self._place(probabilities), [self._named(row) for row in probabilities]

    def _probabilities(self, images: Sequence[UInt8]) -> Float32:
        logits, _ = self._classifier.read(images)
        exponent = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities: Float32 = exponent / exponent.sum(axis=1, keepdims=True)
        return probabilities

    def _place(self, probabilities: Float32) -> Float32:
        vectors = remembered(self._text, self._sentences, "passage")
        return _unit(probabilities @ (vectors - vectors.mean(axis=0)))

    def _named(self, probabilities: Float32) -> tuple[Tag, ...]:
        best = np.argsort(-probabilities, kind="stable")[:_TAGS]
        return tuple(Tag(self._labels[i][0], float(probabilities[i])) for i in best)


def load_labels() -> list[list[str]]:
    """Return each class's name, followed by the kinds it belongs to, the nearest first."""
    text = (files("q2e") / "data" / "labels_imagenet.json").read_text(encoding="utf-8")
    labels: list[list[str]] = json.loads(text)
    return labels


def sentence(label: Sequence[str]) -> str:
    """Return the sentence that stands for a label."""
    return f"a photo of {', '.join(label)}"


def _unit(vectors: Float32) -> Float32:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Float32 = (vectors / np.maximum(length, 1e-12)).astype(np.float32)
    return unit
