"""The one handle a user holds: open a collection, add to it, search it, look after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from q2e import survey
from q2e.errors import QueryError
from q2e.evaluate.batch import Ran
from q2e.query.filters import checked
from q2e.settings import changed
from q2e.store import generations
from q2e.types import Decomposition, Example, Filters, Query, Results
from q2e.upkeep import Upkeep

if TYPE_CHECKING:
    from q2e.query.language import Parsed
    from q2e.search.clarify import Clarification
    from q2e.search.search import Searcher

STORE_NAME = generations.FIRST


class Index(Upkeep):
    """A collection of videos on disk. Use `q2e.open(directory)` to get one.

    One process at a time may change a collection; any number may search it meanwhile.
    """

    _searcher: Searcher | None = None

    def close(self) -> None:
        """Close the collection; it opens again when next used."""
        super().close()
        with self._lock:
            self._searcher = None

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
        from q2e.models.language import language_model
        from q2e.query.translate import translate

        return translate(text, language_model(self.settings, self.models))

    def _understood(self, text: str, filters: Filters) -> tuple[Parsed, Filters]:
        """Return a question parsed, and the filters given together with those in it."""
        parsed = self.parse(text)
        named = tuple(self.find(video).id for video in parsed.filters.videos)
        try:
            table = self.store.table()
            filters = checked(filters, table.channels) & replace(parsed.filters, videos=named)
            survey.check_channels(table, filters, parsed.clause)
            return parsed, filters
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
            store = self.store  # another one where the folder was replaced
            if self._searcher is None or self._searcher.store is not store:
                self._searcher = Searcher(store, self.models)
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
