"""`q2e eval answers`: how good answers are, by reference texts and right times."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from q2e.cli.figures import print_values
from q2e.cli.options import Json, print_json, talk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from q2e.evaluate.answers import AnswersDifference, AnswersMeasured, Reference
    from q2e.models.base import LanguageModel


def answers(
    found: Annotated[
        Path, typer.Argument(metavar="FILE", help="Answers of  q2e answer --json, one by one.")
    ],
    references: Annotated[
        Path,
        typer.Option(help='Lines {"question": …, "texts": […], "windows": [[video, start, end]]}.'),
    ],
    against: Annotated[
        Path | None,
        typer.Option(
            help="Other answers to the same questions, to be better than.", metavar="FILE"
        ),
    ] = None,
    judge: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Language model that judges which sentences follow from what they cite, as "
            "http://HOST:PORT/v1#NAME or file:MODEL.gguf.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Measure answers: ROUGE-L, citations against right times, what was answered and refused.

    `texts` and `windows` may be left out; without both, nothing answers the question and it should
    be refused. A window's video is its id, its path or the name of its file; a citation is right
    where it shares time with one. `support_words` is the share of content words that stand in
    what a sentence cites, which is no proof that it follows; with --judge a model says of each
    sentence whether it does, and `support` is their share. A question without an answer counts
    as 0. FILE may also hold articles as WikiVideo publishes them, {"EVENT": {"article": …}}.

    \b
      q2e answer "Who piloted the space shuttle?" --json >> answers.jsonl
      q2e eval answers answers.jsonl --references references.jsonl
      q2e eval answers model.jsonl --references references.jsonl --against quotes.jsonl
      q2e eval answers model.jsonl --references references.jsonl --judge http://127.0.0.1:8080/v1
    """
    from q2e.evaluate.answers import compare_answers, read_references

    right = read_references(references)
    model = None if judge is None else _model(judge)
    measured = _measured(found, right, model)
    compared = None
    _warn(found, measured)
    if against is not None:
        other = _measured(against, right, model)
        _warn(against, other)
        compared = compare_answers(measured, other)
    if json:
        print_json(_answers(measured, compared))
    else:
        _print_answers(measured, compared or {})


def _measured(
    path: Path, right: Mapping[str, Reference], model: LanguageModel | None
) -> AnswersMeasured:
    from q2e.evaluate.answers import measure_answers, read_answers
    from q2e.evaluate.entailment import supports

    answers = read_answers(path)
    if model is None:
        return measure_answers(answers, right)
    own = {question: said for question, said in answers.items() if question in right}
    return measure_answers(answers, right, supports(own, model))


def _model(name: str) -> LanguageModel:
    from q2e.models.language import language_model
    from q2e.models.registry import Models
    from q2e.settings import load_settings

    settings = load_settings(language_model=name)
    return language_model(settings, Models(settings))


def _answers(
    measured: AnswersMeasured, compared: Mapping[str, AnswersDifference] | None
) -> dict[str, Any]:
    intervals = measured.intervals
    shape: dict[str, Any] = {
        "answerable": measured.answerable,
        "unanswerable": measured.unanswerable,
        "measures": {name: one.value for name, one in intervals.items()},
        "intervals": {name: [one.low, one.high] for name, one in intervals.items()},
        "questions": {name: len(values) for name, values in measured.per_question.items()},
        "missing": list(measured.missing),
        "unjudged": list(measured.unjudged),
    }
    if compared is None:
        return shape
    differences = {
        name: {
            "questions": one.questions,
            "other": one.other,
            "difference": one.difference.value,
            "low": one.difference.low,
            "high": one.difference.high,
            "p_value": one.p_value,
            "p_holm": one.p_holm,
        }
        for name, one in compared.items()
    }
    return shape | {"against": differences}


def _print_answers(measured: AnswersMeasured, compared: Mapping[str, AnswersDifference]) -> None:
    shape = _answers(measured, None)
    print(f"{measured.answerable} answerable questions, {measured.unanswerable} unanswerable")
    print_values(shape["measures"], shape["intervals"])
    for name, one in compared.items():
        change = one.difference
        print(
            f"{name}: against {one.other:.4f}, difference {change.value:+.4f} "
            f"[{change.low:+.4f}, {change.high:+.4f}], "
            f"p {one.p_value:.4g} (Holm {one.p_holm:.4g}), {one.questions} questions"
        )


def _warn(path: Path, measured: AnswersMeasured) -> None:
    for questions, said in (
        (measured.missing, "questions of the references have no answer and count as 0"),
        (measured.unjudged, "answered questions have no reference, left out"),
    ):
        if questions:
            talk(f"warning: {path}: {len(questions)} {said}: {questions[0]}")
