"""Vectors one by one, as the type of the extension pgvector, so that engines may index them.

The store itself reads the packed ones of the table `vector`. These are there for
`ORDER BY embedding <#> question LIMIT k`, in one table for each space: `nearest_1`, `nearest_2`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from q2e.arrays import Int64

if TYPE_CHECKING:
    import psycopg

_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_END = b"\xff\xff"
#: Bytes that a graph takes of a piece beside its vector, at 16 links; and most that its making may
#: take, where the server is not set to more.
_LINKS, _MOST_BYTES = 700, 1 << 30


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
        f"CREATE TABLE nearest_{space} (evidence bigint PRIMARY KEY, stage bigint NOT NULL, "
        "video bigint NOT NULL, channel integer NOT NULL, "
        f"embedding halfvec({dimension}) NOT NULL); CREATE INDEX ON nearest_{space} (stage); "
        f"CREATE INDEX ON nearest_{space} (video)"
    )


def put(
    connection: psycopg.Connection[Any],
    space: int,
    found: Sequence[tuple[tuple[int, int, int], Int64, npt.NDArray[np.float16]]],
) -> None:
    """Add vectors (n, d) of the evidence of stages: each with stage, video and channel, and ids."""
    import psycopg

    dimension = found[0][2].shape[1]
    columns: list[Any] = [("columns", ">i2")]
    for name, size in (("evidence", 8), ("stage", 8), ("video", 8), ("channel", 4)):
        columns += [(f"size_{name}", ">i4"), (name, f">i{size}")]
    columns += [("size", ">i4"), ("dimension", ">i2"), ("unused", ">i2")]
    lengths = [len(ids) for _, ids, _ in found]
    rows = np.zeros(sum(lengths), [*columns, ("embedding", ">f2", (dimension,))])
    rows["columns"] = 5
    of = np.repeat(np.array([own for own, _, _ in found], np.int64), lengths, axis=0)
    values = np.concatenate([ids for _, ids, _ in found]), *of.T
    for name, value in zip(("evidence", "stage", "video", "channel"), values, strict=True):
        rows[f"size_{name}"] = 4 if name == "channel" else 8
        rows[name] = value
    rows["size"], rows["dimension"] = 4 + 2 * dimension, dimension
    rows["embedding"] = np.concatenate([data for _, _, data in found])
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
                own = (of[0], of[1], of[2]), np.frombuffer(ids, "<i8"), vectors
                put(connection, space, [own])


def build(connection: psycopg.Connection[Any]) -> int:
    """Make an HNSW index of each channel of each space anew, and return how many.

    One for each channel: of an index of all, what a channel with few pieces says is hardly found.
    """
    made = 0
    found = connection.execute("SELECT number, dimension FROM space ORDER BY number").fetchall()
    for space, dimension in found:
        table = f"nearest_{space}"
        asked = f"SELECT channel, count(*) FROM {table} GROUP BY 1 ORDER BY 1"
        for channel, rows in connection.execute(asked).fetchall():
            connection.execute(f"DROP INDEX IF EXISTS {table}_{channel}")
            _make_index(
                connection,
                f"CREATE INDEX {table}_{channel} ON {table} USING hnsw "
                f"(embedding halfvec_ip_ops) WHERE channel = {channel}",
                rows * (2 * dimension + _LINKS),
            )
            made += 1
    connection.execute("ANALYZE")
    return made


def _make_index(connection: psycopg.Connection[Any], asked: str, needed: int) -> None:
    """Make an index that takes so many bytes, in memory where it may: on disk it is far slower."""
    import psycopg

    room = max(1, min(needed, _MOST_BYTES) >> 10)
    with connection.transaction():
        connection.execute(
            "SELECT set_config('maintenance_work_mem', greatest(%s, (SELECT setting::bigint "
            "FROM pg_settings WHERE name = 'maintenance_work_mem'))::text || 'kB', true)",
            (room,),
        )
        try:
            with connection.transaction():
                connection.execute(asked)
        except (psycopg.errors.DiskFull, psycopg.errors.OutOfMemory):
            # Several processes share memory, of which a container often has little.
            connection.execute("SET LOCAL max_parallel_maintenance_workers TO 0")
            connection.execute(asked)
            connection.execute("RESET max_parallel_maintenance_workers")
