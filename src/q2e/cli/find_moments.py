"""The command that ranks moments, whatever video they lie in."""

from __future__ import annotations

from typing import Annotated

import typer

from q2e.cli.asking import Only, Ways
from q2e.cli.grouped import grouped
from q2e.cli.options import IndexDir, Json, directory, print_json, talk
from q2e.processes import one_thread


@grouped
def moments(
    text: Annotated[str, typer.Argument(help="The question.", show_default=False)],
    top: Annotated[int, typer.Option("--top", "-n", min=1, max=1000, help="Moments shown.")] = 10,
    offset: Annotated[
        int, typer.Option(min=0, help="Moments left out before the first one shown.")
    ] = 0,
    index_dir: IndexDir = None,
    json: Json = False,
    *,
    only: Only,
    ways: Ways,
) -> None:
    """Find moments, best first, whatever video they lie in.

    What q2e search finds and for the same reasons, but a video stands as often as it has moments
    that answer, each in its own place. A moment can be named by its number:  q2e play 3,
    q2e clip --hit 3.  The exit code is 1 where nothing was found.

    \b
      q2e moments "snow"
      q2e moments "every time \\"goal\\"" --top 50
    """
    one_thread()
    import q2e
    from q2e import shape
    from q2e.cli import last
    from q2e.cli.render import print_results

    index = q2e.open(directory(index_dir), **ways.given())
    found = index.moments(text, filters=only.filters(), top=top, offset=offset)
    last.keep(index.directory, found)
    if json:
        print_json(shape.results(found))
    else:
        print_results(found, explain=False, weaker=True)
        if found.info["more"]:
            talk(f"there are more: add  --offset {offset + len(found)}")
    if not found.hits:
        raise typer.Exit(1)
