"""Says how far a question stands above others on the very piece that answers it best.

The law of chance of a channel is that of all its pieces. Some pieces are near to whatever is asked,
and some collections are about one thing, so a hit's best piece is asked generic questions itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from q2e.arrays import Float32, Float64, Int64
from q2e.methods.fuse.witnesses import EYE, NORMAL, Grounds, centred
from q2e.methods.rows import ScoreRow
from q2e.search.state import State

#: What is known of texts at large counts beside what a question finds here like so many videos.
PRIOR = 4.0


class Specific(NamedTuple):
    """How far the question stands above others on each video's best piece (V,); 0 if unknown.

    `text` in deviations of generic questions on that piece, less what it stands above them on the
    other videos; `picture` likewise, of the best picture, with nothing taken off.
    """

    text: Float64
    picture: Float64

    @classmethod
    def unknown(cls, videos: int) -> Specific:
        """Return what is said of videos of which nothing is known."""
        return cls(*(np.zeros(videos) for _ in cls._fields))


def specific(state: State, grounds: Grounds, told: Float64, videos: list[int]) -> Specific:
    """Return what the best pieces of some videos say; rows are those that were scored.

    Of the channels of texts it is the one that adds most to a video, by what rows add (S, V);
    where none adds anything, the one in which it stands highest.
    """
    found = Specific.unknown(grounds.raw.shape[1])
    leads: list[int] = np.flatnonzero(grounds.leads).tolist()
    channels = np.array(grounds.channels)
    added = {number: told[channels == channels[number]].sum(axis=0) for number in leads}
    high = {number: centred(grounds.raw[number], grounds.stands_for) for number in leads}
    state.witness.locate(videos)
    asked: dict[int, list[tuple[int, int]]] = {}
    for video in videos:
        best = state.witness.best(video)
        held = [number for number in leads if best[number][0] >= 0]
        for eye in (False, True):
            own = [number for number in held if (grounds.channels[number] == EYE) == eye]
            if own:
                number = max(own, key=lambda one: (added[one][video], high[one][video]))
                asked.setdefault(number, []).append((video, best[number][0]))
    spaces: dict[str, _Space] = {}
    for number, pieces in asked.items():
        row = state.rows[number]
        if row.space not in spaces:
            spaces[row.space] = _Space.of(state, row)
        space, (of, places) = spaces[row.space], np.array(pieces, np.int64).T
        level = above(space.asked, space.generic, space.pieces(places))
        if grounds.channels[number] == EYE:
            found.picture[of] = level
        else:
            found.text[of] = less_others(level, grounds, number, of)
    return found


def above(asked: Float32, generic: Float32, pieces: Float32) -> Float64:
    """Return (n,) deviations by which a question (d,) lies above generic ones (g, d) on pieces.

    `pieces` (n, d) are asked one by one, so that the last digits do not tell how many there are.
    """
    usual = np.stack([generic @ piece for piece in pieces])
    spread = usual.std(axis=1)
    own = (np.array([asked @ piece for piece in pieces]) - usual.mean(axis=1)) / np.maximum(
        spread, 1e-6
    )
    return np.where(spread > 1e-6, own, 0.0).astype(np.float64)


def less_others(level: Float64, grounds: Grounds, number: int, videos: Int64) -> Float64:
    """Return levels (n,) of videos less that of the others, in the question's deviations there.

    Their mean, and the variance s of what the question scores there over s0 of generic questions,
    are drawn to 0 and to 1 as by `PRIOR` videos.
    """
    scores = grounds.raw[number]
    known = np.isfinite(scores)
    often = np.ones(len(scores)) if grounds.stands_for is None else grounds.stands_for
    held: Float64 = np.where(known, scores, 0.0)
    others = float((often * known).sum()) - 1
    mean = (float((often * held).sum()) - held[videos]) / (max(others, 0.0) + PRIOR)
    usual = grounds.nulls.get(grounds.channels[number], NORMAL).variance
    own = centred(scores, grounds.stands_for)[known]
    spread = spread_of_others(own, usual, PRIOR, often[known])
    return np.asarray((level - mean) / np.sqrt(spread[np.cumsum(known)[videos] - 1] / usual))


def spread_of_others(scores: Float64, usual: float, prior: float, often: Float64) -> Float64:
    """Return (n,) the variance of all other scores (n,) for each, drawn to `usual`.

    Each score counts as often as `often` (n,) says.
    """
    others = float(often.sum()) - 1
    rest = (often * scores).sum() - scores
    squares = (often * scores**2).sum() - scores**2 - rest**2 / max(others, 1)
    spread: Float64 = np.maximum(squares, 0.0) + prior * usual
    return spread / (prior + max(others - 1, 0))


@dataclass(frozen=True, slots=True, eq=False)
class _Space:
    """A question (d,) and generic ones (g, d) as they are scored in a space, and its pieces."""

    asked: Float32
    generic: Float32
    rows: Int64
    matrix: Float32

    @classmethod
    def of(cls, state: State, row: ScoreRow) -> _Space:
        asked = next(one for one in state.asked if one.space == row.space).parts[0].matrix[0]
        if row.how == "picture":
            seeing = {one.space: one for one in state.at.seeing.values()}
            generic = state.at.questions.pictured(seeing[row.space], state.form)
        else:
            generic = state.at.questions.vectors(state.form)
            if (scale := state.plan.calibration(state.at)) is not None:
                generic = scale.corrected(generic, state.form)
        return cls(asked, generic, *state.at.store.vectors(row.space))

    def pieces(self, places: Int64) -> Float32:
        """Return the vectors (n, d) of pieces by their rows of the table; they ascend."""
        own: Float32 = self.matrix[np.searchsorted(self.rows, places)]
        return own
