"""Reads and writes ranked lists and judgements: TREC text and JSON; nothing else does.

TREC run: `query Q0 item rank score tag` a line; the rank is ignored as trec_eval does. TREC
qrels: `query 0 item relevance`. JSON: `{"query": {"item": number}}`. The format is chosen by the
file's ending, `.json` or anything else.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from q2e.errors import EvaluationError
from q2e.evaluate.judging import Qrels, Run, ranking
from q2e.evaluate.moment_measures import VideoMoment


def read_run(path: Path) -> dict[str, dict[str, float]]:
    """Return a run. Raises EvaluationError naming file and line of what is wrong."""
    if path.suffix == ".json":
        return _read_json(path, "score")
    run: dict[str, dict[str, float]] = {}
    for number, fields in _lines(path, "query Q0 item rank score tag", 6):
        query, item = fields[0], fields[2]
        score = _number(path, number, "score", fields[4])
        _add(run, path, f"line {number}", query, item, score)
    return run


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Return judgements. Raises EvaluationError naming file and line of what is wrong."""
    table: dict[str, dict[str, float]] = {}
    if path.suffix == ".json":
        table = _read_json(path, "relevance")
    else:
        for number, fields in _lines(path, "query 0 item relevance", 4):
            grade = _number(path, number, "relevance", fields[3])
            _add(table, path, f"line {number}", fields[0], fields[2], grade)
    qrels: dict[str, dict[str, int]] = {}
    for query, items in table.items():
        for item, grade in items.items():
            if grade != int(grade):
                raise EvaluationError(
                    f"{path}: query {query!r}, item {item!r}: relevance must be a whole number, "
                    f"got {grade}"
                )
        qrels[query] = {item: int(grade) for item, grade in items.items()}
    if not qrels:
        raise EvaluationError(f"{path}: holds no judgement")
    return qrels


def read_moments(path: Path) -> dict[str, list[VideoMoment]]:
    """Return moments by query of `{"query": [[video, start, end, relevance], ...]}`.

    The relevance may be left out. Raises EvaluationError naming the query of a wrong entry.
    """
    table = _json(path)
    if not isinstance(table, Mapping):
        raise EvaluationError(f'{path}: expected {{"query": [[video, start, end], ...]}}')
    found: dict[str, list[VideoMoment]] = {}
    for query, rows in table.items():
        try:
            found[query] = [VideoMoment(str(row[0]), *map(float, row[1:4])) for row in rows]
        except (TypeError, ValueError, IndexError):
            raise EvaluationError(
                f"{path}: query {query!r} must hold [video, start, end] with seconds"
            ) from None
    return found


def write_run(path: Path, run: Run, tag: str = "q2e") -> None:
    """Write a run, best items first. Raises EvaluationError for ids TREC files cannot hold."""
    if path.suffix == ".json":
        path.write_text(json.dumps(run, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        return
    lines = [
        f"{_id(query)} Q0 {_id(item)} {rank} {items[item]!r} {_id(tag)}\n"
        for query, items in run.items()
        for rank, item in enumerate(ranking(items), start=1)
    ]
    path.write_text("".join(lines), encoding="utf-8")


def write_qrels(path: Path, qrels: Qrels) -> None:
    """Write judgements. Raises EvaluationError for ids TREC files cannot hold."""
    if path.suffix == ".json":
        path.write_text(json.dumps(qrels, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        return
    lines = [
        f"{_id(query)} 0 {_id(item)} {grade}\n"
        for query, items in qrels.items()
        for item, grade in items.items()
    ]
    path.write_text("".join(lines), encoding="utf-8")


def read_groups(path: Path) -> dict[str, str]:
    """Return {query: group} from lines `query<TAB>group`."""
    groups: dict[str, str] = {}
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        query, tab, group = line.partition("\t")
        if not tab or not query.strip() or not group.strip():
            raise EvaluationError(f"{path}, line {number}: expected query<TAB>group, got {line!r}")
        if query.strip() in groups:
            raise EvaluationError(f"{path}, line {number}: query {query.strip()!r} stands twice")
        groups[query.strip()] = group.strip()
    return groups


def read_text(path: Path) -> str:
    """Return the text of a file. Raises EvaluationError where it cannot be read as UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise EvaluationError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{path}: cannot be read as UTF-8 text ({error})") from None


def _lines(path: Path, shape: str, n_fields: int) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != n_fields:
            raise EvaluationError(
                f"{path}, line {number}: expected {n_fields} fields `{shape}`, got {len(fields)}: "
                f"{line.strip()[:80]!r}"
            )
        yield number, fields


def _number(path: Path, line: int, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise EvaluationError(f"{path}, line {line}: {name} must be a finite number, got {text!r}")
    return value


def _add(
    table: dict[str, dict[str, float]], path: Path, place: str, query: str, item: str, value: float
) -> None:
    items = table.setdefault(query, {})
    if item in items:
        raise EvaluationError(
            f"{path}, {place}: item {item!r} stands twice for query {query!r}; keep one"
        )
    items[item] = value


def _json(path: Path) -> Any:
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        where = f"{path}, line {error.lineno}"
        raise EvaluationError(f"{where}: not valid JSON ({error.msg})") from None
    except RecursionError:
        raise EvaluationError(f"{path}: not valid JSON (nested too deeply)") from None


def _read_json(path: Path, name: str) -> dict[str, dict[str, float]]:
    table = _json(path)
    if not isinstance(table, Mapping):
        raise EvaluationError(f'{path}: expected {{"query": {{"item": {name}}}}}')
    found: dict[str, dict[str, float]] = {}
    for query, items in table.items():
        if not isinstance(items, Mapping):
            raise EvaluationError(f"{path}: query {query!r} must hold {{item: {name}}}")
        found[query] = {}
        for item, value in items.items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise EvaluationError(
                    f"{path}: query {query!r}, item {item!r}: {name} must be a number, got "
                    f"{value!r}"
                )
            if not math.isfinite(value):
                raise EvaluationError(
                    f"{path}: query {query!r}, item {item!r}: {name} must be finite, got {value!r}"
                )
            found[query][item] = float(value)
    return found


def _id(text: str) -> str:
    if not text or text != "".join(text.split()):
        raise EvaluationError(
            f"{text!r} cannot be written to a TREC file: ids must not be empty or hold spaces; "
            "write .json instead"
        )
    return text
