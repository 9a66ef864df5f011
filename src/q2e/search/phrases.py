"""Finds the evidence in which words occur exactly as they stand, in any script."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from q2e.arrays import Bool, Int64
from q2e.store.base import Searched
from q2e.text.tokens import spellings


def phrase_rows(
    store: Searched, phrase: str, channel: str | None = None, mask: Bool | None = None
) -> Int64:
    """Return the rows whose text holds the words of a phrase one after the other, ascending.

    Words are told apart as in the index, so case, marks and width of letters do not matter.
    """
    wanted = spellings(phrase)
    if not wanted:
        return np.zeros(0, dtype=np.int64)
    table = store.table()
    allowed = np.ones(len(table), dtype=bool) if mask is None else mask.copy()
    if channel is not None:
        allowed &= table.of_channels((channel,))
    for word in dict.fromkeys(wanted):
        there = np.zeros(len(table), dtype=bool)
        there[store.lexical(word, mask=allowed)[0]] = True
        allowed &= there
        if not allowed.any():
            return np.zeros(0, dtype=np.int64)
    rows = np.flatnonzero(allowed).astype(np.int64)
    if len(wanted) == 1:
        return rows
    texts = store.evidence(rows.tolist())
    kept = [_holds(spellings(one.text), wanted) for one in texts]
    return rows[np.array(kept, dtype=bool)] if len(rows) else rows


def holding(store: Searched, phrases: Sequence[str], mask: Bool | None = None) -> Bool:
    """Return (E,) the evidence whose text holds any of several phrases."""
    found = np.zeros(len(store.table()), dtype=bool)
    for phrase in phrases:
        found[phrase_rows(store, phrase, mask=mask)] = True
    return found


def _holds(words: Sequence[tuple[str, ...]], phrase: Sequence[tuple[str, ...]]) -> bool:
    """Return whether some words in a row share a spelling each with those of a phrase."""
    wanted = [frozenset(spelt) for spelt in phrase]
    return any(
        all(
            not same.isdisjoint(word)
            for same, word in zip(wanted, words[place : place + len(wanted)], strict=True)
        )
        for place in range(len(words) - len(wanted) + 1)
    )
