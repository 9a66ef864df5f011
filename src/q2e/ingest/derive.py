"""What is made of the texts of evidence: tokens, by which words find them, and vectors, by which
their meaning does.

Both are made here alone, and made again of what is stored when the rules of words or the text
model change: what was seen and heard is not read again, and no medium is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from q2e.arrays import Float32
from q2e.models.base import TextEncoder
from q2e.store.base import NEXT_SPACE, Derived, Item, Remade, StageKey, Store
from q2e.text import lexical
from q2e.types import Evidence

#: Texts that are embedded, or pieces of evidence that are told apart by words, at once.
_TEXTS, _PIECES = 256, 2048

#: Encodes texts as (n, d) vectors.
Encode = Callable[[list[str]], Float32]


def derived(space: str) -> Derived:
    """Return how tokens, and vectors in a space, are made by this program."""
    return Derived(str(lexical.TERMS_VERSION), space)


def has_meaning(one: Evidence) -> bool:
    """Return whether evidence is found by the meaning of its text.

    What is composed of other evidence says nothing new: its words can be found, but its meaning
    is that of the pictures and speech which have vectors of their own.
    """
    return bool(one.text) and one.origin != "composed"


def items(found: Sequence[Evidence], space: str, encode: Encode) -> list[Item]:
    """Return evidence with its tokens and, where it has a meaning, the vector of its text.

    A vector in `space` that evidence has already stays.
    """
    texts = [one.text for one in found if has_meaning(one) and space not in one.vectors]
    vector_of = _encoded(texts, encode)
    ready = []
    for one in found:
        if has_meaning(one) and space not in one.vectors:
            one = replace(one, vectors={**one.vectors, space: vector_of[one.text]})
        ready.append(Item(one, lexical.indexed(one.text)))
    return ready


def _encoded(texts: Sequence[str], encode: Encode) -> Mapping[str, Float32]:
    once = list(dict.fromkeys(texts))
    return dict(zip(once, encode(once), strict=True)) if once else {}


def refresh(
    store: Store,
    space: str,
    encoder: Callable[[], TextEncoder],
    watch: Callable[[int, int], None] | None = None,
) -> int:
    """Make again what was derived otherwise than now, and return of how many pieces of work.

    `space` is that of the text model, which is loaded by `encoder` only where texts are to be
    embedded. Each batch is kept as it is made, so that a run that was stopped goes on. Searches
    meanwhile find by the old vectors, which go when all new ones are there.
    """
    now = derived(space)
    bound, half_made = store.setting("space.text"), store.setting(NEXT_SPACE)
    total = store.count_outdated(now)
    if bound not in (None, space) and half_made != space:
        store.set_setting(NEXT_SPACE, space)
    done = 0
    for batch in _batches(store, now):
        store.put_derived(now, list(_remade(batch, now, encoder)))
        done += len(batch)
        if watch is not None:
            watch(done, total)
    if bound not in (None, space) or half_made is not None:
        store.adopt("text", space)
    return done


#: Work that was derived otherwise: of which part, how, and its evidence.
_Work = tuple[StageKey, Derived, Sequence[Evidence]]


def _batches(store: Store, now: Derived) -> Iterator[list[_Work]]:
    batch: list[_Work] = []
    room = 1.0
    for key, was in store.outdated(now):
        found = store.found_by(key)
        batch.append((key, was, found))
        room -= len(found) / (_PIECES if was.space == now.space else _TEXTS)
        if room <= 0:
            yield batch
            batch, room = [], 1.0
    if batch:
        yield batch


def _remade(
    batch: Sequence[_Work], now: Derived, encoder: Callable[[], TextEncoder]
) -> Iterator[Remade]:
    anew = [found for _, was, found in batch if was.space != now.space]
    texts = [one.text for found in anew for one in found if has_meaning(one)]
    vector_of = _encoded(texts, encoder().encode_passages) if texts else {}
    for key, was, found in batch:
        tokens = vectors = None
        if was.terms != now.terms:
            tokens = tuple(lexical.indexed(one.text) for one in found)
        if was.space != now.space:
            vectors = tuple(vector_of[one.text] if has_meaning(one) else None for one in found)
        yield Remade(key, tokens, vectors)
