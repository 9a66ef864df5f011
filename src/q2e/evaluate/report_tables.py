"""What the tables of a report show: values as text, notes, and what each table rests on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from q2e.evaluate.conduct import Outcome
from q2e.evaluate.machine import in_words
from q2e.evaluate.measured import Measured

#: Head of the table of the other direction.
BACKWARD = "Videos to texts"


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


def values_of(
    row: Measured, group: str | None, backward: bool
) -> tuple[Mapping[str, float], Mapping[str, Sequence[float]]]:
    """Return a row's values over all, of one group, or of the other direction; its intervals."""
    if backward:
        return row.backward, {}
    return (row.values, row.intervals) if group is None else (row.groups.get(group, {}), {})


def notes_of(outcome: Outcome) -> Iterator[str]:
    """Yield what is noted of rows, once each; what all rows share is a warning already."""
    for note in dict.fromkeys(note for row in outcome.rows for note in row.notes):
        if note not in outcome.warnings:
            yield f"{'; '.join(row.name for row in outcome.rows if note in row.notes)}: {note}"


def number(name: str, value: float | None, intervals: Mapping[str, Sequence[float]]) -> str:
    """Return a share in percent, with its interval, or a rank as it is."""
    if value is None or not math.isfinite(value):
        return "-" if value is None else "not found"
    if name in ("MdR", "MnR", "MdRall", "MnRall"):
        return f"{value:.1f}"
    shown = f"{100 * value:.1f}"
    if name not in intervals:
        return shown
    low, high = (100 * bound for bound in intervals[name])
    bounds = f"[{low:.1f}, {high:.1f}]"
    return f"{shown} {bounds}"


def signed(one: Mapping[str, float]) -> str:
    """Return a difference in percent points with its interval."""
    return f"{100 * one['difference']:+.1f} [{100 * one['low']:+.1f}, {100 * one['high']:+.1f}]"


def groups_of(rows: Sequence[Measured]) -> list[str]:
    """Return the names of all groups of queries, sorted."""
    return sorted({group for row in rows for group in row.groups})
