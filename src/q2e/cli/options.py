"""Options and ways of printing that several commands share."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

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
Wait = Annotated[
    float,
    typer.Option("--wait", metavar="SECONDS", help="Wait for another process that is writing."),
]


def directory(given: Path | None) -> Path:
    """Return the index folder that is meant."""
    from q2e.config import default_index

    return given if given is not None else default_index()


def print_json(value: Any) -> None:
    """Print one JSON document on standard output."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


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
        if letter.isprintable() or letter in "\u200c\u200d"
        else letter.encode("unicode_escape", "surrogatepass").decode("ascii")
        for letter in str(path)
    )


def one_line(text: str, limit: int) -> str:
    """Return `text` as one printable line of at most `limit` characters."""
    line = " ".join(text.split())
    line = "".join(character for character in line if character.isprintable())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
