"""Videos on object storage: which there are, and copies of them on the local disk."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from glob import has_magic
from pathlib import Path, PurePosixPath

from q2e.errors import ConfigError, MediaError
from q2e.files.base import Facts, place, split
from q2e.paths import shown

#: Companions of a video that are copied with it at most, and the largest of them.
_COMPANIONS, _COMPANION_BYTES = 100, 16 << 20


def found_below(address: str, is_media: Callable[[str], bool]) -> list[str]:
    """Return the addresses of the videos that an address means: itself, or those below it.

    An object is taken whatever it is called; of a folder those that `is_media` says, without
    hidden ones. A pattern such as `s3://videos/**/*.mp4` means what it matches, as on a disk.
    Raises ConfigError where nothing is there, MediaError where that cannot be told.
    """
    files, key = place(address)
    scheme, bucket, _ = split(address)
    if key and not key.endswith("/") and files.exists(key):
        return [address]
    if has_magic(key):
        pattern = key.split("/")
        fixed = next(number for number, part in enumerate(pattern) if has_magic(part))
        listed = (name for name, _ in files.listed("/".join(pattern[:fixed])))
        matched = [name for name in listed if _matches(name.split("/"), pattern)]
        if not matched:
            raise ConfigError(
                f"{shown(address)}: the pattern matches no object; check it or give a folder"
            )
        suffix = PurePosixPath(key).suffix
        named = suffix and not has_magic(suffix)
        return [f"{scheme}://{bucket}/{name}" for name in matched if named or is_media(name)]
    names = [name for name, _ in files.listed(key)]
    if not names:
        raise ConfigError(f"{shown(address)}: does not exist; give a bucket, a folder or an object")
    return [
        f"{scheme}://{bucket}/{name}"
        for name in names
        if is_media(name)
        and not any(one.startswith(".") for one in name[len(key.rstrip("/")) :].split("/"))
    ]


def _matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Return whether the parts of a name fit those of a pattern; hidden ones where it says so."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        rest = next((n for n, part in enumerate(pattern) if part != "**"), len(pattern))
        open_to = next((n for n, part in enumerate(parts) if part.startswith(".")), len(parts))
        return any(_matches(parts[number:], pattern[rest:]) for number in range(open_to + 1))
    return (
        bool(parts)
        and fnmatchcase(parts[0], pattern[0])
        and (not parts[0].startswith(".") or pattern[0].startswith("."))
        and _matches(parts[1:], pattern[1:])
    )


def companions(address: str) -> list[tuple[str, Facts]]:
    """Return the objects whose name begins like that of a video, as its subtitles' does."""
    files, key = place(address)
    at = PurePosixPath(key)
    found = []
    for name, facts in files.beginning(key.removesuffix(at.suffix)):
        beside = PurePosixPath(name).parent == at.parent and name != key
        if beside and facts.size_bytes <= _COMPANION_BYTES:
            found.append((name, facts))
        if len(found) == _COMPANIONS:
            break
    return found


def stamp_of(address: str) -> list[object]:
    """Return what changes when an object or what lies beside it does. Raises MediaError."""
    files, key = place(address)
    facts = files.stat(key)
    beside = [[name, one.version] for name, one in companions(address)]
    return [facts.size_bytes, facts.version, beside]


def fetch(address: str, folder: Path) -> Path:
    """Copy an object and its companions into a folder and return its place there.

    Raises MediaError where it is not there or the disk has no room.
    """
    files, key = place(address)
    name = PurePosixPath(key).name
    size_bytes = files.stat(key).size_bytes
    if shutil.disk_usage(folder).free < size_bytes + (64 << 20):
        raise MediaError(
            f"{shown(address)}: needs {size_bytes / 1e9:.1f} GB in {folder}, which has less; "
            "name a larger disk by TMPDIR"
        )
    path = folder / name
    files.copy_to(key, path)
    for other, _ in companions(address):
        files.copy_to(other, folder / PurePosixPath(other).name)
    return path


def table_of(address: str, folder: Path) -> Path:
    """Copy a list of videos into a folder and return its place there. Raises MediaError."""
    files, key = place(address)
    path = folder / PurePosixPath(key).name
    files.copy_to(key, path)
    return path


@contextmanager
def fetched(address: str) -> Iterator[Path]:
    """Keep an object on the local disk inside the block; see `fetch`."""
    with tempfile.TemporaryDirectory(prefix="q2e-") as folder:
        yield fetch(address, Path(folder))
