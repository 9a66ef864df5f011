"""A store for q2e from a package of its own: copy this, and open your own place instead.

Once it is installed, `--store "shelf(folder='/var/lib/q2e')"` keeps the evidence of an index in a
folder of another disk.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Annotated

from pydantic import Field

from q2e.errors import StoreError
from q2e.registry import Registry, method
from q2e.store.base import Store
from q2e.store.sqlite import SqliteStore

#: The folder is named whole, so that it is the same one wherever a command is run.
Folder = Annotated[str, Field(pattern=r"^[~/]", description="Where the files lie.")]


@method("store", "shelf")
def shelf(
    file: Path, read_only: bool, wait_s: float, *, folder: Folder = "~/.local/share/q2e-shelf"
) -> Store:
    """SQLite files in a folder of their own, as on a disk that is quicker than the index's.

    A file is called by the index and the path of its folder, so that two indexes do not meet.
    """
    place = Path(folder).expanduser()
    path = hashlib.sha256(os.fsencode(file.absolute())).hexdigest()[:16]
    if not read_only:
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{place} cannot be made: {error.strerror}; name another") from None
    kept = place / f"{file.parent.name}-{path}.sqlite"
    return SqliteStore(kept, read_only=read_only, wait_s=wait_s)


def register(registry: Registry) -> None:
    """Offer the store."""
    registry.add(shelf)
