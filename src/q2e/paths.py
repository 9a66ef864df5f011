"""Names of files as systems have them: any bytes at all, as long as they like.

A name that is not UTF-8 is a `str` with surrogate escapes (PEP 383). So it stays a key that opens
the file; people and programs that want text are shown it with backslash escapes.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

P = ParamSpec("P")

#: Most systems take names of 255 bytes; programs put something before or behind them.
_LONGEST_BYTES = 200

#: How addresses of object storage begin.
_SCHEMES = ("s3://", "gs://")

_folders: tuple[Path, ...] | None = None


def is_address(text: str) -> bool:
    """Return whether a text is an address of object storage and no local path."""
    return text.startswith(_SCHEMES)


def shown(name: object) -> str:
    r"""Return a name as text that can be encoded: bytes that are not UTF-8 read `\xe9`."""
    text = str(name)
    if text.isascii():
        return text
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # a lone surrogate that stands for no byte
        return text.encode("utf-8", "backslashreplace").decode("utf-8")


def shown_name(path: str | Path) -> str:
    """Return the last part of a path as `shown` does."""
    return shown(Path(path).name)


def named_after(path: str | Path, more: str) -> str:
    """Return a file name made of another's without its suffix, and `more`; as long as fits."""
    stem, end = os.fsencode(Path(path).stem), os.fsencode(more)
    room = _LONGEST_BYTES - len(end)
    if len(stem) > room:
        # No letter is cut in two.
        stem = stem[:room].decode("utf-8", "ignore").encode() or stem[:room]
    return os.fsdecode(stem + end)


def is_file(path: Path) -> bool:
    """Return whether a file is there; under a name longer than the system's there is none."""
    return _found(path.is_file)


def is_dir(path: Path) -> bool:
    """Return whether a folder is there, as `is_file` does."""
    return _found(path.is_dir)


def is_link(path: Path) -> bool:
    """Return whether a link is there, as `is_file` does."""
    return _found(path.is_symlink)


def exists(path: Path) -> bool:
    """Return whether anything is there, as `is_file` does."""
    return _found(path.exists)


def _found(look: Callable[[], bool]) -> bool:
    try:
        return look()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return False
        raise


def lies_within(path: str | Path, folders: Sequence[Path]) -> bool:
    """Return whether a file or folder lies below one of `folders`, wherever links lead."""
    try:
        real = Path(os.path.realpath(path))
    except (OSError, ValueError):
        return False
    return any(real.is_relative_to(os.path.realpath(folder)) for folder in folders)


def read_only_within(folders: Sequence[Path] | None) -> None:
    """Let this process read beside media no file that lies outside `folders`; None: any file."""
    global _folders
    _folders = None if folders is None else tuple(folders)


def may_read(path: Path) -> bool:
    """Return whether this process may read a file that lies beside a medium."""
    return _folders is None or lies_within(path, _folders)


def told(value: Any) -> Any:
    """Return a JSON value whose texts can be encoded, whatever names and titles are in it."""
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, dict):
        return {told(key): told(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [told(one) for one in value]
    return value


def encodable(make: Callable[P, dict[str, Any]]) -> Callable[P, dict[str, Any]]:
    """Let a function that makes a JSON object return one that can be encoded."""

    @wraps(make)
    def making(*args: P.args, **kwargs: P.kwargs) -> dict[str, Any]:
        made: dict[str, Any] = told(make(*args, **kwargs))
        return made

    return making
