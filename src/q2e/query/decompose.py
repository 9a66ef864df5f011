"""Unfolds a question into events: asks its backends in turn and keeps their answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from q2e.cache import cache_dir, content_key, write_whole
from q2e.errors import ConfigError, ModelError
from q2e.types import EVENT_KINDS, Decomposition, Query, SubEvent

if TYPE_CHECKING:
    from q2e.models.base import LanguageModel
    from q2e.models.registry import Models
    from q2e.settings import Settings


class Backend(Protocol):
    """Unfolds questions; `name` and `version` together name how, and enter every result."""

    name: str
    version: str

    def decompose(self, text: str, language: str | None = None) -> Decomposition:
        """Return the decomposition of `text`, or raise ModelError."""
        ...


class Cache:
    """Decompositions in a folder, one JSON file each, named by the hash of what was asked.

    A file that cannot be read or written is no error: the question is asked again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, backend: Backend, query: Query) -> Decomposition | None:
        try:
            return _from_json(json.loads(self._file(backend, query).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def put(self, backend: Backend, query: Query, decomposition: Decomposition) -> None:
        content = json.dumps(asdict(decomposition), ensure_ascii=False).encode("utf-8")
        try:
            write_whole(self._file(backend, query), lambda file: file.write(content))
        except OSError:
            return

    def _file(self, backend: Backend, query: Query) -> Path:
        key = content_key(backend.name, backend.version, query.language or "", query.text)
        return self._folder / key[:2] / f"{key[2:]}.json"


def decompose(
    query: Query, backends: Sequence[Backend], cache: Cache | None = None
) -> Decomposition:
    """Return the answer of the first backend that has one, else the plain question.

    Where a backend before it failed, the answer's `note` says which and why. Only answers of
    backends that are not `events`, which is faster than a disk, are cached; failures never are.
    """
    failures: list[str] = []
    for backend in backends:
        cached = cache is not None and backend.name != "events"
        found = cache.get(backend, query) if cache is not None and cached else None
        if found is None:
            try:
                found = backend.decompose(query.text, query.language)
            except ModelError as error:
                failures.append(f"{backend.name} failed: {error}")
                continue
            if cache is not None and cached:
                cache.put(backend, query, found)
        return replace(found, note="; ".join(filter(None, (*failures, found.note))))
    return Decomposition(query=query.text, language=query.language, note="; ".join(failures))


class Decomposer:
    """The backends that the settings name, in the order in which they are tried."""

    def __init__(self, backends: Sequence[Backend], cache: Cache | None = None) -> None:
        self.backends = tuple(backends)
        self._cache = cache

    @classmethod
    def from_settings(cls, settings: Settings, models: Models) -> Decomposer:
        """Return the decomposer for `settings.decompose`: `none`, `events` or `llm`.

        With `llm`, `events` stands behind it. Raises ConfigError where `llm` has no model.
        """
        if settings.decompose == "none":
            return cls(())
        from q2e.query.events import EventsBackend

        events = EventsBackend(models.text)
        if settings.decompose == "events":
            return cls((events,))
        from q2e.query.llm import LanguageModelBackend

        model = language_model(settings, models)
        backend = LanguageModelBackend(model, by_model=settings.refine == "llm")
        return cls((backend, events), Cache(cache_dir() / "decompositions"))

    def decompose(self, query: Query) -> Decomposition:
        """Return the decomposition of one question; never raises for a backend's failure."""
        return decompose(query, self.backends, self._cache)

    def decompose_many(self, queries: Sequence[Query], workers: int = 4) -> list[Decomposition]:
        """Return the decompositions of many questions in their order, `workers` at a time.

        Servers batch what arrives together; an in-process model takes one at a time anyway.
        """
        with ThreadPoolExecutor(max_workers=workers) as pool:
            return list(pool.map(self.decompose, queries))


def language_model(settings: Settings, models: Models) -> LanguageModel:
    """Return the language model that the settings name, else the profile's.

    Raises ConfigError where there is none, saying how to give one, and like `Models.open`.
    """
    if settings.language_model is not None:
        return cast("LanguageModel", models.open(settings.language_model, "language"))
    if models.has("language"):
        return models.language
    raise ConfigError(
        "this needs a language model: set language_model to `http://host:port/v1#name` or "
        "`file:model.gguf` (in q2e.toml, or as Q2E_LANGUAGE_MODEL), or name one in the profile"
    )


def _from_json(row: dict[str, Any]) -> Decomposition:
    known = {field.name for field in fields(Decomposition)}
    if set(row) != known:
        raise ValueError(f"fields {sorted(row)}")
    row["events"] = tuple(SubEvent(**event) for event in row["events"])
    if any(event.kind not in EVENT_KINDS for event in row["events"]):
        raise ValueError("unknown kind of event")
    for name in ("time", "place", "subject"):
        row[name] = tuple(row[name])
    return Decomposition(**row)
