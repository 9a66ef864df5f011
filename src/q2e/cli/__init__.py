"""The command `q2e`: data on standard output, talk on standard error, `--json` everywhere."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from q2e.cli.later import later
from q2e.errors import Q2EError
from q2e.processes import forget_current_folder

#: Exit code after Ctrl-C, 128 and the number of the signal.
_INTERRUPTED = 130

#: What each command is called, where it is, and what the list of commands says of it.
_COMMANDS = {
    "index": (
        "q2e.cli.collection:index",
        "Read videos into an index; run it again to add new ones or to go on after a stop.",
    ),
    "search": (
        "q2e.cli.find:search",
        "Find videos and the moments inside them.",
    ),
    "ask": (
        "q2e.cli.find:ask",
        "Search, and narrow the hits down by answering questions about them.",
    ),
    "answer": (
        "q2e.cli.answer:answer",
        "Answer a question in sentences, each with the moments that say it.",
    ),
    "article": (
        "q2e.cli.article:article",
        "Write an article about an event from what the videos say, each sentence with its source.",
    ),
    "moments": (
        "q2e.cli.find_moments:moments",
        "Find moments, best first, whatever video they lie in.",
    ),
    "map": (
        "q2e.cli.overview:overview",
        "Show what the index holds as groups of like moments, with words.",
    ),
    "tray": (
        "q2e.cli.tray:tray",
        "Show the moments collected on the page, or write them as a reel, clips or a list.",
    ),
    "play": (
        "q2e.cli.play:play",
        "Play a hit of the last search, from its moment on.",
    ),
    "list": (
        "q2e.cli.collection:list_videos",
        "List the videos of the index: the id of each, and its path.",
    ),
    "show": (
        "q2e.cli.collection:show",
        "Show everything known about one video: shots, transcript, screen text, tags, failures.",
    ),
    "clip": (
        "q2e.cli.moments:clip",
        "Cut a stretch out of a video.",
    ),
    "storyboard": (
        "q2e.cli.moments:storyboard",
        "Show a video, or a stretch of it, as one sheet of pictures with their times.",
    ),
    "transcript": (
        "q2e.cli.moments:transcript",
        "Print what is said in a video as subtitles, on standard output.",
    ),
    "chapters": (
        "q2e.cli.chapters:chapters",
        "Cut a video into chapters, each with a title in its own words.",
    ),
    "tag": (
        "q2e.cli.tag:tag",
        "Give videos labels of your own as tags, which searches filter by.",
    ),
    "status": (
        "q2e.cli.collection:status",
        "Say what the index holds, which files failed and why, and which files are gone.",
    ),
    "retry": (
        "q2e.cli.collection:retry",
        "Read again the files that failed before, as after mending or replacing them.",
    ),
    "remove": (
        "q2e.cli.collection:remove",
        "Remove videos from the index; the files themselves are never touched.",
    ),
    "backup": (
        "q2e.cli.copies:backup",
        "Copy the whole index into a folder: all generations, settings and labels.",
    ),
    "restore": (
        "q2e.cli.copies:restore",
        "Put a backup in the place of the index; nothing is changed unless all of it is whole.",
    ),
    "import": (
        "q2e.cli.collection:import_evidence",
        "Bring your own captions, transcripts, descriptions or vectors, without the media.",
    ),
    "run": (
        "q2e.cli.find:run",
        "Answer a file of questions and write a TREC run; run again to go on after a stop.",
    ),
    "pairs": (
        "q2e.cli.pairs:pairs",
        "Write stretches of video with the texts that tell of them, as data to train on.",
    ),
    "features": (
        "q2e.cli.features:features",
        "Make features of clips for q2e train, by the models of the profile.",
    ),
    "train": (
        "q2e.cli.train:train",
        "Train a part of the search on cached features, and keep the best.",
    ),
    "serve": (
        "q2e.cli.serve:serve",
        "Serve the search page and the HTTP API of an index, on this machine by default.",
    ),
    "mcp": (
        "q2e.cli.serve:mcp",
        "Offer the index to an assistant: search, explain, show and clip as MCP tools on stdio.",
    ),
    "config": (
        "q2e.cli.doctor:config",
        "Show every setting with its value, and where to change it.",
    ),
    "methods": (
        "q2e.cli.methods:methods",
        "List what can be chosen by name: kinds, methods of a kind, or one with its parameters.",
    ),
    "doctor": (
        "q2e.cli.doctor:doctor",
        "Check this machine: what each profile needs, has and lacks, and what to do about it.",
    ),
    "token": (
        "q2e.cli.serve:token_app",
        "Tokens of a server, each with a name and a scope.",
    ),
    "models": (
        "q2e.cli.doctor:models",
        "The models of each profile.",
    ),
    "engine": (
        "q2e.cli.engine:app",
        "Make and verify what finds videos in a database.",
    ),
    "eval": (
        "q2e.cli.eval:app",
        "Measure: runs, answers, matrices, data sets, experiments, and your own index by labels.",
    ),
    "mmi": (
        "q2e.cli.mmi:app",
        "Train a head of the multi-modal inductive framework (MMI-TVR) on cached features.",
    ),
}

app = typer.Typer(
    name="q2e",
    cls=later(_COMMANDS),
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


def main() -> None:
    """Run the command line; errors made for people are one line and exit code 2."""
    forget_current_folder()
    # To look for plugins of pydantic takes longer than to read all settings, and none is used.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
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
