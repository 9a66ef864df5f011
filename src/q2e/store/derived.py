"""Tokens and text vectors of stored evidence, made again beside it; see `store.base.Derived`."""

from __future__ import annotations

from collections.abc import Iterator

from q2e.store.base import NEXT_SPACE, UNKNOWN, Derived, Remade, StageKey
from q2e.store.rows import pack, unpack
from q2e.store.sql import View, Writer

#: Pieces of work that are read at once.
_AT_ONCE = 1_000


def outdated(view: View, derived: Derived, told: bool = True) -> Iterator[tuple[StageKey, Derived]]:
    """Yield the work with evidence that is derived otherwise, in order of storage, and how.

    Without `told` the database does not say how its tokens and vectors were made.
    """
    if not told and derived == UNKNOWN:
        return
    own = "s.terms, s.text_space" if told else "NULL, NULL"
    source, values = _otherwise(derived, told)
    asked = f"SELECT v.id, s.name, s.part, {own} {source} ORDER BY s.number"
    for rows in view.batches(asked, values, _AT_ONCE):
        for video, name, part, terms, space in rows:
            yield StageKey(video, name, part), Derived(terms or "", space or "")


def count_outdated(view: View, derived: Derived, told: bool = True) -> int:
    """Return how much work `outdated` yields."""
    if not told and derived == UNKNOWN:
        return 0
    source, values = _otherwise(derived, told)
    return int(view.connection.execute(f"SELECT count(*) {source}", values).fetchone()[0])


def _otherwise(derived: Derived, told: bool) -> tuple[str, tuple[str, ...]]:
    # What is as it should be is passed over there: that is nearly always all of it.
    other = "NOT (coalesce(s.terms, '') = ? AND coalesce(s.text_space, '') = ?) AND " * told
    return (
        f"FROM stage s JOIN video v ON v.number = s.video WHERE {other}"
        "EXISTS (SELECT 1 FROM evidence e WHERE e.stage = s.number)",
        (derived.terms, derived.space) if told else (),
    )


def replace(writer: Writer, derived: Derived, one: Remade) -> None:
    """Put what was made again of one stage's work on one part in the place of what was there."""
    row = writer.execute(
        "SELECT s.number FROM stage s JOIN video v ON v.number = s.video "
        "WHERE v.id = ? AND s.name = ? AND s.part = ?",
        (one.key.video, one.key.stage, one.key.part),
    ).fetchone()
    if row is None:
        return
    stage = int(row[0])
    found = writer.execute("SELECT id FROM evidence WHERE stage = ? ORDER BY id", (stage,))
    ids = [int(row[0]) for row in found]
    if any(len(ids) != len(made) for made in (one.tokens, one.vectors) if made is not None):
        return
    if one.tokens is not None:
        writer.put_postings(stage, zip(ids, one.tokens, strict=True))
        writer.executemany(
            "UPDATE evidence SET length = ? WHERE id = ?",
            [(len(tokens), each) for tokens, each in zip(one.tokens, ids, strict=True)],
        )
    if one.vectors is not None:
        writer.drop_vectors(derived.space, stage)
        pairs = zip(ids, one.vectors, strict=True)
        writer.put_vectors(
            stage,
            ((each, {derived.space: vector}) for each, vector in pairs if vector is not None),
        )
    writer.execute(
        "UPDATE stage SET terms = ?, text_space = ? WHERE number = ?",
        (derived.terms, derived.space, stage),
    )


def adopt(writer: Writer, kind: str, space: str) -> bool:
    """Bind the index to a space of a kind, and return whether another one is gone.

    That is the one before it, and one that was half made, where no other kind is bound to it.
    """
    names = [pack(f"space.{kind}"), *([pack(NEXT_SPACE)] if kind == "text" else [])]
    marks = ", ".join("?" * len(names))
    rows = writer.execute(f"SELECT value FROM setting WHERE name IN ({marks})", names)
    before = {bytes(value) for (value,) in rows}
    writer.execute(f"DELETE FROM setting WHERE name IN ({marks})", names)
    writer.execute("INSERT INTO setting VALUES (?, ?)", (names[0], pack(space)))
    bound = writer.execute("SELECT value FROM setting WHERE substr(name, 1, 6) = ?", (b"space.",))
    gone = before - {bytes(value) for (value,) in bound}
    for name in gone:
        writer.drop_vectors(unpack(name))
    return bool(gone)
