"""`q2e eval`: measure runs and score matrices against judgements, and compare them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from q2e.cli.datasets import datasets
from q2e.cli.experiment import experiment
from q2e.cli.judge_moments import moments
from q2e.cli.label import channels, label, labels
from q2e.cli.options import Json, print_json, talk
from q2e.errors import ConfigError, EvaluationError

if TYPE_CHECKING:
    from q2e.evaluate.compare import Comparison, Interval
    from q2e.evaluate.judging import Evaluation
    from q2e.evaluate.matrix import MatrixReport

app = typer.Typer(
    name="eval",
    help="Measure: runs, score matrices, data sets, experiments, and your own index by labels.",
    no_args_is_help=True,
    add_completion=False,
)

app.command("datasets")(datasets)
app.command("experiment")(experiment)
app.command("moments")(moments)
app.command("label")(label)
app.command("labels")(labels)
app.command("channels")(channels)

_Qrels = Annotated[Path, typer.Option("--qrels", help="Judgements, TREC text or .json.")]
_Measures = Annotated[
    str, typer.Option("--measures", help="Comma-separated, e.g. nDCG@10,R@1,Success@5,MRR.")
]


@app.command("run")
def run_command(
    run: Annotated[Path, typer.Argument(help="Ranked lists, TREC text or .json.")],
    qrels: _Qrels,
    measures: _Measures = "nDCG@10,R@1,R@5,R@10,Success@1,MRR@10,MAP",
    by: Annotated[
        Path | None, typer.Option("--by", help="Lines query<TAB>group: measure each group too.")
    ] = None,
    per_query: Annotated[
        bool, typer.Option("--per-query", help="Also print the value of every query.")
    ] = False,
    video_to_text: Annotated[
        bool,
        typer.Option(
            "--video-to-text",
            help="The other direction: which queries each video finds, by a run of all videos.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Measure a run over every judged query; queries it lacks count as 0 and are named.

    Of a run that `q2e run` ranked again, the recall of its candidates is printed too.
    """
    from q2e.evaluate.direction import turned, unscored
    from q2e.evaluate.judging import evaluate_run, judge, set_ranks
    from q2e.evaluate.measures import parse_measures
    from q2e.evaluate.run_checks import candidate_recall, strange_items
    from q2e.evaluate.runs import read_groups, read_qrels, read_run
    from q2e.search.batch import about_of

    wanted = parse_measures(measures)
    given, judged = read_run(run), read_qrels(qrels)
    again = candidate_recall(about_of(run), given, judged)
    for strange in strange_items(given, judged):
        talk(f"warning: {strange}")
    if video_to_text:
        if short := unscored(given, judged):
            talk(f"warning: {short}")
        given, judged = turned(given, judged)
    found = evaluate_run(given, judged, wanted)
    groups = _by_group(found, read_groups(by)) if by else None
    _warn(found)
    if json:
        ranks = set_ranks(judge(given.get(query, {}), items) for query, items in judged.items())
        answer = _run(found, ranks, again, groups)
        print_json(_finite(answer | ({"per_query": found.per_query} if per_query else {})))
    else:
        _print_run(found, again, groups or {}, per_query)


@app.command("compare")
def compare_command(
    run_a: Annotated[Path, typer.Argument(help="The run to beat.")],
    run_b: Annotated[Path, typer.Argument(help="The run that may be better.")],
    qrels: _Qrels,
    measures: _Measures = "nDCG@10,R@1,MRR@10,MAP",
    top: Annotated[
        int, typer.Option("--top", min=0, help="Queries shown of those that gained and lost.")
    ] = 10,
    json: Json = False,
) -> None:
    """Compare two runs: differences with intervals, paired tests, who gained and who lost."""
    from q2e.evaluate.compare import compare_runs
    from q2e.evaluate.measures import parse_measures
    from q2e.evaluate.runs import read_qrels, read_run

    wanted = parse_measures(measures)
    found = compare_runs(read_run(run_a), read_run(run_b), read_qrels(qrels), wanted)
    for name, missing in (("A", found.missing_a), ("B", found.missing_b)):
        if missing:
            _say(f"{len(missing)} judged queries are not in run {name} and count as 0: ", missing)
    if json:
        print_json(_finite(_comparison(found)))
        return
    _print_comparison(found, top)


