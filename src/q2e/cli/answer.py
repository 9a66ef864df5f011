"""The command that answers a question in sentences that cite the videos."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from q2e.cli.asking import Only, Ways
from q2e.cli.complete import values_of
from q2e.cli.grouped import grouped
from q2e.cli.options import (
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

if TYPE_CHECKING:
    from q2e.types import Answer, Citation

#: Characters of one sentence, and of a title, on a terminal.
_LINE, _TITLE = 2_000, 80
NOTHING = "nothing here answers"


@grouped
def answer(
    question: Annotated[str, typer.Argument(help="The question.", show_default=False)],
    how: Annotated[
        str,
        typer.Option(help="Strategy: see  q2e methods answer.", autocompletion=values_of("answer")),
    ] = "extractive",
    index_dir: IndexDir = None,
    json: Json = False,
    *,
    only: Only,
    ways: Ways,
) -> None:
    """Answer a question in sentences, each with the moments that say it.

    The question may be in any language. Without a model the sentences are quotes, in the language
    in which they were said. The moments are numbered:  q2e play 2  plays the second, and
    q2e clip --hit 2  cuts it out. The exit code is 1 where nothing here answers.

    \b
      q2e answer "Who piloted the space shuttle?"
      q2e answer "Was klettert am Baumstamm?" --how "extractive(sentences=1)"
      q2e answer "why was it delayed?" --video launch.mp4
    """
    import q2e
    from q2e import shape
    from q2e.cli import last

    index = q2e.open(directory(index_dir), **ways.given())
    found = index.answer(question, how=how, filters=only.filters())
    cited = distinct(found)
    if cited:
        last.keep_cited(index.directory, cited)
    if json:
        print_json(shape.answer(found))
    else:
        _print_answer(found, cited)
    if not found.found:
        raise typer.Exit(1)


def distinct(found: Answer) -> tuple[Citation, ...]:
    """Return the moments that an answer cites, each once, in the order in which it does."""
    moments = {
        (one.video.id, one.start_s, one.end_s): one
        for sentence in reversed(found.sentences)
        for one in reversed(sentence.citations)
    }
    return tuple(reversed(moments.values()))


def _print_answer(found: Answer, cited: tuple[Citation, ...]) -> None:
    """Print the sentences with where they stand; what is to be known of them goes beside."""
    if not found.found:
        typer.echo(NOTHING)
    # That all stand in one place of an event tells nothing.
    places = len({sentence.place for sentence in found.sentences}) > 1
    numbers = {(one.video.id, one.start_s, one.end_s): n for n, one in enumerate(cited, 1)}
    for sentence in found.sentences:
        place = f"{sentence.place}: " if sentence.place and places else ""
        mark = '"' if sentence.quoted else ""
        typer.echo(f"{place}{mark}{one_line(sentence.text, _LINE)}{mark}")
        for one in sentence.citations:
            name = shown_name(one.video.path) or shown(one.video.id)
            number = numbers[one.video.id, one.start_s, one.end_s]
            about = [one_line(told, _TITLE) for told in (one.video.title, one.video.date) if told]
            told = f"  {', '.join(about)}" if about else ""
            typer.echo(
                f"  {number}. {name}  {clock(one.start_s)} to {clock(one.end_s)}  "
                f"{one.channel}{told}"
            )
            if not sentence.quoted:
                typer.echo(f'    "{one_line(one.quote, _LINE)}"')
    for note in found.notes:
        note = note.removeprefix(f"{NOTHING}: ")
        talk(f"note: {one_line(note, _LINE)}")
    if found.not_found:
        talk(f"not found: {one_line(', '.join(found.not_found), _LINE)}")
