"""The command that gives videos labels of a user's own, and takes them back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from q2e.cli.complete import values_of
from q2e.cli.options import IndexDir, Json, Wait, directory, one_line, print_json, shown, talk

#: Characters of a label on a terminal.
_LABEL = 60


def tag(
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Lines of LABEL, tab, a sentence in any language that tells what it means.",
            show_default=False,
        ),
    ] = None,
    how: Annotated[
        str,
        typer.Option(help="Way: see  q2e methods label.", autocompletion=values_of("label")),
    ] = "meaning",
    name: Annotated[
        str, typer.Option(help="What the set is called. [default: as the file]", show_default=False)
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show, and write nothing.")] = False,
    undo: Annotated[
        str, typer.Option(metavar="SET", help="Take away what a set gave.", show_default=False)
    ] = "",
    index_dir: IndexDir = None,
    json: Json = False,
    wait: Wait = 0.0,
) -> None:
    """Give videos labels of your own as tags, which searches filter by.

    A file gives one set of labels; given again it replaces what it gave before, and --undo takes
    it back. Tags that videos had before stay. Without --labels and --undo the sets are listed.

    \b
      q2e tag --labels labels.tsv
      q2e search "a red car tag:sport"
      q2e tag --labels labels.tsv --how "meaning(least=.8)" --dry-run
      q2e tag --undo labels
    """
    import q2e
    from q2e import shape
    from q2e.errors import ConfigError

    if labels is not None and undo:
        raise ConfigError("--labels gives tags and --undo takes them away; give one of them")
    opened = q2e.open(directory(index_dir))
    if undo:
        changed = opened.untag(undo, wait_s=wait)
        if json:
            print_json({"undone": undo, "changed": changed})
        else:
            talk(f"{shown(undo)}: taken from {_videos(changed)}")
        return
    if labels is None:
        made = opened.tag_sets
        if json:
            print_json({"sets": [{"set": one, "how": way} for one, way in made.items()]})
        elif not made:
            talk("no labels were given; see  q2e tag --help")
        else:
            for one, way in made.items():
                typer.echo(f"{one_line(one, _LABEL)}\t{way}")
        return
    found = opened.tag(labels, how=how, name=name, keep=not dry_run, wait_s=wait)
    if json:
        print_json(shape.tagged(found))
        return
    for label, count in found.labels.items():
        typer.echo(f"{_videos(count):>12}  {one_line(label, _LABEL)}")
    done = "would have" if dry_run else "have"
    talk(f"{_videos(len(found.videos))} {done} labels of {shown(found.name)}")


def _videos(count: int) -> str:
    return f"{count:,} {'video' if count == 1 else 'videos'}"
