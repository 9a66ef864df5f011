"""Makes vectors and terms of a question: what is asked of each space and of all texts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from q2e.arrays import Float32
from q2e.methods.calibrate.base import Calibration
from q2e.methods.expand.base import asked_words
from q2e.methods.rows import Folded, Vectors
from q2e.query.elsewhere import sought
from q2e.search.likes import moved
from q2e.search.named import named
from q2e.search.stage import stage
from q2e.search.state import Asked, State
from q2e.search.widen import pictured, widened
from q2e.types import EVENT_KINDS, Decomposition, SubEvent


@stage(
    reads=("query", "question", "decomposition", "form", "expansions", "shown"),
    writes=("asked", "terms", "named"),
)
def encode(state: State) -> State:
    """Make vectors of the question with what expansion adds, of its sub-events or its examples.

    Raises IndexMismatch where the index was made by other models.
    """
    state.at.check_spaces()
    if state.shown:
        return state.writing(asked=(_like_examples(state),), terms={})
    away = moved(state)
    asked = [Asked(state.at.models.text.space, "meaning", tuple(_texts(state, away)))]
    for encoder in state.at.seeing.values():
        said = (state.question, *_own(state.decomposition))
        picture = pictured(said, state.expansions, encoder)
        if encoder.space in away:
            picture = replace(picture, matrix=picture.matrix + away[encoder.space])
        asked.append(Asked(encoder.space, "picture", (picture,)))
    return with_terms(state.writing(asked=tuple(asked)))


def with_terms(state: State) -> State:
    """Write what texts are asked for: words, names as they sound, and as they are elsewhere."""
    more = [words for one in state.expansions for words in one.words]
    names = named(state.at.store, state.question)
    terms = {
        "words": tuple(asked_words(state.question, more)),
        "names": tuple(state.at.names.grams(state.question, state.query.language)),
        "elsewhere": sought(names)[0],
    }
    return state.writing(terms=terms, named=names)


def _like_examples(state: State) -> Asked:
    """Return what examples show, changed as the text says, with the scale of likeness here."""
    examples = state.at.examples
    vectors = [examples.changed(one, state.question, state.plan.compose) for one in state.shown]
    part = Vectors("query", ("like the example",) * len(vectors), np.stack(vectors))
    return Asked(state.at.models.image.space, "picture", (part,), state.at.whole.examples.scale())


def _texts(state: State, away: dict[str, Float32]) -> list[Vectors]:
    """Return the question with what expansion adds, and its sub-events, as text vectors."""
    encoder, found = state.at.models.text, state.decomposition
    asked = [found.query]
    if found.english and found.english != found.query:
        asked.append(found.english)
    asked += _own(found)
    plain = Vectors("query", tuple(asked), encoder.encode_queries(asked))
    if encoder.space in away:
        plain = replace(plain, matrix=plain.matrix + away[encoder.space])
    parts = widened(plain, state.expansions, encoder, state.at.table.channels)
    scale = state.plan.calibration(state.at)
    # What is added to the question is not in the sums by which phrases are scored quickly.
    calm = len(parts) == 1 and parts[0] is plain
    if scale is not None:
        parts = [replace(one, matrix=scale.corrected(one.matrix, state.form)) for one in parts]
    events = [event for kind in EVENT_KINDS for event in found.of_kind(kind) if not event.own]
    if not events:
        return parts
    matrix, folded = _events(state, events, plain.matrix[0], scale if calm else None)
    if scale is not None:
        matrix = scale.corrected(matrix, state.form)
    for kind in EVENT_KINDS:
        own = [number for number, event in enumerate(events) if event.kind == kind]
        if own:
            said = tuple(events[number].text for number in own)
            quick = None if folded is None else folded.some(own)
            parts.append(Vectors(kind, said, matrix[own], folded=quick))
    return parts


def _own(found: Decomposition) -> list[str]:
    """Return the events that whoever asks wrote: other ways to say what is looked for."""
    return [event.text for event in found.events if event.own]


def _events(
    state: State, events: list[SubEvent], query: Float32, scale: Calibration | None
) -> tuple[Float32, Folded | None]:
    """Return sub-events as vectors (n, d), and as sums for the corrected question where known."""
    if state.decomposition.backend != "events":
        return state.at.models.text.encode_queries([event.text for event in events]), None
    # Phrases of the knowledge base come again and again, so their vectors are known; the
    # question is folded into them as a vector, not as words.
    phrases = [event.source for event in events]
    matrix = state.at.questions.phrases(phrases) + query
    share = 1.0 / np.linalg.norm(matrix, axis=1, keepdims=True)
    folded = None if scale is None else scale.folded(phrases, share, state.form)
    return np.asarray(matrix * share, np.float32), folded
