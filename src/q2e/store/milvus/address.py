"""Addresses of Milvus: what may stand in one, and how its client is asked to connect to it.

Credentials never do: `MILVUS_TOKEN` holds them, `user:password` or a key.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, Field

from q2e.errors import MissingDependency, StoreError
from q2e.written import without_secrets

if TYPE_CHECKING:
    from pymilvus import MilvusClient

#: Seconds that a call may take; a server that is gone is tried again for as long.
PATIENCE_S = 30.0
_PORT, _NAME = 19530, "q2e"
_ALLOWED = {"secure": ("true", "false"), "database": None}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a projection lies; tables of Milvus begin with `name`."""

    uri: str
    name: str
    database: str = ""


def place(address: str) -> Place:
    """Return what an address says. Raises ValueError where it says nothing that can be used."""
    wrong = ValueError(
        "must be like  milvus://host:19530/name  (name of letters, digits and _), "
        "with ?secure=true for TLS and ?database=... where it is not the default"
    )
    try:
        parts = urlsplit(address)
        port = parts.port or _PORT
        given = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    except ValueError:
        raise wrong from None
    if parts.password or parts.username or without_secrets(address) != address:
        raise ValueError("holds a user or password, which would be kept; set MILVUS_TOKEN instead")
    for key, value in given.items():
        if key not in _ALLOWED or (_ALLOWED[key] and value not in (_ALLOWED[key] or ())):
            raise wrong
    if not parts.hostname:
        if not parts.path.endswith(".db"):
            raise wrong
        return Place(parts.path, parts.fragment or _NAME)
    name = parts.path.strip("/") or _NAME
    if not re.fullmatch(r"[A-Za-z_]\w{0,99}", name, re.ASCII):
        raise wrong
    scheme = "https" if given.get("secure") == "true" else "http"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Place(f"{scheme}://{host}:{port}", name, given.get("database", ""))


def _checked(address: str) -> str:
    place(address)
    return address


Address = Annotated[
    str,
    Field(
        pattern=r"^milvus://",
        description="Where the server is and what its collections begin with, as in "
        "milvus://host:19530/name; credentials come from MILVUS_TOKEN. A file of milvus-lite, for "
        "trials, is milvus:///folder/file.db.",
    ),
    AfterValidator(_checked),
]


def connect(address: str) -> MilvusClient:
    """Return a client. Raises MissingDependency without pymilvus, StoreError without an answer."""
    try:
        from pymilvus import MilvusClient
    except ImportError:
        raise MissingDependency("pymilvus", "milvus", "an engine in Milvus") from None
    # It writes a trace of every refusal to its log, before who asked can say what to do.
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
    where = place(address)
    token = os.environ.get("MILVUS_TOKEN", "")
    with speaking(address):
        return MilvusClient(
            uri=where.uri, token=token, db_name=where.database, timeout=PATIENCE_S / 3
        )


@contextmanager
def speaking(address: str) -> Iterator[None]:
    """Turn what the client complains of into StoreError that says what to do."""
    from grpc import RpcError
    from pymilvus.exceptions import MilvusException

    try:
        yield
    except (MilvusException, RpcError, ConnectionError, TimeoutError) as error:
        raise told(error, address) from None


def told(error: Exception, address: str) -> StoreError:
    """Return what to raise for an error, naming the server and the next step."""
    said = str(getattr(error, "message", "") or error)
    text = without_secrets(" ".join(said.split()))[:300]
    if re.search(r"auth|permission|privilege", text, re.IGNORECASE):
        return StoreError(f"{address}: {text}; set MILVUS_TOKEN to  user:password  or a key")
    if re.search(r"(collection|database) .*not (found|exist)|can't find collection", text, re.I):
        return StoreError(f"{address}: {text}; make it anew with  q2e engine rebuild")
    if re.search(r"connect|unavailable|timeout|deadline|retry|closed", text, re.IGNORECASE):
        return StoreError(
            f"{address}: Milvus does not answer ({text}); start it, as with  docker compose up -d "
            "milvus,  or look at everything meanwhile:  Q2E_ENGINE=own q2e search ..."
        )
    return StoreError(f"{address}: {text}")


def version(client: Any) -> tuple[int, int]:
    """Return the server's version, as (2, 3); milvus-lite counts as the newest it stands for."""
    said = str(client.get_server_version())
    if "milvus_lite" in said or "milvus-lite" in said:
        return (2, 5)
    found = re.search(r"(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (2, 3)
