"""Writes what an experiment measured: one self-contained HTML page, Markdown and CSV."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from html import escape
from pathlib import Path
from typing import IO, Any

from q2e.cache import write_whole
from q2e.evaluate.conduct import Outcome
from q2e.evaluate.machine import in_words
from q2e.evaluate.measured import Measured, shape_of
from q2e.evaluate.plots import bars, curves

#: Lines of a recall plot, and queries of the per-query view, beyond which a page is no help.
_LINES, _QUERIES = 8, 1_000
#: Head of the table of the other direction.
BACKWARD = "Videos to texts"
_T = " <mark>T</mark>"
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:75rem;margin:2rem auto;padding:0 1rem;
color:#1a1a1a;background:#fff}
table{border-collapse:collapse;margin:.5rem 0;font-variant-numeric:tabular-nums}
th,td{padding:.25rem .6rem;border-bottom:1px solid #ddd;text-align:right;vertical-align:top}
th:first-child,td:first-child{text-align:left}
caption,figcaption{text-align:left;color:#555;font-size:.9em;padding:.3rem 0}
figure{margin:1rem 0;max-width:46rem}small{color:#666}mark{background:#ffe9b3}
.legend{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.3rem 1.2rem}
.legend span{display:inline-block;width:1.2em;height:.7em;margin-right:.4em}
.scroll{overflow-x:auto}pre{background:#f5f5f5;padding:.8rem;overflow-x:auto}
@media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#161616}th,td{border-color:#444}
caption,figcaption,small{color:#aaa}pre{background:#222}mark{background:#5a4300;color:#fff}}
"""


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


def marks(outcome: Outcome, rows: Sequence[Measured], backward: bool = False) -> str:
    """Return the sentence under every table: transductive or not, tuned on what, which machine."""
    transductive = [row.name for row in rows if row.transductive]
    how = (
        f"Transductive (marked T): {len(transductive)} of {len(rows)} rows look at all test "
        "queries together"
        if transductive
        else "Nothing is transductive: each query is answered by itself"
    )
    if backward:
        how = (
            "Here the videos ask: scores normalised or weighted over all videos have seen all that "
            "is asked, so all rows but those of raw scores are transductive"
        )
    return (
        f"{how}; tuned: {outcome.experiment.tuned}; intervals: 95 % bootstrap over queries; "
        f"machine: {in_words(dict(outcome.machine))}."
    )


# -- Markdown and CSV -------------------------------------------------------------------------


def markdown(outcome: Outcome) -> str:
    """Return the report as Markdown: tables, warnings and marks, without plots."""
    parts = [f"# {outcome.experiment.title}\n"]
    parts += [f"\n{one}\n" for one in outcome.experiment.notes]
    parts += [f"\n**Warning:** {one}\n" for one in outcome.warnings]
    parts.append("\n" + _markdown(outcome, outcome.rows))
    parts += [f"\n{one}\n" for one in _notes(outcome)]
    if outcome.differences:
        parts.append(f"\n## Against {outcome.experiment.compare_with}\n\n")
        parts.append(
            "| row | difference | p | p (Holm) | gained | lost |\n|---|---|---|---|---|---|\n"
        )
        parts += [
            f"| {_cell(name)} | {_signed(one)} | {one['p']:.2g} | {one['p_holm']:.2g} | "
            f"{one['gained']:.0f} | {one['lost']:.0f} |\n"
            for name, one in outcome.differences.items()
        ]
        parts.append(f"\n{marks(outcome, outcome.rows)}\n")
    for group in _groups(outcome.rows):
        parts.append(f"\n## {group}\n\n{_markdown(outcome, outcome.rows, group)}")
    if any(row.backward for row in outcome.rows):
        parts.append(f"\n## {BACKWARD}\n\n{_markdown(outcome, outcome.rows, backward=True)}")
    if outcome.subsets:
        parts.append(f"\n## Every subset of the scores\n\n{_markdown(outcome, outcome.subsets)}")
    return "".join(parts)


def _shown(
    row: Measured, group: str | None, backward: bool
) -> tuple[Mapping[str, float], Mapping[str, Sequence[float]]]:
    """Return a row's values over all, of one group, or of the other direction; its intervals."""
    if backward:
        return row.backward, {}
    return (row.values, row.intervals) if group is None else (row.groups.get(group, {}), {})


def _notes(outcome: Outcome) -> Iterator[str]:
    """Yield what is noted of rows, once each; what all rows share is a warning already."""
    for note in dict.fromkeys(note for row in outcome.rows for note in row.notes):
        if note not in outcome.warnings:
            yield f"{'; '.join(row.name for row in outcome.rows if note in row.notes)}: {note}"


def _markdown(
    outcome: Outcome, rows: Sequence[Measured], group: str | None = None, backward: bool = False
) -> str:
    names = [str(measure) for measure in outcome.experiment.measures]
    lines = [f"| row | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for row in rows:
        values, own = _shown(row, group, backward)
        shown = [_number(name, values.get(name), own) for name in names]
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


# -- HTML -------------------------------------------------------------------------------------


def html(outcome: Outcome) -> str:
    """Return the report as one page that fetches nothing and runs nothing."""
    title = escape(outcome.experiment.title)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">"
        f"<title>{title}</title><style>{_STYLE}</style></head><body><h1>{title}</h1>"
        f"{''.join(_sections(outcome))}</body></html>\n"
    )