@app.command("matrix")
def matrix_command(
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
        float | None,
        typer.Option("--temperature", help="That of a transform over a batch, else of the rule."),
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
    report = evaluate_matrices(
        [load_matrix(path) for path in matrices],
        relevance=None if relevant is None else load_matrix(relevant),
        ids=[load_ids(path) for path in ids or []],
        banks=[load_matrix(path) for path in bank or []],
        rule=fuse,
        mode=normalise,
        temperature=temperature,
        weights=_weights(weights, len(matrices)),
        correction=correction,
        ties=ties,  # type: ignore[arg-type]
        measures=parse_measures(measures or MATRIX_MEASURES),
    )
    for note in report.notes:
        talk(f"note: {note}")
    settings = {
        "matrices": [str(path) for path in matrices],
        "fuse": fuse if len(matrices) > 1 else None,
        "normalise": normalise,
        "temperature": temperature,
        "weights": _weights(weights, len(matrices)),
        "correction": correction,
        "banks": [str(path) for path in bank or []],
        "ties": ties,
    }
    if json:
        print_json(_finite(_matrix(report, settings)))
        return
    _print_matrix(report)


# -- helpers ----------------------------------------------------------------------------------


def _by_group(found: Evaluation, groups: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    from q2e.evaluate.measures import Measure

    queries = list(next(iter(found.per_query.values())))
    unknown = [query for query in queries if query not in groups]
    if unknown:
        raise EvaluationError(
            f"{len(unknown)} judged queries have no group, e.g. {unknown[0]!r}; give each one"
        )
    table: dict[str, dict[str, Any]] = {}
    for group in sorted({groups[query] for query in queries}):
        members = [query for query in queries if groups[query] == group]
        table[group] = {
            "queries": len(members),
            "measures": {
                name: Measure.of(name).overall(values[query] for query in members)
                for name, values in found.per_query.items()
            },
        }
    return table


def _intervals(found: Evaluation) -> dict[str, list[float]]:
    from q2e.evaluate.compare import bootstrap
    from q2e.evaluate.measures import Measure

    intervals = {}
    for name, values in found.per_query.items():
        if not Measure.of(name).lower_is_better:
            interval = bootstrap(list(values.values()))
            intervals[name] = [interval.low, interval.high]
    return intervals


def _warn(found: Evaluation) -> None:
    """Say which queries count as 0 or not at all."""
    for queries, said in (
        (found.missing, "judged queries are not in the run and count as 0"),
        (found.unjudged, "queries of the run have no judgement, left out"),
        (found.irrelevant, "queries have no relevant item, count as 0"),
    ):
        if queries:
            _say(f"{len(queries)} {said}: ", queries)


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


def _interval(value: Interval) -> dict[str, float]:
    return {"value": value.value, "low": value.low, "high": value.high}


def _run(
    found: Evaluation,
    ranks: Mapping[str, float],
    candidates: Mapping[str, Any],
    groups: Mapping[str, Any] | None,
) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "queries": found.n_queries,
        "measures": found.values,
        "intervals": _intervals(found),
        "set_ranks": ranks,
        "missing": list(found.missing),
        "unjudged": list(found.unjudged),
        "irrelevant": list(found.irrelevant),
        "candidates": candidates or None,
    }
    return answer if groups is None else answer | {"groups": groups}


def _comparison(found: Comparison) -> dict[str, Any]:
    return {
        "queries": found.n_queries,
        "missing_a": list(found.missing_a),
        "missing_b": list(found.missing_b),
        "measures": {
            one.measure: {
                "a": _interval(one.a),
                "b": _interval(one.b),
                "difference": _interval(one.difference),
                "p_value": one.p_value,
                "p_holm": one.p_holm,
                "gained": [{"query": q, "a": a, "b": b} for q, a, b in one.gained],
                "lost": [{"query": q, "a": a, "b": b} for q, a, b in one.lost],
                "equal": one.equal,
            }
            for one in found.differences
        },
    }


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


def _finite(value: Any) -> Any:
    """Replace infinite ranks, which JSON cannot hold, by null."""
    if isinstance(value, Mapping):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _print_run(
    found: Evaluation,
    candidates: Mapping[str, Any],
    groups: Mapping[str, Any],
    per_query: bool,
) -> None:
    from q2e.evaluate.run_checks import candidates_said

    _print_values(found.values, _intervals(found))
    if candidates:
        print(candidates_said(candidates))
    for group, part in groups.items():
        print(f"\n{group} ({part['queries']} queries)")
        _print_values(part["measures"], {})
    if per_query:
        for measure, values in found.per_query.items():
            for query, value in values.items():
                print(f"{measure}\t{query}\t{_number(value)}")


def _print_comparison(found: Comparison, top: int) -> None:
    for one in found.differences:
        print(
            f"{one.measure}: A {_number(one.a.value)}, B {_number(one.b.value)}, difference "
            f"{one.difference.value:+.4f} [{one.difference.low:+.4f}, {one.difference.high:+.4f}], "
            f"p {one.p_value:.4g} (Holm {one.p_holm:.4g}); {len(one.gained)} gained, "
            f"{len(one.lost)} lost, {one.equal} equal"
        )
        for sign, rows in (("+", one.gained), ("-", one.lost)):
            for query, before, after in rows[:top]:
                print(f"  {sign} {query}\t{_number(before)} -> {_number(after)}")


def _print_matrix(report: MatrixReport) -> None:
    for name, found in (
        ("queries to items", report.queries_to_items),
        ("items to queries", report.items_to_queries),
    ):
        print(name + (" (transductive)" if report.transductive else ""))
        _print_values(found.values, {})


def _print_values(values: Mapping[str, float], intervals: Mapping[str, list[float]]) -> None:
    width = max(len(name) for name in values)
    for name, value in values.items():
        bounds = intervals.get(name)
        extra = f"  [{bounds[0]:.4f}, {bounds[1]:.4f}]" if bounds else ""
        print(f"{name:<{width}}  {_number(value)}{extra}")


def _number(value: float) -> str:
    return f"{value:.4f}" if math.isfinite(value) else "not found"


def _say(text: str, names: tuple[str, ...]) -> None:
    more = ", ..." if len(names) > 5 else ""
    talk(f"warning: {text}{', '.join(names[:5])}{more}")
