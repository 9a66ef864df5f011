"""Labels by what their sentences mean: a video has those that it is nearer to than most are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from q2e.arrays import Float64
from q2e.methods.label.base import Collection, Label, Labelled, Labeller
from q2e.registry import method

#: Share of the videos that a label is taken to be no label of.
_WITHOUT = 0.25


@method(
    "label",
    source="Tell me what you see: zero-shot action recognition by natural language descriptions, "
    "Estevam et al. 2021",
)
@dataclass(frozen=True, kw_only=True)
class Meaning(Labeller):
    """A video has the labels whose sentences it is nearer to than most videos are.

    1. Each sentence is scored against all that is seen, said and written, on the scale of a search
       (standard deviations above generic questions); of the channels the best counts.
    2. From these the sentence's own level is taken: what the quarter of videos that are farthest
       from it do not exceed. So a label that more than three quarters deserve is given to none.
    3. Of a label's sentences the best counts; kept are labels from `least` on, the strongest
       `most` of each video.

    Classes are told by sentences, not by their bare names, as in the paper; there the nearest class
    alone is taken, which `most=1, least=0` gives here.
    """

    least: Annotated[
        float, Field(ge=0, le=100, description="Least strength, in standard deviations.")
    ] = 2.0
    most: Annotated[
        int, Field(ge=1, le=100, description="Labels of one video, the strongest first.")
    ] = 5

    def label(self, labels: Sequence[Label], known: Collection) -> Labelled:
        ids = [video.id for video in known.videos]
        asked = [(n, text) for n, one in enumerate(labels) for text in one.sentences]
        strength = np.full((len(labels), len(ids)), -np.inf)
        for done, (number, sentence) in enumerate(asked, 1):
            above = strengths(known.scores(sentence, ids))
            strength[number] = np.maximum(strength[number], above)
            known.watch(done, len(asked))
        found = {}
        for column, video in enumerate(ids):
            own = strength[:, column]
            best = np.argsort(-own, kind="stable")[: self.most]
            kept = {labels[n].name: round(float(own[n]), 3) for n in best if own[n] >= self.least}
            if kept:
                found[video] = kept
        return found


def strengths(scores: Float64) -> Float64:
    """Return scores (videos,) above their own level; what has no score has the least of all."""
    known = np.isfinite(scores)
    level = float(np.quantile(scores[known], _WITHOUT)) if known.any() else 0.0
    return np.where(known, scores - level, -np.inf)
