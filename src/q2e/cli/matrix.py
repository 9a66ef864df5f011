"""`q2e eval matrix`: normalise, fuse and measure score matrices from files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from q2e.cli.figures import finite, print_values
from q2e.cli.options import Json, print_json, talk
from q2e.errors import ConfigError

if TYPE_CHECKING:
    from q2e.evaluate.matrix import MatrixReport


def matrix(
    matrices: Annotated[list[Path], typer.Argument(help="Score matrices (.npy), queries x items.")],
    relevant: Annotated[
        Path | None,
        typer.Option("--relevant", help="Relevance (.npy, same shape); the diagonal without it."),
    ] = None,
    ids: Annotated[
        list[Path] | None,
        typer.Option("--ids", help="Item ids, one a line; once per matrix, in their order."),
    ] = None,
    fuse: Annotated[
        str, typer.Option("--fuse", help="Rule of fusion: see  q2e methods fuse.")
    ] = "entropy",
    normalise: Annotated[
        str, typer.Option("--normalise", help="Transform: see  q2e methods normalise.")
    ] = "none",
    temperature: Annotated[
        str | None,
        typer.Option(
            "--temperature",
            help="Of a transform over a batch, one or comma-separated for each matrix; else of the "
            "rule.",
        ),
    ] = None,
    weights: Annotated[
        str | None, typer.Option("--weights", help="Comma-separated, one per matrix.")
    ] = None,
    correction: Annotated[
        str | None,
        typer.Option(
            "--correction",
            help="Hubness correction of the normalisation bank: see  q2e methods correction.",
        ),
    ] = None,
    after: Annotated[
        str | None,
        typer.Option(
            "--after", help="Transform over the batch of the fused scores, such as dual_softmax."
        ),
    ] = None,
    bank: Annotated[
        list[Path] | None,
        typer.Option(
            "--bank",
            help="Scores of other queries for the same items (.npy), once per matrix; for "
            "--normalise bank.",
        ),
    ] = None,
    ties: Annotated[str, typer.Option("--ties", help="average, pessimistic or optimistic.")] = (
        "average"
    ),
    measures: Annotated[
        str | None, typer.Option("--measures", help="Comma-separated measures.")
    ] = None,
    json: Json = False,
) -> None:
    """Normalise, fuse and measure score matrices, in both directions."""
    from q2e.evaluate.matrix import MATRIX_MEASURES, evaluate_matrices, load_ids, load_matrix
    from q2e.evaluate.measures import parse_measures

    if ties not in ("average", "pessimistic", "optimistic"):
        raise ConfigError(f"unknown ties {ties!r}; known: average, pessimistic, optimistic")
    heats = _heats(temperature, len(matrices))
    report = evaluate_matrices(
        [load_matrix(path) for path in matrices],
        relevance=None if relevant is None else load_matrix(relevant),
        ids=[load_ids(path) for path in ids or []],
        banks=[load_matrix(path) for path in bank or []],
        rule=fuse,
        mode=normalise,
        temperature=heats,
        weights=_weights(weights, len(matrices)),
        correction=correction,
        after=after,
        ties=ties,  # type: ignore[arg-type]
        measures=parse_measures(measures or MATRIX_MEASURES),
    )
    for note in report.notes:
        talk(f"note: {note}")
    settings = {
        "matrices": [str(path) for path in matrices],
        "fuse": fuse if len(matrices) > 1 else None,
        "normalise": normalise,
        "temperature": heats,
        "weights": _weights(weights, len(matrices)),
        "correction": correction,
        "after": after,
        "banks": [str(path) for path in bank or []],
        "ties": ties,
    }
    if json:
        print_json(finite(_matrix(report, settings)))
        return
    _print_matrix(report)


def _heats(text: str | None, count: int) -> float | list[float] | None:
    if text is None:
        return None
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) not in (1, count) or not all(map(math.isfinite, values)):
        raise ConfigError(
            f"--temperature {text!r}: needs one number, or {count} separated by commas"
        )
    return values[0] if len(values) == 1 else values


def _weights(text: str | None, count: int) -> list[float] | None:
    if text is None:
        return None
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) != count or any(not math.isfinite(value) or value < 0 for value in values):
        raise ConfigError(
            f"--weights {text!r}: needs {count} numbers of 0 or more, separated by commas"
        )
    return values


def _matrix(report: MatrixReport, settings: dict[str, Any]) -> dict[str, Any]:
    return {
        "settings": settings,
        "queries": report.queries_to_items.n_queries,
        "items": report.fused.shape[1],
        "measures": report.queries_to_items.values,
        "intervals": {name: [one.low, one.high] for name, one in report.intervals.items()},
        "items_to_queries": report.items_to_queries.values,
        "transductive": report.transductive,
        "notes": list(report.notes),
    }


def _print_matrix(report: MatrixReport) -> None:
    for name, found in (
        ("queries to items", report.queries_to_items),
        ("items to queries", report.items_to_queries),
    ):
        print(name + (" (transductive)" if report.transductive else ""))
        print_values(found.values, {})
