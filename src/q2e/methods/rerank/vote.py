"""Reranking by looking: a vision-language model orders grids of frames of the candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from q2e.arrays import UInt8
from q2e.errors import MediaError, ModelError
from q2e.methods.rerank.base import (
    Candidate,
    Depth,
    Rating,
    Reranker,
    Tools,
    by_place,
    ranked_list,
)
from q2e.methods.rerank.listwise import listwise_prompt
from q2e.registry import method
from q2e.text.fence import clean

#: Side of a grid in pixels, as in Vote-in-Context.
SIDE = 448


@method("rerank", source="Vote-in-Context: Eltahir et al. 2025", needs=("vision",), alone=True)
@dataclass(frozen=True, kw_only=True)
class Vote(Reranker):
    """Rate by the order in which a model lists grids of the candidates' frames, with their texts.

    One prompt, one picture a candidate. Candidates whose file cannot be read, and those past the
    `shown`, follow in their old order.
    """

    depth: Depth = 20
    shown: Annotated[int, Field(ge=1, le=100, description="Candidates shown at once.")] = 14
    frames: Annotated[int, Field(ge=1, le=8, description="Frames along a side of a grid.")] = 3

    def rate(self, question: str, candidates: Sequence[Candidate], tools: Tools) -> Rating:
        model = tools.models.vision
        shown: list[int] = []
        grids: list[UInt8] = []
        for number, candidate in enumerate(candidates):
            if len(shown) == self.shown:
                break
            try:
                grids.append(grid(_frames(candidate, self.frames), self.frames))
            except (MediaError, OSError):
                continue
            shown.append(number)
        unrated = np.full(len(candidates), np.nan)
        if not shown:
            return Rating(unrated, model.info.id, "no candidate's pictures can be read")
        prompt = listwise_prompt(question, [candidates[number] for number in shown], pictures=True)
        try:
            answer = model.describe(grids, prompt, max_tokens=256, timeout_s=tools.left_s)
        except ModelError as error:
            return Rating(unrated, model.info.id, str(error))
        order = ranked_list(answer, len(shown))
        if order is None:
            return Rating(unrated, model.info.id, f"no list in the answer {clean(answer, 80)!r}")
        named = [shown[position] for position in order]
        rest = [number for number in range(len(candidates)) if number not in set(named)]
        return Rating(by_place([*named, *rest]), model.info.id)


def grid(frames: Sequence[UInt8], n: int = 3, side: int = SIDE) -> UInt8:
    """Return frames (h, w, 3) as one picture (side, side, 3), row by row on black.

    Each is scaled to a cell of side // n; the last frame is repeated where there are fewer.
    """
    import cv2

    if not frames:
        raise ValueError("a grid needs at least one frame")
    cell = side // n
    canvas = np.zeros((side, side, 3), np.uint8)
    for place in range(n * n):
        frame = frames[min(place, len(frames) - 1)]
        small = cv2.resize(frame, (cell, cell), interpolation=cv2.INTER_AREA)
        top, left = place // n * cell, place % n * cell
        canvas[top : top + cell, left : left + cell] = small
    return canvas


def _frames(candidate: Candidate, n: int) -> list[UInt8]:
    from q2e.decoding.doors import frames_at
    from q2e.media.scan import uniform_times

    times_s = uniform_times(candidate.video.duration_s, n * n)
    return [frame.image for frame in frames_at(candidate.video.path, times_s, max_side=SIDE)]
