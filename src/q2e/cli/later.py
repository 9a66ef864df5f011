"""Commands whose modules are imported when they are called: help and version import none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

#: {name: (`module:attribute` of a function or a Typer app, first paragraph of its help)}.
Table = Mapping[str, tuple[str, str]]


def later(commands: Table) -> type[TyperGroup]:
    """Return the class of a group that has the commands of a table, each made when asked for."""
    made = _Commands(commands)

    class Later(TyperGroup):
        """Shows its commands without importing them."""

        table = commands

        def __init__(self, **given: Any) -> None:
            super().__init__(**given)
            self.commands = made

        def format_commands(self, ctx: Any, formatter: Any) -> None:
            with formatter.section("Commands"):
                formatter.write_dl([(name, summary) for name, (_, summary) in commands.items()])

    return Later


def functions(app: typer.Typer, prefix: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield (full name, function) of every command of an app and of the apps in it."""
    for command in app.registered_commands:
        if command.callback is not None:
            name = command.name or command.callback.__name__.replace("_", "-")
            yield f"{prefix} {name}", command.callback
    for name, (target, _) in table_of(app).items():
        found = found_at(target)
        if isinstance(found, typer.Typer):
            yield from functions(found, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}", found


def table_of(app: typer.Typer) -> Table:
    """Return the table of an app's commands, empty where it has none."""
    return getattr(app.info.cls, "table", {})


def found_at(target: str) -> Any:
    """Return what `module:attribute` names."""
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)


class _Commands(MutableMapping[str, Any]):
    """The commands of a table by name."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = _command(name, self._table[name][0])
        return self._made[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._made[name] = command

    def __delitem__(self, name: str) -> None:
        del self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._table, **self._made})

    def __len__(self) -> int:
        return len({**self._table, **self._made})


def _command(name: str, target: str) -> Any:
    found = found_at(target)
    # Plain help, as in the app around them.
    if not isinstance(found, typer.Typer):
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        alone.command(name)(found)
        return get_command(alone)
    found.rich_markup_mode = None
    # Listed with all of their first paragraph, which would be cut at the line's end.
    for command in found.registered_commands:
        summary, _, _ = (command.callback.__doc__ or "").partition("\n\n")
        command.short_help = " ".join(summary.split())
    made = get_group(found)
    made.name = name
    return made
