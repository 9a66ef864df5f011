"""Chapters by pictures alone: shots, of which neighbours that look alike are one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

import numpy as np
from pydantic import Field

from q2e.methods.chapters.base import Chapterer, Collected, Track, stretches
from q2e.methods.chapters.titles import titled
from q2e.registry import method
from q2e.types import Chapter


@method("chapters", source="Panda-70M: Chen et al. 2024, its splitting of videos")
@dataclass(frozen=True, kw_only=True)
class Stitched(Chapterer):
    """Shots are stitched where the picture before a cut is like the one after it.

    1. A cut goes where the cosine of the last frame before it and the first one after it is above
       `alike`: the camera came back to the same scene, or there was no true cut.
    2. What is shorter than `least_s` joins the neighbour that it is more like across the cut; the
       shortest goes first.

    How alike pictures of one scene are hangs on the encoder; .85 was seen with that of the profile
    `local`. Where a shot has no frame its cuts stay, unless it is too short. The paper also breaks
    clips that change inside, drops still and short ones and cuts their ends off.
    """

    alike: Annotated[float, Field(ge=-1, le=1, description="Cosine above which a cut goes.")] = 0.85
    least_s: Annotated[
        float, Field(ge=0, le=3_600, description="Seconds of a chapter, at least.")
    ] = 2.0

    def chapters(self, known: Collected) -> tuple[Chapter, ...]:
        frames = next((one for one in known.tracks if one.channel == "frame"), None)
        parts = stretches(known.cuts_s.tolist(), known.duration_s)
        across = [cosine(frames, *pair) for pair in pairwise(parts)]
        cuts = [
            (one[0], like)
            for one, like in zip(parts[1:], across, strict=True)
            if not like > self.alike
        ]
        while cuts:
            edges = np.array([0.0, *(one for one, _ in cuts), known.duration_s])
            shortest = int(np.diff(edges).argmin())
            if edges[shortest + 1] - edges[shortest] >= self.least_s:
                break
            beside = [one for one in (shortest - 1, shortest) if 0 <= one < len(cuts)]
            # A cut beside which nothing is seen is taken before one between unlike pictures.
            del cuts[max(beside, key=lambda one: np.nan_to_num(cuts[one][1], nan=1.0))]
        return titled(
            stretches((one for one, _ in cuts), known.duration_s), known.lines, known.name
        )


def cosine(frames: Track | None, before: tuple[float, float], after: tuple[float, float]) -> float:
    """Return the cosine of the last frame of a stretch and the first of the next; NaN without."""
    if frames is None:
        return float("nan")
    at_s = frames.start_s
    own = np.flatnonzero((at_s >= before[0]) & (at_s < before[1]))
    other = np.flatnonzero((at_s >= after[0]) & (at_s < after[1]))
    if not len(own) or not len(other):
        return float("nan")
    one, two = frames.vectors[own[-1]], frames.vectors[other[0]]
    return float(one @ two / max(float(np.linalg.norm(one) * np.linalg.norm(two)), 1e-12))
