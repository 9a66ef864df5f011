"""What a reader of a run must know: queries that are indexed, and queries that found nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from q2e.evaluate.batch import read_queries
from q2e.evaluate.integrity import queries_among
from q2e.evaluate.runs import read_run

if TYPE_CHECKING:
    from q2e.index import Index


def run_warnings(index: Index, queries: Path, out: Path) -> Iterator[str]:
    """Yield what makes a run's figures too good or hides a query, one sentence each."""
    asked = read_queries(queries)
    yield from indexed_queries(asked, index)
    answered = read_run(out)
    silent = [query for query in asked if query not in answered]
    if silent:
        yield (
            f"{len(silent)} queries found nothing and have no line in the run, e.g. {silent[0]!r}; "
            "q2e eval run counts them as 0"
        )


def indexed_queries(queries: Mapping[str, str], index: Index) -> Iterator[str]:
    """Yield a warning where the whole text of queries is indexed: they find themselves."""
    store = index.store
    texts = (one.text for video in store.videos() for one in store.evidence_of(video.id))
    found = queries_among(queries, texts)
    if found:
        yield (
            f"{len(found)} queries are indexed word for word, e.g. {queries[found[0]]!r}: they "
            "find themselves, figures are too good"
        )
