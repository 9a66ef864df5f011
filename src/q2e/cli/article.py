"""The command that writes an article about an event, with a source for every sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from q2e.cli.asking import Only, Ways
from q2e.cli.complete import values_of
from q2e.cli.grouped import grouped
from q2e.cli.options import IndexDir, Json, directory, one_line, print_json, talk


@grouped
def article(
    event: Annotated[str, typer.Argument(help="The event, in any language.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="File to write: .md or .html; without it Markdown is printed."),
    ] = None,
    how: Annotated[
        str,
        typer.Option(help="Strategy: see  q2e methods answer.", autocompletion=values_of("answer")),
    ] = "article",
    index_dir: IndexDir = None,
    json: Json = False,
    *,
    only: Only,
    ways: Ways,
) -> None:
    """Write an article about an event from what the videos say, each sentence with its source.

    Sections tell what came before it, what happened, and what came after. Without a model the
    sentences are quotes, in the language in which they were said; `--how wikivideo` has a language
    model ask on and write. The exit code is 1 where nothing here tells of the event.

    \b
      q2e article "the launch of the space shuttle"
      q2e article "Huelga de museos" --out huelga.html
      q2e article "flood in Kerala" --how wikivideo --set language_model=http://127.0.0.1:8080/v1
    """
    import q2e
    from q2e import shape
    from q2e.answer.article import FORMS, written
    from q2e.errors import ConfigError

    form = "markdown" if out is None else FORMS.get(out.suffix.lower())
    if form is None:
        allowed = ", ".join(FORMS)
        raise ConfigError(f"--out {str(out)!r} names no form; its ending may be: {allowed}")
    index = q2e.open(directory(index_dir), **ways.given())
    found = index.answer(event, how=how, filters=only.filters())
    text = written(found, form)
    if out is not None:
        out.write_text(text, encoding="utf-8")
    if json:
        print_json(shape.answer(found))
    elif out is None:
        typer.echo(text, nl=False)
    else:
        counted = "1 sentence" if len(found.sentences) == 1 else f"{len(found.sentences)} sentences"
        talk(f"{counted} in {one_line(str(out), 500)}")
    if not found.found:
        raise typer.Exit(1)
