"""Changing a collection: adding to it, bringing it up to date, taking from it, keeping copies."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from q2e.errors import ConfigError, IndexMismatch, ModelError, StoreError, unknown
from q2e.mapped import Mapped
from q2e.plugins import registry
from q2e.settings import load_settings
from q2e.settings_file import CONFIG_NAME, write_setting, write_settings
from q2e.store import generations
from q2e.store.base import Store
from q2e.store.elsewhere import Elsewhere
from q2e.store.engine import Apart
from q2e.types import Video

if TYPE_CHECKING:
    from q2e.backup import Backup, Watch
    from q2e.ingest.bring import Brought
    from q2e.ingest.run import Report, Watcher
    from q2e.tagging import Tagged

_log = logging.getLogger(__name__)


class Upkeep(Mapped):
    """What changes a collection; see `q2e.index.Index`."""

    def add(
        self,
        *paths: str | Path,
        watch: Watcher | None = None,
        wait_s: float = 0.0,
        within: Sequence[Path] | None = None,
    ) -> Report:
        """Read files, folders, globs or manifests into the collection.

        Work done before is not repeated; a file that fails is a row in `report.failures`. With
        `within`, nothing outside these folders is read, wherever links lead.

        Raises ConfigError for a path that does not exist, IndexLocked when another process holds
        the collection for longer than `wait_s`, StoreError when it cannot be written.
        """
        from q2e.ingest.manifest import sources

        listed = sources(paths)
        if not listed and self.exists and self.outdated:
            return self.refresh(watch, wait_s)
        if not listed:
            raise ConfigError(f"no video found under {', '.join(map(str, paths))}")
        return self._ingest(listed, watch, wait_s, within)

    def refresh(self, watch: Watcher | None = None, wait_s: float = 0.0) -> Report:
        """Make words and text vectors again that were made by other rules, or another model.

        They are made of what is stored: no medium is read, and none need be there. `add`, `retry`,
        `switch` and `import_evidence` do so too, before anything else. Searches meanwhile find by
        the old ones.
        """
        from q2e.ingest.derive import refresh
        from q2e.ingest.run import Report, derivation

        report = Report()
        if self.outdated:
            with self._writing(wait_s) as store:
                text = self.models.text
                report.refreshed = refresh(store, text.space, lambda: text, derivation(watch))
                store.optimise()
        return report

    @property
    def outdated(self) -> int:
        """Pieces of work whose words, or text vectors, were made otherwise than now."""
        from q2e.ingest.derive import derived

        return self.store.count_outdated(derived(self.models.text.space))

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
        with switch.reading(self.settings, older) as store:
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
        freed = generations.remove(self.directory, profile, self._opener())
        if switch.current(self.directory) != answered:
            other = generations.held(self.directory)[switch.current(self.directory)]
            write_setting(self.directory, "profile", generations.stated(other))
        return freed

    def retry(
        self,
        watch: Watcher | None = None,
        wait_s: float = 0.0,
        within: Sequence[Path] | None = None,
    ) -> Report:
        """Read the files again that failed before; `within` as for `add`."""
        from q2e.ingest.manifest import Source

        failed = dict.fromkeys(failure.path for failure in self.store.failures())
        return self._ingest([Source.at(path) for path in failed], watch, wait_s, within)

    def remove(
        self, *videos: str, missing: bool = False, forget: bool = False, wait_s: float = 0.0
    ) -> list[Video]:
        """Remove videos by path, name or id, and with `missing` those whose file is gone
        or holds something else now.

        With `forget` no trace is left: they go from every generation, the labels and the cache,
        and the files of the index are written anew, also for what was removed before. Returns
        what was removed; the media themselves are never touched, nor are backups.
        """
        chosen = {video.id: video for video in map(self.find, videos)}
        if missing:
            chosen |= {video.id: video for video in self.status(listed=None).gone}
        if forget:
            from q2e.erase import erase

            self.close()
            erase(self.directory, list(chosen.values()), self._opener(wait_s=wait_s))
            if not self._store_file.is_file():
                with self._writing(wait_s) as store:
                    for video in chosen.values():
                        store.forget(video)
                    store.scrub()
            return list(chosen.values())
        with self._writing(wait_s) as store:
            for video in chosen.values():
                store.remove_video(video.id)
                store.clear_failure(video.path)
        return list(chosen.values())

    def back_up(self, target: str | Path, watch: Watch | None = None) -> Backup:
        """Copy the whole index into a folder, whoever writes it meanwhile; see `q2e.backup`.

        Raises ConfigError where a store keeps it that has no file in the folder of the index, or
        keeps it on a server.
        """
        from q2e import backup

        if self.exists and isinstance(self.store, Elsewhere):
            raise ConfigError(
                f"the index is kept by the store {self.settings.store}; copy it there: "
                f"{self.store.copied_by()}, and keep a copy of the folder {self.directory} too"
            )
        if not self._store_file.is_file() and self.exists:
            raise ConfigError(
                f"the store {self.settings.store!r} keeps nothing in {self.directory}; copy it by "
                "its own means"
            )
        return backup.back_up(self.directory, Path(target), watch)

    def restore(self, folder: str | Path, *, replace: bool = False, wait_s: float = 0.0) -> Backup:
        """Put a backup in the place of this index; with `replace` also of one that is there."""
        from q2e import backup

        self.close()
        return backup.restore(Path(folder), self.directory, replace, wait_s)

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
            self._make(store)
            store.optimise()
        return done

    def tag(
        self,
        labels: str | Path,
        *,
        how: str = "meaning",
        name: str = "",
        keep: bool = True,
        wait_s: float = 0.0,
        watch: Callable[[int, int], None] | None = None,
    ) -> Tagged:
        """Give videos labels of a file as tags, in place of those it gave before.

        Its lines are `LABEL`, tab, a sentence in any language that tells what it means. `how` is a
        way of `q2e methods label`; the set is called `name`, or as the file is. Without `keep`
        nothing is written. Raises ConfigError for an unusable file, an unknown way, or one whose
        language model nobody names, and ModelError where that model fails.
        """
        from q2e import tagging
        from q2e.search.search import Searcher

        known = tagging.read_labels(Path(labels))
        called = tagging.name_of(name or Path(labels).stem)
        store = self.store
        searcher = Searcher(store, self.models, self._finding(store))
        way, found = tagging.labelled(known, how, searcher, self.models, self.settings, watch)
        if not keep:
            return tagging.tagged(called, way, known, found, 0)
        with self._writing(wait_s) as writing:
            return tagging.give(writing, called, way, known, found)

    def keep_words(
        self,
        file: str | Path | None,
        *,
        wait_s: float = 0.0,
        watch: Callable[[int, int], None] | None = None,
    ) -> int:
        """Keep the words of a list that are nearest to what is seen, as the channel `word`.

        The list holds a word a line, in any language; `list.de.txt` says which. It is kept in the
        index: videos that are read later have its words too. Without a file they are taken back.
        Returns how many shots have any; no medium is read. Raises ConfigError for an
        unusable list.
        """
        from q2e.ingest.words import CHANNEL, read_words

        by = "" if file is None else read_words(Path(file)).packed()
        return self._want(CHANNEL, by, wait_s, watch)

    def keep_chapters(
        self,
        how: str = "contained",
        *,
        wait_s: float = 0.0,
        watch: Callable[[int, int], None] | None = None,
    ) -> int:
        """Keep the titles of chapters of all videos, as the channel `chapter`, now and later.

        `how` is a way of `q2e methods chapters`, or `none`, which takes them back. Returns how many
        there are. Raises like `Index.chapters`.
        """
        from q2e.afterwards import CHAPTER

        by = "" if how == "none" else str(registry().one("chapters", how))
        return self._want(CHAPTER, by, wait_s, watch)

    def keep_told(
        self,
        wanted: bool = True,
        *,
        wait_s: float = 0.0,
        watch: Callable[[int, int], None] | None = None,
    ) -> int:
        """Keep captions that a language model writes by what is said, as the channel `told`.

        Each is moved by at most 8 s to where pictures fit it best, the worst quarter goes. Returns
        how many there are. Raises ConfigError without a language model, ModelError where it fails.
        """
        from q2e.ingest.told import CHANNEL

        return self._want(CHANNEL, "yes" if wanted else "", wait_s, watch)

    def keep_seen(self, wanted: bool = True, *, wait_s: float = 0.0) -> int:
        """Keep things that several captions name, as the channel `seen`; like `keep_told`.

        Captions that are sentences are read by the language model, those in named fields are not.
        """
        from q2e.afterwards import SEEN

        return self._want(SEEN, "yes" if wanted else "", wait_s, None)

    def _want(
        self, channel: str, by: str, wait_s: float, watch: Callable[[int, int], None] | None
    ) -> int:
        from q2e import afterwards

        with self._writing(wait_s) as store:
            afterwards.want(store, channel, by)
            afterwards.make(store, self.models, self.settings, watch)
            store.optimise()
            table = store.table()
            return int(table.of_channels((channel,)).sum())

    def _make(self, store: Store, older: Path | None = None) -> dict[str, int]:
        """Make what is made of other evidence, also what another generation has of it."""
        from q2e import afterwards
        from q2e.ingest import switch

        if older is not None:
            with switch.reading(self.settings, older) as before:
                for channel, by in afterwards.wanted(before).items():
                    afterwards.want(store, channel, by)
        try:
            return afterwards.make(store, self.models, self.settings)
        except (ConfigError, ModelError) as error:
            _log.warning("what was read stays; what is made of it is not all made: %s", error)
            return {}

    def untag(self, name: str, *, wait_s: float = 0.0) -> int:
        """Take away the tags that a set of labels gave; returns how many videos had any.

        Raises ConfigError for a set that is not there.
        """
        from q2e.ingest.tagged import remove_set

        if name not in self.tag_sets:
            raise ConfigError(unknown("set of labels", name, self.tag_sets))
        with self._writing(wait_s) as store:
            return remove_set(store, name)

    @property
    def tag_sets(self) -> dict[str, str]:
        """By which way each set of labels was given, by its name."""
        from q2e.ingest.tagged import sets

        return sets(self.store)

    def _ingest(
        self,
        listed: Sequence[Any],
        watch: Watcher | None,
        wait_s: float,
        within: Sequence[Path] | None = None,
    ) -> Report:
        from q2e.ingest import switch
        from q2e.ingest.run import ingest

        older = switch.older_file(self.directory, self.settings.profile)
        with self._writing(wait_s) as store:
            report = ingest(
                store,
                self._store_file,
                listed,
                self.settings,
                watch,
                older,
                lambda: self.models.text,
                within,
            )
            for channel, count in self._make(store, older).items():
                report.evidence[channel] += count
            if older is not None:
                switch.finish(store, older, self.directory, self.settings, lambda: self.models.text)
            store.optimise()
        return report

    @contextmanager
    def _writing(self, wait_s: float) -> Iterator[Store]:
        kept_by = load_settings(self.directory).store
        if (self.directory / CONFIG_NAME).is_file() and kept_by != self.settings.store:
            raise ConfigError(
                f"{self.directory} is kept by the store {kept_by!r}; make another index for "
                f"{self.settings.store!r}"
            )
        self.directory.mkdir(parents=True, exist_ok=True)
        with closing(self._opened(read_only=False, wait_s=wait_s)) as store:
            # Not before: a wrong address would stay with the folder.
            write_settings(self.directory, self.settings)
            profile = store.setting("profile")
            if profile not in (None, self.settings.profile) and not self._store_file.is_file():
                raise IndexMismatch(
                    f"the store {self.settings.store!r} holds what the profile {profile!r} made, "
                    f"and no other beside it; make another index for {self.settings.profile!r}"
                )
            if profile != self.settings.profile:
                store.set_setting("profile", self.settings.profile)
            yield store
            self._follow(store)

    def _follow(self, store: Store) -> None:
        """Let an engine beside the store know what was committed; it may do so later."""
        finding = self._finding(store)
        if isinstance(finding, Apart):
            try:
                finding.follow()
            except StoreError as error:
                _log.warning("what was stored stays; the engine lacks it: %s", error)
