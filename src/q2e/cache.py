"""Where files live that can be made again: one folder of the user's cache, written whole or not.

`$Q2E_CACHE`, else `$XDG_CACHE_HOME/q2e`, else `~/.cache/q2e`.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import IO


def cache_dir() -> Path:
    """Return the cache folder; it is made when something is first written."""
    if own := os.environ.get("Q2E_CACHE"):
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "q2e"


def content_key(*parts: str) -> str:
    """Return 32 hexadecimal digits that stand for these texts, in this order."""
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(f"{len(encoded)}:".encode() + encoded)
    return digest.hexdigest()[:32]


def write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Let `write` fill a file that appears under its name only when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("x+b") as file:
            write(file)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
