"""The channels that can be named, and what is known of each: facts of its registration."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from q2e.errors import unknown
from q2e.plugins import registry
from q2e.types import check_channel, in_order

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a channel besides how it reads."""

    title: str
    """One or two words before a line of its evidence, such as `said`."""
    style: str = ""
    """The style of imagined text that reads like its evidence; empty for none."""
    timeless: bool = False
    """Whether its evidence is about the whole video, at no time of it."""


#: Channels of the indexes that this process has opened; what read them need not be installed.
_MET: set[str] = set()


def readable() -> tuple[str, ...]:
    """Return the channels in which a video can be read, in the order in which they are shown."""
    return in_order(registry().names("channel"))


def known() -> tuple[str, ...]:
    """Return the channels that can be named anywhere, in the order in which they are shown."""
    return in_order({*readable(), *_MET})


def meet(names: Iterable[str]) -> None:
    """Let channels be named that an index holds, whatever is installed here."""
    _MET.update(names)


def facts(name: str) -> Facts:
    """Return what is known of a channel; of one that nothing installed reads, its name alone."""
    plain = name.replace("_", " ")
    if name not in readable():
        return Facts(plain)
    said = _registered(name)
    return Facts(said.get("title", plain), said.get("style", ""), said.get("timeless", False))


@cache
def _registered(name: str) -> Mapping[str, Any]:
    try:
        return registry().facts("channel", name)
    except Exception as error:  # noqa: BLE001 - a stranger's code may raise anything
        # What it read before can still be searched.
        _log.warning("channel %s cannot be used: %s: %s", name, type(error).__name__, error)
        return {}


def is_timeless(name: str) -> bool:
    """Return whether a channel's evidence is about the whole video, at no time of it."""
    return facts(name).timeless


def of_style(style: str) -> tuple[str, ...]:
    """Return the channels whose evidence reads like a style of imagined text."""
    return tuple(name for name in known() if facts(name).style == style)


def check_readable(names: Sequence[str]) -> None:
    """Raise ValueError for a channel that nothing installed reads."""
    for name in names:
        if name not in readable():
            raise ValueError(unknown("channel", name, readable()))


def check_known(names: Sequence[str], held: Sequence[str] = ()) -> None:
    """Raise ValueError for a channel that nothing reads and that is not among those `held`."""
    for name in names:
        if name not in known() and name not in held:
            check_channel(name)
            listed = ", ".join(in_order((*known(), *held)))
            raise ValueError(f"unknown channel {name!r}; known: {listed}")
