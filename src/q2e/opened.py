"""One collection on disk, opened: its settings, its models, and what it holds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

from q2e import survey
from q2e.errors import IndexMissing
from q2e.models.registry import Models
from q2e.plugins import registry
from q2e.settings import Settings, load_settings
from q2e.store import generations
from q2e.store.base import Opener, Store
from q2e.store.catalogue import Order, Wanted
from q2e.store.engine import Finding
from q2e.survey import Status, VideoRecord
from q2e.types import Video


class Opened:
    """What reading, changing and asking a collection have in common; see `q2e.index.Index`."""

    def __init__(self, directory: str | Path, **settings: Any) -> None:
        self.directory = Path(directory)
        self._given = settings
        self.settings: Settings = load_settings(self.directory, **settings)
        self._models: Models | None = None
        self._store: Store | None = None
        self._file = self.directory / generations.FIRST
        self._file_number: tuple[int, int] | None = None
        self._replaced: list[Store] = []
        """Stores whose files are no longer there; who has begun to read them goes on."""
        self._lock = threading.RLock()

    def videos(self) -> list[Video]:
        """Return all indexed videos in order of path; `each_video` holds one at a time."""
        return list(self.each_video())

    def each_video(
        self,
        *,
        find: str = "",
        folder: str = "",
        sort: Order = "path",
        offset: int = 0,
        limit: int | None = None,
    ) -> Iterator[Video]:
        """Yield the indexed videos, or a page of them, as they are asked for.

        With `find` those that have all its words in path, title or tags; with `folder` those below
        it. `sort` is `path`, `title`, `date`, `length`, newest and longest first, or `stored`.
        """
        return self.store.videos(Wanted(find, folder, sort), offset, limit)

    def find(self, name: str) -> Video:
        """Return one video by path, file name or other end of its path, or leading part of its id.

        Raises ConfigError where none or several fit.
        """
        return survey.find(survey.likely(self.store, name), name)

    def show(self, name: str) -> VideoRecord:
        """Return everything known about one video."""
        return survey.record(self.store, self.find(name))

    def status(self, files: bool = True, listed: int | None = survey.LISTED) -> Status:
        """Return counts, failures and files that are gone; these only with `files`.

        Each file is looked at for that, which takes as long as there are many. Of failures and of
        what is gone the first `listed` are named, all with None; the counts are of all.
        """
        return survey.status(self.directory, self.store, self.settings, files, listed)

    # -- parts ----------------------------------------------------------------------------------
    @property
    def models(self) -> Models:
        """The models of this collection's profile, loaded when first used."""
        with self._lock:
            if self._models is None:
                self._models = Models(self.settings)
            return self._models

    @property
    def store(self) -> Store:
        """The store, opened for reading; another one where the folder was replaced meanwhile.

        Raises IndexMissing where nothing was indexed yet.
        """
        with self._lock:
            if self._store is not None and _number(self._file) != self._file_number:
                self._open_anew(self._store)
            if self._store is None:
                self._file = self._store_file
                try:
                    self._store = self._opened(read_only=True)
                except IndexMissing:
                    known = ", ".join(generations.held(self.directory))
                    what = f"index of profile {self.settings.profile!r}" if known else "index"
                    raise IndexMissing(
                        f"{self.directory} holds no {what}; make one with  q2e index "
                        f"FOLDER --index {self.directory}" + (f"; it has: {known}" if known else "")
                    ) from None
                self._file_number = _number(self._file)
            return self._store

    def _opened(self, *, read_only: bool, wait_s: float = 0.0) -> Store:
        return self._opener(read_only=read_only, wait_s=wait_s)(self._store_file)

    def _opener(self, *, read_only: bool = False, wait_s: float = 0.0) -> Callable[[Path], Store]:
        """Return what opens a generation of the index."""
        opener: Opener = registry().one("store", self.settings.store).bound
        return lambda file: opener(file, read_only, wait_s)

    def _finding(self, store: Store) -> Finding | None:
        """Return what finds in a store, or None where nothing can but a scan."""
        made: Finding | None = registry().one("engine", self.settings.engine).bound(store)
        return made

    def _open_anew(self, store: Store) -> None:
        self._replaced.append(store)
        self._store = None
        settings = load_settings(self.directory, **self._given)
        if settings != self.settings:
            self.settings, self._models = settings, None

    @property
    def exists(self) -> bool:
        """Whether anything was indexed yet with the models of this handle's profile."""
        try:
            return self.store is not None
        except IndexMissing:
            return False

    @property
    def _store_file(self) -> Path:
        return generations.file_of(self.directory, self.settings.profile)

    def close(self) -> None:
        """Close the collection; it opens again when next used."""
        with self._lock:
            if self._store is not None:
                self._store.close()
            for store in self._replaced:
                store.close()
            self._replaced.clear()
            self._store = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return self.store.count()

    def __repr__(self) -> str:
        return f"Index({str(self.directory)!r}, profile={self.settings.profile!r})"


def _number(file: Path) -> tuple[int, int] | None:
    """Return what tells a file from another of the same path, or None where there is none."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
