"""Commands that take moments out of videos: a clip, a storyboard, subtitles of the speech."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from q2e.cli.options import IndexDir, Json, clock, directory, print_json, shown, talk
from q2e.paths import is_file, named_after
from q2e.paths import shown as shown_path

Video = Annotated[
    str,
    typer.Argument(help="An indexed video by name, path or id; or any file.", show_default=False),
]
Start = Annotated[
    str, typer.Argument(help="Seconds, m:ss or h:mm:ss from the start.", show_default=False)
]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="File to write.", show_default=False)]


def clip(
    video: Video,
    start: Start,
    end: Start,
    out: Out = None,
    exact: Annotated[
        bool,
        typer.Option("--exact", help="Begin and end on the picture, encoding anew."),
    ] = False,
    index_dir: IndexDir = None,
    json: Json = False,
) -> None:
    """Cut a stretch out of a video.

    Without `--exact` nothing is encoded: the clip begins at the key frame before START.
    """
    from q2e.decoding.doors import cut, suffix_for

    path = _path(video, index_dir)
    start_s, end_s = seconds(start), seconds(end)
    if out is None:
        suffix = ".mp4" if exact else suffix_for(path)
        out = Path(named_after(path, f"_{start_s:g}-{end_s:g}{suffix}"))
    written = cut(path, start_s, end_s, out, exact=exact)
    if json:
        print_json({"file": shown_path(out), "start": written.start_s, "end": written.end_s})
    else:
        talk(f"{shown(out)}: {clock(written.start_s)} to {clock(written.end_s)}")


def storyboard(
    video: Video,
    start: Start = "0",
    end: Annotated[str, typer.Argument(help="As START; nothing is the end.")] = "",
    out: Out = None,
    pictures: Annotated[int, typer.Option("--pictures", "-n", min=1, max=64)] = 12,
    width: Annotated[int, typer.Option(min=160, max=4096, help="Of the sheet, in pixels.")] = 960,
    index_dir: IndexDir = None,
) -> None:
    """Show a video, or a stretch of it, as one sheet of pictures with their times."""
    from q2e.decoding.doors import probe
    from q2e.decoding.doors import storyboard as sheet

    path = _path(video, index_dir)
    start_s = seconds(start)
    end_s = seconds(end) if end else probe(path).duration_s
    step_s = (end_s - start_s) / pictures
    times_s = [start_s + (number + 0.5) * step_s for number in range(pictures)]
    out = out or Path(named_after(path, "_storyboard.jpg"))
    out.write_bytes(sheet(path, times_s, width))
    talk(shown(out))


def transcript(
    video: Annotated[str, typer.Argument(help="An indexed video.", show_default=False)],
    form: Annotated[str, typer.Option("--format", help="srt, vtt or json.")] = "srt",
    index_dir: IndexDir = None,
) -> None:
    """Print what is said in a video as subtitles, on standard output."""
    import q2e
    from q2e import export

    lines = export.spoken(q2e.open(directory(index_dir)).show(video).evidence)
    print(export.transcript(lines, form), end="")


def seconds(text: str) -> float:
    """Return `75`, `1:15` or `0:01:15.0` as seconds. Raises typer.BadParameter else."""
    total = 0.0
    try:
        for part in text.split(":"):
            total = total * 60 + float(part)
    except ValueError:
        total = -1.0
    if not 0 <= total < 1e7 or text.count(":") > 2:
        raise typer.BadParameter(f"{text!r} is no time; write seconds, m:ss or h:mm:ss")
    return total


def _path(video: str, index_dir: Path | None) -> Path:
    """Return the file that is meant: one of the index, else one of the disk."""
    import q2e
    from q2e.errors import ConfigError
    from q2e.settings import default_index

    if is_file(Path(video)):
        return Path(video)
    found = q2e.open(index_dir or default_index()).find(video)
    if not found.path:
        raise ConfigError(f"{found.id!r} was imported without its file; name the file itself")
    return Path(found.path)