def _sections(outcome: Outcome) -> Iterator[str]:
    experiment, first = outcome.experiment, str(outcome.experiment.measures[0])
    for note in experiment.notes:
        yield f"<p>{escape(note)}</p>"
    for warning in outcome.warnings:
        yield f"<p><mark>warning</mark> {escape(warning)}</p>"
    yield f"<h2>Results</h2>{_table(outcome, outcome.rows)}"
    for one in _notes(outcome):
        yield f"<p><small>{escape(one)}</small></p>"
    yield bars(
        {row.name: row.values[first] for row in outcome.rows if math.isfinite(row.values[first])},
        {row.name: row.intervals[first] for row in outcome.rows if first in row.intervals},
        f"{first} in percent, with 95 % bootstrap intervals over queries",
    )
    chosen = outcome.rows[:_LINES]
    yield curves(
        {row.name: row.curve for row in chosen},
        "Share of queries with a right video among the first k (Success@k), by k"
        + (
            f"; the first {_LINES} of {len(outcome.rows)} rows"
            if len(outcome.rows) > _LINES
            else ""
        ),
    )
    if outcome.differences:
        yield _compared(outcome)
    for group in _groups(outcome.rows):
        yield f"<h2>{escape(group)}</h2>{_table(outcome, outcome.rows, group)}"
    if any(row.backward for row in outcome.rows):
        yield f"<h2>{BACKWARD}</h2>{_table(outcome, outcome.rows, None, backward=True)}"
    if outcome.subsets:
        yield f"<h2>Every subset of the scores</h2>{_table(outcome, outcome.subsets)}"
    yield _per_query(outcome, first)
    yield "<h2>What was measured</h2><table>"
    for name, value in outcome.about.items():
        yield f"<tr><td>{escape(str(name))}</td><td>{escape(_words(value))}</td></tr>"
    yield f"</table><p>{escape(marks(outcome, outcome.rows))}</p>"
    yield f"<details><summary>The experiment file</summary><pre>{escape(experiment.text)}</pre>"
    yield "</details>"


def _table(
    outcome: Outcome, rows: Sequence[Measured], group: str | None = None, backward: bool = False
) -> str:
    names = [str(measure) for measure in outcome.experiment.measures]
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = []
    for row in rows:
        values, own = _shown(row, group, backward)
        cells = "".join(
            f"<td>{_number(name, values.get(name), own, html=True)}</td>" for name in names
        )
        mark = _T if row.transductive and not backward else ""
        body.append(f"<tr><td>{escape(row.name)}{mark}</td>{cells}</tr>")
    return (
        f'<div class="scroll"><table><caption>{escape(marks(outcome, rows, backward))}</caption>'
        f"<tr><th>row</th>{head}</tr>{''.join(body)}</table></div>"
    )


def _compared(outcome: Outcome) -> str:
    marked = {row.name for row in outcome.rows if row.transductive}
    rows = "".join(
        f"<tr><td>{escape(name)}{_T if name in marked else ''}</td>"
        f"<td>{_signed(one)}</td><td>{one['p']:.2g}</td>"
        f"<td>{one['p_holm']:.2g}</td><td>{one['gained']:.0f}</td><td>{one['lost']:.0f}</td></tr>"
        for name, one in outcome.differences.items()
    )
    return (
        f"<h2>Against {escape(str(outcome.experiment.compare_with))}</h2>"
        f"<table><caption>{escape(str(outcome.experiment.measures[0]))} in percent points, paired "
        f"randomisation, corrected by Holm for {len(outcome.differences)} comparisons. "
        f"{escape(marks(outcome, outcome.rows))}</caption>"
        "<tr><th>row</th><th>difference</th><th>p</th><th>p (Holm)</th><th>gained</th><th>lost</th>"
        f"</tr>{rows}</table>"
    )


def _per_query(outcome: Outcome, measure: str) -> str:
    """Return the queries with each row's value, those that differ most between rows first."""
    rows = outcome.rows[:_LINES]
    queries = list(rows[0].per_query[measure]) if rows else []

    def spread(query: str) -> float:
        values = [row.per_query[measure][query] for row in rows]
        return max(values) - min(values)

    shown = sorted(queries, key=lambda query: -spread(query))[:_QUERIES]
    head = "".join(f"<th>{escape(row.name)}</th>" for row in rows)
    body = "".join(
        f"<tr><td>{escape(outcome.queries.get(query, query)[:200])} "
        f"<small>{escape(query)}</small></td>"
        + "".join(f"<td>{_number(measure, row.per_query[measure][query], {})}</td>" for row in rows)
        + "</tr>"
        for query in shown
    )
    more = f" (the {_QUERIES} that differ most)" if len(queries) > _QUERIES else ""
    return (
        f"<h2>Query by query</h2><details><summary>{len(queries)} queries{more}, {escape(measure)}"
        f'</summary><div class="scroll"><table><caption>{escape(marks(outcome, rows))}</caption>'
        f"<tr><th>query</th>{head}</tr>{body}</table></div></details>"
    )


# -- numbers ----------------------------------------------------------------------------------


def _number(
    name: str, value: float | None, intervals: Mapping[str, Sequence[float]], html: bool = False
) -> str:
    """Return a share in percent, with its interval, or a rank as it is."""
    if value is None or not math.isfinite(value):
        return "-" if value is None else "not found"
    if name in ("MdR", "MnR"):
        return f"{value:.1f}"
    shown = f"{100 * value:.1f}"
    if name not in intervals:
        return shown
    low, high = (100 * bound for bound in intervals[name])
    bounds = f"[{low:.1f}, {high:.1f}]"
    return f"{shown} <small>{bounds}</small>" if html else f"{shown} {bounds}"


def _signed(one: Mapping[str, float]) -> str:
    return f"{100 * one['difference']:+.1f} [{100 * one['low']:+.1f}, {100 * one['high']:+.1f}]"


def _groups(rows: Sequence[Measured]) -> list[str]:
    return sorted({group for row in rows for group in row.groups})


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {one}" for name, one in value.items())
    return str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
