"""What is to be indexed: paths as given, or the rows of a CSV or JSONL manifest."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from q2e.errors import ConfigError
from q2e.files.base import address_of, local_path
from q2e.ingest.tables import rows_of
from q2e.paths import exists, is_address, is_file, is_link, lies_within, shown
from q2e.text.dates import day
from q2e.text.languages import known_languages

COLUMNS = ("path", "title", "description", "date", "language", "tags")
SUFFIXES = (".csv", ".tsv", ".jsonl", ".txt")


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
    wrong: str = ""
    """What is wrong with the row of a manifest, which then names nothing to index."""
    address: str = ""
    """Where it lies on object storage; `path` is then its bucket and name, for people."""

    @classmethod
    def at(cls, where: str, record: Record | None = None) -> Source:
        """Return the source at a path or an address of object storage."""
        if not is_address(where):
            return cls(Path(where), record)
        return cls(Path(where.partition("://")[2]), record, address=where)

    @property
    def where(self) -> str:
        """What the video is kept under: the path or the address."""
        return self.address or str(self.path)


def sources(paths: Sequence[str | Path]) -> list[Source]:
    """Return the files named by `paths`: folders, files, globs and manifests, without doubles.

    Rows of manifests that cannot be used stand at the end, each with what is `wrong`.

    Raises ConfigError for a path that does not exist or a manifest that cannot be read.
    """
    from q2e.media.discover import discover

    found: dict[Path, Source] = {}
    wrong: list[Source] = []
    for given in paths:
        if (address := address_of(given)) is not None:
            for one in _remote(address):
                if one.wrong:
                    wrong.append(one)
                else:
                    found[Path(one.address)] = one
            continue
        path = local_path(given)
        if path.suffix.lower() in SUFFIXES and is_file(path):
            listed: Iterable[Source] = read_manifest(path)
        else:
            listed = (Source(file) for file in discover([str(path)]))
        for source in listed:
            if source.wrong:
                wrong.append(source)
                continue
            if source.address:
                found[Path(source.address)] = source
                continue
            key = Path(os.path.realpath(source.path))
            if key not in found or source.record is not None:
                # A link that leads nowhere is told by its own name.
                lost = is_link(source.path) and not exists(key)
                place = source.path.absolute() if lost else key
                found[key] = Source(place, source.record, source.path)
    return [*found.values(), *wrong]


def _remote(address: str) -> list[Source]:
    from q2e.files.remote import found_below, table_of
    from q2e.media.discover import is_media_name

    if Path(address).suffix.lower() in SUFFIXES:
        with tempfile.TemporaryDirectory(prefix="q2e-") as folder:
            return list(read_manifest(table_of(address, Path(folder)), address))
    return [Source.at(one) for one in found_below(address, is_media_name)]


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
        if not source.address and lies_within(source.path, within):
            inside.append(source)
        else:
            out = source.path if source.address else _leaving(source.given or source.path, within)
            outside[out] = None
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


def read_manifest(path: Path, address: str = "") -> Iterator[Source]:
    """Yield the rows of a manifest; relative paths count from the manifest's own folder.

    One from object storage, whose `address` is given, names objects there, or addresses. CSV needs
    a header with at least `path`; JSONL one object a line; a text file is one path a line. `tags`
    are a JSON list or words separated by `;` or `,`; a `date` is written as `text.dates.day` reads
    it, a `language` by a code or a name. A row that says none of that is a source with what is
    `wrong`. Raises
    ConfigError where the file is no manifest.
    """
    for number, row in rows_of(path, "path"):
        where = f"{path.name}, line {number}"
        if isinstance(row, str):
            yield Source(path, wrong=f"{where}: {row}")
            continue
        if unknown := sorted(set(row) - set(COLUMNS)):
            reason = f"unknown column {unknown[0]!r}; known: {', '.join(COLUMNS)}"
            if path.suffix.lower() != ".jsonl":
                raise ConfigError(f"{path}: {reason}")
            yield Source(path, wrong=f"{where}: {reason}")
            continue
        name = row.get("path")
        if not isinstance(name, str) or not name.strip() or not _nameable(name):
            yield Source(path, wrong=f"{where}: needs a non-empty 'path', got {name!r}")
            continue
        file = _meant(path.parent / local_path(name.strip()))
        try:
            there = _there(name.strip(), address)
            record = _record(row)
            yield Source(file, record) if there is None else Source.at(there, record)
        except ConfigError as error:
            yield Source(path, wrong=f"{where}: {error}")
        except ValueError as error:
            yield Source(file, wrong=f"{where}: {error}")


def _there(name: str, manifest: str) -> str | None:
    """Return the address that a row means, None where it means a local path.

    Raises ConfigError where a manifest of object storage names a file of this machine.
    """
    there = address_of(name)
    if there is not None or not manifest:
        return there
    if name.startswith("/") or name.lower().startswith("file:"):
        raise ConfigError(
            f"{shown(name)!r} is a path of one machine; name an object beside the manifest, or an "
            "address"
        )
    return address_of(f"{manifest.rpartition('/')[0]}/{name}")


def _meant(file: Path) -> Path:
    """Return a path, also of one written as on Windows: `clips\\a.mp4`."""
    if "\\" in file.name and not exists(file):
        other = file.parent / file.name.replace("\\", "/")
        return other if exists(other) else file
    return file


def _nameable(name: str) -> bool:
    """Return whether a file can have this name."""
    try:
        return b"\0" not in os.fsencode(name)
    except UnicodeEncodeError:
        return False


def _record(row: Mapping[str, Any]) -> Record:
    """Return what a row says. Raises ValueError that names the value and what is allowed."""
    for name in ("title", "description", "date", "language"):
        if row.get(name) is not None and not isinstance(row[name], str):
            raise ValueError(f"{name} must be text, got {row[name]!r}")
    stated = (row.get("date") or "").strip()
    date = day(stated)
    if stated and date is None:
        raise ValueError(f"date must be YYYY-MM-DD, got {stated!r}")
    language = (row.get("language") or "").strip()
    return Record(
        title=(row.get("title") or "").strip(),
        description=(row.get("description") or "").strip(),
        date=date,
        language=known_languages([language])[0] if language else None,
        tags=tuple(tag.strip() for tag in _tags(row.get("tags") or ()) if tag.strip()),
    )


def _tags(given: object) -> Sequence[str]:
    tags = given
    if isinstance(tags, str) and tags.lstrip().startswith("["):
        with suppress(ValueError, RecursionError):
            tags = json.loads(tags)
    if isinstance(tags, str):
        tags = re.split(r"[;,\n]", tags)
    if not isinstance(tags, list | tuple) or not all(isinstance(tag, str) for tag in tags):
        raise ValueError(f"tags must be a list of words, got {given!r}")
    return tags
