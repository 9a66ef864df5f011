"""What stages found, as rows of PostgreSQL: inside one writing transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from q2e.arrays import Float32, Int64
from q2e.store.base import Item
from q2e.store.postgres import nearest
from q2e.store.postgres.asking import Asking, term_key, text
from q2e.store.rows import (
    body,
    by_space,
    by_term,
    other_dimension,
    pack,
    putting,
    video_row,
)
from q2e.types import Video

#: Numbers of a stage, its video and its channel.
_Of = tuple[int, int, int]
Float16 = npt.NDArray[np.float16]

_EVIDENCE = "id, stage, video, channel, start_s, end_s, frame_s, length, language, body"
_POSTING = "term, stage, video, channel, evidence, count, length"
_GONE = (
    "WITH gone AS (SELECT term, channel, sum(cardinality(evidence)) AS pieces FROM posting "
    "WHERE stage = ANY(?) GROUP BY term, channel) "
)
#: How rows of COPY say that there is no value, and which characters they write otherwise.
_NULL = r"\N"
_ESCAPED = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


@dataclass(frozen=True, slots=True)
class Placed:
    """What one new stage found: its number, its video's and its channel's, pieces and their ids."""

    stage: int
    video: int
    channel: int
    items: Sequence[Item]
    ids: Sequence[int]

    @property
    def of(self) -> _Of:
        return self.stage, self.video, self.channel


class PostgresWriter(Asking):
    """The writing connection inside a transaction; see `q2e.store.sql.Writer`.

    Counts of words and pieces are kept beside them: whatever adds or removes some goes through
    here. `halves` says whether the extension pgvector is there.
    """

    def __init__(self, connection: Any, halves: bool) -> None:
        super().__init__(connection)
        self.halves = halves

    def channel(self, name: str) -> int:
        """Return the number given to a channel that has none yet, and never to another one."""
        given = "INSERT INTO channel (name) VALUES (?) RETURNING number"
        row = self.execute(given, (name,)).fetchone()
        assert row is not None
        return int(row[0])

    def put_videos(self, videos: Sequence[Video]) -> None:
        """Put videos, or what is known of them in place of what was."""
        tags = "?::bytea[]"
        given = [(*video_row(one), [pack(tag) for tag in one.tags]) for one in videos]
        self.executemany(putting(tags=tags), given)

    def ids(self, count: int) -> list[int]:
        """Return so many numbers for pieces of evidence, none of which was given before."""
        asked = "SELECT nextval('evidence_id') FROM generate_series(1, ?)"
        return [int(number) for (number,) in self.execute(asked, (count,))] if count else []

    def put_items(self, found: Sequence[Placed]) -> None:
        """Add what new stages found, with its vectors and postings."""
        self._add_postings(
            [
                (one.of, zip(one.ids, (item.tokens for item in one.items), strict=True))
                for one in found
            ]
        )
        lines = []
        for placed in found:
            of = tuple(map(str, placed.of))
            for number, item in zip(placed.ids, placed.items, strict=True):
                one = item.evidence
                times = (repr(float(one.start_s)), repr(float(one.end_s)))
                frame_s = _NULL if one.frame_s is None else repr(float(one.frame_s))
                own = (str(number), *of, *times, frame_s, str(len(item.tokens)))
                language = _NULL if one.language is None else _written(text(one.language))
                lines.append("\t".join((*own, language, _bytes(body(one)))))
        if lines:
            self._copy(f"evidence ({_EVIDENCE})", lines)
        self._add_vectors(
            [
                (one.of, zip(one.ids, (i.evidence.vectors for i in one.items), strict=True))
                for one in found
            ]
        )

    def put_postings(self, stage: int, tokens: Iterable[tuple[int, Sequence[str]]]) -> None:
        self._uncount([stage])
        self.execute("DELETE FROM posting WHERE stage = ?", (stage,))
        self._add_postings([((stage, *self._of(stage)), tokens)])

    def _add_postings(
        self, given: Sequence[tuple[_Of, Iterable[tuple[int, Sequence[str]]]]]
    ) -> None:
        lines: list[str] = []
        texts: dict[int, tuple[int, int]] = {}
        for of, tokens in given:
            pairs = [(number, tuple(own)) for number, own in tokens]
            length = {number: len(own) for number, own in pairs}
            middle = "\t".join(map(str, of))
            lines += [
                "\t".join(
                    (
                        _bytes(term_key(term)),
                        middle,
                        *map(_array, (ids, counts, [length[number] for number in ids])),
                    )
                )
                for term, (ids, counts) in by_term(pairs).items()
            ]
            pieces, words = texts.get(of[2], (0, 0))
            texts[of[2]] = (
                pieces + sum(1 for own in length.values() if own),
                words + sum(length.values()),
            )
        if not lines:
            return
        self._copy(f"posting ({_POSTING})", lines)
        # In one order whoever writes, so that nobody waits for another in a ring.
        self.execute(
            "INSERT INTO word SELECT term, channel, sum(cardinality(evidence)) FROM posting "
            "WHERE stage = ANY(?) GROUP BY term, channel ORDER BY term, channel "
            "ON CONFLICT (term, channel) DO UPDATE SET pieces = word.pieces + excluded.pieces",
            ([of[0] for of, _ in given],),
        )
        self.execute(
            "UPDATE channel SET pieces = pieces + a.more, words = words + a.said "
            "FROM unnest(?::int[], ?::bigint[], ?::bigint[]) a(own, more, said) WHERE number = own",
            (list(texts), [n for n, _ in texts.values()], [n for _, n in texts.values()]),
        )

    def put_vectors(self, stage: int, vectors: Iterable[tuple[int, Mapping[str, Float32]]]) -> None:
        self._add_vectors([((stage, *self._of(stage)), vectors)])

    def _add_vectors(
        self, given: Sequence[tuple[_Of, Iterable[tuple[int, Mapping[str, Float32]]]]]
    ) -> None:
        named: dict[tuple[str, int], list[tuple[_Of, Int64, Float16]]] = {}
        for of, vectors in given:
            for name, (ids, data) in by_space(vectors).items():
                named.setdefault((name, data.shape[1]), []).append((of, ids, data))
        found = {self._space(*space): own for space, own in named.items()}
        self.executemany(
            "INSERT INTO vector (stage, space, evidence, data) VALUES (?, ?, ?, ?)",
            [
                (of[0], space, ids.tobytes(), data.tobytes())
                for space, own in found.items()
                for of, ids, data in own
            ],
        )
        if self.halves:
            for space, own in found.items():
                nearest.put(self.psycopg, space, own)

    def _copy(self, into: str, lines: Sequence[str]) -> None:
        """Add rows that are written as COPY reads them: far quicker than value by value."""
        with self.psycopg.cursor().copy(f"COPY {into} FROM STDIN") as copy:
            copy.write("\n".join((*lines, "")))

    def _of(self, stage: int) -> tuple[int, int]:
        """Return video and channel of a stage."""
        row = self.execute("SELECT video, channel FROM stage WHERE number = ?", (stage,)).fetchone()
        assert row is not None
        return int(row[0]), int(row[1] or 0)  # no channel where nothing was found

    def _space(self, name: str, dimension: int) -> int:
        asked = "SELECT number, dimension FROM space WHERE name = ?"
        row = self.execute(asked, (pack(name),)).fetchone()
        if row is None:
            given = "INSERT INTO space (name, dimension) VALUES (?, ?) RETURNING number"
            row = self.execute(given, (pack(name), dimension)).fetchone()
            assert row is not None
            if self.halves:
                nearest.make(self.psycopg, int(row[0]), dimension)
        elif row[1] != dimension:
            raise other_dimension(name, int(row[1]), dimension)
        return int(row[0])

    def drop_vectors(self, space: str, stage: int | None = None) -> None:
        asked = "SELECT number FROM space WHERE name = ?"
        row = self.execute(asked, (pack(space),)).fetchone()
        if row is None:
            return
        number = int(row[0])
        tables = ["vector", *([f"nearest_{number}"] if self.halves else [])]
        if stage is None:
            self.execute("DELETE FROM vector WHERE space = ?", (number,))
            self.execute("DELETE FROM space WHERE number = ?", (number,))
            self.execute(f"DROP TABLE IF EXISTS nearest_{number}")
            return
        for table in tables:
            more = " AND space = ?" if table == "vector" else ""
            self.execute(
                f"DELETE FROM {table} WHERE stage = ?{more}",
                (stage, number) if more else (stage,),
            )

    def drop_stages(self, stages: Sequence[int]) -> None:
        """Remove work with all that it found."""
        if not stages:
            return
        self._uncount(stages)
        spaces = self.execute("SELECT number FROM space") if self.halves else ()
        for table in ("posting", *(f"nearest_{number}" for (number,) in spaces)):
            self.execute(f"DELETE FROM {table} WHERE stage = ANY(?)", (list(stages),))
        self.execute("DELETE FROM stage WHERE number = ANY(?)", (list(stages),))

    def drop_video(self, video_id: str) -> bool:
        """Remove a video with all that was found of it; False where it was not known."""
        asked = "SELECT s.number FROM stage s JOIN video v ON v.number = s.video WHERE v.id = ?"
        self.drop_stages([int(row[0]) for row in self.execute(asked, (video_id,))])
        gone: int = self.execute("DELETE FROM video WHERE id = ?", (video_id,)).rowcount
        return gone > 0

    def _uncount(self, stages: Sequence[int]) -> None:
        """Take what stages hold out of the counts; no word stays that nothing holds."""
        of = (list(stages),)
        same = "word.term = gone.term AND word.channel = gone.channel"
        self.execute(
            f"{_GONE} DELETE FROM word USING gone WHERE {same} AND word.pieces <= gone.pieces", of
        )
        self.execute(
            f"{_GONE} UPDATE word SET pieces = word.pieces - gone.pieces FROM gone WHERE {same}", of
        )
        self.execute(
            "WITH gone AS (SELECT channel, count(*) FILTER (WHERE length > 0) AS pieces, "
            "sum(length) AS words FROM evidence WHERE stage = ANY(?) GROUP BY channel) "
            "UPDATE channel SET pieces = channel.pieces - gone.pieces, "
            "words = channel.words - gone.words FROM gone WHERE number = gone.channel",
            of,
        )


def _written(value: str) -> str:
    return value.translate(_ESCAPED)


def _bytes(value: bytes) -> str:
    return r"\\x" + value.hex()


def _array(values: Sequence[int]) -> str:
    return "{" + ",".join(map(str, values)) + "}"
