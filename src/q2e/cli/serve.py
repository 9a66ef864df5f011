"""The command that serves a collection to browsers and programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from q2e.cli.options import IndexDir, directory, talk


def serve(
    index_dir: IndexDir = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; any but this machine's demands a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8077,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="Q2E_TOKEN", help="What clients must send; made up where one is needed."
        ),
    ] = None,
    folder: Annotated[
        list[Path] | None,
        typer.Option(help="Only folder whose files clients may index; may be repeated."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Searches done at once.")] = 2,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Serve the search page and the HTTP API of an index, on this machine by default.

    The page is at the printed address, the API's OpenAPI document at /v1/openapi.json.
    """
    from q2e.server.run import run

    run(
        directory(index_dir),
        host=host,
        port=port,
        token=token,
        folders=folder,
        workers=workers,
        open_page=open_page,
        say=talk,
    )


def mcp(
    index_dir: IndexDir = None,
    clips: Annotated[
        Path | None, typer.Option(help="Folder for clips. [default: clips/ in the index]")
    ] = None,
) -> None:
    """Offer the index to an assistant: search, explain, show and clip as MCP tools on stdio.

    Not for people: name this command in the assistant's list of MCP servers.
    """
    import q2e
    from q2e.server.mcp import create

    where = directory(index_dir)
    create(q2e.open(where), clips or where / "clips").run("stdio")
