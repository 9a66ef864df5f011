"""Pictures that are asked again and again, kept on disk within bounds, by content and size."""

from __future__ import annotations

from collections.abc import Sequence

from q2e.cache import Fingerprint, fingerprint

#: Widths in which pictures are made; what is asked is rounded up, so that few are kept.
WIDTHS = (96, 160, 240, 320, 480, 640, 960, 1280, 1920)
#: Raised when the same frames would be drawn otherwise.
_VERSION = 1


def rounded(width: int) -> int:
    """Return the least of `WIDTHS` that is as wide, or the widest."""
    return next((one for one in WIDTHS if one >= width), WIDTHS[-1])


def drawn(video: str, kind: str, times_s: Sequence[float], width: int) -> Fingerprint:
    """Return what a picture of a video (its id) at some times is kept under."""
    return fingerprint(
        video, method=f"{kind}(times_s={list(times_s)}, width={width})", version=_VERSION
    )
