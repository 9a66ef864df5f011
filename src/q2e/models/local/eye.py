"""Sees through what `q2e train eye` has learnt: pictures and texts in one space, with labels kept.

A picture is unit([unit(x Wx), 3 * label vector]) and a text unit([unit((e - m) Wy), label vector]),
as `q2e.heads.recipes.cca` says. Each eye is a space of its own, so an index seen without it, or
through another, is another generation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from q2e.arrays import Float32, UInt8
from q2e.errors import ConfigError, ModelError
from q2e.heads.kept import Kept
from q2e.heads.train import opened
from q2e.models.base import ImageTextEncoder, ModelInfo, TextEncoder
from q2e.types import Tag

if TYPE_CHECKING:
    from q2e.settings import Settings

_VERSION = 1


@dataclass(frozen=True, slots=True, eq=False)
class TrainedEye:
    """What lies in the folder of an eye; `digest` stands for its numbers and its recipe."""

    kept: Kept
    recipe: Any
    info: ModelInfo
    digest: str


class Eye:
    """A model of pictures with a trained head upon it.

    Raises ConfigError where the head was trained on what other models see.
    """

    def __init__(self, base: ImageTextEncoder, text: TextEncoder, trained: TrainedEye) -> None:
        self._base, self._text = base, text
        self._recipe, self._weights = trained.recipe, trained.kept.weights
        needed = features_space(base.space, text.space)
        if trained.kept.space != needed:
            raise ConfigError(
                f"the eye {trained.info.id} was trained on {trained.kept.space}, this profile sees "
                f"{needed}; train one for it with  q2e train eye"
            )
        self.info = replace(
            base.info,
            id=f"eye:{trained.info.id}",
            source=trained.info.source,
            licence=f"{base.info.licence}; {trained.info.licence}",
            size_bytes=base.info.size_bytes + trained.info.size_bytes,
            dimension=None,
            scale=None,
            note=trained.info.note,
        )
        self.space = f"eye-{_VERSION}/{trained.digest}/{base.space}"

    def encode_images(self, images: Sequence[UInt8]) -> Float32:
        """Return (n, d) unit vectors of RGB uint8 pictures."""
        return self.read(images)[0]

    def encode_texts(self, texts: Sequence[str]) -> Float32:
        """Return (n, d) unit vectors of questions in any language of the text model."""
        base: Any = self._base
        vectors = self._text.encode_queries(texts)
        labels = base.among(vectors) if hasattr(base, "among") else None
        return np.asarray(self._recipe.texts(self._weights, vectors, labels), np.float32)

    def read(self, images: Sequence[UInt8]) -> tuple[Float32, list[tuple[Tag, ...]]]:
        """Return vectors and tags of pictures in one pass of the model under it."""
        base: Any = self._base
        if hasattr(base, "see"):
            features, labels, tags = base.see(images)
        else:
            features, labels, tags = base.encode_images(images), None, [()] * len(images)
        vectors = self._recipe.pictures(self._weights, features, labels)
        return np.asarray(vectors, np.float32), tags


def features_space(image: str, text: str) -> str:
    """Return the name of what an eye is trained on, by the spaces of the models it stands on."""
    return f"{image}/features/{text}"


def open_eye(folder: Path, info: ModelInfo, settings: Settings) -> TrainedEye:
    """Return the eye kept in a folder.

    Raises ModelError where the folder keeps another kind of head, or a damaged one.
    """
    try:
        kept, recipe = opened(folder)
    except ConfigError as error:
        raise ModelError(str(error)) from None
    if kept.kind != "eye":
        raise ModelError(f"{folder} keeps a {kept.kind}, no eye; make one with  q2e train eye")
    digest = hashlib.sha256(kept.recipe.encode())
    for name in sorted(kept.weights):
        digest.update(name.encode() + np.ascontiguousarray(kept.weights[name]).tobytes())
    return TrainedEye(kept, recipe, info, digest.hexdigest()[:12])
