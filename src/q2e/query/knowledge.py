"""Reads the event knowledge base and the query bank; the only module that knows their files.

A folder of knowledge holds

- `<language>.toml`: event types by id, each with `name`, `definition` and the phrases `prequel`,
  `current` and `sequel`; English defines the event types, other languages may say less,
- `bank/<language>.toml`: generic questions by event type,
- `plain/<language>.toml`: questions that are not about an event.

A user's own folders are read after the built-in one and add to it or replace parts.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Any

from q2e.cache import ResultCache, as_json, fingerprint
from q2e.errors import ConfigError
from q2e.types import EVENT_KINDS, EventKind

#: Phrases of one kind that a question is unfolded into.
MOST_PHRASES = 5
#: What the built-in files say, since reading TOML takes longer than all else of a first question.
_PARSED: ResultCache[list[dict[str, Any]]] = ResultCache("knowledge", as_json(lambda read: read))
_FIELDS = ("name", "definition", *EVENT_KINDS)


@dataclass(frozen=True, slots=True)
class EventType:
    """One kind of event; each mapping goes from an ISO 639-1 language code to our words."""

    id: str
    name: Mapping[str, str]
    definition: Mapping[str, str]
    phrases: Mapping[EventKind, Mapping[str, tuple[str, ...]]]

    def say(self, kind: EventKind, language: str | None) -> tuple[str, ...]:
        """Return typical phrases of a kind: first those in `language`, then English."""
        by_language = self.phrases[kind]
        phrases = (*by_language.get(language or "en", ()), *by_language.get("en", ()))
        return tuple(dict.fromkeys(phrases))[:MOST_PHRASES]


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All event types, generic questions about them by language, and plain questions."""

    types: tuple[EventType, ...]
    banks: Mapping[str, Mapping[str, tuple[str, ...]]]
    plain: Mapping[str, tuple[str, ...]]
    version: str
    """First 12 hexadecimal digits of the SHA-256 of what was read."""

    def __getitem__(self, event_type: str) -> EventType:
        for candidate in self.types:
            if candidate.id == event_type:
                return candidate
        known = ", ".join(candidate.id for candidate in self.types)
        raise ConfigError(f"unknown event type {event_type!r}; known: {known}")

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that have a bank, sorted."""
        return tuple(sorted(self.banks))


@lru_cache(maxsize=8)
def load(*folders: Path) -> Knowledge:
    """Read the built-in knowledge base and then `folders`, each adding to what is there.

    Raises ConfigError where a file is not readable as described at the top of this module.
    """
    tables: dict[str, dict[str, dict[str, Any]]] = {}
    banks: dict[str, dict[str, tuple[str, ...]]] = {}
    plain: dict[str, tuple[str, ...]] = {}
    digest = hashlib.sha256()
    own = resources.files("q2e") / "data" / "events"
    for folder in (own, *folders):
        texts, bank_texts, plain_texts = (
            tuple(_read(part, digest)) if part is folder or part.is_dir() else ()
            for part in (folder, folder / "bank", folder / "plain")
        )
        every = (*texts, *bank_texts, *plain_texts)
        contents = iter(_built_in(every) if folder is own else map(_parsed, every))
        for one, content in zip(texts, contents, strict=False):
            known = tables.setdefault(one.language, {})
            for event_type, row in content.items():
                checked = _checked(row, event_type, one.origin)
                known[event_type] = known.get(event_type, {}) | checked
        for one, content in zip(bank_texts, contents, strict=False):
            for event_type, questions in content.items():
                lines = _lines(questions, f"{one.origin}: {event_type}")
                banks.setdefault(one.language, {})[event_type] = lines
        for one, content in zip(plain_texts, contents, strict=False):
            plain[one.language] = _lines(content.get("questions"), f"{one.origin}: questions")
    return Knowledge(
        types=tuple(_event_type(event_type, tables) for event_type in tables.get("en", {})),
        banks=MappingProxyType(banks),
        plain=MappingProxyType(plain),
        version=digest.hexdigest()[:12],
    )


def bank(language: str, knowledge: Knowledge | None = None) -> list[str]:
    """Return generic questions about events in `language`, spread over all event types.

    They are meant as the query bank of a hubness correction, which wants questions in the
    language and form of the user's own. Raises ConfigError for a language without a bank.
    """
    banks = (knowledge or load()).banks
    if language not in banks:
        raise ConfigError(f"no query bank in {language!r}; known: {', '.join(sorted(banks))}")
    return [question for questions in banks[language].values() for question in questions]


@dataclass(frozen=True, slots=True)
class _Text:
    """One file: its language, its name and its bytes."""

    language: str
    origin: str
    raw: bytes


def _read(folder: Traversable | Path, digest: hashlib._Hash) -> Iterator[_Text]:
    """Yield the TOML files of a folder in the order of names."""
    if not folder.is_dir():
        raise ConfigError(f"no folder of event knowledge at {folder}")
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(".toml"):
            continue
        raw = file.read_bytes()
        digest.update(file.name.encode() + b"\0" + raw)
        yield _Text(file.name.removesuffix(".toml"), str(file), raw)


def _parsed(text: _Text) -> dict[str, Any]:
    try:
        return tomllib.loads(text.raw.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{text.origin}: not a TOML file in UTF-8: {error}") from error


def _built_in(texts: Sequence[_Text]) -> list[dict[str, Any]]:
    """Return what the files that ship with this package say, read before or now."""
    parts = [hashlib.sha256(one.raw).hexdigest() for one in texts]
    which = fingerprint(*parts, method="toml", version=1)
    kept = _PARSED.of(which, lambda: [_parsed(one) for one in texts])
    return kept if len(kept) == len(texts) else [_parsed(one) for one in texts]


def _checked(row: Any, event_type: str, origin: str) -> dict[str, Any]:
    if not isinstance(row, dict) or set(row) - set(_FIELDS):
        raise ConfigError(f"{origin}: [{event_type}] may only hold {', '.join(_FIELDS)}")
    checked: dict[str, Any] = {}
    for name, value in row.items():
        where = f"{origin}: [{event_type}] {name}"
        checked[name] = _lines(value, where) if name in EVENT_KINDS else _lines([value], where)[0]
    return checked


def _lines(value: Any, where: str) -> tuple[str, ...]:
    good = isinstance(value, list) and all(isinstance(line, str) and line.strip() for line in value)
    if not good:
        raise ConfigError(f"{where}: needs non-empty text, got {value!r}")
    return tuple(value)


def _event_type(event_type: str, tables: Mapping[str, Mapping[str, dict[str, Any]]]) -> EventType:
    def gather(name: str) -> dict[str, Any]:
        return {
            language: rows[event_type][name]
            for language, rows in sorted(tables.items())
            if name in rows.get(event_type, {})
        }

    names = gather("name")
    if "en" not in names:
        raise ConfigError(f"event type {event_type!r} has no English name; add one to its en.toml")
    return EventType(
        id=event_type,
        name=names,
        definition=gather("definition"),
        phrases={kind: gather(kind) for kind in EVENT_KINDS},
    )
