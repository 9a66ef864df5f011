"""Writes the moments found for a file of questions, and goes on where an earlier run stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from q2e.errors import EvaluationError
from q2e.search.batch import read_queries
from q2e.types import Results

#: What a file that is not finished yet is called: lines of JSON, the first what they rest on.
PART = ".part"


def write_moments(
    queries: Path,
    out: Path,
    find: Callable[[str], Results],
    about: Mapping[str, Any],
    watch: Callable[[int, int], None] | None = None,
) -> int:
    """Write the moments of each query, best first; return how many an earlier run had found.

    That is `{"query": [[video, start, end], ...]}`. What is found is kept beside `out` until all
    is, so that a run that was stopped goes on; `about` says what the moments rest on. Raises
    EvaluationError like `read_queries`, and for a run that was begun with another `about` or holds
    queries that are not asked.
    """
    asked = read_queries(queries)
    part = out.with_name(out.name + PART)
    rows = _kept(part, json.loads(json.dumps(about)))
    if strangers := [one for one in rows if one not in asked]:
        raise EvaluationError(
            f"{part} answers query {strangers[0]!r}, which is not asked; delete it to ask anew, or "
            "name another file"
        )
    done = len(rows)
    with part.open("w", encoding="utf-8") as file:
        for one in (about, *rows.items()):
            file.write(json.dumps(one, ensure_ascii=False) + "\n")
        for number, (query_id, text) in enumerate(asked.items(), 1):
            if query_id not in rows:
                rows[query_id] = list(_told(find(text)))
                file.write(json.dumps([query_id, rows[query_id]], ensure_ascii=False) + "\n")
                file.flush()
            if watch is not None:
                watch(number, len(asked))
    ordered = {query_id: rows[query_id] for query_id in asked}
    out.write_text(json.dumps(ordered, ensure_ascii=False) + "\n", encoding="utf-8")
    part.unlink()
    return done


def _told(found: Results) -> Iterator[list[Any]]:
    for hit in found:
        for moment in hit.moments:
            yield [hit.video.id, round(moment.start_s, 3), round(moment.end_s, 3)]


def _kept(part: Path, about: Any) -> dict[str, list[list[Any]]]:
    """Return what a run that was stopped had found; its last line may be cut short."""
    try:
        lines = part.read_text(encoding="utf-8").split("\n")[:-1]
        first, *rest = [json.loads(line) for line in lines]
        rows = dict(rest)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError) as error:
        raise EvaluationError(
            f"{part} holds no moments of a run ({error}); delete it to ask anew"
        ) from None
    if first != about:
        raise EvaluationError(
            f"{part} was begun with other settings or another index; go on with the same ones, "
            "delete it to ask anew, or name another file"
        )
    return rows
