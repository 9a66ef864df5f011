"""The score of one video over its time, as a bounded number of values that can be drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from q2e.methods.localise.contrast import Contrast, curve_of, own_times
from q2e.search.localise import along
from q2e.search.state import State

#: Values of a curve, at most, and seconds between two, at least.
MOST, LEAST_S = 200, 0.5


@dataclass(frozen=True, slots=True)
class Heights:
    """What a video's evidence adds up to over its time: the `contrast` localiser's curve.

    Each of `value` is the mean over `step_s` seconds, as a share of the highest: 0 to 1.
    """

    video: str
    step_s: float
    value: tuple[float, ...]


def heights(state: State) -> Heights | None:
    """Return the curve of the one video that is shown; None of several, of none, and of an order.

    What is asked in an order has a chain of moments, not a sum at each time.
    """
    if len(state.page) != 1 or state.order is not None:
        return None
    (video,) = state.page
    known = state.at.store.video(state.at.table.video_ids[video])
    if known is None or known.duration_s <= 0:
        return None
    scored = along(state, known, video)
    if scored is None:
        return None
    scored = scored.of_rows(np.flatnonzero(np.isfinite(scored.score)))
    if not len(scored.score):
        return None
    curve = curve_of(scored, *own_times(scored), Contrast().smooth_s)
    count = int(np.clip(known.duration_s / LEAST_S, 1, MOST))
    edge = np.linspace(0.0, known.duration_s, count + 1)
    step_s = known.duration_s / count
    mean = np.maximum(np.diff(curve.until(edge)) / step_s, 0.0)
    peak = float(mean.max())
    if peak <= 0:
        return None
    return Heights(known.id, step_s, tuple(round(one, 3) for one in (mean / peak).tolist()))
