"""Score matrices of an index: each score of a question as queries x videos, and their subsets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from q2e.arrays import Float64
from q2e.evaluate.experiment import Ablation, subsets
from q2e.methods.fuse.base import fuse_batch
from q2e.settings import Settings

if TYPE_CHECKING:
    from q2e.index import Index
    from q2e.methods.rows import ScoreRow


def score_matrices(
    index: Index,
    queries: Mapping[str, str],
    settings: Settings,
    watch: Callable[[int, int], None] | None = None,
    raw: Path | None = None,
) -> tuple[tuple[str, ...], dict[str, Float64]]:
    """Return the video ids, and {score: (Q, V)} of all questions; NaN where nothing was scored.

    Scores are those of the paper: `video` (the question against pictures), `query`, `prequel`,
    `current` and `sequel` (the question and its events against all texts), and beside them the
    `words` and `names` of the question. A video's score is the best over the channels, which
    stand on one scale. Feedback, which follows fusion, is not in them.

    With `raw`, a folder for vectors of tokens, they are on no common scale and those of words are
    left out: what a transform over the batch is meant for (`search.together.raw_matrices`).
    """
    from q2e.search.search import Searcher
    from q2e.types import Query

    searcher = Searcher(index.store, index.models)
    videos = index.store.table().video_ids
    if raw is not None:
        from q2e.search.together import raw_matrices

        asked = [Query(text) for text in queries.values()]
        searcher.unfold(asked, settings)
        return tuple(videos), raw_matrices(searcher, asked, settings, raw, watch)
    found: dict[str, Float64] = {}
    for number, text in enumerate(queries.values()):
        for row in searcher.rows(Query(text), settings).rows:
            name = _score_of(row)
            table = found.setdefault(name, np.full((len(queries), len(videos)), np.nan))
            table[number] = np.fmax(table[number], row.video)
        if watch is not None:
            watch(number + 1, len(queries))
    return tuple(videos), found


def _score_of(row: ScoreRow) -> str:
    if row.how in ("words", "names"):
        return row.how
    if row.how == "elsewhere":
        return "names"
    return "video" if row.how == "picture" else row.part


def ablated(
    matrices: Mapping[str, Float64], ablation: Ablation, event_weight: float = 1.0
) -> Iterator[tuple[tuple[str, ...], Float64]]:
    """Yield (scores, fused (Q, V)) of every subset of the scores there are, small ones first.

    As in a search, a missing score counts as 0, what says nothing, and events weigh
    `event_weight` beside the question; with another normalisation all weigh the same.
    """
    known = [name for name in ablation.scores if name in matrices]
    chosen_way = ablation.way
    as_in_search = chosen_way.transform is None
    for chosen in subsets(known):
        stack = np.stack([matrices[name] for name in chosen])
        floor = np.zeros(len(stack)) if as_in_search and np.isnan(stack).any() else None
        which = [ablation.scores.index(name) for name in chosen]
        rows = chosen_way.normalised(stack, which, floor=floor)
        weights = [_weight(name, event_weight) if as_in_search else 1.0 for name in chosen]
        alone = len(chosen) == 1
        fused = rows.value[0] if alone else fuse_batch(rows, chosen_way.rule, weights)
        yield chosen, chosen_way.finished(fused)


def _weight(name: str, event_weight: float) -> float:
    return event_weight if name in ("prequel", "current", "sequel") else 1.0


def without(matrices: Mapping[str, Float64], names: Sequence[str]) -> dict[str, Float64]:
    """Return the matrices but those named."""
    return {name: table for name, table in matrices.items() if name not in names}
