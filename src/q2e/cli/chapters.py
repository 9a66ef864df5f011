"""The command that cuts a video into titled chapters."""

from __future__ import annotations

from typing import Annotated

import typer

from q2e.cli.complete import values_of, video_names
from q2e.cli.options import (
    IndexDir,
    Json,
    Wait,
    clock,
    directory,
    one_line,
    print_json,
    shown,
    shown_name,
    talk,
)

#: Characters of one title on a terminal.
_TITLE = 200


def _forms() -> list[str]:
    from q2e.chapter_files import FORMS

    return list(FORMS)


def chapters(
    video: Annotated[
        str | None,
        typer.Argument(help="An indexed video.", show_default=False, autocompletion=video_names),
    ] = None,
    write: Annotated[
        str,
        typer.Option(
            "--write",
            metavar="FORM",
            help="vtt, ffmetadata, youtube or json, on standard output.",
            show_default=False,
            autocompletion=_forms,
        ),
    ] = "",
    how: Annotated[
        str,
        typer.Option(help="Way: see  q2e methods chapters.", autocompletion=values_of("chapters")),
    ] = "contained",
    keep: Annotated[
        bool,
        typer.Option(
            "--keep",
            help="Keep the titles of all videos as the channel `chapter`, which searches look in, "
            "now and whenever videos are read; with --how none take them back.",
        ),
    ] = False,
    index_dir: IndexDir = None,
    json: Json = False,
    wait: Wait = 0.0,
) -> None:
    """Cut a video into chapters, each with a title in its own words.

    A file's own chapters are shown where it has any; else they are found in what is said, written
    and seen. Nothing of the file is read again, and no model is needed.

    \b
      q2e chapters talk.mp4
      q2e chapters talk.mp4 --write youtube          lines for a description
      q2e chapters talk.mp4 --how "texttiling(least_s=60)"
      q2e chapters --keep                            titles that searches look in
    """
    import q2e
    from q2e import shape
    from q2e.chapter_files import FORMS, render
    from q2e.errors import ConfigError, unknown

    if write and write not in FORMS:
        raise ConfigError(unknown("form of chapters", write, FORMS))
    opened = q2e.open(directory(index_dir))
    if keep == (video is not None) or (keep and write):
        raise ConfigError("name a video to see its chapters, or give --keep for those of all")
    if video is None:
        kept = opened.keep_chapters(how, wait_s=wait)
        if json:
            print_json({"kept": kept, "how": how})
        else:
            talk(f"{kept:,} chapters are kept by {how}")
        return
    found = opened.chapters(video, how=how)
    if json:
        print_json(shape.chapters(found))
        return
    if write:
        print(render(found, write), end="")
        return
    name = shown_name(found.video.path) or shown(found.video.id)
    own = ", its own" if found.contained else ""
    talk(f"{name}: {len(found)} {'chapter' if len(found) == 1 else 'chapters'}{own}")
    for one in found:
        typer.echo(f"{clock(one.start_s):>9}  {one_line(one.title, _TITLE)}")
