"""`q2e eval experiment`: run what one TOML file declares, and write its report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from q2e.cli.options import Json, print_json, talk


def experiment(
    file: Annotated[Path, typer.Argument(help="The experiment, a TOML file.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Where runs and report go. [default: beside the file]"
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help="Where relative paths in the file start."),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Measure anew what was measured before.")
    ] = False,
    json: Json = False,
) -> None:
    """Run an experiment and write one HTML page, Markdown, CSV and JSON.

    What was measured before is kept by the content of data, index and settings, and a stopped
    experiment goes on where it stopped. Matrices in different order and videos that another
    split holds too are refused; queries that are indexed, or that stand in the bank, are warned of.
    """
    from q2e.evaluate.conduct import conduct
    from q2e.evaluate.experiment import read_experiment
    from q2e.evaluate.report import markdown, shape, write_report

    plan = read_experiment(file, data)
    folder = file.with_suffix("") if out is None else out

    def watch(what: str, done: int, of: int) -> None:
        if done == of or done % 50 == 0:
            talk(f"{what}: {done} of {of}")

    outcome = conduct(plan, folder, watch, keep=not again)
    written = write_report(outcome, folder)
    for warning in outcome.warnings:
        talk(f"warning: {warning}")
    if json:
        found = shape(outcome)
        for row in (*found["rows"], *found["subsets"]):
            del row["per_query"]  # in results.json
        print_json(found | {"files": [str(path) for path in written]})
    else:
        print(markdown(outcome))
        talk(f"report: {written[0]}")
