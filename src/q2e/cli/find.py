"""Commands that ask: one question, or a file of them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from q2e.cli.asking import Only, Ways
from q2e.cli.grouped import grouped
from q2e.cli.options import IndexDir, Json, Lines, Quiet, directory, print_json, talk
from q2e.processes import one_thread

if TYPE_CHECKING:
    from q2e.types import Results


@dataclass(frozen=True, kw_only=True)
class Page:
    """Which of the hits are shown, and how."""

    top: Annotated[int | None, typer.Option("--top", "-n", min=1, help="Hits shown.")] = None
    offset: Annotated[
        int, typer.Option(min=0, help="Hits left out before the first one shown.")
    ] = 0
    confident: Annotated[
        bool, typer.Option("--confident", help="Only hits that chance would hardly find.")
    ] = False
    explain: Annotated[bool, typer.Option("--explain", help="Show every term of every score.")] = (
        False
    )
    facets: Annotated[
        bool, typer.Option("--facets", help="Count what is found by language, year, tag, ...")
    ] = False
    export: Annotated[
        list[Path] | None,
        typer.Option(
            "--export",
            metavar="FILE",
            help="Write the moments: .csv, .json, .srt, .vtt, .m3u8, .edl, .otio; .mp4 is a reel "
            "of all, .zip their clips, .jpg a sheet of pictures. May be repeated.",
        ),
    ] = None
    weaker: Annotated[bool, typer.Option("--weaker", help="Show also hits that hardly answer.")] = (
        False
    )
    lines: Lines = False
    json: Json = False


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What is searched with beside words."""

    example: Annotated[
        list[str] | None,
        typer.Option(
            "--example",
            "-e",
            metavar="FILE|VIDEO@12.5",
            help="A picture, clip or sound, or a frame of an indexed video; the question then "
            "says what is to be different.",
        ),
    ] = None
    like: Annotated[
        list[str] | None,
        typer.Option(metavar="VIDEO[@12.5]", help="A hit that answers: more like this."),
    ] = None
    dislike: Annotated[
        list[str] | None,
        typer.Option(metavar="VIDEO[@12.5]", help="A hit that does not answer: less like this."),
    ] = None


@grouped
def search(
    text: Annotated[
        str, typer.Argument(help="The question; may be left out with --example or --facets.")
    ] = "",
    index_dir: IndexDir = None,
    *,
    page: Page,
    shown: Shown,
    only: Only,
    ways: Ways,
) -> None:
    """Find videos and the moments inside them.

    The question may be in any language, whatever the videos speak. Each hit says which channel
    found it and when. A plain sentence is taken as it is; beyond that:

    \b
      "crowd gathers" then "police arrive" within 2m     one after the other
      "goal" before "whistle"      "rain" during speech:"flood"
      first time "goal"            every time "goal"
      dog not indoors              -"stock footage"      leave out
      "flood" or "storm"           (dogs or cats) not puppies
      speech:"state of emergency"  screen:"BREAKING"     these very words
      lang:ar,fr  after:2020-05  before:2021  duration:<5m  tag:sport  channel:speech

    What was found can be named by its number:  q2e play 1,  q2e clip --hit 1.  The exit code is
    1 where nothing was found.
    """
    one_thread()
    import q2e
    from q2e import shape
    from q2e.cli import last
    from q2e.cli.render import print_lines

    sure = {"confident": True} if page.confident else {}
    index = q2e.open(directory(index_dir), **ways.given() | sure)
    if page.facets:
        counted = index.facets(text, filters=only.filters())
        if page.json:
            print_json(counted)
        else:
            _print_facets(counted)
        return
    results = index.search(
        text,
        filters=only.filters(),
        top=page.top,
        offset=page.offset,
        examples=shown.example or (),
        like=shown.like or (),
        dislike=shown.dislike or (),
    )
    last.keep(index.directory, results)
    _export(results, page.export or ())
    if page.json:
        print_json(shape.results(results))
    elif page.lines:
        print_lines(results)
    else:
        _print_found(results, page)
    if not results.info["found"]:
        raise typer.Exit(1)


def _print_facets(counted: dict[str, dict[str, int]]) -> None:
    for name, values in counted.items():
        if values:
            shown = ", ".join(f"{value} ({count})" for value, count in values.items())
            typer.echo(f"{name}: {shown}")


def _export(results: Results, files: Iterable[Path]) -> None:
    from q2e.export import write

    for file in files:
        talk(f"wrote {write(results, file)}")


