"""What a bank of generic questions scores on each video, for a question that stands among them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from q2e.arrays import Float32, Float64
from q2e.methods.calibrate.among_bank import AmongBankScale
from q2e.methods.normalise.base import log_sum_exp
from q2e.methods.questions import Form
from q2e.methods.rows import ScoreRow, Vectors
from q2e.search.state import State

#: Generic questions whose scores are held at a time.
_TOGETHER = 12
#: (space, channel) -> (V,) ln sum_b exp(t b).
Levels = Mapping[tuple[str, str], Float64]


@dataclass(slots=True)
class Among:
    """Keeps the levels of the newest version of a store, by form and way of pooling."""

    _levels: dict[tuple[int, Form, str, float], Levels] = field(default_factory=dict)

    def rows(self, state: State, scale: AmongBankScale, rows: Iterable[ScoreRow]) -> list[ScoreRow]:
        """Return the rows by vectors as shares of the question among the bank; others are left out.

        Evidence is on the scale of its video, so that its best piece stays the best.
        """
        levels = self._of(state, scale.temperature)
        owner, found = state.at.table.video, []
        for row in rows:
            level = levels.get((row.space, row.channel))
            if level is None:
                continue
            shares = scale.shares(row.scores.astype(np.float64), level[owner[row.rows]])
            video = scale.shares(row.video, level)
            found.append(replace(row, video=video, scores=shares.astype(np.float32)))
        return found

    def _of(self, state: State, temperature: float) -> Levels:
        version = state.at.table.version
        key = (version, state.form, str(state.plan.pool), temperature)
        if key not in self._levels:
            self._levels = {k: v for k, v in self._levels.items() if k[0] == version}
            self._levels[key] = _measured(state, temperature)
        return self._levels[key]


def _measured(state: State, temperature: float) -> Levels:
    at, pool = state.at, state.plan.pool.without_steps()
    asked = [(at.models.text.space, "meaning", at.questions.vectors(state.form))]
    for encoder in at.seeing.values():
        asked.append((encoder.space, "picture", at.questions.pictured(encoder, state.form)))
    found: dict[tuple[str, str], Float64] = {}
    for space, how, vectors in asked:
        for first in range(0, len(vectors), _TOGETHER):
            parts = [_one(number, vectors) for number in range(first, len(vectors))[:_TOGETHER]]
            blocks: dict[str, list[Float64]] = {}
            for row in at.scanner.dense(space, how, parts, pool=pool):
                blocks.setdefault(row.channel, []).append(row.video)
            for channel, block in blocks.items():
                more = log_sum_exp(np.stack(block), temperature)
                before = found.get((space, channel))
                found[space, channel] = more if before is None else np.logaddexp(before, more)
    return found


def _one(number: int, vectors: Float32) -> Vectors:
    return Vectors(str(number), ("",), vectors[number : number + 1])
