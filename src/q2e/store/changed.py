"""Which videos changed since an engine beside the database was brought up to date.

Triggers note the number of a video in the transaction that changes it (a transactional outbox), so
that nothing is forgotten whichever process writes and whenever one ends. They are made when such an
engine is first built; an index without one has none of this.
"""

from __future__ import annotations

from collections.abc import Sequence

from q2e.store.sql import View, Writer

_TABLE = "CREATE TABLE IF NOT EXISTS changed (video {integer} PRIMARY KEY)"


def _of_sqlite(name: str, event: str, number: str, when: str = "") -> str:
    # No conflict clause: that of the statement which fires the trigger would hold instead.
    return (
        f"CREATE TRIGGER IF NOT EXISTS changed_{name} AFTER {event} {when} BEGIN "
        f"INSERT INTO changed SELECT {number} "
        f"WHERE NOT EXISTS (SELECT 1 FROM changed WHERE video = {number}); END"
    )


SQLITE = (
    _TABLE.format(integer="INTEGER"),
    _of_sqlite("facts", "UPDATE ON video", "NEW.number", "WHEN OLD.facts IS NOT NEW.facts"),
    _of_sqlite("gone", "DELETE ON video", "OLD.number"),
    _of_sqlite("made", "INSERT ON stage", "NEW.video"),
    _of_sqlite("remade", "UPDATE ON stage", "NEW.video"),
    _of_sqlite("dropped", "DELETE ON stage", "OLD.video"),
)

_NOTE = """
CREATE OR REPLACE FUNCTION note_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE own bigint;
BEGIN
  IF TG_TABLE_NAME = 'video' THEN
    IF TG_OP = 'UPDATE' THEN
      IF OLD.facts = NEW.facts THEN RETURN NULL; END IF;
    END IF;
    own := OLD.number;
  ELSIF TG_OP = 'DELETE' THEN own := OLD.video;
  ELSE own := NEW.video;
  END IF;
  INSERT INTO changed VALUES (own) ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$
"""


def _of_postgresql(table: str, events: str) -> tuple[str, str]:
    return (
        f"DROP TRIGGER IF EXISTS changed_{table} ON {table}",
        f"CREATE TRIGGER changed_{table} AFTER {events} ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION note_changed()",
    )


POSTGRESQL = (
    _TABLE.format(integer="bigint"),
    _NOTE,
    *_of_postgresql("video", "UPDATE OR DELETE"),
    *_of_postgresql("stage", "INSERT OR UPDATE OR DELETE"),
)


def note(writer: Writer, statements: Sequence[str]) -> None:
    """Let changes be noted from now on."""
    for one in statements:
        writer.execute(one)


def numbers(view: View, most: int | None = None) -> list[int]:
    """Return the numbers of videos that changed, at most `most`; some may be gone."""
    limit = "" if most is None else f" LIMIT {most}"
    found = view.connection.execute(f"SELECT video FROM changed ORDER BY video{limit}")
    return [int(number) for (number,) in found]


def forget(writer: Writer, done: Sequence[int] | None = None) -> None:
    """Strike out the videos that the engine knows as they are, all where none are given."""
    among = "" if done is None else f" WHERE video IN ({', '.join(map(str, done)) or 'NULL'})"
    writer.execute(f"DELETE FROM changed{among}")
