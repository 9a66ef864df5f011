"""What is known of models by name: licence, languages, size, citation and published quality.

The facts are data (`data/models.toml`), so that the doctor, the documentation and an error about
a missing model say the same without loading one. A source that is not listed works as well; only
less is known of it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType

from q2e.errors import ConfigError, ModelError, Q2EError
from q2e.heads.kept import load
from q2e.models.base import ModelInfo
from q2e.models.fetch.sources import Source, find, parse, receipt, resolved


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry: the facts, and how the model is had."""

    info: ModelInfo
    role: str
    """The task of a profile that the model is for."""
    name: str = ""
    """The name by which people know it."""
    commercial: bool = True
    """Whether its licence allows commercial use."""
    runs: str = "built in"
    """`built in`, or the sentence that says what runs it."""
    quality: str = ""
    """A published figure, as published."""
    quality_source: str = ""
    speed: str = ""
    """Measured by us, with the machine; empty where it was not."""

    checked: tuple[str, ...] = ()
    """Facts held against the hub's listing, the model's card or a paper: size, licence, ..."""

    @property
    def plugin(self) -> bool:
        return self.runs != "built in"


@lru_cache(maxsize=1)
def listed() -> Mapping[str, Listed]:
    """Return every entry by its source without the revision."""
    file = resources.files("q2e") / "data" / "models.toml"
    rows = tomllib.loads(file.read_text(encoding="utf-8"))["model"]
    facts = {field.name for field in fields(ModelInfo)}
    found = {}
    for row in rows:
        source = parse(row["source"])
        info = {key: value for key, value in row.items() if key in facts}
        more = {key: value for key, value in row.items() if key not in facts}
        more["checked"] = tuple(more.get("checked", ()))
        found[_key(source)] = Listed(ModelInfo(id=_key(source), **info), **more)
    return MappingProxyType(found)


def look_up(source: Source) -> Listed | None:
    """Return what is listed of a source, at any revision."""
    return listed().get(_key(source))


def describe(source: Source, task: str) -> ModelInfo:
    """Return the facts about a source: those listed, else those its pull noted."""
    exact = str(resolved(source))
    entry = look_up(source)
    if entry is not None:
        return ModelInfo(
            **{field.name: getattr(entry.info, field.name) for field in fields(ModelInfo)}
            | {"source": exact}
        )
    if task == "eye" and (trained := find(source)) is not None:
        return _trained(source, trained)
    folder = find(source) if source.kind == "hub" and not source.part else None
    noted = (receipt(folder) if folder else None) or {"files": {}}
    return ModelInfo(
        id=_key(source),
        task=task,
        source=exact,
        licence=str(noted.get("licence") or "see the model's own page"),
        languages="see the model's own page",
        size_bytes=sum(int(facts["size"]) for facts in noted["files"].values()),
    )


def _trained(source: Source, folder: Path) -> ModelInfo:
    """Return the facts about what `q2e train` has kept in a folder."""
    try:
        kept = load(folder)
    except Q2EError as error:
        none = "not known"
        return ModelInfo(folder.name, "eye", str(source), none, none, note=str(error))
    data, count = kept.data or "data not named", kept.facts.get("videos", "?")
    return ModelInfo(
        id=folder.name,
        task="eye",
        source=str(source),
        licence=f"that of what it was trained on: {kept.licence or 'not stated'}",
        languages="those of the text model",
        size_bytes=sum(one.stat().st_size for one in folder.glob("head.*")),
        note=f"trained on {data}, {count} pictures",
    )


def check_licence(source: Source, allowed: bool) -> None:
    """Say what a licence forbids before the model is used.

    Raises ModelError for a model that must not be used commercially unless that is `allowed`.
    """
    entry = look_up(source)
    if entry is not None and not entry.commercial and not allowed:
        raise ModelError(
            f"{source} is licensed {entry.info.licence}: not for commercial use. Where your use "
            "is not commercial, say so with the setting  non_commercial = true"
        )


def _key(source: Source) -> str:
    return f"{source.kind}:{source.name}" if source.kind != "http" else source.name


def plugin_needed(source: Source) -> ConfigError:
    """Return the error for a listed model that needs a plugin which is not installed."""
    entry = look_up(source)
    runs = entry.runs if entry is not None else "a plugin"
    return ConfigError(
        f"{source} needs {runs}, which is not installed; examples/plugin-encoder shows how to "
        "write one"
    )
