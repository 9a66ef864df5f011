"""Says which words of a question a piece of evidence matches, for people to read.

A word is asked like a question of its own: how far the piece stands above what generic questions
find, less what the word finds in the channel at large, so that a word that is near to everything
is told of nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from q2e.arrays import Float32, Float64
from q2e.methods.calibrate.among_bank import AmongBankScale
from q2e.methods.fuse.witnesses import centred
from q2e.methods.rows import ScoreRow
from q2e.query.parts import words_of_meaning
from q2e.search.state import State
from q2e.text.tokens import tokens

#: Standard deviations from which a word is told, and share of what the best one has.
_LEAST, _SHARE = 1.0, 0.5
#: Words told of one piece.
_MOST = 3


@dataclass(slots=True)
class Matched:
    """Tells words of one question; what was worked out for a space is kept."""

    state: State
    words: Sequence[str]
    _spelled: Sequence[frozenset[str]]
    """What each word is cut into when it is looked for in a text."""
    _vectors: dict[str, Float32] = field(default_factory=dict)
    _known: dict[int, dict[int, Float64]] = field(default_factory=dict)
    """By the identity of a score row: what each word has in the pieces that are shown."""

    @classmethod
    def of(cls, state: State) -> Matched:
        """Return what tells the words of a state's question."""
        asked = "" if state.shown else state.question
        words = words_of_meaning(asked, state.query.language)
        return cls(state, words, [frozenset(tokens(word)) for word in words])

    def told(self, row: ScoreRow, place: int, text: str) -> tuple[str, ...]:
        """Return the words that the evidence of a row of the table matches, as they were asked.

        Words that stand in its text come first, then those whose meaning is nearest; at most
        three, in the order of the question.
        """
        if place < 0 or row.part != "query" or not self.words:
            return ()
        held = set(tokens(text)) if text else set()
        level = np.array([np.inf if held & own else -np.inf for own in self._spelled])
        if row.space:
            level = np.maximum(level, self._levels(row, place))
        if not (level >= _LEAST).any():
            return ()
        finite = level[np.isfinite(level)]
        least = max(_LEAST, _SHARE * float(finite.max(initial=_LEAST)))
        best = [n for n in np.argsort(-level, kind="stable").tolist() if level[n] >= least]
        return tuple(self.words[n] for n in sorted(best[:_MOST]))

    def _levels(self, row: ScoreRow, place: int) -> Float64:
        """Return (w,) how far a piece stands above chance for each word."""
        if id(row) not in self._known:
            self._known[id(row)] = self._shown(row)
        found = self._known[id(row)].get(place)
        return np.full(len(self.words), -np.inf) if found is None else found

    def _shown(self, row: ScoreRow) -> dict[int, Float64]:
        """Return the levels (w,) of the pieces by which a row speaks for the hits that are shown.

        All at once: what they are measured by is the same.
        """
        state = self.state
        if state.plan.calibration(state.at) is None:
            return {}
        number = next(n for n, one in enumerate(state.rows) if one is row)
        pieces = {state.witness.best(video)[number][0] for video in state.page}
        rows, matrix = state.at.store.vectors(row.space)
        places = np.array(sorted(pieces), np.int64)
        at = np.minimum(np.searchsorted(rows, places), len(rows) - 1)
        places = places[rows[at] == places] if len(rows) else places[:0]
        own, asked = state.at.kept.sampled(row.space, row.channel), self._asked(row)
        sample = self._calibrated(row, asked @ own.T)
        told = self._calibrated(row, asked @ matrix[np.searchsorted(rows, places)].T)
        # Each piece is itself one of those by which its word is measured.
        among = np.broadcast_to(sample, (len(places), *sample.shape))
        levels = centred(np.concatenate((among, told.T[..., None]), axis=2))[..., -1]
        return dict(zip(places.tolist(), levels, strict=True))

    def _asked(self, row: ScoreRow) -> Float32:
        """Return (w, d) the words as vectors of a row's space, as questions are scored."""
        if row.space not in self._vectors:
            state, words = self.state, list(self.words)
            if row.how == "picture":
                seeing = {one.space: one for one in state.at.seeing.values()}
                vectors = seeing[row.space].encode_texts(words)
            else:
                vectors = state.at.models.text.encode_queries(words)
                scale = state.plan.calibration(state.at)
                if scale is not None:
                    vectors = scale.corrected(vectors, state.form)
            self._vectors[row.space] = vectors
        return self._vectors[row.space]

    def _calibrated(self, row: ScoreRow, scores: Float32) -> Float64:
        """Return scores (w, n) on the scale by which the row is told."""
        state = self.state
        flat = replace(row, scores=scores.reshape(-1))
        scale = state.plan.calibration(state.at)
        if scale is None or isinstance(scale, AmongBankScale):  # whose shares are of one question
            return scores.astype(np.float64)
        if row.how == "picture":
            seeing = {one.space: one for one in state.at.seeing.values()}
            told = scale.picture(flat, seeing[row.space], state.form)
        else:
            told = scale.meaning(flat, row.space, state.form)
        return told.scores.astype(np.float64).reshape(scores.shape)
