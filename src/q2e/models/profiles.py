"""Profiles: named sets of models, one source for each task, read from TOML files.

A profile is `NAME.toml` with a table `[models]` of sources by task and, where they are only used
when a setting asks for them, a table `[optional]`. Ours ship with the package; a user's own lie
in `$XDG_CONFIG_HOME/q2e/profiles` (`~/.config/q2e/profiles`), or anywhere when the profile is
named by a path that ends in `.toml`. With `base` a profile starts from another one.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType

from q2e.errors import ConfigError
from q2e.models.fetch.sources import Source, parse

#: What a model can be for; the first four are needed to index and to search.
TASKS = (
    "text",
    "image",
    "speech",
    "reader",
    "video",
    "image_text",
    "eye",
    "sound",
    "reranker",
    "late",
    "translator",
    "language",
    "vision",
    "masked",
    "mmi",
)
NEEDED = TASKS[:4]
_KEYS = ("description", "extra", "base", "models", "optional")


@dataclass(frozen=True, slots=True)
class Profile:
    """A named set of models; `sources` are needed, `optional` ones used when asked for."""

    name: str
    sources: Mapping[str, str]
    optional: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    extra: str = ""
    """The extra of this package that installs what the models need."""

    def __getitem__(self, task: str) -> str:
        found = self.sources.get(task) or self.optional.get(task)
        if found is None:
            raise ConfigError(
                f'profile {self.name!r} names no {task} model; add  {task} = "SOURCE"  to its '
                "[optional] table, or choose another profile"
            )
        return found

    def __contains__(self, task: object) -> bool:
        return task in self.sources or task in self.optional

    def all(self) -> dict[str, Source]:
        """Return every source by task, the needed ones first."""
        return {task: parse(text) for task, text in (*self.sources.items(), *self.optional.items())}


def names() -> list[str]:
    """Return the names of all profiles, ours first."""
    return list(_files())


def eyes() -> list[str]:
    """Return the names of the profiles that see through what  q2e train eye  has learnt."""
    return [name for name in names() if _sees_through(name)]


def _sees_through(name: str) -> bool:
    try:
        return "eye" in load(name)
    except ConfigError:
        return False


def load(name: str) -> Profile:
    """Return a profile by name, or by the path of its file.

    Raises ConfigError where it is unknown or its file is not as described above.
    """
    return _read(name, ())


def check_name(name: str) -> None:
    """Raise ConfigError for a name that a profile of the user's own cannot have."""
    if not re.fullmatch(r"[\w-]{1,40}", name) or name in _OURS:
        raise ConfigError(
            f"{name!r} is no usable name: at most 40 letters, digits, _ and -, and none of "
            f"{', '.join(_OURS)}"
        )


def write(name: str, base: str, description: str, models: Mapping[str, str]) -> Path:
    """Write a profile of the user's own, which stands on another, and return its file.

    Raises ConfigError for a name that is not usable, or that is one of ours.
    """
    import tomlkit

    check_name(name)
    document = tomlkit.document()
    document["base"], document["description"] = base, description
    document["models"] = dict(models)
    folder = own_folder()
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.toml"
    file.write_text(tomlkit.dumps(document), encoding="utf-8")
    return file


def own_folder() -> Path:
    """Return the folder where a user's own profiles lie."""
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "q2e" / "profiles"


def _files() -> dict[str, Traversable | Path]:
    ours = [resources.files("q2e") / "data" / "profiles" / f"{name}.toml" for name in _OURS]
    found = {file.name.removesuffix(".toml"): file for file in ours}
    for file in _own():
        found[file.stem] = file
    return found


_OURS = ("local", "standard", "paper")


def _own() -> Iterator[Path]:
    folder = own_folder()
    if folder.is_dir():
        yield from sorted(folder.glob("*.toml"))


def _read(name: str, above: tuple[str, ...]) -> Profile:
    file: Traversable | Path
    if name.endswith(".toml"):
        file, short = Path(name).expanduser(), Path(name).stem
    else:
        files, short = _files(), name
        if name not in files:
            raise ConfigError(
                f"unknown profile {name!r}; known: {', '.join(sorted(files))}. Your own go into "
                f"{own_folder()}"
            )
        file = files[name]
    if short in above or not re.fullmatch(r"[\w-]{1,40}", short):
        raise ConfigError(f"profile {name!r}: its name or its `base` is not usable")
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"profile {name!r}: {file} cannot be read ({error})") from None
    return _checked(short, content, (*above, short))


def _checked(name: str, content: dict[str, object], above: tuple[str, ...]) -> Profile:
    for key in content:
        if key not in _KEYS:
            raise ConfigError(f"profile {name!r}: unknown {key!r}; known: {', '.join(_KEYS)}")
    base = content.get("base")
    start = _read(str(base), above) if base else Profile(name, {})
    sources = dict(start.sources) | _table(name, content, "models")
    optional = dict(start.optional) | _table(name, content, "optional")
    missing = [task for task in NEEDED if task not in sources]
    if missing:
        raise ConfigError(f"profile {name!r}: [models] lacks {', '.join(missing)}")
    return Profile(
        name,
        MappingProxyType(sources),
        MappingProxyType({task: text for task, text in optional.items() if task not in sources}),
        str(content.get("description", start.description)),
        str(content.get("extra", start.extra)),
    )


def _table(name: str, content: dict[str, object], key: str) -> dict[str, str]:
    table = content.get(key, {})
    if not isinstance(table, dict):
        raise ConfigError(f"profile {name!r}: [{key}] must be a table of sources by task")
    for task, text in table.items():
        if task not in TASKS:
            raise ConfigError(f"profile {name!r}: unknown task {task!r}; known: {', '.join(TASKS)}")
        if not isinstance(text, str):
            raise ConfigError(f"profile {name!r}: the source of {task} must be text")
        parse(text)
    return dict(table)
