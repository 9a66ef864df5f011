"""Addresses of PostgreSQL: what may stand in one, and how libpq is asked to connect to it.

Passwords never do: libpq takes them from `PGPASSWORD`, `~/.pgpass` or a service file.
"""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, Field

from q2e.errors import ConfigError, MissingDependency
from q2e.store.postgres.faults import told
from q2e.written import without_secrets

if TYPE_CHECKING:
    import psycopg

#: Parts of an address that are secrets.
_SECRETS = {"password", "sslpassword", "oauth_client_secret"}
#: What is asked of a connection where the address does not say otherwise: one to a machine that
#: is gone ends within a minute.
_PATIENCE: dict[str, Any] = {
    "client_encoding": "UTF8",
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
#: Longest name that PostgreSQL gives a connection, in bytes.
_NAME = 63


def without_password(address: str) -> str:
    """Return an address as it is. Raises ValueError for one that holds a secret."""
    try:
        parts = urlsplit(address)
        secret = _SECRETS & {name for name, _ in parse_qsl(parts.query)}
    except ValueError:
        raise ValueError("must be like  postgresql://user@host/database") from None
    # A slash in a password ends what is read as the host, with all that follows it.
    if secret or parts.password or without_secrets(address) != address:
        raise ValueError(
            "holds a password, which would be kept in the index; leave it out and set PGPASSWORD, "
            "or write it into ~/.pgpass"
        )
    return address


#: Where a server is, as libpq reads it; what it leaves out is said by libpq's own variables.
Address = Annotated[
    str,
    Field(
        pattern=r"^postgresql://",
        description="Where the server is, as in postgresql://user@host/database; without a "
        "password, which PGPASSWORD or ~/.pgpass says. What is left out is said by PGHOST, PGUSER, "
        "PGDATABASE or PGSERVICE.",
    ),
    AfterValidator(without_password),
]


def needed() -> None:
    """Raise MissingDependency where the client of PostgreSQL is not installed."""
    try:
        import psycopg  # noqa: F401 - looked for alone
    except ImportError:
        raise MissingDependency("psycopg", "postgres", "an index in PostgreSQL") from None


def connect(address: str, name: str = "q2e") -> psycopg.Connection[Any]:
    """Return a new connection, which commits each statement unless a transaction is begun.

    Raises MissingDependency without psycopg, ConfigError for an address that cannot be read,
    StoreError where no connection is had.
    """
    needed()
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        asked = _PATIENCE | conninfo_to_dict(address)
    except psycopg.ProgrammingError as error:
        raise ConfigError(
            f"{address}: {str(error).strip()}; it must be like  postgresql://user@host/database"
        ) from None
    try:
        return psycopg.connect(**asked | {"application_name": name}, autocommit=True)
    except psycopg.Error as error:
        raise told(error, address, connecting=True) from None


def own_name() -> str:
    """Return what a writing process is called, for others who wait for it."""
    host = socket.gethostname().encode("ascii", "replace").decode()
    return f"process {os.getpid()} on {host[:30]} since {time.strftime('%T')}"[:_NAME]
