"""Finds the media files meant by paths, folders and globs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from glob import glob, has_magic
from pathlib import Path

from q2e.errors import ConfigError

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


def discover(paths: Iterable[str | Path]) -> list[Path]:
    """Return the media files meant by `paths`, sorted and each once.

    A folder gives its files of known suffix, recursively, without hidden ones. A file is taken
    whatever its suffix. A pattern such as `news/**/*.mp4` gives what it matches. A folder that
    may not be read is returned itself, so that its failure is told like a file's.

    Raises ConfigError naming the path that does not exist or the pattern that matches nothing.
    """
    found: dict[Path, Path] = {}
    for given in paths:
        for path in _expand(given):
            found.setdefault(Path(os.path.realpath(path)), path)
    return sorted(found.values())


def _expand(given: str | Path) -> Iterator[Path]:
    path = Path(given).expanduser()
    if path.is_dir():
        yield from _walk(path)
    elif path.exists() or path.is_symlink():
        yield path
    elif has_magic(str(path)):
        matches = sorted(glob(str(path), recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
        if not matches:
            raise ConfigError(f"{given}: the pattern matches no file; check it or give a folder")
        by_suffix = not path.suffix or has_magic(path.suffix)
        for match in map(Path, matches):
            if match.is_dir():
                yield from _walk(match)
            elif not by_suffix or _is_media(match):
                yield match
    else:
        raise ConfigError(f"{given}: does not exist; give a file, a folder or a pattern")


def _walk(folder: Path) -> Iterator[Path]:
    unreadable: list[Path] = []
    for root, folders, files in os.walk(
        folder, onerror=lambda error: unreadable.append(Path(error.filename))
    ):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            path = Path(root, name)
            if not name.startswith(".") and path.is_file() and _is_media(path):
                yield path
    yield from unreadable


def _is_media(path: Path) -> bool:
    suffix = path.suffix.lower()
    if suffix != ".ts":
        return suffix in SUFFIXES
    try:  # TypeScript shares the suffix of MPEG transport streams, whose packets begin with 'G'
        with path.open("rb") as file:
            return file.read(1) in (b"G", b"")
    except OSError:
        return True
