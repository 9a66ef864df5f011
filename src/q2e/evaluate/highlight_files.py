"""Reads the files of QVHighlights: lines of JSON, one a query, as its authors publish them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from q2e.arrays import Float64
from q2e.errors import EvaluationError
from q2e.evaluate.moment_measures import VideoMoment
from q2e.evaluate.runs import read_text

#: Seconds of a clip that is marked, and the people who marked each.
CLIP_S, PEOPLE = 2.0, 3


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """Moments of each query, and by clip how salient it is (n,), or what people gave it (n, 3)."""

    moments: Mapping[str, list[VideoMoment]]
    clips: Mapping[str, Float64]


def read_submission(path: Path) -> Lines:
    """Return `pred_relevant_windows` and `pred_saliency_scores`, best windows first.

    Raises EvaluationError naming the line that is of another form.
    """

    def read(row: Mapping[str, Any]) -> tuple[list[Any], Float64]:
        salient = np.array(row.get("pred_saliency_scores", ()), np.float64)
        if salient.ndim != 1 or not np.isfinite(salient).all():
            raise ValueError("pred_saliency_scores must be finite numbers")
        return row["pred_relevant_windows"], salient

    return _read(path, read)


def read_truths(path: Path) -> Lines:
    """Return `relevant_windows` and, of all clips of `duration`, `saliency_scores`.

    Raises EvaluationError naming the line that is of another form.
    """

    def read(row: Mapping[str, Any]) -> tuple[list[Any], Float64]:
        marks = np.zeros((int(row["duration"] / CLIP_S), PEOPLE))
        marks[np.array(row["relevant_clip_ids"], np.int64)] = row["saliency_scores"]
        return row["relevant_windows"], marks

    return _read(path, read)


def _read(path: Path, read: Callable[[Mapping[str, Any]], tuple[list[Any], Float64]]) -> Lines:
    moments: dict[str, list[VideoMoment]] = {}
    clips: dict[str, Float64] = {}
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            windows, own = read(row)
            query, video = str(row["qid"]), str(row["vid"])
            moments[query] = [VideoMoment(video, float(one[0]), float(one[1])) for one in windows]
        except (KeyError, TypeError, ValueError, IndexError, RecursionError) as error:
            raise EvaluationError(
                f"{path}, line {number}: no line of QVHighlights ({error}); needed are qid, vid "
                "and pred_relevant_windows, or those of its truths"
            ) from None
        if own.size:
            clips[query] = own
    return Lines(moments, clips)
