"""Commands that copy a whole index, and put a copy back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from q2e.cli.options import IndexDir, Json, Wait, directory, print_json, talk

if TYPE_CHECKING:
    from q2e.backup import Backup


def backup(
    target: Annotated[
        Path, typer.Argument(help="Folder to make, or an earlier backup.", show_default=False)
    ],
    index_dir: IndexDir = None,
    json: Json = False,
) -> None:
    """Copy the whole index into a folder: all generations, settings and labels.

    It is the index of one moment, whoever writes meanwhile. An earlier backup there is replaced
    when the new one is whole.
    """
    import q2e

    _say(q2e.open(directory(index_dir)).back_up(target), "backed up", json)


def restore(
    folder: Annotated[Path, typer.Argument(metavar="BACKUP", show_default=False)],
    index_dir: IndexDir = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Also where an index is there already.")
    ] = False,
    wait: Wait = 0.0,
    json: Json = False,
) -> None:
    """Put a backup in the place of the index; nothing is changed unless all of it is whole."""
    from q2e.backup import restore

    _say(restore(folder, directory(index_dir), replace, wait), "restored", json)


def _say(done: Backup, how: str, json: bool) -> None:
    from q2e.backup import shape

    if json:
        print_json(shape(done))
        return
    videos = f"{done.videos} video{'' if done.videos == 1 else 's'}"
    talk(f"{how}: {videos}, {done.size_bytes / 1e6:.1f} MB of {done.made}  ({done.folder})")
