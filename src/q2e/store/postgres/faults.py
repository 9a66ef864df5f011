"""What PostgreSQL and libpq complain of, as errors of ours that say what to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from q2e.errors import StoreError

if TYPE_CHECKING:
    import psycopg

#: What libpq says where no connection is had, as a pattern, with what to do. A server of another
#: language says it otherwise; then its own words are all there is.
_NOT_CONNECTED = (
    (
        r"password authentication|no password supplied",
        "set PGPASSWORD, or write a line into ~/.pgpass, for the user of the address",
    ),
    (r'database ".*" does not exist', "make it with  createdb,  or name another"),
    (r'role ".*" does not exist', "make it with  createuser,  or name another user"),
    (r"pg_hba\.conf", "let this machine and user in by a line of the server's pg_hba.conf"),
    (r"starting up|shutting down|recovery", "run the command again when it is up"),
    (r"too many clients|connection slots", "close some connections, or raise max_connections"),
    (r"translate host name|resolve", "mend the host's name in the address"),
    (r"certificate|SSL", "mend the certificates, or libpq's  PGSSLMODE"),
)
_NO_SERVER = "start the server, or mend the address (setting `store` in q2e.toml)"
#: By SQLSTATE, or its class.
_ADVICE = {
    "42501": "let this user do so: who makes an index needs  GRANT CREATE ON DATABASE,  who writes "
    "must own its schema",
    "53100": "free some room on the server and run the command again, nothing stored is lost",
    "53200": "the server ran out of memory; run the command again",
    "25006": "the server only reads, as a standby does; name the one that writes",
    "55P03": "another process is reading or changing the index; stop it and run the command again",
    "57014": "the server ended the statement; raise its statement_timeout",
}


def lost(error: psycopg.Error) -> bool:
    """Return whether an error says that the connection is gone."""
    state = error.sqlstate or ""
    from psycopg import InterfaceError, OperationalError

    ended = state.startswith(("08", "57P"))
    return ended or (not state and isinstance(error, OperationalError | InterfaceError))


def told(error: psycopg.Error, address: str, connecting: bool = False) -> StoreError:
    """Return what to raise for an error, naming the server and the next step.

    With `connecting` no connection was had at all.
    """
    state = error.sqlstate or ""
    text = " ".join((error.diag.message_primary or str(error)).split())
    if advice := _ADVICE.get(state):
        return StoreError(f"{address}: {text}; {advice}")
    if state in ("42P01", "3F000"):
        return StoreError(f"{address}: {text}; the index is gone from it, or only partly there")
    if connecting:
        steps = (step for pattern, step in _NOT_CONNECTED if re.search(pattern, text))
        return StoreError(f"{address}: {text}; {next(steps, _NO_SERVER)}")
    if lost(error):
        return StoreError(
            f"{address}: the connection was lost ({text}); nothing stored is lost, run the command "
            "again when the server is up"
        )
    return StoreError(f"{address}: {text}")
