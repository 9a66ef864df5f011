"""Moments as a trained head proposes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from q2e.arrays import Bool, Float64
from q2e.methods.localise.base import Localiser, Scored, Stretch, widened
from q2e.methods.localise.contrast import Contrast, apart, meeting, own_times, told
from q2e.registry import method


@method("localise", needs=("mmi",))
@dataclass(frozen=True, kw_only=True)
class Head(Localiser):
    """Stretches that a head of  q2e train localise  finds in the frames, by the question.

    The head is that of the setting `moment_head`. It sees the stored vectors of a video's frames
    and that of the question; where these are more than it was trained on, windows of as many.
    Stretches are ranked by its chance for each; under `shortest_s` they grow, over `longest_s` they
    are left out; the best is kept, what overlaps it goes, and so on. A video without such frames,
    and a question that is no text, are localised as by `contrast`.
    """

    shortest_s: Annotated[
        float, Field(gt=0, le=3_600, description="Seconds that a moment has at least.")
    ] = 1.0
    longest_s: Annotated[
        float, Field(gt=0, le=86_400, description="Seconds that a moment has at most.")
    ] = 60.0
    looks: ClassVar[bool] = True

    @property
    def otherwise(self) -> Contrast:
        """What finds moments where no head can."""
        return Contrast(shortest_s=self.shortest_s, longest_s=self.longest_s)

    def strong(self, scores: Float64, floor: float = 0.0) -> Bool:
        return self.otherwise.strong(scores, floor)

    def moments(self, evidence: Scored, top: int) -> list[Stretch]:
        known = np.flatnonzero(np.isfinite(evidence.score))
        given = evidence.of_rows(known)
        times = own_times(given)
        fitting, worth = [], []
        for (low, high), chance in zip(*evidence.proposed, strict=True):
            begin, end = max(low, 0.0), min(high, given.length_s)
            one = widened(begin, end, self.shortest_s, given.duration_s)
            if one[1] - one[0] <= self.longest_s and meeting(times, *one).any():
                fitting.append(one)
                worth.append(chance)
        if not fitting:
            return self.otherwise.moments(evidence, top)
        may = self.strong(given.score, given.floor)
        best = apart(fitting, np.array(worth, np.float64))[: max(top, 0)]
        return [told(given, known, may, times, fitting[n], worth[n]) for n in best]
