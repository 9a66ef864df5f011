"""Scores what is asked against all evidence: the rows of the evidence table."""

from __future__ import annotations

from q2e.methods.rows import DOCUMENTS, ScoreRow
from q2e.search.phrases import holding
from q2e.search.stage import stage
from q2e.search.state import State


@stage(reads=("query", "question", "asked", "terms", "named", "mask"), writes=("rows",))
def score(state: State) -> State:
    """Score each part of the question in each channel, by vectors and by words."""
    scanner, pool = state.at.scanner, state.plan.pool
    rows: list[ScoreRow] = []
    for one in state.asked:
        rows += scanner.dense(one.space, one.how, one.parts, mask=state.mask, pool=pool)
    rows += by_words(state)
    allowed = state.query.filters.channels
    # What is made of the texts of several channels is of those that the filters leave.
    known = {*allowed, DOCUMENTS}
    return state.writing(rows=tuple(row for row in rows if not allowed or row.channel in known))


def by_words(state: State) -> list[ScoreRow]:
    """Return the rows of what is looked for in texts as it stands.

    Of names elsewhere only texts count that hold one of them whole: a part of one is another word.
    """
    rows: list[ScoreRow] = []
    for how, terms in state.terms.items():
        mask = state.mask
        if how == "elsewhere":
            names = [name for own in state.named for name in own]
            mask = holding(state.at.store, names, mask)
        rows += state.at.scanner.lexical(how, state.question, terms, mask)
    return rows
