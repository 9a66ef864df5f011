"""Finds the evidence behind the rows of one question, and what each piece adds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from q2e.arrays import Bool, Float64, Int64
from q2e.methods.fuse.base import Fusion
from q2e.methods.rows import ScoreRow
from q2e.search.timeless import timeless
from q2e.store.base import Searched, Table
from q2e.types import EVENT_KINDS, Evidence


class Witness:
    """The evidence of one question's rows, video by video; what was read is kept."""

    def __init__(
        self, store: Searched, table: Table, rows: Sequence[ScoreRow], fusion: Fusion
    ) -> None:
        self._store = store
        self._table = table
        self._rows = rows
        self._fusion = fusion
        # By video: where in each row its evidence stands, and which of it is best. By row of the
        # table: what was read.
        self._places: dict[int, list[Int64]] = {}
        self._bests: dict[int, list[tuple[int, int]]] = {}
        self._read: dict[int, Evidence] = {}

    @cached_property
    def timeless(self) -> Bool:
        """(E,) which evidence is about a whole video, and says nothing about when."""
        return timeless(self._table)

    def locate(self, videos: Sequence[int]) -> None:
        """Find the evidence of several videos at once; others are found when asked about."""
        asked = np.zeros(len(self._table.video_ids), dtype=bool)
        asked[list(videos)] = True
        places: dict[int, dict[int, Int64]] = {}
        for row in self._rows:
            # Rows of the parts of a question over one channel share their evidence.
            if id(row.rows) not in places:
                owner = self._table.video[row.rows]
                near = np.flatnonzero(asked[owner])
                own = owner[near]
                places[id(row.rows)] = {video: near[own == video] for video in videos}
        for video in videos:
            self._places[video] = [places[id(row.rows)][video] for row in self._rows]

    def answers(self, video: int, most: int) -> list[Evidence]:
        """Return a video's best evidence for the question itself, what adds most first."""
        worth = np.nan_to_num(self._fusion.weight * self._fusion.normalised[:, video])
        own = [n for n in np.argsort(-worth).tolist() if self._rows[n].part not in EVENT_KINDS]
        best = self.best(video)
        places = dict.fromkeys(best[n][0] for n in own if best[n][0] >= 0)
        found = self.evidence(list(places))
        return [found[place] for place in places][:most]

    def worth(self, video: int, lost: Float64 | None = None) -> tuple[Int64, Float64]:
        """Return the rows of a video's evidence and what each adds, in the scale of the fusion.

        A piece of evidence counts by how far it stands above generic questions; what a must-not
        finds at the same time, `lost` (E,), counts against it.
        """
        found, worth = [np.zeros(0, np.int64)], [np.zeros(0)]
        for row, weight, places in zip(
            self._rows, self._fusion.weight, self._places_in(video), strict=True
        ):
            scores = row.scores[places].astype(np.float64)
            known = np.isfinite(scores)
            if weight > 0:
                found.append(row.rows[places[known]])
                worth.append(weight * np.maximum(scores[known], 0.0))
        rows, which = np.unique(np.concatenate(found), return_inverse=True)
        total: Float64 = np.bincount(which, np.concatenate(worth), len(rows)).astype(np.float64)
        return rows, total if lost is None else total - lost[rows]

    def best(self, video: int) -> list[tuple[int, int]]:
        """Return for each score row a video's best evidence, and which text it matched.

        The evidence is -1 in rows that say nothing of the video.
        """
        if video in self._bests:
            return self._bests[video]
        found = self._bests[video] = []
        for row, places in zip(self._rows, self._places_in(video), strict=True):
            found.append((-1, 0))
            if len(places) and not np.isnan(row.video[video]):
                best = places[int(np.argmax(row.scores[places]))]
                if np.isfinite(row.scores[best]):
                    found[-1] = int(row.rows[best]), int(row.which[best])
        return found

    def _places_in(self, video: int) -> list[Int64]:
        """Return for each score row where it holds evidence of a video."""
        if video not in self._places:
            self.locate([video])
        return self._places[video]

    def evidence(self, rows: Sequence[int]) -> dict[int, Evidence]:
        """Return evidence by row, with all that was read before."""
        new = sorted(set(rows) - self._read.keys())
        if new:
            self._read.update(zip(new, self._store.evidence(new), strict=True))
        return self._read


def shown_text(evidence: Evidence | None) -> str:
    """Return the words of a piece of evidence, or its labels where it has none."""
    if evidence is None:
        return ""
    return evidence.text or ", ".join(tag.label for tag in evidence.tags[:3])
