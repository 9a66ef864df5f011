"""Reads a question: its words, its language, what its filters leave and what examples show."""

from __future__ import annotations

from dataclasses import replace

from q2e.errors import QueryError
from q2e.query.hints import hint, left_out
from q2e.query.slots import languages_by_script
from q2e.query.texts import words_of
from q2e.search.stage import stage
from q2e.search.state import State
from q2e.text.language import detect
from q2e.text.tokens import says_something
from q2e.types import Query

#: Longest question, in characters; a whole article is not a question.
LONGEST = 4000


@stage(reads=("query",), writes=("query", "question", "shown", "mask", "hint"))
def understand(state: State) -> State:
    """Check a question and read all that is said in it.

    Raises QueryError for an empty or overlong question, and for examples that cannot be used.
    """
    asked = state.query
    remark = hint(asked.text) or state.at.behind() or left_out(asked.text, asked.clause)
    read = [state.at.examples.read(one) for one in state.query.examples]
    said = [one.speech for one in read if one.vector is None]
    query = checked(_with_speech(state.query, said, len(read)) if said else state.query)
    mask = state.at.store.rows(query.filters)
    if mask is not None and not mask.any():
        remark = "nothing in the index passes the filters; the facets say what there is"
    return state.writing(
        query=query,
        question=words_of(query),
        shown=tuple(one for one in read if one.vector is not None),
        mask=mask,
        hint=remark,
    )


def checked(query: Query) -> Query:
    """Return a question without needless blanks, with its language. Raises QueryError."""
    text = " ".join(query.text.split())
    if query.examples and not text:
        return query
    if not says_something(text):
        raise QueryError("the question is empty; ask for what is seen, said or written")
    if len(text) > LONGEST:
        raise QueryError(f"the question has {len(text)} characters; at most {LONGEST} are searched")
    language = query.language or language_of(words_of(replace(query, text=text)))
    return replace(query, text=text, language=language)


def language_of(text: str) -> str | None:
    """Return the language of a text, by its words or its script, or None."""
    return detect(text) or next(iter(languages_by_script(text)), None)


def _with_speech(query: Query, said: list[str], examples: int) -> Query:
    """Return a question with what is said in its examples added to its words."""
    if query.clause is not None or len(said) < examples:
        raise QueryError("a sound goes with plain words only; ask for them apart")
    text = " ".join([*said, query.text]).strip()[:LONGEST]
    return replace(query, text=text, examples=())
