"""What a reader of a run must know: queries that are indexed or found nothing, and candidates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from q2e.evaluate.integrity import queries_among
from q2e.evaluate.judging import Qrels, Run, judge
from q2e.evaluate.measures import Measure
from q2e.evaluate.runs import read_run
from q2e.search.batch import read_queries

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


def again_said(said: Mapping[str, int], most: int = 3) -> str:
    """Return what ranked questions again, and how, as one line; the most frequent ways."""
    told = [f"{count} by {words}" for words, count in list(said.items())[:most]]
    if len(said) > most:
        told.append(f"{sum(list(said.values())[most:])} in other ways")
    return "questions ranked again: " + "; ".join(told) if told else ""


def strange_items(run: Run, qrels: Qrels) -> Iterator[str]:
    """Yield a warning where a run holds nothing that is judged: then they name items otherwise."""
    found = next((item for items in run.values() for item in items), None)
    judged = {item for items in qrels.values() for item in items}
    if found is not None and not any(item in judged for items in run.values() for item in items):
        yield (
            f"the run holds none of the {len(judged)} judged items: it names them like {found!r}, "
            f"the judgements like {min(judged)!r}; use the run's names in both"
        )


def candidate_recall(about: Mapping[str, Any] | None, run: Run, qrels: Qrels) -> dict[str, Any]:
    """Return `strategy`, `depth` and `recall` of a run that was ranked again, else nothing.

    `about` is what the run says of itself (`about_of`). Ranking again moves the first `depth`
    videos among themselves alone, so the right ones among them are all that it can reach, and
    the run's own recall at `depth` is that of its candidates.
    """
    again = _again(about or {})
    if again is None or about is None:
        return {}
    strategy, depth = again[0], min(again[1], about["top"])
    measure = Measure.of(f"R@{depth}")
    values = (measure(judge(run.get(query, {}), items)) for query, items in qrels.items())
    return {"strategy": strategy, "depth": depth, "recall": measure.overall(values)}


def _again(about: Mapping[str, Any]) -> tuple[str, int] | None:
    """Return what ranked a run again and how many of each list; None where nothing did."""
    if (said := about.get("reranked")) is not None:
        return said["strategy"], said["depth"]
    settings = about.get("settings", {})
    if "rerank_depth" not in settings or settings["rerank"] == "none":
        return None
    return settings["rerank"], settings["rerank_depth"]  # as runs were before


def candidates_said(found: Mapping[str, Any]) -> str:
    """Return what `candidate_recall` found as one line."""
    return (
        f"the first {found['depth']} were ranked again by {found['strategy']}; "
        f"candidate recall {found['recall']:.4f}, the most that this can reach"
    )
