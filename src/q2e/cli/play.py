"""`q2e play`: shows a hit of the last search at its moment, in a player that is installed."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Annotated

import typer

from q2e.cli.options import IndexDir, directory, talk
from q2e.errors import ConfigError
from q2e.processes import clean_environment, program

#: How players are told where to begin, the first one installed being taken.
PLAYERS: dict[str, tuple[str, ...]] = {
    "mpv": ("--start={start:.3f}", "--", "{path}"),
    "vlc": ("--start-time={start:.3f}", "--", "{path}"),
    "ffplay": ("-loglevel", "error", "-autoexit", "-ss", "{start:.3f}", "-i", "{path}"),
    "mplayer": ("-ss", "{start:.3f}", "--", "{path}"),
}


def play(
    number: Annotated[
        int, typer.Argument(min=1, metavar="N", help="The hit's number in the last search.")
    ] = 1,
    moment: Annotated[int, typer.Option(min=1, help="Which of its moments.")] = 1,
    player: Annotated[
        str | None,
        typer.Option(
            help=f"{', '.join(PLAYERS)}; the first one installed without this.",
            autocompletion=lambda: list(PLAYERS),
        ),
    ] = None,
    index_dir: IndexDir = None,
) -> None:
    """Play a hit of the last search, from its moment on."""
    from q2e.cli.last import hit

    found = hit(directory(index_dir), number)
    start_s, end_s = found.moment(moment) if found.moments else (0.0, 0.0)
    path = found.file()
    talk(found.told(start_s, end_s))
    name = _player(player, number)
    code = subprocess.run(
        command(name, path, start_s), env=clean_environment(), check=False
    ).returncode
    if code:
        raise ConfigError(f"{name} could not play {path.name} (it ended with {code})")


def command(player: str, path: Path, start_s: float) -> list[str]:
    """Return the command with which a player shows a file from a time on."""
    told = (part.format(start=start_s, path=path) for part in PLAYERS[player])
    return [program(player) or player, *told]


def _player(named: str | None, number: int) -> str:
    if named is not None and named not in PLAYERS:
        raise ConfigError(f"unknown player {named!r}; known: {', '.join(PLAYERS)}")
    for name in (named,) if named else PLAYERS:
        if program(name):
            return name
    wanted = named or "mpv"
    raise ConfigError(
        f"no player is installed to show it with; install one (apt install {wanted}), or cut "
        f"the moment out:  q2e clip --hit {number}"
    )
