"""The one handle a user holds: open a collection, add to it, search it, look after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from q2e import settings_file, survey
from q2e.channel_facts import meet
from q2e.errors import QueryError
from q2e.plugins import registry
from q2e.query.filters import checked
from q2e.search.batch import Ran
from q2e.settings import Settings, changed, effective, load_settings
from q2e.types import Answer, Chapters, Decomposition, Example, Filters, Query, Results
from q2e.upkeep import Upkeep

if TYPE_CHECKING:
    from q2e.query.language import Parsed
    from q2e.search.clarify import Clarification
    from q2e.search.engines import EngineCheck
    from q2e.search.search import Page, Searcher
    from q2e.search.suggest import Suggestion
    from q2e.store.base import Table

#: Videos that an answer is looked for in.
ASKED = 8
_FILTERS = tuple(field.name for field in fields(Filters))


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
        text: str | Parsed,
        *,
        filters: Filters | None = None,
        top: int | None = None,
        offset: int = 0,
        moments: bool = True,
        decomposition: Decomposition | None = None,
        examples: Sequence[str | Path | Example] = (),
        like: Sequence[str] = (),
        dislike: Sequence[str] = (),
        **more: Any,
    ) -> Results:
        """Return ranked videos with their moments and reasons for a question in any language.

        The first `offset` hits are left out, so that `offset=top` gives the next page; without
        `moments` only the ranking is made, which is quicker for long lists. `decomposition`
        replaces the one that would be made of the question.

        `examples` are files of a picture, clip or sound, or `VIDEO@12.5` for a frame of an
        indexed video; the question, which may then be empty, says what is to be different.
        `like` and `dislike` name hits, `VIDEO` or `VIDEO@12.5`, that answer and that do not.

        `more` are fields of `Filters`, such as `languages=("ar",)`, and settings of the collection
        for this search, such as `fuse="rrf(k=5)"`. Raises QueryError for an empty question or an
        unusable filter, ConfigError for a setting.
        """
        query, used = self._asked(text, filters, top, (examples, like, dislike), more)
        return self._searching().search(query, used, moments, offset, decomposition)

    def search_page(
        self,
        text: str | Parsed,
        *,
        filters: Filters | None = None,
        top: int | None = None,
        offset: int = 0,
        moments: bool = True,
        decomposition: Decomposition | None = None,
        examples: Sequence[str | Path | Example] = (),
        like: Sequence[str] = (),
        dislike: Sequence[str] = (),
        **more: Any,
    ) -> Page:
        """As `search`, with the facets of all that is found and the question back: one search."""
        query, used = self._asked(text, filters, top, (examples, like, dislike), more)
        return self._searching().search_page(query, used, moments, offset, decomposition)

    def moments(
        self,
        text: str | Parsed,
        *,
        filters: Filters | None = None,
        top: int = 10,
        offset: int = 0,
        **more: Any,
    ) -> Results:
        """Return ranked moments of all videos: hits that hold one moment each.

        A video stands as often as it has moments that answer; score, reasons and certainty are
        those of `search`, of a moment beside the best of its video less by its share. The first
        `offset` are left out. `info["more"]` says whether there are others. `more` and errors are
        those of `search`.
        """
        from q2e.search.moments import ranked

        # One beyond what is shown tells whether there is more.
        query, used = self._asked(text, filters, offset + top + 1, ((), (), ()), more)
        return ranked(self._searching().search(query, used), top, offset)

    def _asked(
        self,
        text: str | Parsed,
        filters: Filters | None,
        top: int | None,
        shown: tuple[Sequence[str | Path | Example], Sequence[str], Sequence[str]],
        more: dict[str, Any],
    ) -> tuple[Query, Settings]:
        """Return what is asked, with examples, likes and dislikes, and by which settings."""
        parsed, only, settings = self._understood(text, filters, more)
        examples, like, dislike = shown
        query = replace(
            self._query(parsed, only, bool(examples)),
            examples=tuple(self._example(one) for one in examples),
            like=tuple(self._example(one, indexed=True) for one in like),
            dislike=tuple(self._example(one, indexed=True) for one in dislike),
        )
        return query, changed(self.settings, settings | ({} if top is None else {"top": top}))

    def answer(
        self,
        question: str,
        *,
        how: str = "extractive",
        video: str | Sequence[str] = (),
        filters: Filters | None = None,
        watch: Callable[[str], None] | None = None,
        **more: Any,
    ) -> Answer:
        """Return what the videos say to a question in any language, in sentences that cite them.

        `how` is a strategy of `q2e methods answer`, such as `extractive(sentences=2)`; `video`
        names those that are asked; `watch` is told the name of each step that is done. `more` are
        filters and settings as for `search`. Without sentences nothing here answers. Raises
        ConfigError for an unknown strategy or one whose language model nobody names, and like
        `search`.
        """
        from q2e.answer.base import answered

        choice = registry().one("answer", how)
        named = (video,) if isinstance(video, str) else tuple(video)
        only = (filters or Filters()) & Filters(videos=named)
        # A question that cannot be asked is refused before a plan is paid for.
        given = self._understood(question, only, more)[2]
        return answered(
            choice,
            question,
            watch,
            find=partial(self.search, filters=only, **({"top": ASKED} | more)),
            store=self.store,
            models=self.models,
            settings=changed(self.settings, given),
        )

    def chapters(self, video: str, *, how: str = "contained", **more: Any) -> Chapters:
        """Return the chapters of a video in order of time, from what the index holds of it.

        `how` is a way of `q2e methods chapters`; by default the file's own chapters where it has
        any, else such as are found in what is said, written and seen. `more` are settings. Raises
        ConfigError for a video or a way that is not known, or a way whose language model nobody
        names, and ModelError where that model fails.
        """
        from q2e.methods.chapters.collected import chaptered
        from q2e.models.language import language_model
        from q2e.search.localise import shown_cuts

        settings = changed(self.settings, more)
        model = partial(language_model, settings, self.models)
        known = self.find(video)
        with self.store.snapshot():
            cuts_s = shown_cuts(self.store.segments(known.id), settings)
            return chaptered(how, self.store, self.models, known, cuts_s, model)

    def parse(self, text: str) -> Parsed:
        """Return how a question in the query language is understood, with positions.

        Channels that the index holds may stand before a colon, though nothing installed reads them.

        Raises QueryError, whose `start` and `end` are the characters it does not understand.
        """
        from q2e.query.language import parse

        if self.exists:
            meet(self._table().channels)
        return parse(text)

    def suggest(self, text: str, limit: int = 8) -> list[Suggestion]:
        """Return at most `limit` ways to go on with a question, out of what the collection says."""
        from q2e.search.suggest import suggest

        return suggest(self.store, text, limit)

    def translate(self, text: str) -> Parsed:
        """Return a free request written in the query language by the settings' language model.

        What the model writes counts only if the language understands it; else the text stays as
        it is. Raises ConfigError where no language model is set.
        """
        from q2e.models.language import language_model
        from q2e.query.translate import translate

        return translate(text, language_model(self.settings, self.models))

    def _understood(
        self, text: str | Parsed, filters: Filters | None, more: dict[str, Any]
    ) -> tuple[Parsed, Filters, dict[str, Any]]:
        """Return a question parsed, what it and all filters demand, and the settings in `more`."""
        parsed = self.parse(text) if isinstance(text, str) else text
        given = {name: more[name] for name in _FILTERS if name in more}
        settings = {name: value for name, value in more.items() if name not in given}
        try:
            own = (filters or Filters()) & Filters.of(**given)
            table = self._table()
            both = self._named(checked(own, table.channels)) & self._named(parsed.filters)
            survey.check_channels(table, both, parsed.clause)
        except ValueError as error:
            raise QueryError(str(error)) from None
        return parsed, both, settings

    def _named(self, filters: Filters) -> Filters:
        """Return filters with videos by their ids."""
        return replace(filters, videos=tuple(self.find(video).id for video in filters.videos))

    @staticmethod
    def _query(parsed: Parsed, filters: Filters, examples: bool = False) -> Query:
        """Return what is asked. Raises QueryError where only filters are, and no examples."""
        if parsed.plain or parsed.clause is not None:
            return Query(parsed.text, filters=filters, clause=parsed.clause)
        if not examples:
            raise QueryError(
                f"{parsed.text!r} says only where to look; say also what for, as in  flood lang:ar"
            )
        return Query("", filters=filters)

    def facets(
        self, text: str | Parsed | None = None, *, filters: Filters | None = None, **more: Any
    ) -> dict[str, dict[str, int]]:
        """Return {facet: {value: videos}} of what filters leave, and of what a question finds.

        Facets are `language`, `year`, `tag`, `channel`, `duration` and, where sounds were listened
        to, `sound`. The question may hold filters, or nothing else; `more` is that of `search`.
        Raises QueryError like `search`.
        """
        from q2e.search.facets import facets

        parsed, only, settings = self._understood(text or "", filters, more)
        if not parsed.text or (parsed.clause is None and not parsed.plain):
            return facets(self.store, only)
        query = self._query(parsed, only)
        found = self._searching().found(query, changed(self.settings, settings))
        return facets(self.store, only, found)

    def clarify(self, text: str | Parsed, **options: Any) -> Clarification | None:
        """Return a question back that tells the best hits apart, or None; `options` as of `search`.

        Each option of the answer holds the question with it."""
        from q2e.search.clarify import HITS, clarify

        return clarify(self.store, self.search(text, **({"top": HITS} | options)))

    def build_engine(self, wait_s: float = 0.0) -> int:
        """Make the database's engine anew; returns how many indexes. Raises StoreError without."""
        from q2e.search.engines import engine_of

        with self._writing(wait_s) as store:
            made = engine_of(self._finding(store)).build_engine()
        if load_settings(self.directory).engine != self.settings.engine:
            settings_file.write_setting(self.directory, "engine", self.settings.engine)
        with self._lock:
            self._searcher = None  # which may have searched everything so far
        return made

    def check_engine(self) -> EngineCheck:
        """Compare what the store's engine finds with a scan of everything. Raises StoreError."""
        from q2e.search.engines import check, engine_of

        return check(self.store, engine_of(self._finding(self.store)), self.models)

    def _example(self, given: str | Path | Example, indexed: bool = False) -> Example:
        return survey.example(self.store, given, indexed)

    def _table(self) -> Table:
        """Return the columns of the index, or of a sample of one that is not held whole."""
        return self._searching().table

    def _searching(self) -> Searcher:
        from q2e.search.search import Searcher

        with self._lock:
            store = self.store  # another one where the folder was replaced
            if self._searcher is None or self._searcher.store is not store:
                self._searcher = Searcher(store, self.models, self._finding(store))
            return self._searcher

    def run_moments(
        self,
        queries: str | Path,
        out: str | Path,
        *,
        filters: Filters | None = None,
        top: int = 100,
        watch: Callable[[int, int], None] | None = None,
        **more: Any,
    ) -> int:
        """Write the moments found for a file of questions; return how many an earlier run had.

        That is `{"query": [[video, start, end], ...]}`, best first, as `q2e eval moments` reads
        it. A run that was stopped goes on. `filters` and `more` are those of `search`.
        """
        from q2e.search.moment_runs import write_moments

        given = {"filters": filters, "top": top, "confidence": 0.0, "duplicates": "keep"} | more
        about = {"index": self._table().version, "given": repr(given)}
        about |= {"settings": effective(self.settings)}
        return write_moments(Path(queries), Path(out), partial(self.moments, **given), about, watch)

    def run(
        self,
        queries: str | Path,
        out: str | Path,
        *,
        filters: Filters | None = None,
        top: int = 100,
        name: str = "q2e",
        watch: Callable[[int, int], None] | None = None,
        **more: Any,
    ) -> Ran:
        """Answer a file of questions (lines of id, tab, text) and write a TREC run.

        Queries already complete in `out` are not asked again. Videos are named by their id;
        `filters` and `more` are those of `search`.
        """
        from q2e.search.batch import read_queries, run_queries
        from q2e.search.plan import Plan
        from q2e.search.together import answer_together

        given = {name: more.pop(name) for name in _FILTERS if name in more}
        only = (filters or Filters()) & Filters.of(**given)
        used = changed(self.settings, {"confidence": 0.0, "duplicates": "keep"} | more)
        searcher = self._searching()

        def asked(text: str) -> Query:
            parsed, own, _ = self._understood(text, only, {})
            return self._query(parsed, own)

        plan, settings = Plan.of(used), used.model_copy(update={"top": top})
        known: dict[str, list[tuple[str, float]]] = {}
        said: Counter[str] = Counter()

        def answer(text: str) -> list[tuple[str, float]]:
            if plan.batch:
                return known[text]
            hits = searcher.search(asked(text), settings, moments=False)
            look = hits.info.get("rerank", {})
            if words := ": ".join(filter(None, (look.get("model"), look.get("note")))):
                said[words] += 1
            return [(hit.video.id, hit.score) for hit in hits]

        def prepare(texts: Sequence[str]) -> None:
            # A batch is that of the whole file, also where some of it was answered before.
            every = list(dict.fromkeys(read_queries(Path(queries)).values()))
            whole = every if plan.batch else texts
            asks = [asked(text) for text in whole]
            searcher.unfold(asks, used)
            if plan.batch:
                found = answer_together(searcher, asks, settings, Path(out).parent)
                known.update(zip(whole, found, strict=True))

        about: dict[str, Any] = {"version": self._table().version, "top": top}
        about |= {"channels": list(only.channels), "settings": effective(used)}
        about |= {"reranked": again} if (again := plan.reranked) else {}
        how: Any = {"name": name, "about": about, "watch": watch, "prepare": prepare}
        return run_queries(Path(queries), Path(out), answer, said=said, **how)
