"""The command `q2e`: data on standard output, talk on standard error, `--json` everywhere."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from q2e.cli import answer as answering
from q2e.cli import collection, copies, doctor, find, moments, play, serve
from q2e.cli import engine as engines
from q2e.cli import eval as evaluation
from q2e.cli import features as cached_features
from q2e.cli import methods as known_methods
from q2e.cli import mmi as mmi_head
from q2e.cli import train as training
from q2e.errors import Q2EError
from q2e.processes import forget_current_folder

#: Exit code after Ctrl-C, 128 and the number of the signal.
_INTERRUPTED = 130

app = typer.Typer(
    name="q2e",
    help="Find videos, and the moments inside them, from a short question in any language.",
    epilog="Start with:  q2e index FOLDER  and then  q2e search 'your question'",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    # Plain help flows paragraphs, keeps examples whole and tells the default of the index.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _say_version(wanted: bool) -> None:
    if wanted:
        from q2e import __version__

        print(f"q2e {__version__}")
        raise typer.Exit()


@app.callback()
def _start(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Take the options that stand before any command."""


app.command("index")(collection.index)
app.command("search")(find.search)
app.command("ask")(find.ask)
app.command("answer")(answering.answer)
app.command("play")(play.play)
app.command("list")(collection.list_videos)
app.command("show")(collection.show)
app.command("clip")(moments.clip)
app.command("storyboard")(moments.storyboard)
app.command("transcript")(moments.transcript)
app.command("status")(collection.status)
app.command("retry")(collection.retry)
app.command("remove")(collection.remove)
app.command("backup")(copies.backup)
app.command("restore")(copies.restore)
app.command("import")(collection.import_evidence)
app.command("run")(find.run)
app.command("features")(cached_features.features)
app.command("train")(training.train)
app.command("serve")(serve.serve)
app.command("mcp")(serve.mcp)
app.command("config")(doctor.config)
app.command("methods")(known_methods.methods)
app.command("doctor")(doctor.doctor)
app.add_typer(serve.token_app, name="token")
app.add_typer(doctor.models, name="models")
app.add_typer(engines.app, name="engine")
app.add_typer(evaluation.app, name="eval")
app.add_typer(mmi_head.app, name="mmi")


def _say_whole_summaries(group: typer.Typer) -> None:
    """List commands with all of their first paragraph, which would be cut at the line's end."""
    for command in group.registered_commands:
        summary, _, _ = (command.callback.__doc__ or "").partition("\n\n")
        command.short_help = " ".join(summary.split())
    for inner in group.registered_groups:
        if inner.typer_instance is not None:
            inner.short_help = inner.typer_instance.info.help
            _say_whole_summaries(inner.typer_instance)


_say_whole_summaries(app)


def main() -> None:
    """Run the command line; errors made for people are one line and exit code 2."""
    forget_current_folder()
    try:
        app()
    except Q2EError as error:
        print(f"q2e: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"q2e: {where}{error.strerror or error}", file=sys.stderr)
        sys.exit(2)
    except SystemExit as stop:
        # Typer ends the process so at Ctrl-C, and says nothing.
        if stop.code == _INTERRUPTED:
            print("q2e: stopped; run the same command again to go on from here", file=sys.stderr)
        raise
