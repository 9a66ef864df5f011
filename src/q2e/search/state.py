"""What is known of one question while it passes through the stages of a search.

Shapes: V videos and E pieces of evidence of the store's table, d dimensions of a vector space.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from q2e.arrays import Bool, Float64, Int64
from q2e.methods.expand.base import Expansion
from q2e.methods.fuse.base import Fusion
from q2e.methods.questions import Form
from q2e.methods.rows import Scale, ScoreRow, Vectors
from q2e.query.asking import asks
from q2e.query.parts import names_alone
from q2e.types import ClauseKind, Decomposition, Hit, Moment, Query

if TYPE_CHECKING:
    from q2e.search.collection import Collection
    from q2e.search.examples import Seen
    from q2e.search.order import Order
    from q2e.search.plan import Plan
    from q2e.search.prove import Proof
    from q2e.search.witness import Witness

#: The value of a field until a stage writes it.
_UNWRITTEN: Any = object()


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What is asked of one vector space: the parts of the question as vectors.

    `how` is what the rows say of themselves; `scale` is there where the scale of the scores is
    known, so that no method need calibrate them.
    """

    space: str
    how: str
    parts: tuple[Vectors, ...]
    scale: Scale | None = None


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """One question on its way; a stage returns another one with what it writes.

    Fields without a start value are written by the stage named; see `start_values`.
    """

    at: Collection
    plan: Plan
    query: Query
    """What was asked; `understand` adds the language and what examples say."""
    given: Decomposition | None = None
    """The events to search with, where they were given."""

    # -- understand ------------------------------------------------------------------------------
    question: str = _UNWRITTEN
    """The words that are looked for."""
    shown: tuple[Seen, ...] = _UNWRITTEN
    """What examples show."""
    mask: Bool | None = _UNWRITTEN
    """(E,) the evidence that counts, None where all does."""
    hint: str = _UNWRITTEN

    # -- decompose, expand -----------------------------------------------------------------------
    decomposition: Decomposition = _UNWRITTEN
    form: Form = _UNWRITTEN
    expansions: tuple[Expansion, ...] = ()

    # -- encode, score, calibrate ----------------------------------------------------------------
    asked: tuple[Asked, ...] = _UNWRITTEN
    terms: Mapping[str, tuple[str, ...]] = _UNWRITTEN
    """What is looked for in texts, as it stands: by `words`, `names` and names `elsewhere`."""
    named: tuple[tuple[str, ...], ...] = ()
    """For each name in the question the names it has in other scripts."""
    rows: tuple[ScoreRow, ...] = _UNWRITTEN
    """The evidence table: what all evidence says to each part of the question, by channel."""

    # -- fuse, feedback, chance ------------------------------------------------------------------
    fusion: Fusion = _UNWRITTEN
    score: Float64 = _UNWRITTEN
    """(V,) the sum of the contributions of the rows, or what feedback made of it."""
    found: Bool = _UNWRITTEN
    """(V,) the videos that the question may be answered with."""
    alarm: Float64 | None = None
    """(V,) the chance that a question without an answer finds as much; None where unknown."""
    certainty: Float64 | None = None
    """(V,) the chance that each video answers; None where that is not known."""
    proof: Proof | None = None
    """What videos that were not looked at can score; None where all were."""

    # -- clauses ---------------------------------------------------------------------------------
    order: Order | None = None
    """What happens in an order, where one was asked for."""
    which: ClauseKind | None = None
    """Says that the first or every time is asked for."""
    lost: Float64 | None = None
    """(E,) what exclusions take off each piece of evidence."""

    # -- rank, rerank ----------------------------------------------------------------------------
    ranking: Int64 = _UNWRITTEN
    """The videos found, best first."""
    also: Mapping[int, list[int]] = _UNWRITTEN
    """Copies of a video that are left out of the ranking."""
    witness: Witness = _UNWRITTEN
    """Finds the evidence behind each row."""
    lent: tuple[Float64, ...] = ()
    """(V,) what each reranking adds to the scores."""
    looks: tuple[Mapping[str, Any], ...] = ()
    """What is said of each reranking."""

    # -- localise, explain -----------------------------------------------------------------------
    moments: Mapping[int, tuple[Moment, ...]] = field(default_factory=dict)
    hits: tuple[Hit, ...] = _UNWRITTEN

    timings_s: Mapping[str, float] = field(default_factory=dict)

    def writing(self, **changes: Any) -> State:
        """Return the state with some fields written."""
        # As `replace` does, which takes ten times as long; a search writes 25 times.
        made = object.__new__(State)
        for name in State.__slots__:
            value = changes.pop(name) if name in changes else getattr(self, name)
            object.__setattr__(made, name, value)
        if changes:
            raise TypeError(f"a state has no {', '.join(changes)}")
        return made

    def alone(self, query: Query, question: str, mask: Bool | None = None) -> State:
        """Return a text as a question that stands for itself, asked of what `mask` (E,) leaves."""
        return State(
            self.at,
            self.plan,
            query,
            question=question,
            shown=(),
            mask=mask,
            hint="",
            timings_s=self.timings_s,
        )

    @property
    def many(self) -> bool:
        """Whether many videos may answer: those about an event, or a subject by its mere name.

        What is put as a question asks for one thing, which few of them tell.
        """
        named = names_alone(self.question, self.query.language)
        return (bool(self.decomposition.events) or named) and not asks(self.question)

    @property
    def page(self) -> list[int]:
        """The videos of the ranking that are shown."""
        first = self.plan.offset
        shown: list[int] = self.ranking[first : first + self.plan.settings.top].tolist()
        return shown

    @property
    def total(self) -> Float64:
        """(V,) the score with what reranking added."""
        total = self.score
        for lent in self.lent:
            total = total + lent
        return total


def start_values() -> frozenset[str]:
    """Return the names of the fields that need no stage to write them."""
    return frozenset(one.name for one in fields(State) if one.default is not _UNWRITTEN)
