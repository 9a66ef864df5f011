"""What one stage found, as rows of PostgreSQL: inside one writing transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from q2e.arrays import Float32
from q2e.store.base import Item
from q2e.store.postgres import nearest
from q2e.store.postgres.asking import Asking, term_key, text
from q2e.store.rows import body, by_space, by_term, other_dimension, pack

_EVIDENCE = "id, stage, video, channel, start_s, end_s, frame_s, length, language, body"
_POSTING = "term, stage, video, channel, evidence, count, length"
_GONE = (
    "WITH gone AS (SELECT term, channel, sum(cardinality(evidence)) AS pieces FROM posting "
    "WHERE stage = ANY(?) GROUP BY term, channel) "
)
#: How rows of COPY say that there is no value, and which characters they write otherwise.
_NULL = r"\N"
_ESCAPED = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


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

    def put_items(
        self, stage: int, video: int, channel: int, items: Sequence[Item], ids: Sequence[int]
    ) -> None:
        """Add what a new stage found, with its vectors and postings; `ids` are its pieces'."""
        of = stage, video, channel
        self._add_postings(of, zip(ids, (item.tokens for item in items), strict=True))
        lines = []
        for number, item in zip(ids, items, strict=True):
            one = item.evidence
            times = (repr(float(one.start_s)), repr(float(one.end_s)))
            frame_s = _NULL if one.frame_s is None else repr(float(one.frame_s))
            own = (str(number), *map(str, of), *times, frame_s, str(len(item.tokens)))
            language = _NULL if one.language is None else _written(text(one.language))
            lines.append("\t".join((*own, language, _bytes(body(one)))))
        self._copy(f"evidence ({_EVIDENCE})", lines)
        self._add_vectors(of, zip(ids, (i.evidence.vectors for i in items), strict=True))

    def put_postings(self, stage: int, tokens: Iterable[tuple[int, Sequence[str]]]) -> None:
        self._uncount([stage])
        self.execute("DELETE FROM posting WHERE stage = ?", (stage,))
        self._add_postings((stage, *self._of(stage)), tokens)

    def _add_postings(
        self, of: tuple[int, int, int], tokens: Iterable[tuple[int, Sequence[str]]]
    ) -> None:
        pairs = [(number, tuple(own)) for number, own in tokens]
        found = by_term(pairs)
        if not found:
            return
        stage, _, channel = of
        length = {number: len(own) for number, own in pairs}
        middle = "\t".join(map(str, of))
        self._copy(
            f"posting ({_POSTING})",
            [
                "\t".join(
                    (
                        _bytes(term_key(term)),
                        middle,
                        *map(_array, (ids, counts, [length[number] for number in ids])),
                    )
                )
                for term, (ids, counts) in found.items()
            ],
        )
        self.execute(
            "INSERT INTO word SELECT term, channel, cardinality(evidence) FROM posting "
            "WHERE stage = ? ORDER BY term ON CONFLICT (term, channel) "
            "DO UPDATE SET pieces = word.pieces + excluded.pieces",
            (stage,),
        )
        self.execute(
            "UPDATE channel SET pieces = pieces + ?, words = words + ? WHERE number = ?",
            (sum(1 for own in length.values() if own), sum(length.values()), channel),
        )

    def put_vectors(self, stage: int, vectors: Iterable[tuple[int, Mapping[str, Float32]]]) -> None:
        self._add_vectors((stage, *self._of(stage)), vectors)

    def _add_vectors(
        self, of: tuple[int, int, int], vectors: Iterable[tuple[int, Mapping[str, Float32]]]
    ) -> None:
        for name, (ids, data) in by_space(vectors).items():
            space = self._space(name, data.shape[1])
            self.execute(
                "INSERT INTO vector (stage, space, evidence, data) VALUES (?, ?, ?, ?)",
                (of[0], space, ids.tobytes(), data.tobytes()),
            )
            if self.halves:
                nearest.put(self.psycopg, space, of, ids, data)

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
        if stages:
            self._uncount(stages)
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
