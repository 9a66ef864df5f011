"""The commands that serve a collection: to browsers and programs, and to assistants."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from q2e.cli.options import IndexDir, Json, directory, print_json, talk

if TYPE_CHECKING:
    from q2e.server.tokens import Tokens

token_app = typer.Typer(
    name="token", help="Tokens of a server, each with a name and a scope.", no_args_is_help=True
)


def serve(
    index_dir: IndexDir = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines ask.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8077,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="Q2E_TOKEN",
            help="What clients must send, at least 16 characters; else one is made up.",
            show_default=False,
        ),
    ] = None,
    no_token: Annotated[
        bool, typer.Option("--no-token", help="Let every user of this machine ask.")
    ] = False,
    folder: Annotated[
        list[Path] | None,
        typer.Option(help="Only folder whose files clients may index; may be repeated."),
    ] = None,
    cert: Annotated[
        Path | None, typer.Option(help="Certificate (PEM), for HTTPS; with --key.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="Private key of --cert (PEM).")] = None,
    root_path: Annotated[
        str,
        typer.Option(
            help="Path under which a proxy shows the server, such as /videos.", show_default=False
        ),
    ] = "",
    forwarded_by: Annotated[
        str | None,
        typer.Option(help="Address of a proxy, whose X-Forwarded-For and -Proto are believed."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Searches done at once.")] = 2,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Serve the search page and the HTTP API of an index, on this machine by default.

    The printed address signs a browser in; programs send `Authorization: Bearer TOKEN`. The
    API's OpenAPI document is at /v1/openapi.json.
    """
    from q2e.server.run import Place, run

    run(
        directory(index_dir),
        Place(host, port, token, no_token, cert, key, root_path, forwarded_by),
        folders=folder,
        workers=workers,
        open_page=open_page,
        say=talk,
    )


@token_app.command("add")
def add_token(
    name: Annotated[str, typer.Argument(help="Who is to have it.", show_default=False)],
    scope: Annotated[
        str, typer.Option(help="What it allows: read; label, too; index, too.")
    ] = "read",
    index_dir: IndexDir = None,
) -> None:
    """Make a token for one person or program, and print it; it is not kept and shown only once.

    A server that runs knows it at once.
    """
    print(_tokens(index_dir).add(name, scope))


@token_app.command("list")
def list_tokens(index_dir: IndexDir = None, json: Json = False) -> None:
    """List the tokens by name, with what they allow and when they were made."""
    held = _tokens(index_dir).all()
    if json:
        print_json([{"name": one.name, "scope": one.scope, "made": one.made} for one in held])
        return
    for one in held:
        print(f"{one.name}\t{one.scope}\t{one.made}")
    if not held:
        talk("there is none; make one with  q2e token add NAME")


@token_app.command("revoke")
def revoke_token(
    name: Annotated[str, typer.Argument(help="Name of the token.", show_default=False)],
    index_dir: IndexDir = None,
) -> None:
    """Let nobody in with a token any more, sessions that it began included."""
    _tokens(index_dir).revoke(name)
    talk(f"{name} is let in no more")


def _tokens(index_dir: Path | None) -> Tokens:
    from q2e.server.tokens import Tokens

    return Tokens(directory(index_dir))


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
