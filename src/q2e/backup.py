"""Copies of a whole index: its generations, settings, labels and whatever else lies in its folder.

A copy is made of one state of each generation, whoever writes meanwhile. It is a folder like an
index, with a list of its files; `restore` puts back only what is whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from q2e.errors import ConfigError, IndexMismatch, StoreError
from q2e.store.generations import ENDINGS

LIST = "backup.json"
#: Raised when a list is written in another way.
VERSION = 1
#: Pages copied between two reports of progress.
_PAGES = 4096
#: Who may come in is a matter of the place, not of the copy: a restored list would let in again
#: those who were shut out since.
_STAYS = ("tokens.json", "shares.json", LIST)
#: Beside a database, and no part of what it holds.
_BESIDE = ("-wal", "-shm", "-journal", ".lock")

#: Called with the name of a file and the bytes done and to be done of it.
Watch = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy of an index."""

    folder: Path
    made: str
    """When, in ISO 8601 and UTC."""
    size_bytes: int
    videos: int
    files: tuple[str, ...]


def back_up(directory: Path, target: Path, watch: Watch | None = None) -> Backup:
    """Copy an index into the folder `target`, and return what it is then.

    An earlier backup there is replaced when the new one is whole. Raises ConfigError where there
    is no index, or `target` is no folder for a backup; StoreError where it cannot be written.
    """
    files = _files(directory)
    if not any(file.suffix == ".sqlite" for file in files):
        raise ConfigError(f"{directory} holds no index to back up")
    if directory.resolve() in (target.resolve(), *target.resolve().parents):
        raise ConfigError(f"{target} lies in the index itself; name a folder outside of it")
    if target.exists() and not (target / LIST).is_file() and _filled(target):
        raise ConfigError(f"{target} exists and is no backup; name a new folder")
    fresh = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        fresh.mkdir(parents=True)
        for file in files:
            copy = fresh / file.name
            if file.suffix == ".sqlite":
                _copy_database(file, copy, watch)
            else:
                shutil.copy2(file, copy)
        _write_list(fresh, directory)
        _put_in_place(fresh, target)
    except OSError as error:
        raise StoreError(f"{target} cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return look_at(target)


def look_at(folder: Path) -> Backup:
    """Return what a backup is. Raises ConfigError where the folder is none, IndexMismatch where a
    newer program made it."""
    about = _list(folder)
    return Backup(
        folder=folder,
        made=about["made"],
        size_bytes=sum(facts["size"] for facts in about["files"].values()),
        videos=about["videos"],
        files=tuple(about["files"]),
    )


def restore(backup: Path, directory: Path, replace: bool = False, wait_s: float = 0.0) -> Backup:
    """Put a backup in the place of an index, and return what it is.

    All of it is checked before anything is changed. Raises ConfigError where an index is there
    already and `replace` is not set; StoreError for a damaged backup, or where `directory` cannot
    be written; IndexLocked where it is being written; IndexMismatch for a newer program's.
    """
    there = _files(directory) if directory.is_dir() else []
    if served := [file for file in there if file.suffix in ENDINGS and file.suffix != ".sqlite"]:
        raise ConfigError(
            f"{directory} is kept on a server, as {served[0].name} says; restore into another "
            "folder, or put back what lies on the server by its own means"
        )
    found = look_at(backup)
    _check(backup, _list(backup))
    if there and not replace:
        raise ConfigError(
            f"{directory} holds {there[0].name} already; name another folder, or add --replace"
        )
    staged = directory / f".restoring.{secrets.token_hex(4)}"
    try:
        staged.mkdir(parents=True)
        for name in found.files:
            shutil.copy2(backup / name, staged / name)
        with _held(there, wait_s):
            for file in there:
                for ending in ("-wal", "-shm"):
                    file.with_name(file.name + ending).unlink(missing_ok=True)
                if file.name not in found.files:
                    file.unlink()
            for name in found.files:
                (staged / name).replace(directory / name)
    except OSError as error:
        raise StoreError(f"{directory} cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return found


def _files(directory: Path) -> list[Path]:
    """Return what of an index's folder is worth keeping, by name."""
    if not directory.is_dir():
        raise ConfigError(f"{directory} is no folder")
    return sorted(
        file
        for file in directory.iterdir()
        if file.is_file()
        and not file.name.startswith(".")
        and not file.name.endswith(_BESIDE)
        and file.name not in _STAYS
    )


def _filled(target: Path) -> bool:
    return not target.is_dir() or any(target.iterdir())


def _copy_database(file: Path, copy: Path, watch: Watch | None) -> None:
    from q2e.store.database import reading

    def tell(_: int, left: int, total: int) -> None:
        if watch is not None:
            watch(file.name, total - left, total)

    try:
        with (
            closing(sqlite3.connect(reading(file), uri=True, timeout=30.0)) as source,
            closing(sqlite3.connect(copy)) as fresh,
        ):
            # A reading transaction sees one state, so that no write makes the copy begin again.
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            source.backup(fresh, pages=_PAGES, progress=tell)
    except sqlite3.Error as error:
        raise StoreError(f"{file} cannot be copied: {error}") from None


def _write_list(folder: Path, directory: Path) -> None:
    from q2e.about import __version__

    files: dict[str, Any] = {}
    videos = 0
    for file in sorted(folder.iterdir()):
        files[file.name] = {"size": file.stat().st_size, "sha256": _sha256(file)}
        if file.suffix == ".sqlite":
            with closing(sqlite3.connect(file)) as connection:
                files[file.name]["format"] = _one(connection, "PRAGMA user_version")
                videos = max(videos, _one(connection, "SELECT count(*) FROM video"))
    about = {
        "version": VERSION,
        "program": __version__,
        "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "index": str(directory.resolve()),
        "videos": videos,
        "files": files,
    }
    text = json.dumps(about, ensure_ascii=False, indent=2) + "\n"
    (folder / LIST).write_text(text, "utf-8", errors="surrogateescape")


def _one(connection: sqlite3.Connection, question: str) -> int:
    return int(connection.execute(question).fetchone()[0])


def _list(folder: Path) -> Mapping[str, Any]:
    try:
        about = json.loads((folder / LIST).read_text("utf-8", errors="surrogateescape"))
        version, files = int(about["version"]), about["files"]
        usable = all(Path(name).name == name for name in files)
    except (OSError, ValueError, TypeError, LookupError):
        raise ConfigError(f"{folder} is no backup made by  q2e backup") from None
    if version > VERSION:
        raise IndexMismatch(
            f"{folder} was made by a newer q2e ({about.get('program')}); upgrade with  "
            "git pull  in its repository, and install it again"
        )
    if not usable:
        raise StoreError(f"{folder}: its list names files elsewhere; make a new backup")
    return dict(about)


def _check(folder: Path, about: Mapping[str, Any]) -> None:
    from q2e.store.schema import MIGRATIONS

    for name, facts in about["files"].items():
        file = folder / name
        if not file.is_file() or _sha256(file) != facts["sha256"]:
            raise StoreError(f"{file} is damaged or missing; nothing was restored")
        if facts.get("format", 0) > len(MIGRATIONS):
            raise IndexMismatch(
                f"{file} was written by a newer q2e (format {facts['format']}, this one knows "
                f"{len(MIGRATIONS)}); upgrade with  git pull  in its repository, and install "
                "it again"
            )


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _put_in_place(fresh: Path, target: Path) -> None:
    for file in fresh.iterdir():
        with file.open("rb") as written:
            os.fsync(written.fileno())
    before = None
    if target.exists():
        before = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        target.rename(before)
    fresh.rename(target)
    if before is not None:
        shutil.rmtree(before, ignore_errors=True)


@contextmanager
def _held(files: list[Path], wait_s: float) -> Iterator[None]:
    """Keep others from writing what is about to be replaced."""
    from q2e.store.lock import hold

    with ExitStack() as stack:
        for file in files:
            if file.suffix == ".sqlite":
                stack.enter_context(hold(file, wait_s))
        yield


def shape(value: Backup) -> dict[str, Any]:
    """Return a backup as JSON's values."""
    return {
        "folder": str(value.folder),
        "made": value.made,
        "size": value.size_bytes,
        "videos": value.videos,
        "files": list(value.files),
    }
