"""The report of an experiment as one self-contained page: it fetches nothing and runs nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from q2e.evaluate.conduct import Outcome
from q2e.evaluate.measured import Measured
from q2e.evaluate.plots import bars, curves
from q2e.evaluate.report_tables import (
    BACKWARD,
    groups_of,
    marks,
    notes_of,
    number,
    signed,
    values_of,
)

if TYPE_CHECKING:
    import jinja2

#: Lines of a recall plot, and queries of the per-query view, beyond which a page is no help.
_LINES, _QUERIES = 8, 1_000


def html(outcome: Outcome) -> str:
    """Return the page; all text of the experiment is escaped by the template."""
    first = str(outcome.experiment.measures[0])
    more = [(group, _table(outcome, outcome.rows, group)) for group in groups_of(outcome.rows)]
    if any(row.backward for row in outcome.rows):
        more.append((BACKWARD, _table(outcome, outcome.rows, backward=True)))
    if outcome.subsets:
        more.append(("Every subset of the scores", _table(outcome, outcome.subsets)))
    return (
        _template().render(
            experiment=outcome.experiment,
            warnings=outcome.warnings,
            results=_table(outcome, outcome.rows),
            notes=list(notes_of(outcome)),
            plots=_plots(outcome, first),
            compared=_compared(outcome),
            tables=more,
            queries=_per_query(outcome, first),
            first=first,
            about={name: _words(value) for name, value in outcome.about.items()},
            marks=marks(outcome, outcome.rows),
        )
        + "\n"
    )


@cache
def _template() -> jinja2.Template:
    import jinja2

    text = resources.files("q2e.evaluate").joinpath("report.html.j2").read_text("utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(text)


def _plots(outcome: Outcome, first: str) -> str:
    """Return the bars and curves as SVG, whose texts are escaped where they are drawn."""
    known = [row for row in outcome.rows if math.isfinite(row.values[first])]
    count = len(outcome.rows)
    some = f"; the first {_LINES} of {count} rows" if count > _LINES else ""
    return bars(
        {row.name: row.values[first] for row in known},
        {row.name: row.intervals[first] for row in outcome.rows if first in row.intervals},
        f"{first} in percent, with 95 % bootstrap intervals over queries",
    ) + curves(
        {row.name: row.curve for row in outcome.rows[:_LINES]},
        f"Share of queries with a right video among the first k (Success@k), by k{some}",
    )


def _table(
    outcome: Outcome, rows: Sequence[Measured], group: str | None = None, backward: bool = False
) -> dict[str, Any]:
    names = [str(measure) for measure in outcome.experiment.measures]
    lines = []
    for row in rows:
        values, own = values_of(row, group, backward)
        cells = [number(name, values.get(name), own) for name in names]
        lines.append((row.name, row.transductive and not backward, cells))
    return {"caption": marks(outcome, rows, backward), "head": names, "rows": lines}


def _compared(outcome: Outcome) -> dict[str, Any] | None:
    if not outcome.differences:
        return None
    marked = {row.name for row in outcome.rows if row.transductive}
    return {
        "caption": f"{outcome.experiment.measures[0]} in percent points, paired randomisation, "
        f"corrected by Holm for {len(outcome.differences)} comparisons. "
        + marks(outcome, outcome.rows),
        "head": ["difference", "p", "p (Holm)", "gained", "lost"],
        "rows": [(name, name in marked, _signs(one)) for name, one in outcome.differences.items()],
    }


def _signs(one: Mapping[str, float]) -> list[str]:
    counts = [f"{one[name]:.0f}" for name in ("gained", "lost")]
    return [signed(one), f"{one['p']:.2g}", f"{one['p_holm']:.2g}", *counts]


def _per_query(outcome: Outcome, measure: str) -> dict[str, Any]:
    """Return the queries with each row's value, those that differ most between rows first."""
    rows = outcome.rows[:_LINES]
    queries = list(rows[0].per_query[measure]) if rows else []

    def spread(query: str) -> float:
        values = [row.per_query[measure][query] for row in rows]
        return max(values) - min(values)

    shown = sorted(queries, key=lambda query: -spread(query))[:_QUERIES]
    more = f" (the {_QUERIES} that differ most)" if len(queries) > _QUERIES else ""
    return {
        "count": f"{len(queries)} queries{more}",
        "caption": marks(outcome, rows),
        "head": [row.name for row in rows],
        "rows": [
            (
                outcome.queries.get(query, query)[:200],
                query,
                [number(measure, row.per_query[measure][query], {}) for row in rows],
            )
            for query in shown
        ],
    }


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {one}" for name, one in value.items())
    return str(value)
