"""Which videos and evidence of a database satisfy filters, as masks over its columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from q2e.arrays import Bool
from q2e.store.columns import Columns
from q2e.store.sql import Dialect, View
from q2e.types import Filters


def clauses(filters: Filters, dialect: Dialect) -> tuple[list[str], list[Any]]:
    """Return conditions on the table `video`, and the values of their marks.

    Dates may be shortened (`2020`, `2020-05`); a video without a date is in no period. Languages
    and channels are of the evidence, and no part of it.
    """
    found: list[str] = []
    values: list[Any] = []
    if filters.videos:
        found.append(dialect.among)
        values.append(dialect.listed(filters.videos))
    if filters.since:
        found.append("date >= ?")
        values.append(filters.since)
    if filters.until:
        found.append("substr(date, 1, ?) <= ?")
        values += [len(filters.until), filters.until]
    found += [dialect.tagged] * len(filters.tags)
    found += [f"NOT {dialect.tagged}"] * len(filters.without_tags)
    values += [dialect.tag(tag) for tag in (*filters.tags, *filters.without_tags)]
    for sign, limit in ((">=", filters.shortest_s), ("<=", filters.longest_s)):
        if limit is not None:
            found.append(f"{dialect.duration_s} {sign} ?")
            values.append(float(limit))
    return found, values


def mask(view: View, columns: Columns, filters: Filters) -> Bool:
    """Return (E,) which pieces of evidence satisfy filters."""
    table = columns.table
    kept: Bool = np.ones(len(table), dtype=bool)
    found, values = clauses(filters, view.dialect)
    if found:
        videos = view.connection.execute(
            f"SELECT number FROM video WHERE {' AND '.join(found)}", values
        ).fetchall()
        kept = np.isin(columns.numbers, [number for (number,) in videos])[table.video]
    if filters.channels:
        kept &= table.of_channels(filters.channels)
    if filters.without_channels:
        kept &= ~table.of_channels(filters.without_channels)
    for names, wanted in ((filters.languages, True), (filters.without_languages, False)):
        if names:
            kept &= speaking(columns, names, columns.of_videos(view, names)) == wanted
    return kept


def speaking(columns: Columns, languages: Sequence[str], videos: Bool) -> Bool:
    """Return (E,) the evidence in any of the languages; what has none has its video's."""
    own = np.array([name in languages for name in columns.languages], dtype=bool)
    silent = np.array([name is None for name in columns.languages], dtype=bool)
    return np.asarray(
        own[columns.language] | (silent[columns.language] & videos[columns.table.video])
    )
