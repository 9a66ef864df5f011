"""Answers a file of questions into a run file, and goes on where an earlier run stopped."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from q2e.errors import EvaluationError

#: Key of a note under which stands what a finished file is known by.
_FINISHED = "finished"
#: Answers one question with (video id, score), best first.
Answer = Callable[[str], Sequence[tuple[str, float]]]


@dataclass(frozen=True, slots=True)
class Ran:
    """How many queries a batch answered, and how many an earlier one had."""

    queries: int
    resumed: int


def run_queries(
    queries: Path,
    out: Path,
    answer: Answer,
    *,
    name: str,
    about: Mapping[str, Any] | None = None,
    watch: Callable[[int, int], None] | None = None,
    prepare: Callable[[Sequence[str]], None] | None = None,
    said: Mapping[str, int] | None = None,
) -> Ran:
    """Write a TREC run of `queries` (lines of id, tab, text) to `out`.

    `prepare` is given all questions that are still to be answered before the first one is. `about`
    says what the answers rest on and is kept beside `out` (`about_of`), so that a run is not
    continued by a search that answers differently. `said` counts what was said of answers, and is
    read when all are given (`said_of`).

    Scores fall strictly with rank by construction of the last digits, so that a reader which
    sorts again keeps our order. The last query of an interrupted file is answered again; of a
    finished one none is, not even those that found nothing, which the note beside `out` names.
    Raises EvaluationError for lines that are not usable, with their number, and for a run that
    was begun with another `about`.
    """
    asked = read_queries(queries)
    done = _finished(out, set(asked)) or _complete_queries(out, set(asked))
    _same_search(out, about, bool(done))
    left = [text for query_id, text in asked.items() if query_id not in done]
    if prepare is not None and left:
        prepare(left)
    with out.open("a", encoding="utf-8") as file:
        for number, (query_id, text) in enumerate(asked.items(), 1):
            if query_id in done:
                continue
            file.write("".join(_lines(query_id, answer(text), name)))
            file.flush()
            if watch is not None:
                watch(number, len(asked))
    _finish(out, about, asked, said or {})
    return Ran(len(asked) - len(done), len(done))


def about_of(run: Path) -> dict[str, Any] | None:
    """Return what is known of how a run was made; None where nothing stands beside it."""
    known = _noted(run)
    about = {name: value for name, value in known.items() if name != _FINISHED}
    return about or None


def said_of(run: Path) -> dict[str, int]:
    """Return how often what was said of answers, most often first; nothing of a run cut short."""
    finished = _noted(run).get(_FINISHED)
    said = finished.get("said") if isinstance(finished, dict) else None
    return dict(Counter(said).most_common()) if isinstance(said, dict) else {}


def _noted(run: Path) -> dict[str, Any]:
    try:
        known = json.loads(_note(run).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _note(run: Path) -> Path:
    return run.with_name(f"{run.name}.about")


def _same_search(out: Path, about: Mapping[str, Any] | None, begun: bool) -> None:
    if about is None:
        return
    written = json.loads(json.dumps(about))
    if begun and _note(out).exists() and about_of(out) != written:
        raise EvaluationError(
            f"{out} was begun with other settings or another index; go on with the same ones, or "
            "name another --out"
        )
    _write_note(out, dict(about))


def _write_note(out: Path, known: dict[str, Any]) -> None:
    text = json.dumps(known, ensure_ascii=False)
    _note(out).write_text(text + "\n", encoding="utf-8")


def _finish(
    out: Path, about: Mapping[str, Any] | None, asked: Mapping[str, str], said: Mapping[str, int]
) -> None:
    """Note that a file is whole: its length, the queries that found nothing, what was said."""
    found = set(_answered(out))
    finished: dict[str, Any] = {"bytes": out.stat().st_size}
    finished["nothing"] = [one for one in asked if one not in found]
    finished["said"] = dict(said) or said_of(out)
    _write_note(out, {**(about or {}), _FINISHED: finished})


def _finished(out: Path, asked: set[str]) -> set[str]:
    """Return the queries answered by a file that was finished and is as it was then, or none."""
    finished = _noted(out).get(_FINISHED)
    if not isinstance(finished, dict) or not out.exists():
        return set()
    if finished.get("bytes") != out.stat().st_size:
        return set()
    answered = {*_answered(out), *finished.get("nothing", ())}
    return answered if answered <= asked else set()


def _answered(out: Path) -> list[str]:
    lines = out.read_text(encoding="utf-8").splitlines()
    return list(dict.fromkeys(line.split(" ", 1)[0] for line in lines if line.strip()))


def read_queries(path: Path) -> dict[str, str]:
    """Return {id: text} in the order of the file. Raises EvaluationError with the line number."""
    found: dict[str, str] = {}
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{path}: cannot be read ({error})") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        query_id, tab, text = line.partition("\t")
        if not tab or not query_id.strip() or not text.strip() or " " in query_id.strip():
            raise EvaluationError(
                f"{path}, line {number}: must be an id without blanks, a tab, and the question"
            )
        if query_id.strip() in found:
            raise EvaluationError(f"{path}, line {number}: id {query_id.strip()!r} stands twice")
        found[query_id.strip()] = text.strip()
    return found


def _lines(query_id: str, ranking: Sequence[tuple[str, float]], name: str) -> list[str]:
    lines = []
    previous = float("inf")
    for rank, (video, score) in enumerate(ranking, 1):
        # Readers of runs sort by score and break ties by name; keep our order visible to them.
        previous = min(float(score), previous - 1e-9)
        lines.append(f"{query_id} Q0 {video} {rank} {previous:.9f} {name}\n")
    return lines


def _complete_queries(out: Path, asked: set[str]) -> set[str]:
    """Return the queries that `out` answers, dropping the last one, which may be cut short."""
    if not out.exists():
        return set()
    lines = out.read_text(encoding="utf-8").splitlines(keepends=True)
    order = list(dict.fromkeys(line.split(" ", 1)[0] for line in lines if line.strip()))
    strangers = [query_id for query_id in order if query_id not in asked]
    if strangers:
        raise EvaluationError(
            f"{out} answers query {strangers[0]!r}, which is not asked; name another --out"
        )
    if not order:
        return set()
    kept = [line for line in lines if line.split(" ", 1)[0] != order[-1]]
    out.write_text("".join(kept), encoding="utf-8")
    return set(order[:-1])
