"""Unfolds a question into what comes before, happens during and follows after."""

from __future__ import annotations

from dataclasses import replace

from q2e.methods.questions import Form
from q2e.search.stage import stage
from q2e.search.state import State
from q2e.types import Decomposition


@stage(reads=("query", "question", "given"), writes=("decomposition", "form"))
def decompose(state: State) -> State:
    """Find the events of a question, and what form it has.

    Where nobody has looked for events, the form is that of a question about one.
    """
    query = replace(state.query, text=state.question)
    if state.given is not None:
        found = replace(state.given, query=query.text, language=query.language, backend="given")
    else:
        found = state.at.decomposer(state.plan).decompose(query)
    return state.writing(decomposition=found, form=form_of(found))


def form_of(found: Decomposition) -> Form:
    """Return the form of a question: its language, and whether it asks for an event."""
    return Form(found.language, event=bool(found.events) or not found.looked)


@stage(reads=("decomposition",), writes=("decomposition",))
def stand_alone(state: State) -> State:
    """Leave the events of a clause out: it stands for itself, and keeps its form."""
    return state.writing(decomposition=replace(state.decomposition, events=()))
