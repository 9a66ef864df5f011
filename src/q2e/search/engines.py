"""Says how much of what a scan of everything finds an engine finds too."""

from __future__ import annotations

from dataclasses import dataclass

from q2e.errors import StoreError
from q2e.methods.questions import Form, Questions
from q2e.models.registry import Models
from q2e.store.base import Searched
from q2e.store.engine import Finding, Request
from q2e.types import Filters

#: Generic questions that are asked, and videos wanted of each channel.
QUESTIONS, BEST = 20, 50


@dataclass(frozen=True, slots=True)
class EngineCheck:
    """What was found: `recall` of the `k` best videos of each row of all questions."""

    questions: int
    k: int
    recall: float
    exact: bool
    """Whether no index is asked."""
    unfound: int
    """Vectors that the engine does not hold."""


def engine_of(finding: Finding | None) -> Finding:
    """Return what finds in a store. Raises StoreError where nothing does but a scan."""
    if finding is None:
        raise StoreError(
            "this store keeps its columns in memory and needs no engine; one beside it is  "
            "--engine milvus://HOST:19530/NAME,  a store that finds in its database  "
            "--store postgresql://HOST/DATABASE"
        )
    return finding


def check(store: Searched, finding: Finding, models: Models) -> EngineCheck:
    """Ask generic questions of an engine and of all evidence.

    Raises StoreError where the engine was not built.
    """
    with store.snapshot():
        engine = finding.engine()
        if engine is None:
            raise StoreError("no engine was built yet;  q2e engine rebuild  makes one")
        vectors = Questions(models.text).vectors(Form("en", event=False))[:QUESTIONS]
        space = models.text.space
        asked = [Request("meaning", "query", space, one[None]) for one in vectors]
        found, wanted = 0, 0
        pairs = zip(
            engine.best(asked, Filters(), BEST),
            finding.scan().best(asked, Filters(), BEST),
            strict=True,
        )
        for ours, theirs in pairs:
            own = {best.channel: set(best.videos) for best in ours}
            for best in theirs:
                wanted += len(best.videos)
                found += len(own.get(best.channel, set()) & set(best.videos))
        recall = found / wanted if wanted else 1.0
        return EngineCheck(len(asked), BEST, recall, engine.exact, finding.unfound())
