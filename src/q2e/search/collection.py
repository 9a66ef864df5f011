"""One store with its models, and what searches keep of both between questions."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from q2e.errors import IndexMismatch
from q2e.methods.calibrate.base import Calibration
from q2e.methods.decompose.base import Decomposer
from q2e.methods.questions import Questions
from q2e.models.base import ImageTextEncoder, LanguageModel, VideoEncoder
from q2e.models.language import language_model
from q2e.models.registry import Models
from q2e.query.knowledge import load
from q2e.query.names import Names
from q2e.registry import Choice
from q2e.search.among import Among
from q2e.search.debris import Debris
from q2e.search.examples import Examples
from q2e.search.kept import Kept
from q2e.search.law import Laws
from q2e.search.nulls import Nulls
from q2e.search.scan import Heard, Scanner
from q2e.settings import Settings
from q2e.store.base import Derived, Searched, Table
from q2e.store.growing import Measured
from q2e.text.lexical import TERMS_VERSION

if TYPE_CHECKING:
    from q2e.search.near import Nearest
    from q2e.search.plan import Plan

T = TypeVar("T")


class Collection:
    """What all searches of one store share; safe to share between threads.

    Where the store is a part of a collection, `whole` stands for all of it: what generic questions
    find is measured there.
    """

    def __init__(
        self,
        store: Searched,
        models: Models,
        whole: Collection | None = None,
        heard: Heard | None = None,
    ) -> None:
        self.store = store
        self.models = models
        self.whole = self if whole is None else whole
        self.nearest: Nearest | None = None
        """How the part was chosen."""
        self.scanner = Scanner(store, heard=heard)
        self.kept = Kept(store)
        self.examples = Examples(store, models)
        self.debris = Debris(store)
        self.among = Among()
        self.laws = Laws(Measured(store))
        self.nulls = Nulls(Measured(store))
        self._calibrations: dict[Choice, Calibration] = {}
        self._decomposers: dict[str, Decomposer] = {}
        self._language: dict[str, LanguageModel] = {}
        self._behind: bool | None = None
        self._seeing: tuple[int, dict[str, ImageTextEncoder | VideoEncoder]] | None = None
        self._looked = -1
        self._lock = Lock()

    def like(self, other: Collection) -> Collection:
        """Take over what another collection with these models knows of questions; returns self."""
        self.laws, self.nulls = other.laws, other.nulls
        self.questions, self.names = other.questions, other.names
        self._decomposers, self._language = other._decomposers, other._language
        self._behind = other._behind
        return self

    def reached(self, run: Callable[[Collection], T]) -> T:
        """Return what `run` makes of a collection that holds whatever it asks for."""
        return run(self)

    @property
    def table(self) -> Table:
        """The store's table: the same one all through a search, which holds a snapshot."""
        return self.store.table()

    @cached_property
    def questions(self) -> Questions:
        """What people ask at large, as vectors of texts."""
        return Questions(self.models.text)

    @cached_property
    def names(self) -> Names:
        """How names are alike across languages and scripts."""
        return Names(load())

    @property
    def seeing(self) -> dict[str, ImageTextEncoder | VideoEncoder]:
        """The encoders of what is seen; one of which the index holds nothing is not loaded."""
        version = self.table.version
        if self._seeing is not None and self._seeing[0] == version:
            return self._seeing[1]
        found: dict[str, ImageTextEncoder | VideoEncoder] = {}
        if self.store.setting("space.image") is not None:
            found["image"] = self.models.image
        if self.store.setting("space.video") is not None and self.models.clips is not None:
            found["video"] = self.models.clips
        self._seeing = version, found
        return found

    def calibration(self, choice: Choice) -> Calibration:
        """Return what a method of calibration has measured of the whole collection."""
        if self.whole is not self:
            return self.whole.calibration(choice)
        with self._lock:
            if choice not in self._calibrations:
                self._calibrations[choice] = choice.bound.on(self.store, self.questions)
            return self._calibrations[choice]

    def decomposer(self, plan: Plan) -> Decomposer:
        """Return what unfolds questions by a plan."""
        key = f"{plan.decompose} {plan.settings.language_model}"
        if key not in self._decomposers:
            self._decomposers[key] = Decomposer.of(plan.decompose, plan.settings, self.models)
        return self._decomposers[key]

    def language_model(self, settings: Settings) -> LanguageModel | None:
        """Return the language model of the settings or of the profile, None where neither is."""
        if settings.language_model is None and not self.models.has("language"):
            return None
        key = f"{settings.profile} {settings.language_model}"
        with self._lock:
            if key not in self._language:
                self._language[key] = language_model(settings, self.models)
            return self._language[key]

    def behind(self) -> str:
        """Return in one sentence that words lie there by older rules than a question's, or nothing.

        Whoever writes next brings them up to date, so that it is asked until then alone.
        """
        if self.whole is not self:
            return self.whole.behind()
        version = self.table.version
        if self._behind is not False and self._looked != version:
            space = self.store.setting("space.text") or ""
            made = self.store.outdated(Derived(str(TERMS_VERSION), space))
            self._behind = any(one.terms != str(TERMS_VERSION) for _, one in made)
            self._looked = version
        if not self._behind:
            return ""
        return (
            "words were taken in by older rules, so that some may be missed;  q2e index  without "
            "PATH takes them in again, without the media"
        )

    def check_spaces(self) -> None:
        """Raise IndexMismatch for an index whose vectors were made by other models."""
        for kind, ours in {"text": self.models.text, **self.seeing}.items():
            held = self.store.setting(f"space.{kind}")
            if held is not None and held != ours.space:
                how = "without PATH" if kind == "text" else "again on the same files"
                raise IndexMismatch(
                    f"the index holds {kind} vectors of {held}, the profile searches with "
                    f"{ours.space}; run  q2e index  {how}, or choose the profile the index was "
                    "made with"
                )
