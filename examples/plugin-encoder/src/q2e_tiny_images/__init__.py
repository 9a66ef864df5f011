"""A model for q2e from a package of its own: copy this, and put your model where the colours are.

It finds pictures by the colours that a question names, in nine languages. That makes a poor
encoder and a complete example: facts, a space, pictures, clips and texts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from q2e.arrays import Float32, UInt8
from q2e.models.base import ModelInfo
from q2e.models.registry import Models
from q2e.registry import Registry, method
from q2e.settings import Settings

#: The source by which a profile names the model. A plugin that runs weights of the hub takes the
#: exact source in the catalogue, such as `hub:LanguageBind/LanguageBind_Video_FT@main`, and finds
#: the pulled folder with `q2e.models.fetch.sources.locate(parse(SOURCE))`.
SOURCE = "package:q2e-tiny-images"

_COLOURS = {
    "red": ("red", "rot", "红", "赤", "빨간", "أحمر", "красн", "लाल", "แดง"),
    "green": ("green", "grün", "绿", "緑", "초록", "أخضر", "зелён", "हरा", "เขียว"),
    "blue": ("blue", "blau", "蓝", "青", "파란", "أزرق", "син", "नीला", "น้ำเงิน"),
}


class TinyImages:
    """Implements `q2e.models.base.ImageTextEncoder` and `VideoEncoder`."""

    info = ModelInfo(
        id=SOURCE,
        task="image and text vectors",
        source=f"{SOURCE}==0.1.0",
        licence="Apache-2.0",
        languages="zh, ja, ko, ar, ru, hi, th, de, en",
        dimension=3,
        citation="none: an example",
        scale=1.0,
    )
    #: Names the vectors: change it whenever the same picture would get another one.
    space = f"{SOURCE}/1"

    def encode_images(self, images: Sequence[UInt8]) -> Float32:
        """Return (n, 3) unit vectors: how much red, green and blue a picture has."""
        return _unit([image.reshape(-1, 3).mean(axis=0) for image in images])

    def encode_clips(self, clips: Sequence[Sequence[UInt8]]) -> Float32:
        """Return (n, 3) unit vectors: the mean of the frames of each clip."""
        return _unit([self.encode_images(clip).mean(axis=0) for clip in clips])

    def encode_texts(self, texts: Sequence[str]) -> Float32:
        """Return (n, 3) unit vectors: the colours that a text names, or grey."""
        named = [
            [float(any(word in text.casefold() for word in words)) for words in _COLOURS.values()]
            for text in texts
        ]
        return _unit([np.array(row) if any(row) else np.ones(3) for row in named])


@method("encoder", SOURCE, info=TinyImages.info, packages=("q2e-tiny-images",))
def open_images(settings: Settings, models: Models) -> TinyImages:
    """Pictures by their colours."""
    # `settings` says device and precision; heavy imports belong here.
    return TinyImages()


def register(registry: Registry) -> None:
    """Offer the model; nothing is loaded until a profile names its source."""
    registry.add(open_images)


def _unit(rows: Sequence[np.ndarray]) -> Float32:
    matrix = np.array(rows, np.float32).reshape(-1, 3) + 1e-6
    return np.asarray(matrix / np.linalg.norm(matrix, axis=1, keepdims=True), np.float32)
