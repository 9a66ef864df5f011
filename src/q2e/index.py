"""The one handle a user holds: open a collection, add to it, search it, look after it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from q2e import survey
from q2e.errors import ConfigError, QueryError, StoreError
from q2e.evaluate.batch import Ran
from q2e.ingest.bring import Brought
from q2e.ingest.run import Report, Watcher, ingest
from q2e.models.registry import Models
from q2e.query.filters import checked
from q2e.settings import Settings, changed, load_settings, write_setting, write_settings
from q2e.store import generations
from q2e.store.sqlite import SqliteStore
from q2e.survey import Status, VideoRecord
from q2e.types import Decomposition, Example, Filters, Query, Results, Video

if TYPE_CHECKING:
    from q2e.query.language import Parsed
    from q2e.search.clarify import Clarification
    from q2e.search.search import Searcher

STORE_NAME = generations.FIRST


class Index:
    """A collection of videos on disk. Use `q2e.open(directory)` to get one.

    One process at a time may change a collection; any number may search it meanwhile.
    """

    def __init__(self, directory: str | Path, **settings: Any) -> None:
        self.directory = Path(directory)
        self.settings: Settings = load_settings(self.directory, **settings)
        self._models: Models | None = None
        self._store: SqliteStore | None = None
        self._searcher: Searcher | None = None
        self._lock = threading.RLock()

    # -- changing -------------------------------------------------------------------------------
    def add(self, *paths: str | Path, watch: Watcher | None = None, wait_s: float = 0.0) -> Report:
        """Read files, folders, globs or manifests into the collection.

        Work done before is not repeated; a file that fails is a row in `report.failures`.
        Raises ConfigError for a path that does not exist, IndexLocked when another process holds
        the collection for longer than `wait_s`, StoreError when it cannot be written.
        """
        from q2e.ingest.manifest import sources

        listed = sources(paths)
        if not listed:
            raise ConfigError(f"no video found under {', '.join(map(str, paths))}")
        return self._ingest(listed, watch, wait_s)

    def switch(self, watch: Watcher | None = None, wait_s: float = 0.0) -> Report:
        """Read all videos of the index again with the models of this handle's profile.

        What they make is a second generation, beside the one that goes on answering until the new
        one is whole; `status` tells how far it is.
        """
        from q2e.ingest import switch

        older = switch.older_file(self.directory, self.settings.profile)
        if older is None:
            raise ConfigError(
                f"{self.directory} has no other profile's videos to read; name paths to index"
            )
        with SqliteStore(older, read_only=True) as store:
            listed = switch.sources_of(store)
        return self._ingest(listed, watch, wait_s)

    def remove_generation(self, profile: str) -> int:
        """Remove what one profile's models made, and return the bytes freed.

        Where it is the one that answers, another one does from then on. Raises StoreError for
        the only one.
        """
        from q2e.ingest import switch

        self.close()
        answered = switch.current(self.directory)
        freed = generations.remove(self.directory, profile)
        if switch.current(self.directory) != answered:
            other = generations.held(self.directory)[switch.current(self.directory)]
            write_setting(self.directory, "profile", generations.stated(other))
        return freed

    def retry(self, watch: Watcher | None = None, wait_s: float = 0.0) -> Report:
        """Read the files again that failed before."""
        from q2e.ingest.manifest import Source

        failed = dict.fromkeys(failure.path for failure in self.store.failures())
        return self._ingest([Source(Path(path)) for path in failed], watch, wait_s)

    def remove(self, *videos: str, missing: bool = False, wait_s: float = 0.0) -> list[Video]:
        """Remove videos by path, name or id, and with `missing` those whose file is gone.

        Returns what was removed; the files themselves are never touched.
        """
        chosen = {video.id: video for video in map(self.find, videos)}
        if missing:
            gone = set(self.status().missing)
            chosen |= {video.id: video for video in self.store.videos() if video.path in gone}
        with self._writing(wait_s) as store:
            for video in chosen.values():
                store.remove_video(video.id)
                store.clear_failure(video.path)
        return list(chosen.values())

    def import_evidence(
        self,
        file: str | Path,
        *,
        wait_s: float = 0.0,
        watch: Callable[[int, int], None] | None = None,
    ) -> Brought:
        """Bring evidence made elsewhere from a JSONL file; see `q2e.ingest.bring`."""
        from q2e.ingest.bring import bring

        with self._writing(wait_s) as store:
            done = bring(store, Path(file), self.models.text, self.settings, watch)
            store.optimise()
        return done

    def _ingest(self, listed: Sequence[Any], watch: Watcher | None, wait_s: float) -> Report:
        from q2e.ingest import switch

        older = switch.older_file(self.directory, self.settings.profile)
        with self._writing(wait_s) as store:
            report = ingest(store, store.path, listed, self.settings, watch, older)
            if older is not None:
                switch.finish(store, older, self.directory, self.settings, lambda: self.models.text)
            store.optimise()
        return report

    @contextmanager
    def _writing(self, wait_s: float) -> Iterator[SqliteStore]:
        self.directory.mkdir(parents=True, exist_ok=True)
        write_settings(self.directory, self.settings)
        store = SqliteStore(self._store_file, wait_s=wait_s)
        try:
            if store.setting("profile") != self.settings.profile:
                store.set_setting("profile", self.settings.profile)
            yield store
        finally:
            store.close()

    # -- asking ---------------------------------------------------------------------------------
    def search(
        self,
        text: str,
        *,
        top: int | None = None,
        offset: int = 0,
        channels: Sequence[str] = (),
        since: str | None = None,
        until: str | None = None,
        languages: Sequence[str] = (),
        tags: Sequence[str] = (),
        videos: Sequence[str] = (),
        moments: bool = True,
        decomposition: Decomposition | None = None,
        examples: Sequence[str | Path | Example] = (),
        like: Sequence[str] = (),
        dislike: Sequence[str] = (),
        **settings: Any,
    ) -> Results:
        """Return ranked videos with their moments and reasons for a question in any language.

        The first `offset` hits are left out, so that `offset=top` gives the next page; without
        `moments` only the ranking is made, which is quicker for long lists. `decomposition`
        replaces the one that would be made of the question.

        `examples` are files of a picture, clip or sound, or `VIDEO@12.5` for a frame of an
        indexed video; the question, which may then be empty, says what is to be different.
        `like` and `dislike` name hits, `VIDEO` or `VIDEO@12.5`, that answer and that do not.

        `settings` override those of the collection for this search, such as `decompose="none"`.
        Raises QueryError for an empty question or an unusable filter.
        """
        filters = Filters(
            channels=tuple(channels),
            videos=tuple(self.find(video).id for video in videos),
            languages=tuple(languages),
            since=since,
            until=until,
            tags=tuple(tags),
        )
        parsed, filters = self._understood(text, filters)
        if parsed.clause is None and not parsed.plain:
            if not examples:
                raise QueryError(
                    f"{text!r} says only where to look; say also what for, as in  flood lang:ar"
                )
            text = ""
        query = Query(
            text=text,
            filters=filters,
            clause=parsed.clause,
            examples=tuple(self._example(one) for one in examples),
            like=tuple(self._example(one, indexed=True) for one in like),
            dislike=tuple(self._example(one, indexed=True) for one in dislike),
        )
        used = changed(self.settings, settings | ({} if top is None else {"top": top}))
        return self._searching().search(query, used, moments, offset, decomposition)

    def parse(self, text: str) -> Parsed:
        """Return how a question in the query language is understood, with positions.

        Raises QueryError, whose `start` and `end` are the characters it does not understand.
        """
        from q2e.query.language import parse

        return parse(text)

    def translate(self, text: str) -> Parsed:
        """Return a free request written in the query language by the settings' language model.

        What the model writes counts only if the language understands it; else the text stays as
        it is. Raises ConfigError where no language model is set.
        """
        from q2e.query.decompose import language_model
        from q2e.query.translate import translate

        return translate(text, language_model(self.settings, self.models))

    def _understood(self, text: str, filters: Filters) -> tuple[Parsed, Filters]:
        """Return a question parsed, and the filters given together with those in it."""
        parsed = self.parse(text)
        named = tuple(self.find(video).id for video in parsed.filters.videos)
        try:
            return parsed, checked(filters) & replace(parsed.filters, videos=named)
        except ValueError as error:
            raise QueryError(str(error)) from None

    def facets(
        self,
        text: str | None = None,
        *,
        channels: Sequence[str] = (),
        since: str | None = None,
        until: str | None = None,
        languages: Sequence[str] = (),
        tags: Sequence[str] = (),
        videos: Sequence[str] = (),
        **settings: Any,
    ) -> dict[str, dict[str, int]]:
        """Return {facet: {value: videos}} of what filters leave, and of what a question finds.

        Facets are `language`, `year`, `tag`, `channel` and `duration`. The question may hold
        filters, or nothing else. Raises QueryError like `search`.
        """
        from q2e.search.facets import facets

        filters = Filters(
            channels=tuple(channels),
            videos=tuple(self.find(video).id for video in videos),
            languages=tuple(languages),
            since=since,
            until=until,
            tags=tuple(tags),
        )
        parsed, filters = self._understood(text or "", filters)
        if not text or (parsed.clause is None and not parsed.plain):
            return facets(self.store, filters)
        query = Query(text=text, filters=filters, clause=parsed.clause)
        found = self._searching().found(query, changed(self.settings, settings))
        return facets(self.store, filters, found)

    def clarify(self, text: str, **options: Any) -> Clarification | None:
        """Return the question back that tells the best hits of a question apart, or None.

        `options` are those of `search`. Each option of the answer holds the question with it.
        """
        from q2e.search.clarify import HITS, clarify

        return clarify(self.store, self.search(text, **({"top": HITS} | options)))

    def _example(self, given: str | Path | Example, indexed: bool = False) -> Example:
        return survey.example(self.store.videos(), given, indexed)

    def _searching(self) -> Searcher:
        from q2e.search.search import Searcher

        with self._lock:
            if self._searcher is None:
                self._searcher = Searcher(self.store, self.models)
            return self._searcher

    def run(
        self,
        queries: str | Path,
        out: str | Path,
        *,
        top: int = 100,
        channels: Sequence[str] = (),
        name: str = "q2e",
        watch: Callable[[int, int], None] | None = None,
        **settings: Any,
    ) -> Ran:
        """Answer a file of questions (lines of id, tab, text) and write a TREC run.

        Queries already complete in `out` are not asked again. Videos are named by their id.
        """
        from q2e.evaluate.batch import run_queries

        whole: dict[str, Any] = {"confidence": 0.0, "duplicates": "keep"}

        def answer(text: str) -> list[tuple[str, float]]:
            hits = self.search(text, top=top, channels=channels, moments=False, **whole | settings)
            return [(hit.video.id, hit.score) for hit in hits]

        def prepare(texts: Sequence[str]) -> None:
            asked = [Query(text=text, clause=self.parse(text).clause) for text in texts]
            self._searching().unfold(asked, changed(self.settings, settings))

        used = changed(self.settings, whole | settings).model_dump(mode="json")
        about = {"version": self.store.table().version, "top": top, "channels": list(channels)}
        about["settings"] = used
        files = Path(queries), Path(out)
        return run_queries(*files, answer, name=name, about=about, watch=watch, prepare=prepare)

    def videos(self) -> list[Video]:
        """Return the indexed videos in order of path."""
        return sorted(self.store.videos(), key=lambda video: video.path)

    def find(self, name: str) -> Video:
        """Return one video by path, file name or leading part of its id.

        Raises ConfigError where none or several fit.
        """
        return survey.find(self.store.videos(), name)

    def show(self, name: str) -> VideoRecord:
        """Return everything known about one video."""
        return survey.record(self.store, self.find(name))

    def status(self) -> Status:
        """Return counts, failures and files that are gone."""
        return survey.status(self.directory, self.store, self.settings)

    # -- parts ----------------------------------------------------------------------------------
    @property
    def models(self) -> Models:
        """The models of this collection's profile, loaded when first used."""
        with self._lock:
            if self._models is None:
                self._models = Models(self.settings)
            return self._models

    @property
    def store(self) -> SqliteStore:
        """The store, opened for reading. Raises StoreError where nothing was indexed yet."""
        with self._lock:
            if self._store is None:
                if not self._store_file.is_file():
                    known = ", ".join(generations.held(self.directory))
                    what = f"index of profile {self.settings.profile!r}" if known else "index"
                    raise StoreError(
                        f"{self.directory} holds no {what}; make one with  q2e index "
                        f"FOLDER --index {self.directory}" + (f"; it has: {known}" if known else "")
                    )
                self._store = SqliteStore(self._store_file, read_only=True)
            return self._store

    @property
    def _store_file(self) -> Path:
        return generations.file_of(self.directory, self.settings.profile)

    def close(self) -> None:
        """Close the collection; it opens again when next used."""
        with self._lock:
            if self._store is not None:
                self._store.close()
            self._store = self._searcher = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self.store.videos())

    def __repr__(self) -> str:
        return f"Index({str(self.directory)!r}, profile={self.settings.profile!r})"
