"""The layout of anybody's own set: a table or lines of questions and the videos that answer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from q2e.errors import EvaluationError
from q2e.evaluate.datasets.base import (
    Dataset,
    Files,
    Spec,
    id_of,
    number_of,
    objects_of,
    rows_of,
)
from q2e.evaluate.moment_measures import VideoMoment

#: Names of the two columns that a row needs, the usual one first.
_QUERY, _VIDEO = ("query", "question"), ("video", "expected", "answer")


def own(spec: Spec, files: Files) -> Dataset:
    """Rows with `query` and `video`, and optional `id`, `relevance`, `start`, `end`, `group`.

    `question` may stand for `query`, `expected` or `answer` for `video`, `language` for `group`.

    `queries.csv` (with a head), `queries.tsv` or `queries.jsonl`; rows of the same question (or
    `id`) belong together. `evidence.jsonl`, as for `q2e import`, adds texts and videos that no
    question asks for.
    """
    brought = files.one("evidence.jsonl")
    evidence = tuple(objects_of(brought)) if brought else ()
    return judged(files.needed("queries.jsonl", "queries.csv", "queries.tsv"), evidence)


def judged(path: Path, evidence: tuple[Mapping[str, Any], ...] = ()) -> Dataset:
    """Return the set of one table or file of lines, as `own` reads it; `evidence` beside it.

    Raises EvaluationError naming the file and row that is not so.
    """
    if path.suffix == ".jsonl":
        rows: list[dict[str, Any]] = objects_of(path)
    else:
        rows = list(rows_of(path, (), "\t" if path.suffix == ".tsv" else ","))
    asked, meant = _column(path, rows, _QUERY), _column(path, rows, _VIDEO)
    queries: dict[str, str] = {}
    qrels: dict[str, dict[str, int]] = {}
    groups: dict[str, str] = {}
    moments: dict[str, list[VideoMoment]] = {}
    numbers: dict[str, str] = {}
    for number, row in enumerate(rows, 1):
        where = f"{path}, row {number}"
        text, video = str(row.get(asked) or "").strip(), id_of(row.get(meant) or "")
        if not text or not video:
            raise EvaluationError(f"{where}: needs {asked} and {meant}, got {text!r} and {video!r}")
        query = id_of(row.get("id") or "") or numbers.setdefault(text, str(len(numbers) + 1))
        if queries.setdefault(query, text) != text:
            raise EvaluationError(f"{where}: id {query!r} stands for {queries[query]!r} too")
        grade = number_of(row, "relevance", where)
        qrels.setdefault(query, {})[video] = 1 if grade is None else int(grade)
        if row.get("group") or row.get("language"):
            groups[query] = str(row.get("group") or row.get("language"))
        start, end = number_of(row, "start", where), number_of(row, "end", where)
        if end is not None:
            moments.setdefault(query, []).append(VideoMoment(video, start or 0.0, end, grade or 1))
    videos = dict.fromkeys(id_of(one.get("video", "")) for one in evidence)
    videos |= dict.fromkeys(video for items in qrels.values() for video in items)
    return Dataset(queries, qrels, tuple(videos), groups, moments, evidence)


def _column(path: Path, rows: list[dict[str, Any]], names: tuple[str, ...]) -> str:
    """Return under which of its names rows hold what they need."""
    if not rows:
        raise EvaluationError(f"{path}: holds no rows of {names[0]}")
    held = dict.fromkeys(name for row in rows for name in row)
    if not any(name in held for name in names):
        raise EvaluationError(
            f"{path}: no column {names[0]!r} (or {', '.join(names[1:])}); it has "
            f"{', '.join(map(str, held))}"
        )
    return next(name for name in names if name in held)
