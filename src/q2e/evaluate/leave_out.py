"""Which channel earns its keep: the questions asked again with each channel left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from q2e.errors import EvaluationError
from q2e.evaluate.compare import Interval, bootstrap, holm, randomisation_test
from q2e.evaluate.judging import Qrels, evaluate_run
from q2e.evaluate.labels import qrels_of
from q2e.evaluate.measures import Measure

if TYPE_CHECKING:
    from q2e.index import Index

#: Videos of each question that are measured.
DEPTH = 100


@dataclass(frozen=True, slots=True)
class Kept:
    """What one channel brings: the measure without it and alone, and what leaving it out costs."""

    channel: str
    without: float
    alone: float
    brings: Interval
    """The measure with all channels less that without this one."""
    p_value: float
    p_holm: float
    evidence: int

    @property
    def verdict(self) -> str:
        """Return in words what interval and corrected p value allow to say."""
        if self.p_holm >= 0.05:
            return "not shown either way"
        return "earns its keep" if self.brings.low > 0 else "costs more than it brings"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The measure with all channels, and what each of them brings, the most first."""

    measure: str
    queries: int
    everything: Interval
    channels: tuple[Kept, ...]


def leave_one_out(
    index: Index,
    queries: Mapping[str, str],
    qrels: Qrels,
    measure: Measure,
    watch: Callable[[str, int, int], None] | None = None,
    **settings: Any,
) -> LeftOut:
    """Ask all questions with all channels, without each, and by each alone.

    Raises EvaluationError for a measure that is a rank, for judgements of no question, and for an
    index with a single channel, which cannot be left out.
    """
    if measure.lower_is_better:
        raise EvaluationError(f"measure {measure} has no mean difference; use nDCG@10 or MRR")
    held = index.status().evidence
    if len(held) < 2:
        raise EvaluationError(f"the index has {len(held)} channels; leaving one out needs two")
    asked = {query: text for query, text in queries.items() if query in qrels}
    if not asked:
        raise EvaluationError("no question has a judgement; label hits first:  q2e eval label")

    whole: dict[str, Any] = {"confidence": 0.0, "duplicates": "keep"}

    def values(name: str, channels: Sequence[str]) -> Any:
        run = {}
        for number, (query, text) in enumerate(asked.items(), 1):
            hits = index.search(
                text, top=DEPTH, channels=channels, moments=False, **whole | settings
            )
            run[query] = {hit.video.id: -float(hit.rank) for hit in hits}
            if watch is not None:
                watch(name, number, len(asked))
        found = evaluate_run(run, {q: qrels[q] for q in asked}, [measure])
        return np.array([found.per_query[str(measure)][query] for query in asked])

    everything = values("all channels", ())
    left = {c: values(f"without {c}", [o for o in held if o != c]) for c in held}
    alone = {channel: values(f"{channel} alone", [channel]) for channel in held}
    p_values = [randomisation_test(everything, without) for without in left.values()]
    kept = [
        Kept(
            channel,
            float(without.mean()),
            float(alone[channel].mean()),
            bootstrap(everything - without),
            p,
            p_holm,
            held[channel],
        )
        for (channel, without), p, p_holm in zip(
            left.items(), p_values, holm(p_values), strict=True
        )
    ]
    kept.sort(key=lambda one: -one.brings.value)
    return LeftOut(str(measure), len(asked), bootstrap(everything), tuple(kept))


def labelled(index: Index) -> tuple[dict[str, str], dict[str, dict[str, int]]]:
    """Return {question: question} and the judgements of an index's labels."""
    from q2e.evaluate.labels import Labels

    qrels = qrels_of(Labels(index.directory).all())
    return {query: query for query in qrels}, qrels
