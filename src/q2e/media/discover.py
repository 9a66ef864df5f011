"""Finds the media files meant by paths, folders and globs."""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable, Iterable, Iterator
from glob import glob, has_magic
from pathlib import Path

from q2e.errors import ConfigError
from q2e.media.transport import is_transport
from q2e.paths import exists, is_dir, is_link, shown

# fmt: off
VIDEO_SUFFIXES = frozenset((
    ".3g2", ".3gp", ".asf", ".avi", ".divx", ".dv", ".f4v", ".flv", ".gif", ".ivf", ".m2t",
    ".m2ts", ".m2v", ".m4v", ".mkv", ".mov", ".mp4", ".mpe", ".mpeg", ".mpg", ".mts", ".mxf",
    ".nut", ".ogg", ".ogm", ".ogv", ".qt", ".rm", ".rmvb", ".ts", ".vob", ".webm", ".wmv",
))
AUDIO_SUFFIXES = frozenset((
    ".aac", ".ac3", ".aif", ".aiff", ".amr", ".ape", ".au", ".caf", ".eac3", ".flac", ".m4a",
    ".m4b", ".mka", ".mp2", ".mp3", ".oga", ".opus", ".tta", ".w64", ".wav", ".wma", ".wv",
))
# fmt: on
SUFFIXES = VIDEO_SUFFIXES | AUDIO_SUFFIXES

#: Suffixes of MPEG transport streams that TypeScript and Qt's translations have too.
_SHARED = (".ts", ".mts")
_HEAD_BYTES = 8_192


def discover(paths: Iterable[str | Path]) -> list[Path]:
    """Return the media files meant by `paths`, sorted and each once.

    A folder gives its files of known suffix, recursively and through links, without hidden ones.
    A file is taken whatever its suffix. A pattern such as `news/**/*.mp4` gives what it matches.
    A folder that may not be read and a link that leads nowhere are returned themselves, so that
    their failure is told like a file's.

    Raises ConfigError naming the path that does not exist or the pattern that matches nothing.
    """
    found: dict[Path, Path] = {}
    for given in paths:
        for path in _expand(given):
            found.setdefault(Path(os.path.realpath(path)), path)
    return sorted(found.values())


def _expand(given: str | Path) -> Iterator[Path]:
    path = Path(given).expanduser()
    if is_dir(path):
        yield from _walk(path)
    elif exists(path) or is_link(path):
        yield path
    elif has_magic(str(path)):
        matches = sorted(glob(str(path), recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
        if not matches:
            raise ConfigError(
                f"{shown(given)}: the pattern matches no file; check it or give a folder"
            )
        by_suffix = not path.suffix or has_magic(path.suffix)
        for match in map(Path, matches):
            if match.is_dir():
                yield from _walk(match)
            elif not by_suffix or _is_media(match):
                yield match
    else:
        raise ConfigError(f"{shown(given)}: does not exist; give a file, a folder or a pattern")


def _walk(folder: Path) -> Iterator[Path]:
    """Yield the media below a folder; a folder that links lead to again is walked once."""
    seen: set[tuple[int, int]] = set()
    waiting = [folder]
    while waiting:
        folder = waiting.pop()
        try:
            status = folder.stat()
            with os.scandir(folder) as listed:
                entries = [entry for entry in listed if not entry.name.startswith(".")]
        except OSError:
            yield folder
            continue
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        for entry in entries:
            path = Path(entry.path)
            if _found(entry.is_dir):
                waiting.append(path)
            elif _found(entry.is_file):
                if _is_media(path):
                    yield path
            elif entry.is_symlink() and path.suffix.lower() in SUFFIXES | {""}:
                yield path


def _found(look: Callable[[], bool]) -> bool:
    try:
        return look()
    except OSError:  # as of links that lead in a circle
        return False


def is_media_name(name: str) -> bool:
    """Return whether a file is media by its name alone, as where looking into it costs."""
    return Path(name).suffix.lower() in SUFFIXES


def _is_media(path: Path) -> bool:
    suffix = path.suffix.lower()
    if suffix not in _SHARED:
        return suffix in SUFFIXES
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return True
    return not head or is_transport(head) or not _is_text(head)


def _is_text(head: bytes) -> bool:
    try:
        # A letter may be cut in two at the end.
        return "\0" not in codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
