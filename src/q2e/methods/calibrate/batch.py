"""The scale of a whole batch of questions, as Q2E is published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, NoReturn

from pydantic import Field

from q2e.errors import QueryError
from q2e.methods.normalise.base import Heat
from q2e.methods.questions import Questions
from q2e.registry import method
from q2e.store.base import Searched


@method("calibrate", source="Q2E: Dipta and Ferraro 2025", batch=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Softmax over the questions of a batch, each score by itself; a single one is refused.

    Scores are cosines as they are, which a temperature of 50 puts on the scale of Q2E's released
    code, (cos + 1) / 2 * 100; or for all texts ColBERT's MaxSim, the sum over the tokens of a
    question of their best match in a text, which that code takes as it is. Vectors of tokens are
    kept beside the run, never in the index. Many questions are asked by `q2e run` and by
    experiments.
    """

    temperature: Heat = 50.0
    texts: Annotated[
        Literal["meaning", "late"],
        Field(description="What scores texts: cosines of the text model, or MaxSim of tokens."),
    ] = "meaning"
    late_temperature: Heat = 1.0

    def on(self, store: Searched, questions: Questions) -> NoReturn:
        """Refuse a question that stands alone. Raises QueryError naming what takes one."""
        raise QueryError(
            "calibrate = batch compares the questions of a batch, and this is one: ask it with  "
            "--recipe q2e-live,  which is the same over a bank of generic questions, or ask many "
            "with  q2e run"
        )
