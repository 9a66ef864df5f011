"""Vectors one by one, as the type of the extension pgvector, so that engines may index them.

The store itself reads the packed ones of the table `vector`. These are there for
`ORDER BY embedding <#> question LIMIT k`, in one table for each space: `nearest_1`, `nearest_2`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from q2e.arrays import Int64

if TYPE_CHECKING:
    import psycopg

_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_END = b"\xff\xff"


def extension(connection: psycopg.Connection[Any]) -> str | None:
    """Return the schema in which the extension's types lie, or None where it is not installed."""
    row = connection.execute(
        "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace "
        "WHERE e.extname = 'vector' AND EXISTS (SELECT 1 FROM pg_type t "
        "WHERE t.typname = 'halfvec' AND t.typnamespace = n.oid)"
    ).fetchone()
    return None if row is None else str(row[0])


def offer(connection: psycopg.Connection[Any]) -> str | None:
    """Return `extension`, installing it where the server has it and this user may."""
    import psycopg

    found = extension(connection)
    if found is None:
        try:
            with connection.transaction():
                connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        except psycopg.Error:
            return None
        found = extension(connection)
    return found


def make(connection: psycopg.Connection[Any], space: int, dimension: int) -> None:
    """Make the table of a space."""
    connection.execute(
        f"CREATE TABLE nearest_{space} (evidence bigint PRIMARY KEY, stage bigint NOT NULL "
        "REFERENCES stage ON DELETE CASCADE, video bigint NOT NULL, channel integer NOT NULL, "
        f"embedding halfvec({dimension}) NOT NULL); CREATE INDEX ON nearest_{space} (stage); "
        f"CREATE INDEX ON nearest_{space} (video)"
    )


def put(
    connection: psycopg.Connection[Any],
    space: int,
    of: tuple[int, int, int],
    ids: Int64,
    data: npt.NDArray[np.float16],
) -> None:
    """Add vectors (n, d) of one stage's evidence; `of` is its stage, video and channel."""
    import psycopg

    dimension = data.shape[1]
    columns: list[Any] = [("columns", ">i2")]
    values = (ids, *of)
    for name, size in (("evidence", 8), ("stage", 8), ("video", 8), ("channel", 4)):
        columns += [(f"size_{name}", ">i4"), (name, f">i{size}")]
    columns += [("size", ">i4"), ("dimension", ">i2"), ("unused", ">i2")]
    rows = np.zeros(len(ids), [*columns, ("embedding", ">f2", (dimension,))])
    rows["columns"] = 5
    for name, value in zip(("evidence", "stage", "video", "channel"), values, strict=True):
        rows[f"size_{name}"] = 4 if name == "channel" else 8
        rows[name] = value
    rows["size"], rows["dimension"] = 4 + 2 * dimension, dimension
    rows["embedding"] = data
    into = f"COPY nearest_{space} (evidence, stage, video, channel, embedding) FROM STDIN BINARY"
    with psycopg.Cursor(connection).copy(into) as copy:
        copy.write(_HEADER + rows.tobytes() + _END)


def numbers(packed: bytes) -> tuple[Int64, npt.NDArray[np.int32]]:
    """Return the columns of a binary copy of rows `(bigint, integer)` without NULL."""
    form = [("columns", ">i2"), ("a", ">i4"), ("id", ">i8"), ("b", ">i4"), ("count", ">i4")]
    rows = np.frombuffer(packed, form, offset=len(_HEADER), count=(len(packed) - 21) // 22)
    return rows["id"].astype(np.int64), rows["count"].astype(np.int32)


def missing(connection: psycopg.Connection[Any]) -> list[tuple[int, int]]:
    """Return number and dimension of the spaces that have no table yet."""
    found = connection.execute(
        "SELECT number, dimension FROM space "
        "WHERE to_regclass('nearest_' || number) IS NULL ORDER BY number"
    )
    return [(int(number), int(dimension)) for number, dimension in found]


def fill(connection: psycopg.Connection[Any]) -> None:
    """Make the tables that are not there yet, as where the extension came later, of what is."""
    for space, dimension in missing(connection):
        make(connection, space, dimension)
        asked = (
            "SELECT v.evidence, v.data, s.number, s.video, s.channel FROM vector v "
            "JOIN stage s ON s.number = v.stage WHERE v.space = %s ORDER BY v.id"
        )
        with connection.cursor(name="q2e_fill") as found:
            for ids, data, *of in found.execute(asked, (space,), binary=True):
                vectors = np.frombuffer(data, "<f2").reshape(-1, dimension)
                put(connection, space, (of[0], of[1], of[2]), np.frombuffer(ids, "<i8"), vectors)


def build(connection: psycopg.Connection[Any]) -> int:
    """Make an HNSW index of each channel of each space anew, and return how many.

    One for each channel: of an index of all, what a channel with few pieces says is hardly found.
    """
    made = 0
    for (space,) in connection.execute("SELECT number FROM space ORDER BY number").fetchall():
        table = f"nearest_{space}"
        for (channel,) in connection.execute(f"SELECT DISTINCT channel FROM {table}").fetchall():
            connection.execute(f"DROP INDEX IF EXISTS {table}_{channel}")
            connection.execute(
                f"CREATE INDEX {table}_{channel} ON {table} USING hnsw "
                f"(embedding halfvec_ip_ops) WHERE channel = {channel}"
            )
            made += 1
    connection.execute("ANALYZE")
    return made
