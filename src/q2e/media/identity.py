"""Gives a file the name that stays when it is renamed: the hash of its content."""

from __future__ import annotations

import hashlib
from pathlib import Path

from q2e.errors import MediaError
from q2e.paths import exists, shown_name


def content_id(path: str | Path) -> str:
    """Return the first 32 hexadecimal digits of the SHA-256 of the file's bytes.

    Raises MediaError where the file cannot be read.
    """
    path = Path(path)
    if exists(path) and not (path.is_file() or path.is_dir()):  # a device has no end
        raise MediaError(f"{shown_name(path)}: not a regular file; give a video file")
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:32]
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        raise MediaError(f"{shown_name(path)}: {reason}; make the file readable") from error
