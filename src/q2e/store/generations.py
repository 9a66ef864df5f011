"""Generations of one index: what each profile's models made, in a file of its own, side by side.

The first profile's evidence lies in `index.sqlite`, that of another in `index.PROFILE.sqlite`. No
file holds vectors of two profiles, so no score can mix them, a generation is searched while
the next one is made, and removing one is removing its file. A store on a server has a small file of
the same name that says where it keeps the generation, such as `index.postgresql`.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from q2e.errors import StoreError
from q2e.store.elsewhere import Elsewhere
from q2e.store.postgres import place

if TYPE_CHECKING:
    from q2e.store.base import Store

FIRST = "index.sqlite"
#: Of files that keep a generation, and of files that say where one is kept.
ENDINGS = (".sqlite", place.SUFFIX)
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
    found: dict[str, Path] = {}
    for file in ((directory / FIRST).with_suffix(ending) for ending in ENDINGS):
        if file.is_file():
            found.setdefault(profile_name(stated(file)), file)
    for file in sorted(directory.glob("index.*.*")):
        if file.suffix in ENDINGS:
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


def remove(directory: Path, profile: str, opened: Callable[[Path], Store]) -> int:
    """Remove a generation and return the bytes that were freed.

    `opened` opens one for writing. Raises StoreError where there is no such generation, or it is
    the only one; IndexLocked where one that is not kept in the folder is being written.
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
    if known[name].suffix != place.SUFFIX:
        freed = size_of(known[name])
        for file in files_of(known[name]):
            file.unlink()
        return freed
    with closing(opened(known[name])) as store:
        freed = size_of(known[name], store)
        if isinstance(store, Elsewhere):
            store.drop()
    return freed


def size_of(file: Path, store: object = None) -> int:
    """Return the bytes of a generation with its log; `store` is what it was opened by."""
    kept = store.size_bytes() if isinstance(store, Elsewhere) else 0
    return kept + sum(one.stat().st_size for one in files_of(file))


def files_of(file: Path) -> list[Path]:
    """Return a generation's file with those beside it."""
    return [file, *_beside(file)]


def _beside(file: Path) -> list[Path]:
    names = (file.name + ending for ending in ("-wal", "-shm", ".lock"))
    return [path for name in names if (path := file.with_name(name)).is_file()]


def stated(file: Path) -> str:
    """Return the profile that a generation was made with, as it was named: a name or a path."""
    from q2e.store.database import reading

    if file.suffix == place.SUFFIX:
        known = place.read(file)
        return UNSAID if known is None or not known.profile else known.profile
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
