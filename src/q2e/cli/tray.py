"""`q2e tray`: the moments that were collected on the page, listed and written as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from q2e.cli.options import (
    Force,
    IndexDir,
    Json,
    clock,
    directory,
    one_line,
    print_json,
    shown,
    shown_name,
    talk,
)

#: Characters of a note on a terminal.
_NOTE = 100


def tray(
    name: Annotated[
        str,
        typer.Argument(help="Its name or id; the one changed last without.", show_default=False),
    ] = "",
    write: Annotated[
        Path | None,
        typer.Option(
            "--write",
            metavar="FILE",
            help="A file: .mp4 is a reel, .zip the clips, .jpg a sheet; .csv, .json, .srt, .vtt, "
            ".m3u8, .edl, .otio are lists.",
            show_default=False,
        ),
    ] = None,
    force: Force = False,
    index_dir: IndexDir = None,
    json: Json = False,
) -> None:
    """Show the moments collected on the page, or write them as a reel, clips or a list.

    These are the trays of whoever owns the index; what was collected with a named token is seen
    with that token alone.

    \b
      q2e tray                              the tray changed last
      q2e tray "for Monday" --write reel.mp4
    """
    import q2e
    from q2e.errors import ConfigError
    from q2e.export import write as write_file
    from q2e.trays import Trays, as_results

    index = q2e.open(directory(index_dir))
    held = Trays(index.directory).of()
    fits = [one for one in held if name in ("", one.id, one.name)]
    if not fits:
        known = ", ".join(repr(shown(one.name)) for one in held) or "none"
        raise ConfigError(f"there is no tray {shown(name)!r}; known: {known}")
    chosen = fits[0]
    if write is not None:
        if write.exists() and not force:
            raise ConfigError(
                f"{shown(write)} is there already; name another, or write over it: --force"
            )
        files = write.suffix.lower() in (".mp4", ".mkv", ".mov", ".zip", ".jpg", ".jpeg")
        found = as_results(chosen, index.store.video, files=files)
        talk(f"{shown(write_file(found, write))}: {len(found)} of {len(chosen.moments)} moments")
        return
    rows = [(one, index.store.video(one.video)) for one in chosen.moments]
    if json:
        print_json(
            {
                "id": chosen.id,
                "name": chosen.name,
                "changed": chosen.changed,
                "moments": [
                    {
                        "video": one.video,
                        "start": one.start_s,
                        "end": one.end_s,
                        "note": one.note,
                        "missing": video is None,
                    }
                    for one, video in rows
                ],
                "trays": [{"id": one.id, "name": one.name} for one in held],
            }
        )
        return
    talk(f"{shown(chosen.name)}: {len(rows)} {'moment' if len(rows) == 1 else 'moments'}")
    for number, (one, video) in enumerate(rows, 1):
        file = "no longer there" if video is None else shown_name(video.path) or shown(video.id)
        note = f"  {one_line(one.note, _NOTE)}" if one.note else ""
        print(f"{number:>3}  {clock(one.start_s)} - {clock(one.end_s)}  {file}{note}")
