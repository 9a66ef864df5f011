"""`q2e eval paper`: the tables of the paper Q2E, run again over any data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from q2e.cli.figures import finite, number
from q2e.cli.options import Json, Set, print_json, settings_given, talk

if TYPE_CHECKING:
    from q2e.evaluate.paper_tables import Line, PaperTable


def paper(
    folder: Annotated[
        Path, typer.Argument(help="Where the data set's files lie.", show_default=False)
    ],
    out: Annotated[
        Path, typer.Option("--out", help="Folder for index, tables.md and tables.json.")
    ],
    name: Annotated[
        str, typer.Option("--set", "-s", help="Data set of  q2e eval datasets; own for one's own.")
    ] = "own",
    videos: Annotated[
        Path | None, typer.Option("--videos", help="Folder or manifest of the videos to read.")
    ] = None,
    index: Annotated[
        Path | None, typer.Option("--index", help="An index of the videos, instead of --videos.")
    ] = None,
    language_model: Annotated[
        str | None, typer.Option("--language-model", help="Source of what unfolds the questions.")
    ] = None,
    vision_model: Annotated[
        str | None, typer.Option("--vision-model", help="Source of what describes the pictures.")
    ] = None,
    settings: Set = None,
    json: Json = False,
) -> None:
    """Run the tables of the paper Q2E again, to the letter of its released code.

    Retrieval with and without events and speech, by language, rules of fusion, components, and all
    31 subsets of its scores. Questions are normalised as one batch, so every row is transductive.
    What a row needs and is not there is said in the row. Without --videos and --index the texts
    that the set itself holds are searched. What answers is named above the tables; a scripted
    server proves the path and says nothing of quality.

    \b
      q2e eval paper samples --videos samples/clips --out tables
      q2e eval paper samples --index samples.q2e --out tables --language-model http://HOST/v1#NAME
    """
    from q2e.evaluate.paper_tables import Paper, tables
    from q2e.search.plan import Plan
    from q2e.settings import changed

    given = settings_given(settings, {})
    models = {"language_model": language_model, "vision_model": vision_model}
    given |= {key: value for key, value in models.items() if value is not None}
    models_named = _answering(given)
    bench = _bench(name, folder, videos, index, out, given)
    used = changed(bench.index.settings, {"recipe": "q2e"} | given)
    Plan.of(used)
    for warning in bench.warnings:
        talk(f"warning: {warning}")
    found = Paper(bench, used, out)
    made = list(tables(found, name, lambda what: talk(f"table: {what}")))
    head = {
        "set": name,
        "index": str(bench.index.directory),
        "profile": bench.index.settings.profile,
        "models": models_named,
    }
    text = "\n".join([_head(head, len(found.queries)), *(_markdown(one) for one in made)])
    (out / "tables.md").write_text(text, encoding="utf-8")
    shape = head | {
        "questions": len(found.queries),
        "transductive": True,
        "warnings": list(bench.warnings),
        "tables": [_shape(one) for one in made],
    }
    import json as json_lib

    whole = json_lib.dumps(finite(shape), ensure_ascii=False, indent=1)
    (out / "tables.json").write_text(whole + "\n", encoding="utf-8")
    if json:
        print_json(finite(shape))
    else:
        print(text)
        talk(f"tables: {out / 'tables.md'}")


def _answering(given: dict[str, Any]) -> dict[str, str]:
    """Return the models that answer by what they are for, asked once before videos are read.

    Raises ModelError where the language model gives no answer: every question would wait for it.
    """
    from q2e.models.language import language_model
    from q2e.models.registry import Models
    from q2e.settings import load_settings

    settings = load_settings(**{"recipe": "q2e"} | given)
    models, found = Models(settings), {}
    if settings.language_model is not None or models.has("language"):
        model = language_model(settings, models)
        model.complete("Answer with the one word: yes", max_tokens=16, timeout_s=120.0)
        found["language"] = model.info.id
    if settings.vision_model is not None:
        found["vision"] = settings.vision_model
    return found


def _head(about: dict[str, Any], questions: int) -> str:
    """Return what all tables rest on."""
    named = ", ".join(f"{kind} {name}" for kind, name in about["models"].items())
    return (
        f"# The tables of the paper Q2E, over the set {about['set']}\n\n"
        f"{questions} questions as one batch (every row is transductive), index {about['index']}, "
        f"profile {about['profile']}, models that answer: {named or 'none'}.\n"
        "In brackets what the paper prints.\n"
    )


def _bench(
    name: str,
    folder: Path,
    videos: Path | None,
    index: Path | None,
    out: Path,
    given: dict[str, Any],
) -> Any:
    """Return the data set with an index of its videos, read where they are given."""
    import q2e
    from q2e.errors import ConfigError
    from q2e.evaluate.conduct_index import IndexBench
    from q2e.evaluate.experiment import Experiment, Row
    from q2e.evaluate.paper_tables import MEASURES

    if videos is not None and index is not None:
        raise ConfigError("--videos and --index: give one of them")
    out.mkdir(parents=True, exist_ok=True)
    where = index
    if videos is not None:
        where = out / "videos.q2e"
        with q2e.open(where, **({"recipe": "q2e-live"} | _without_models(given) | given)) as read:
            report = read.add(videos)
        for failure in report.failures:
            talk(f"warning: {failure.path}: {failure.reason}")
    data: dict[str, Any] = {"set": name, "folder": folder, "direction": "text-to-video"}
    data |= {"merge": True} | ({} if where is None else {"index": where})
    rows = (Row("as published", {"recipe": "q2e"} | given),)
    title = "The tables of the paper Q2E"
    plan = Experiment(title, "nothing", MEASURES, 100, rows, None, data, {}, None)
    return IndexBench(plan, out, None)


def _without_models(given: dict[str, Any]) -> dict[str, Any]:
    """Return how videos are read where a model of the paper's reading is not there, and say so."""
    from q2e.models.registry import Models
    from q2e.settings import load_settings

    settings = load_settings(**{"recipe": "q2e-live"} | given)
    models, found = Models(settings), dict[str, Any]()
    if settings.vision_model is None and not models.has("vision"):
        found["captions"] = "composed"
        talk("warning: no --vision-model: captions are composed of what channels found")
    if settings.language_model is None and not models.has("language"):
        found |= {"summary": "composed", "speech_layers": ()}
        talk("warning: no --language-model: summaries are composed, speech is as it was heard")
    return found


def _shape(table: PaperTable) -> dict[str, Any]:
    rows = [
        {
            "name": one.name,
            "values": None if one.values is None else dict(one.values),
            "published": None if one.published is None else dict(one.published),
            "missing": one.missing or None,
        }
        for one in table.lines
    ]
    return {"title": table.title, "rows": rows}


def _markdown(table: PaperTable) -> str:
    names = list(dict.fromkeys(name for one in table.lines for name in one.values or ()))
    lines = [f"## {table.title}", "", "| row | " + " | ".join([*names, "note"]) + " |"]
    lines.append("|" + "---|" * (len(names) + 2))
    for one in table.lines:
        lines.append(f"| {one.name} | " + " | ".join([*_cells(one, names), one.missing]) + " |")
    return "\n".join(lines) + "\n"


def _cells(line: Line, names: list[str]) -> list[str]:
    """Return what was measured, with what the paper prints in brackets."""
    cells = []
    for name in names:
        own = "-" if line.values is None or name not in line.values else number(line.values[name])
        told = "" if line.published is None else f" ({number(line.published[name])})"
        cells.append(own + told)
    return cells
