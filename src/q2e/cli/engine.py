"""Commands for the engine of a store that keeps more than fits in memory."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from q2e.cli.options import IndexDir, Json, Wait, directory, print_json, talk

if TYPE_CHECKING:
    from q2e.search.engines import EngineCheck

#: Share of the best videos that an engine must find.
LEAST = 0.9

app = typer.Typer(no_args_is_help=True, help="Make and verify what finds videos in a database.")


@app.command()
def rebuild(
    engine: Annotated[
        str | None,
        typer.Option(
            help="What finds from now on, as milvus://HOST:19530/NAME; the index remembers it. "
            "`q2e methods engine` lists what there is.",
        ),
    ] = None,
    index_dir: IndexDir = None,
    wait: Wait = 0.0,
    json: Json = False,
) -> None:
    """Make what the engine finds by anew, of what the store keeps: indexes, or a copy beside it.

    From then on a search asks the engine for the best videos of each row and holds no more of the
    collection than these and a sample. Searches go on meanwhile.
    """
    import q2e

    made = q2e.open(directory(index_dir), engine=engine).build_engine(wait)
    if json:
        print_json({"indexes": made})
        return
    talk(f"{made} indexes were made; searches use them from now on")


@app.command()
def check(index_dir: IndexDir = None, json: Json = False) -> None:
    """Compare what the engine finds with a scan of everything, for generic questions.

    Ends with 1 where it finds less than nine in ten of the best videos, or lacks vectors.
    """
    import q2e

    found = q2e.open(directory(index_dir)).check_engine()
    if json:
        print_json(asdict(found))
    else:
        _say(found)
    if found.recall < LEAST or found.unfound:
        raise typer.Exit(1)


def _say(found: EngineCheck) -> None:
    talk(
        f"{found.questions} questions: of the {found.k} best videos of each row it finds "
        f"{found.recall:.1%}"
    )
    if found.unfound or found.recall < LEAST:
        lacks = f"; it lacks {found.unfound} vectors" if found.unfound else ""
        talk(f"make it anew with  q2e engine rebuild{lacks}")
