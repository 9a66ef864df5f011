"""Writes what an experiment measured: one self-contained HTML page, Markdown and CSV."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any

from q2e.cache import write_whole
from q2e.evaluate.conduct import Outcome
from q2e.evaluate.measured import Measured, shape_of
from q2e.evaluate.report_page import html
from q2e.evaluate.report_tables import (
    BACKWARD,
    groups_of,
    marks,
    notes_of,
    number,
    signed,
    values_of,
)


def write_report(outcome: Outcome, folder: Path) -> list[Path]:
    """Write `report.html`, `report.md`, `report.csv` and `results.json`; returns their paths."""
    texts = {
        "report.html": html(outcome),
        "report.md": markdown(outcome),
        "report.csv": table_csv(outcome),
        "results.json": json.dumps(shape(outcome), ensure_ascii=False, indent=1) + "\n",
    }
    for name, text in texts.items():
        write_whole(folder / name, partial(_put, text.encode()))
    return [folder / name for name in texts]


def _put(content: bytes, file: IO[bytes]) -> None:
    file.write(content)


def shape(outcome: Outcome) -> dict[str, Any]:
    """Return the outcome as JSON; ranks of what was never found are null."""
    found: dict[str, Any] = _finite(
        {
            "title": outcome.experiment.title,
            "tuned": outcome.experiment.tuned,
            "compare_with": outcome.experiment.compare_with,
            "about": dict(outcome.about),
            "machine": dict(outcome.machine),
            "warnings": list(outcome.warnings),
            "rows": [shape_of(one) for one in outcome.rows],
            "subsets": [shape_of(one) for one in outcome.subsets],
            "differences": dict(outcome.differences),
        }
    )
    return found


# -- Markdown and CSV -------------------------------------------------------------------------


def markdown(outcome: Outcome) -> str:
    """Return the report as Markdown: tables, warnings and marks, without plots."""
    parts = [f"# {outcome.experiment.title}\n"]
    parts += [f"\n{one}\n" for one in outcome.experiment.notes]
    parts += [f"\n**Warning:** {one}\n" for one in outcome.warnings]
    parts.append("\n" + _markdown(outcome, outcome.rows))
    parts += [f"\n{one}\n" for one in notes_of(outcome)]
    if outcome.differences:
        parts.append(f"\n## Against {outcome.experiment.compare_with}\n\n")
        parts.append(
            "| row | difference | p | p (Holm) | gained | lost |\n|---|---|---|---|---|---|\n"
        )
        parts += [
            f"| {_cell(name)} | {signed(one)} | {one['p']:.2g} | {one['p_holm']:.2g} | "
            f"{one['gained']:.0f} | {one['lost']:.0f} |\n"
            for name, one in outcome.differences.items()
        ]
        parts.append(f"\n{marks(outcome, outcome.rows)}\n")
    for group in groups_of(outcome.rows):
        parts.append(f"\n## {group}\n\n{_markdown(outcome, outcome.rows, group)}")
    if any(row.backward for row in outcome.rows):
        parts.append(f"\n## {BACKWARD}\n\n{_markdown(outcome, outcome.rows, backward=True)}")
    if outcome.subsets:
        parts.append(f"\n## Every subset of the scores\n\n{_markdown(outcome, outcome.subsets)}")
    return "".join(parts)


def _markdown(
    outcome: Outcome, rows: Sequence[Measured], group: str | None = None, backward: bool = False
) -> str:
    names = [str(measure) for measure in outcome.experiment.measures]
    lines = [f"| row | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for row in rows:
        values, own = values_of(row, group, backward)
        shown = [number(name, values.get(name), own) for name in names]
        mark = " (T)" if row.transductive and not backward else ""
        lines.append(f"| {_cell(row.name)}{mark} | "
                     f"{' | '.join(shown)} |")  # fmt: skip
    return "\n".join(lines) + f"\n\n{marks(outcome, rows, backward)}\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def table_csv(outcome: Outcome) -> str:
    """Return one line a row, group and direction, with every measure and its interval."""
    names = [str(measure) for measure in outcome.experiment.measures]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    bounds = [f"{name} {end}" for name in names for end in ("low", "high")]
    writer.writerow(["table", "row", "group", "transductive", "tuned", "seconds", *names, *bounds])
    for kind, rows in (("rows", outcome.rows), ("subsets", outcome.subsets)):
        for row in rows:
            lines = [("all", row.values), *row.groups.items()]
            lines += [("videos to texts", row.backward)] if row.backward else []
            for group, values in lines:
                own = row.intervals if group == "all" else {}
                writer.writerow(
                    [kind, row.name, group, row.transductive, outcome.experiment.tuned, row.seconds]
                    + [_plain(values.get(name)) for name in names]
                    + [_plain(b) for name in names for b in own.get(name, ("", ""))]
                )
    return file.getvalue()


def _plain(value: Any) -> str:
    return f"{value:.6f}" if isinstance(value, float) and math.isfinite(value) else str(value or "")


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
