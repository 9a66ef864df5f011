"""Names the colours of a picture."""

from __future__ import annotations

import numpy as np

from q2e.arrays import Float32, UInt8

COLOURS = (
    "black",
    "white",
    "grey",
    "red",
    "orange",
    "yellow",
    "green",
    "blue",
    "purple",
    "pink",
    "brown",
)
#: Share of each in an ordinary picture; a round estimate, so that only the unusual counts.
USUAL = np.array([0.12, 0.1, 0.35, 0.05, 0.06, 0.05, 0.1, 0.08, 0.02, 0.02, 0.05], np.float32)

_BLACK, _WHITE, _GREY, _RED, _ORANGE, _PINK, _BROWN = (0, 1, 2, 3, 4, 9, 10)
#: Upper ends, in degrees of hue, of red, orange, yellow, green, blue, purple and pink.
_HUES = (15, 45, 70, 165, 255, 290, 345)
_SIDE = 64


def colour_shares(image: UInt8) -> Float32:
    """Return the share of each of `COLOURS` in an RGB picture of shape (h, w, 3); sum 1."""
    import cv2

    small = cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    hsv = cv2.cvtColor(small, cv2.COLOR_RGB2HSV).reshape(-1, 3).astype(np.float32)
    hue, saturation, value = hsv[:, 0] * 2, hsv[:, 1] / 255, hsv[:, 2] / 255
    named = np.searchsorted(_HUES, hue, side="right") % len(_HUES) + _RED
    named = np.where((named == _ORANGE) & (value < 0.65), _BROWN, named)
    named = np.where((named == _RED) & (saturation < 0.6) & (value > 0.7), _PINK, named)
    pale = np.where((saturation < 0.15) & (value > 0.8), _WHITE, _GREY)
    named = np.where(saturation < 0.25, pale, named)
    named = np.where(value < 0.2, _BLACK, named)
    shares = np.bincount(named, minlength=len(COLOURS)) / len(named)
    return shares.astype(np.float32)
