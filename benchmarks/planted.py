"""Makes timelines whose moments are known: pictures of the samples dissolve into one another.

Each picture is shown with a slow zoom and dissolves into the next within two seconds, so that no
cut is found and a timeline is one unbroken shot. A picture's moment lasts from the middle of one
dissolve to that of the next, which is where a person begins and ends to see it best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from q2e.arrays import Float32, UInt8

WIDTH, HEIGHT, RATE_HZ = 320, 180, 10
FADE_S = 2.0
#: Share of the picture that is left when it is zoomed in.
ZOOMED = 0.85


@dataclass(frozen=True, slots=True)
class Piece:
    """A picture (h, w, 3) by name, and how many seconds pass until the next one begins."""

    name: str
    picture: UInt8
    length_s: float


def bounds(pieces: Sequence[Piece]) -> list[tuple[str, float, float]]:
    """Return the moment of each piece: from the middle of one dissolve to that of the next."""
    begins = np.concatenate([[0.0], np.cumsum([one.length_s for one in pieces])])
    total_s = float(begins[-1] + FADE_S)
    starts = [0.0, *(begins[1:-1] + FADE_S / 2).tolist()]
    return [
        (one.name, start_s, end_s)
        for one, start_s, end_s in zip(pieces, starts, [*starts[1:], total_s], strict=True)
    ]


def write(path: Path, pieces: Sequence[Piece]) -> None:
    """Write a timeline as H.264 without sound."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=RATE_HZ, options={"crf": "23", "preset": "veryfast"}
        )
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for image in _images(pieces):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))


def _images(pieces: Sequence[Piece]) -> list[UInt8]:
    begins = np.concatenate([[0.0], np.cumsum([one.length_s for one in pieces])])
    times_s = np.arange(round((begins[-1] + FADE_S) * RATE_HZ)) / RATE_HZ
    found = []
    for time_s in times_s.tolist():
        shown = np.zeros((HEIGHT, WIDTH, 3), np.float32)
        for number, (one, begin_s) in enumerate(zip(pieces, begins.tolist(), strict=False)):
            lasts_s = one.length_s + FADE_S
            into, left = (time_s - begin_s) / FADE_S, (begin_s + lasts_s - time_s) / FADE_S
            weight = min(1.0, into if number else 1.0, left if one is not pieces[-1] else 1.0)
            if weight > 0:
                shown += weight * _zoomed(one.picture, (time_s - begin_s) / lasts_s)
        found.append(np.clip(shown, 0, 255).astype(np.uint8))
    return found


def _zoomed(picture: UInt8, share: float) -> Float32:
    """Return a picture zoomed in on its middle, the further the larger the share in [0, 1]."""
    height, width = picture.shape[:2]
    left = 1 - (1 - ZOOMED) * min(max(share, 0.0), 1.0)
    high, wide = height * left, width * left
    rows = (height - high) / 2 + (np.arange(HEIGHT) + 0.5) * high / HEIGHT
    columns = (width - wide) / 2 + (np.arange(WIDTH) + 0.5) * wide / WIDTH
    return picture[rows.astype(int)][:, columns.astype(int)].astype(np.float32)