def _print_found(results: Results, page: Page) -> None:
    """Print the hits; how the question was read, and what else there is, goes beside them."""
    from q2e.cli.render import print_results
    from q2e.methods.decompose.events import NO_EVENT
    from q2e.query.language import write

    print_results(results, page.explain, page.weaker)
    if results.query.clause is not None:
        talk(f"understood as: {write(results.query.clause)}")
    shown = page.offset + len(results.hits)
    if results.info["found"] > shown:
        talk(f"{results.info['found'] - shown} more: add  --offset {shown}")
    notes = (
        results.info["hint"],
        # With --explain it stands above the hits; without, only what went wrong matters.
        "" if page.explain else results.decomposition.note.removesuffix(NO_EVENT).rstrip("; "),
        results.info["expand"]["note"],
        results.info["rerank"].get("note"),
    )
    for note in filter(None, notes):
        talk(f"note: {note}")


def ask(
    text: Annotated[str, typer.Argument(help="The question.", show_default=False)],
    index_dir: IndexDir = None,
    top: Annotated[int, typer.Option("--top", "-n", min=1, help="Hits shown.")] = 5,
    rounds: Annotated[int, typer.Option(min=1, help="Questions back, at most.")] = 5,
    json: Json = False,
) -> None:
    """Search, and narrow the hits down by answering questions about them.

    After each answer the question is shown as it has become, so that it can be used again with
    search. With --json the first question back is printed, each answer with the question to ask
    next. The exit code is 1 where nothing was found.
    """
    one_thread()
    import q2e
    from q2e import shape
    from q2e.cli import last
    from q2e.cli.render import print_results

    index = q2e.open(directory(index_dir))
    for _ in range(rounds):
        back = index.clarify(text)
        if json:
            print_json(shape.clarification(back))
            return
        results = index.search(text, top=top) if back is None else back.results
        results = replace(results, hits=results.hits[:top])
        last.keep(index.directory, results)
        print_results(results, explain=False)
        if not results.hits:
            raise typer.Exit(1)
        if back is None:
            talk("nothing that is known about the hits tells them apart")
            return
        talk(back.question)
        for number, option in enumerate(back.options, 1):
            talk(f"  {number}  {option.label}  ({option.videos} of the hits)")
        try:
            answer = typer.prompt(
                "number, or Enter to stop", default="", show_default=False, err=True
            )
        except typer.Abort:  # The input has ended.
            return
        if not answer.isdecimal() or not 1 <= int(answer) <= len(back.options):
            return
        text = back.options[int(answer) - 1].text
        talk(f"q2e search {shlex.quote(text)}")


@grouped
def run(
    queries: Annotated[
        Path, typer.Option("--queries", help="Lines of id, tab, text.", show_default=False)
    ],
    out: Annotated[
        Path, typer.Option("--out", help="Run file in TREC format.", show_default=False)
    ],
    index_dir: IndexDir = None,
    top: Annotated[int, typer.Option("--top", "-n", min=1, help="Videos of each query.")] = 100,
    name: Annotated[str, typer.Option(help="Name of the run, its last column.")] = "q2e",
    moments: Annotated[
        Path | None,
        typer.Option(
            "--moments",
            metavar="FILE",
            help="Write also the moments of each query, as  q2e eval moments  reads them.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    *,
    only: Only,
    ways: Ways,
) -> None:
    """Answer a file of questions and write a TREC run; run again to go on after a stop."""
    import q2e
    from q2e.cli.progress import CountProgress
    from q2e.evaluate.run_checks import run_warnings
    from q2e.search.plan import Plan

    index = q2e.open(directory(index_dir), **ways.given())
    with CountProgress("questions", quiet) as progress:
        done = index.run(
            queries, out, filters=only.filters(), top=top, name=name, watch=progress.watch
        )
    if moments is not None:
        with CountProgress("questions", quiet) as progress:
            before = index.run_moments(
                queries, moments, filters=only.filters(), top=top, watch=progress.watch
            )
        talk(f"moments: {moments}, {before} queries were done before")
    if json:
        print_json({"queries": done.queries, "resumed": done.resumed, "out": str(out)})
    else:
        talk(f"{done.queries} queries answered, {done.resumed} were done before: {out}")
    for warning in run_warnings(index, queries, out):
        talk(f"warning: {warning}")
    if again := Plan.of(index.settings).reranked:
        depth = min(again["depth"], top)
        talk(
            f"the first {depth} of each list were ranked again by {again['strategy']}; R@{depth} "
            "of this run is that of its candidates, the most that reranking can reach"
        )
