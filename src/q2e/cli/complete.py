"""What the shell offers after Tab: names of channels, methods, profiles, settings and videos.

Completion answers or stays silent: nothing it meets may be printed into the line being typed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer

from q2e.errors import Q2EError

#: Videos offered, as many as fit on a screen.
_MOST = 200

Completer = Callable[[str], list[str]]


def values_of(setting: str) -> Completer:
    """Return what offers the values of a setting, or the methods of the kind of that name."""

    def offered(incomplete: str) -> list[str]:
        return _fitting(_values(setting), incomplete)

    return offered


def channel_names(incomplete: str) -> list[str]:
    """Offer the channels."""
    from q2e.channel_facts import known

    return _fitting(known(), incomplete)


def eye_names(incomplete: str) -> list[str]:
    """Offer the eyes that were trained here."""
    from q2e.models import profiles

    return _fitting(profiles.eyes(), incomplete)


def profile_names(incomplete: str) -> list[str]:
    """Offer the profiles."""
    from q2e.models import profiles

    return _fitting(profiles.names(), incomplete)


def settings_to_set(incomplete: str) -> list[str]:
    """Offer `NAME=` and, after the sign, the values of that setting."""
    from q2e.settings import Settings

    name, sign, value = incomplete.partition("=")
    if not sign:
        return _fitting((f"{name}=" for name in Settings.model_fields), incomplete)
    return [f"{name}={one}" for one in _fitting(_values(name), value)]


def video_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer the file names of the index, or ids of what has no file."""
    import q2e
    from q2e.settings import default_index

    where = ctx.params.get("index_dir") or default_index()
    found: list[str] = []
    with _silence():
        videos = q2e.open(Path(where)).each_video()
        names = (Path(one.path).name or one.id for one in videos)
        found = list(islice((one for one in names if one.startswith(incomplete)), _MOST))
    return list(dict.fromkeys(found))


def _values(setting: str) -> Iterable[str]:
    from q2e.plugins import registry
    from q2e.settings import Settings

    if setting in {kind.name for kind in registry().kinds()}:
        return registry().names(setting)
    field = Settings.model_fields.get(setting)
    return () if field is None else _literals(field.annotation)


def _literals(annotation: Any) -> list[str]:
    if annotation is bool:
        return ["true", "false"]
    if get_origin(annotation) is Literal:
        return [str(value) for value in get_args(annotation)]
    return []


def _fitting(values: Iterable[str], incomplete: str) -> list[str]:
    return [value for value in dict.fromkeys(values) if value.startswith(incomplete)]


@contextmanager
def _silence() -> Iterator[None]:
    try:
        yield
    except (Q2EError, OSError):
        return
