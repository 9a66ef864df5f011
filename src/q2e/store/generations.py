"""Generations of one index: what each profile's models made, in a file of its own, side by side.

The first profile's evidence lies in `index.sqlite`, that of another in `index.PROFILE.sqlite`. No
file holds vectors of two profiles, so no score can mix them, a generation is searched while
the next one is made, and removing one is removing its file.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from q2e.errors import StoreError

FIRST = "index.sqlite"
#: The profile of an index that does not say: there was no other when such were made.
UNSAID = "local"


@dataclass(frozen=True, slots=True)
class Generation:
    """What one profile's models have made of a collection so far."""

    profile: str
    videos: int
    size_bytes: int
    current: bool
    """Whether it answers questions when no profile is named."""
    waiting: int = 0
    """Videos of the current generation that this one still lacks."""


def profile_name(profile: str) -> str:
    """Return the name of a profile that may be given by the path of its file."""
    return Path(profile).stem if profile.endswith(".toml") else profile


def held(directory: Path) -> dict[str, Path]:
    """Return the file of each generation by its profile, the first one first."""
    found = {}
    if (directory / FIRST).is_file():
        found[profile_name(stated(directory / FIRST))] = directory / FIRST
    for file in sorted(directory.glob("index.*.sqlite")):
        found.setdefault(file.name.split(".")[1], file)
    return found


def file_of(directory: Path, profile: str) -> Path:
    """Return the file that holds a profile's generation, or will."""
    name = profile_name(profile)
    known = held(directory)
    if name in known:
        return known[name]
    if not known:
        return directory / FIRST
    if not re.fullmatch(r"[\w-]{1,40}", name):
        raise StoreError(f"{profile!r} is no usable name of a profile")
    return directory / f"index.{name}.sqlite"


def remove(directory: Path, profile: str) -> int:
    """Remove a generation and return the bytes that were freed.

    Raises StoreError where there is no such generation, or it is the only one.
    """
    known = held(directory)
    name = profile_name(profile)
    if name not in known:
        raise StoreError(
            f"{directory} has no generation of the profile {name!r}; it has: {', '.join(known)}"
        )
    if len(known) == 1:
        raise StoreError(
            f"{name!r} is the only generation; to be rid of the index, delete {directory}"
        )
    freed = 0
    for file in (known[name], *_beside(known[name])):
        freed += file.stat().st_size
        file.unlink()
    return freed


def size_of(file: Path) -> int:
    """Return the bytes of a generation with its log."""
    return sum(one.stat().st_size for one in (file, *_beside(file)))


def _beside(file: Path) -> list[Path]:
    names = (file.name + ending for ending in ("-wal", "-shm", ".lock"))
    return [path for name in names if (path := file.with_name(name)).is_file()]


def stated(file: Path) -> str:
    """Return the profile that a generation was made with, as it was named: a name or a path."""
    from q2e.store.database import reading

    try:
        with closing(sqlite3.connect(reading(file), uri=True, timeout=30.0)) as connection:
            connection.execute("PRAGMA query_only = ON")
            row = connection.execute(
                "SELECT value FROM setting WHERE name = CAST('profile' AS BLOB)"
            ).fetchone()
    except sqlite3.Error:
        # What is wrong with the file is said when it is opened.
        return UNSAID
    return UNSAID if row is None else bytes(row[0]).decode("utf-8", "replace")
