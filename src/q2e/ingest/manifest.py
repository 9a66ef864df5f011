"""What is to be indexed: paths as given, or the rows of a CSV or JSONL manifest."""

from __future__ import annotations

import csv
import datetime
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from q2e.errors import ConfigError
from q2e.paths import exists, is_file, is_link, lies_within

COLUMNS = ("path", "title", "description", "date", "language", "tags")
SUFFIXES = (".csv", ".jsonl")


@dataclass(frozen=True, slots=True)
class Record:
    """What a manifest row says about one file; empty fields say nothing."""

    title: str = ""
    description: str = ""
    date: str | None = None
    language: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """One file to index."""

    path: Path
    record: Record | None = None
    given: Path | None = None
    """The path as it was named or found, which may lead there by links."""


def sources(paths: Sequence[str | Path]) -> list[Source]:
    """Return the files named by `paths`: folders, files, globs and manifests, without doubles.

    Raises ConfigError for a path that does not exist or a manifest that cannot be read.
    """
    from q2e.media.discover import discover

    found: dict[Path, Source] = {}
    for given in paths:
        path = Path(given)
        if path.suffix.lower() in SUFFIXES and is_file(path):
            listed: Iterable[Source] = read_manifest(path)
        else:
            listed = (Source(file) for file in discover([str(given)]))
        for source in listed:
            key = Path(os.path.realpath(source.path))
            if key not in found or source.record is not None:
                # A link that leads nowhere is told by its own name.
                lost = is_link(source.path) and not exists(key)
                place = source.path.absolute() if lost else key
                found[key] = Source(place, source.record, source.path)
    return list(found.values())


def allowed(
    listed: Sequence[Source], within: Sequence[Path] | None
) -> tuple[list[Source], list[Path]]:
    """Return the sources that lie within some folders, and by what others lead out of them.

    Of a link to a folder the link is named, not what lies behind it.
    """
    if within is None:
        return list(listed), []
    inside: list[Source] = []
    outside: dict[Path, None] = {}
    for source in listed:
        if lies_within(source.path, within):
            inside.append(source)
        else:
            outside[_leaving(source.given or source.path, within)] = None
    return inside, list(outside)


def _leaving(path: Path, within: Sequence[Path]) -> Path:
    """Return the first part of a path, from its beginning, that leads out of some folders."""
    path = path.absolute()
    entered = False
    for part in (*reversed(path.parents), path):
        inside = lies_within(part, within)
        if entered and not inside:
            return part
        entered = inside
    return path


def read_manifest(path: Path) -> Iterator[Source]:
    """Yield the rows of a manifest; relative paths count from the manifest's own folder.

    CSV needs a header with at least `path`; JSONL one object a line. `tags` are a JSON list or
    words separated by `;` or `,`. Raises ConfigError with the line number of a row that is wrong.
    """
    for number, row in _rows(path):
        name = row.get("path")
        if not isinstance(name, str) or not name.strip() or not _nameable(name):
            raise ConfigError(f"{path}, line {number}: needs a non-empty 'path', got {name!r}")
        unknown = sorted(set(row) - set(COLUMNS))
        if unknown:
            raise ConfigError(
                f"{path}, line {number}: unknown column {unknown[0]!r}; known: {', '.join(COLUMNS)}"
            )
        yield Source((path.parent / name.strip()), _record(row, f"{path}, line {number}"))


def _nameable(name: str) -> bool:
    """Return whether a file can have this name."""
    try:
        return b"\0" not in os.fsencode(name)
    except UnicodeEncodeError:
        return False


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            if path.suffix.lower() == ".csv":
                reader = csv.DictReader(file)
                if "path" not in (reader.fieldnames or ()):
                    raise ConfigError(f"{path}: the first line must name the columns, with 'path'")
                for row in reader:
                    if None in row:
                        raise ConfigError(
                            f"{path}, line {reader.line_num}: more cells than columns"
                        )
                    yield reader.line_num, row
            else:
                for number, line in enumerate(file, 1):
                    if not line.strip():
                        continue
                    try:
                        value = json.loads(line)
                    except (ValueError, RecursionError) as error:
                        raise ConfigError(f"{path}, line {number}: not JSON ({error})") from None
                    if not isinstance(value, dict):
                        raise ConfigError(f"{path}, line {number}: must be a JSON object")
                    yield number, value
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: must be UTF-8 text") from None
    except csv.Error as error:
        raise ConfigError(f"{path}: not a table of comma-separated values ({error})") from None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None


def _record(row: Mapping[str, Any], where: str) -> Record:
    for name in ("title", "description", "date", "language"):
        if row.get(name) is not None and not isinstance(row[name], str):
            raise ConfigError(f"{where}: {name} must be text, got {row[name]!r}")
    tags = row.get("tags") or ()
    if isinstance(tags, str):
        tags = tags.replace(";", ",").split(",")
    if not isinstance(tags, list | tuple) or not all(isinstance(tag, str) for tag in tags):
        raise ConfigError(f"{where}: tags must be a list of words, got {row['tags']!r}")
    date = (row.get("date") or "").strip() or None
    if date is not None:
        try:
            date = datetime.date.fromisoformat(date[:10]).isoformat()
        except ValueError:
            raise ConfigError(f"{where}: date must be YYYY-MM-DD, got {date!r}") from None
    return Record(
        title=(row.get("title") or "").strip(),
        description=(row.get("description") or "").strip(),
        date=date,
        language=(row.get("language") or "").strip().lower() or None,
        tags=tuple(tag.strip() for tag in tags if tag.strip()),
    )
