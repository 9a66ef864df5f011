"""Commands that take moments out of videos: a clip, a storyboard, subtitles of the speech."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from q2e.cli.complete import video_names
from q2e.cli.options import Force, IndexDir, Json, clock, directory, print_json, shown, talk
from q2e.errors import ConfigError
from q2e.paths import is_file, named_after
from q2e.paths import shown as shown_path

Video = Annotated[
    str,
    typer.Argument(
        metavar="VIDEO",
        help="An indexed video by name, path or id; or any file.",
        show_default=False,
        autocompletion=video_names,
    ),
]
Start = Annotated[
    str,
    typer.Argument(
        metavar="START", help="Seconds, m:ss or h:mm:ss from the start.", show_default=False
    ),
]
End = Annotated[
    str,
    typer.Argument(metavar="END", help="As START; nothing is the end.", show_default=False),
]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="File to write.", show_default=False)]
HitNumber = Annotated[
    int | None,
    typer.Option("--hit", metavar="N", min=1, help="A moment of hit N of the last search instead."),
]
MomentNumber = Annotated[
    int, typer.Option("--moment", metavar="N", min=1, help="Which moment of that hit.")
]

_LAST = re.compile(r"\d{1,9}(?:\.\d{1,9})?")


def clip(
    video: Video = "",
    start: Start = "",
    end: End = "",
    hit: HitNumber = None,
    moment: MomentNumber = 1,
    out: Out = None,
    exact: Annotated[
        bool,
        typer.Option("--exact", help="Begin and end on the picture, encoding anew."),
    ] = False,
    force: Force = False,
    index_dir: IndexDir = None,
    json: Json = False,
) -> None:
    """Cut a stretch out of a video.

    Without `--exact` nothing is encoded: the clip begins at the key frame before START.

    \b
      q2e clip talk.mp4 1:05 1:20        from one time to another
      q2e clip talk.mp4 1:05             to the end
      q2e clip --hit 2                   the best moment of hit 2 of the last search
    """
    from q2e.decoding.doors import cut, suffix_for

    if hit is None and not start:
        raise typer.BadParameter("name a video and where to begin, or a hit of the last search")
    path, start_s, end_s = _chosen(video, start, end, hit, moment, index_dir)
    if out is None:
        suffix = ".mp4" if exact else suffix_for(path)
        out = Path(named_after(path, f"_{start_s:g}-{end_s:g}{suffix}"))
    _check_free(out, path, force)
    written = cut(path, start_s, end_s, out, exact=exact)
    if json:
        print_json({"file": shown_path(out), "start": written.start_s, "end": written.end_s})
    else:
        talk(f"{shown(out)}: {clock(written.start_s)} to {clock(written.end_s)}")


def storyboard(
    video: Video = "",
    start: Start = "",
    end: End = "",
    hit: HitNumber = None,
    moment: MomentNumber = 1,
    out: Out = None,
    pictures: Annotated[int, typer.Option("--pictures", "-n", min=1, max=64)] = 12,
    width: Annotated[int, typer.Option(min=160, max=4096, help="Of the sheet, in pixels.")] = 960,
    force: Force = False,
    index_dir: IndexDir = None,
) -> None:
    """Show a video, or a stretch of it, as one sheet of pictures with their times.

    The sheet is a JPEG.
    """
    from q2e.decoding.doors import storyboard as sheet

    if hit is None and not video:
        raise typer.BadParameter("name a video, or a hit of the last search")
    if out is not None and out.suffix.lower() not in (".jpg", ".jpeg"):
        raise ConfigError(f"{shown(out)}: a storyboard is a JPEG; end its name in .jpg")
    path, start_s, end_s = _chosen(video, start or "0", end, hit, moment, index_dir)
    out = out or Path(named_after(path, "_storyboard.jpg"))
    _check_free(out, path, force)
    step_s = (end_s - start_s) / pictures
    times_s = [start_s + (number + 0.5) * step_s for number in range(pictures)]
    out.write_bytes(sheet(path, times_s, width))
    talk(shown(out))


def _chosen(
    video: str, start: str, end: str, hit: int | None, moment: int, index_dir: Path | None
) -> tuple[Path, float, float]:
    """Return the file that is meant, and the stretch of it that lies within.

    Raises ConfigError for a hit or a video that is not there, MediaError for a stretch that lies
    behind the end.
    """
    from q2e.cli.last import hit as hit_of
    from q2e.decoding.doors import probe
    from q2e.errors import MediaError

    if hit is not None:
        if video:
            raise typer.BadParameter(f"--hit {hit} stands for the video and its times; leave them")
        found = hit_of(directory(index_dir), hit)
        path, (start_s, end_s) = found.file(), found.moment(moment)
    else:
        path, start_s = _path(video, index_dir), seconds(start)
        end_s = seconds(end) if end else float("inf")
    whole_s = probe(path).duration_s or end_s
    if start_s >= whole_s:
        raise MediaError(f"{shown(path.name)} ends at {clock(whole_s)}, before {clock(start_s)}")
    if end_s <= start_s:
        raise MediaError(
            f"nothing lies between {clock(start_s)} and {clock(end_s)}; give the later time last"
        )
    return path, start_s, min(end_s, whole_s)


def _check_free(out: Path, source: Path, force: bool) -> None:
    """Raise ConfigError where writing `out` would lose a file, always for the source itself."""
    if out.exists() and out.samefile(source):
        raise ConfigError(f"{shown(out)} is the video itself; name another --out")
    if out.exists() and not force:
        raise ConfigError(
            f"{shown(out)} is there already; name another --out, or write over it: --force"
        )


def transcript(
    video: Annotated[
        str,
        typer.Argument(help="An indexed video.", show_default=False, autocompletion=video_names),
    ],
    form: Annotated[
        str,
        typer.Option(
            "--format", help="srt, vtt or json.", autocompletion=lambda: ["srt", "vtt", "json"]
        ),
    ] = "srt",
    index_dir: IndexDir = None,
) -> None:
    """Print what is said in a video as subtitles, on standard output."""
    import q2e
    from q2e import export

    lines = export.spoken(q2e.open(directory(index_dir)).show(video).evidence)
    print(export.transcript(lines, form), end="")


def seconds(text: str) -> float:
    """Return `75`, `1:15` or `0:01:15.0` as seconds. Raises typer.BadParameter else."""
    *first, last = text.split(":")
    fits = len(first) < 3 and all(part.isdecimal() for part in first) and _LAST.fullmatch(last)
    parts = [float(part) for part in (*first, last)] if fits else []
    if not parts or any(part >= 60 for part in parts[1:]):
        raise typer.BadParameter(f"{text!r} is no time; write seconds, m:ss or h:mm:ss")
    total = 0.0
    for part in parts:
        total = total * 60 + part
    return total


def _path(video: str, index_dir: Path | None) -> Path:
    """Return the file that is meant: one of the index, else one of the disk."""
    import q2e
    from q2e.cli.last import check_here
    from q2e.settings import default_index

    if is_file(Path(video)):
        return Path(video)
    found = q2e.open(index_dir or default_index()).find(video)
    if not found.path:
        raise ConfigError(f"{found.id!r} was imported without its file; name the file itself")
    check_here(found.path)
    return Path(found.path)
