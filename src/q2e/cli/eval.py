"""`q2e eval`: measure runs and score matrices against judgements, and compare them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from q2e.cli.figures import finite, number, print_values
from q2e.cli.later import later
from q2e.cli.options import Json, print_json, talk
from q2e.errors import EvaluationError

if TYPE_CHECKING:
    from q2e.evaluate.compare import Comparison, Interval
    from q2e.evaluate.judging import Evaluation
    from q2e.evaluate.measures import Judged, Measure

#: As in `q2e.cli`.
_COMMANDS = {
    "datasets": (
        "q2e.cli.datasets:datasets",
        "List the field's data sets, or check one in a folder and write it for other commands.",
    ),
    "experiment": (
        "q2e.cli.experiment:experiment",
        "Run an experiment and write one HTML page, Markdown, CSV and JSON.",
    ),
    "matrix": (
        "q2e.cli.matrix:matrix",
        "Normalise, fuse and measure score matrices, in both directions.",
    ),
    "paper": (
        "q2e.cli.paper:paper",
        "Run the tables of the paper Q2E again, to the letter of its released code.",
    ),
    "scores": (
        "q2e.cli.scores:scores",
        "Write raw scores, questions x videos: the five of Q2E, cosines or the MaxSim of tokens.",
    ),
    "head": (
        "q2e.cli.train:head",
        "Measure what q2e train has learnt, on a split of features.",
    ),
    "answers": (
        "q2e.cli.judge_answers:answers",
        "Measure answers: ROUGE-L, citations against right times, what was answered and refused.",
    ),
    "contrast": (
        "q2e.cli.contrast:contrast",
        "Measure whether captions score higher than captions that are wrong in one thing.",
    ),
    "moments": (
        "q2e.cli.judge_moments:moments",
        "Measure moments over all videos: R@n at IoU m, mIoU, and TVR-Ranking's nDCG@n at IoU m.",
    ),
    "label": (
        "q2e.cli.label:label",
        "Judge hits of your own questions, one key each; `q2e eval labels` gives the measures.",
    ),
    "labels": (
        "q2e.cli.label:labels",
        "Measure the search on the labelled questions, with intervals from twenty labels on.",
    ),
    "channels": (
        "q2e.cli.label:channels",
        "Leave each channel out in turn and say which earns its keep on your labels or judgements.",
    ),
    "run": (
        "q2e.cli.eval:run_command",
        "Measure a run over every judged query; queries it lacks count as 0 and are named.",
    ),
    "compare": (
        "q2e.cli.eval:compare_command",
        "Compare two runs: differences with intervals, paired tests, who gained and who lost.",
    ),
}

app = typer.Typer(
    name="eval",
    cls=later(_COMMANDS),
    help="Measure: runs, answers, matrices, data sets, experiments, and your own index by labels.",
    no_args_is_help=True,
    add_completion=False,
)


@app.callback()
def _start() -> None:
    """Take nothing before a command; an app without commands of its own needs this."""


_Qrels = Annotated[Path, typer.Option("--qrels", help="Judgements, TREC text or .json.")]
_Measures = Annotated[
    str, typer.Option("--measures", help="Comma-separated, e.g. nDCG@10,R@1,Success@5,MRR.")
]


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
    places = {query: judge(given.get(query, {}), items) for query, items in judged.items()}
    groups = _by_group(places, wanted, read_groups(by)) if by else None
    _warn(found)
    if json:
        ranks = set_ranks(places.values())
        answer = _run(found, ranks, again, groups)
        print_json(finite(answer | ({"per_query": found.per_query} if per_query else {})))
    else:
        _print_run(found, again, groups or {}, per_query)


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
        print_json(finite(_comparison(found)))
        return
    _print_comparison(found, top)


# -- helpers ----------------------------------------------------------------------------------


def _by_group(
    judged: Mapping[str, Judged], measures: Sequence[Measure], groups: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    from q2e.evaluate.judging import summarise

    unknown = [query for query in judged if query not in groups]
    if unknown:
        raise EvaluationError(
            f"{len(unknown)} judged queries have no group, e.g. {unknown[0]!r}; give each one"
        )
    table: dict[str, dict[str, Any]] = {}
    for group in sorted({groups[query] for query in judged}):
        members = {query: one for query, one in judged.items() if groups[query] == group}
        table[group] = {
            "queries": len(members),
            "measures": dict(summarise(members, measures).values),
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


def _print_run(
    found: Evaluation,
    candidates: Mapping[str, Any],
    groups: Mapping[str, Any],
    per_query: bool,
) -> None:
    from q2e.evaluate.run_checks import candidates_said

    print_values(found.values, _intervals(found))
    if candidates:
        print(candidates_said(candidates))
    for group, part in groups.items():
        print(f"\n{group} ({part['queries']} queries)")
        print_values(part["measures"], {})
    if per_query:
        for measure, values in found.per_query.items():
            for query, value in values.items():
                print(f"{measure}\t{query}\t{number(value)}")


def _print_comparison(found: Comparison, top: int) -> None:
    for one in found.differences:
        print(
            f"{one.measure}: A {number(one.a.value)}, B {number(one.b.value)}, difference "
            f"{one.difference.value:+.4f} [{one.difference.low:+.4f}, {one.difference.high:+.4f}], "
            f"p {one.p_value:.4g} (Holm {one.p_holm:.4g}); {len(one.gained)} gained, "
            f"{len(one.lost)} lost, {one.equal} equal"
        )
        for sign, rows in (("+", one.gained), ("-", one.lost)):
            for query, before, after in rows[:top]:
                print(f"  {sign} {query}\t{number(before)} -> {number(after)}")


def _say(text: str, names: tuple[str, ...]) -> None:
    more = ", ..." if len(names) > 5 else ""
    talk(f"warning: {text}{', '.join(names[:5])}{more}")
