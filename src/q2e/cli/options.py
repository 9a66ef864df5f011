"""Options and ways of printing that several commands share."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer

from q2e import paths
from q2e.cli.complete import settings_to_set

#: Joiners that Persian, Hindi and emoji need; other invisible characters can only hide something.
_JOINERS = "\u200c\u200d"

IndexDir = Annotated[
    Path | None,
    typer.Option(
        "--index",
        "-i",
        metavar="DIR",
        help="Folder of the index. [default: $Q2E_INDEX or ./index.q2e]",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
Lines = Annotated[
    bool, typer.Option("--lines", help="Print one line a moment: PATH:START-END, in seconds.")
]
Force = Annotated[bool, typer.Option("--force", "-f", help="Write over a file that is there.")]
Wait = Annotated[
    float,
    typer.Option("--wait", metavar="SECONDS", help="Wait for another process that is writing."),
]

Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Any setting of `q2e config`, for this run; a new index keeps it. May be repeated; "
        "lists are written with commas.",
        autocompletion=settings_to_set,
    ),
]
_NOTHING: Mapping[str, str] = MappingProxyType({})


def settings_given(
    pairs: list[str] | None, instead: Mapping[str, str] = _NOTHING, **named: Any
) -> dict[str, Any]:
    """Return the settings of `--set`, and those options of their own that were given.

    Raises ConfigError for what is no `NAME=VALUE`, and for names `instead` of which the command
    has the option given there; other names and values are looked at later.
    """
    from q2e.choices import KINDS
    from q2e.errors import ConfigError
    from q2e.settings import is_list

    given: dict[str, Any] = {}
    for name, value in pairs_of(pairs).items():
        if name in instead:
            raise ConfigError(f"--set {name}={value}: here that is  {instead[name]}")
        # What is said of methods may have commas in brackets, and is taken apart where it is read.
        several = is_list(name) and name not in KINDS
        given[name] = tuple(filter(None, value.split(","))) if several else value
    return given | {name: value for name, value in named.items() if value is not None}


def pairs_of(pairs: list[str] | None) -> dict[str, str]:
    """Return {name: value} of `--set`. Raises ConfigError for what is no `NAME=VALUE`."""
    from q2e.errors import ConfigError

    found = {}
    for pair in pairs or ():
        name, sign, value = (part.strip() for part in pair.partition("="))
        if not (name and sign):
            raise ConfigError(f"--set {pair!r}: write NAME=VALUE, as in  --set top=5")
        found[name] = value
    return found


def directory(given: Path | None) -> Path:
    """Return the index folder that is meant. Raises ConfigError where that is a file."""
    from q2e.errors import ConfigError
    from q2e.settings import default_index

    where = given if given is not None else default_index()
    if where.is_file():
        raise ConfigError(f"{where} is a file; an index is a folder")
    return where


def print_json(value: Any) -> None:
    """Print one JSON document on standard output; an object says the version of its shape."""
    from q2e.shape import VERSION

    if isinstance(value, dict):
        value = {"version": VERSION} | value
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def print_list(head: dict[str, Any], name: str, values: Iterable[Any]) -> None:
    """Print one JSON document whose last key is a list, item by item as they come."""
    write = sys.stdout.write
    write(json.dumps(head, ensure_ascii=False, indent=2)[:-2] + f",\n  {json.dumps(name)}: [")
    before = "\n"
    for value in values:
        whole = json.dumps(value, ensure_ascii=False, indent=2)
        write(before + textwrap.indent(whole, "    "))
        before = ",\n"
    write("]\n}\n" if before == "\n" else "\n  ]\n}\n")


def talk(text: str) -> None:
    """Say something to the person, on standard error."""
    print(text, file=sys.stderr)


def clock(seconds: float) -> str:
    """Return seconds as `m:ss.s` or `h:mm:ss`."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02d}:{rest // 10:02d}"
    return f"{minutes}:{rest / 10:04.1f}"


def shown(path: object) -> str:
    """Return a path for people: what would break the line or steer the terminal is escaped.

    The joiners that Persian, Hindi and emoji need stay, and so do letters of every script.
    """
    return "".join(
        letter
        if letter.isprintable() or letter in _JOINERS
        else letter.encode("unicode_escape").decode("ascii")
        for letter in paths.shown(path)
    )


def shown_name(path: str) -> str:
    """Return the last part of a path as `shown` does."""
    return shown(Path(path).name)


def one_line(text: str, limit: int) -> str:
    """Return `text` as one printable line of at most `limit` characters."""
    line = " ".join(text.split())
    line = "".join(one for one in line if one.isprintable() or one in _JOINERS)
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
