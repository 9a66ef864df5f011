"""Lays pictures of one video out as a sheet or a strip: what a moment looks like at a glance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from q2e.arrays import UInt8
from q2e.media.frames import frames_at, jpeg

_GAP_PX = 4
_LINE_PX = 18
_PAPER, _INK = (246, 246, 244), (40, 40, 40)

#: Most pictures on one sheet: more are not told apart at a glance, and cost memory.
MAX_PICTURES = 64


def storyboard(
    path: str | Path, times_s: Sequence[float], width: int = 960, columns: int = 4
) -> bytes:
    """Return a JPEG sheet, `width` pixels wide, of the pictures at `times_s`, each with its time.

    Raises MediaError where the file cannot be read or has no pictures, ValueError for no time,
    too many, or a sheet too narrow for its columns.
    """
    return sheet([(str(path), time_s) for time_s in times_s], width, columns)


def sheet(pictures: Sequence[tuple[str, float]], width: int = 960, columns: int = 4) -> bytes:
    """Return a JPEG sheet of (path, time in seconds), which may be of many videos.

    Raises as `storyboard` does.
    """
    columns = max(1, min(columns, len(pictures)))
    cell = _cell_px((width - _GAP_PX) // columns - _GAP_PX, len(pictures))
    found: dict[tuple[str, float], UInt8] = {}
    for path in dict.fromkeys(path for path, _ in pictures):
        times_s = [time_s for one, time_s in pictures if one == path]
        frames = frames_at(path, times_s, max_side=2 * cell)
        found |= {(path, f.time_s): _framed(f.image, cell) for f in frames}
    tall = max(picture.shape[0] for picture in found.values())
    rows = math.ceil(len(pictures) / columns)
    step_x, step_y = cell + _GAP_PX, tall + _LINE_PX + _GAP_PX
    laid = np.full((rows * step_y + _GAP_PX, columns * step_x + _GAP_PX, 3), _PAPER, np.uint8)
    for number, one in enumerate(pictures):
        top, left = _GAP_PX + number // columns * step_y, _GAP_PX + number % columns * step_x
        laid[top : top + found[one].shape[0], left : left + cell] = found[one]
        _label(laid, one[1], left, top + tall + _LINE_PX - 5)
    return jpeg(laid)


def filmstrip(path: str | Path, times_s: Sequence[float], width: int = 160) -> bytes:
    """Return a JPEG strip of the pictures at `times_s` side by side, each `width` pixels wide.

    Raises as `storyboard` does.
    """
    cell = _cell_px(width, len(times_s))
    pictures = [_framed(f.image, cell) for f in frames_at(path, times_s, max_side=2 * cell)]
    tall = min(picture.shape[0] for picture in pictures)
    return jpeg(np.concatenate([picture[:tall] for picture in pictures], axis=1))


def _cell_px(width: int, pictures: int) -> int:
    if not 1 <= pictures <= MAX_PICTURES:
        raise ValueError(f"{pictures} pictures; a sheet shows 1 to {MAX_PICTURES}")
    if not 16 <= width <= 1920:
        raise ValueError(f"pictures {width} pixels wide; 16 to 1920 can be shown")
    return width


def _framed(image: UInt8, width: int) -> UInt8:
    """Return the picture `width` pixels wide and of even height, at most twice as high as wide."""
    import cv2

    height = min(2 * width, max(2, round(image.shape[0] * width / image.shape[1] / 2) * 2))
    shape = cv2.INTER_AREA if width < image.shape[1] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=shape), np.uint8)


def _label(sheet: UInt8, time_s: float, left: int, baseline: int) -> None:
    import cv2

    minutes, seconds = divmod(time_s, 60)
    text = f"{int(minutes)}:{seconds:04.1f}"
    cv2.putText(sheet, text, (left, baseline), cv2.FONT_HERSHEY_SIMPLEX, 0.42, _INK, 1, cv2.LINE_AA)
