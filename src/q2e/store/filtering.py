"""Which videos and evidence of a database satisfy filters, as masks over its columns."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

import numpy as np

from q2e.arrays import Bool
from q2e.store.columns import Columns
from q2e.types import Filters


def allowed_videos(
    connection: sqlite3.Connection, columns: Columns, filters: Filters
) -> tuple[Bool, Bool, Bool]:
    """Return (V,) masks: videos that satisfy the filters, that speak an asked or shunned language.

    Dates may be shortened (`2020`, `2020-05`); a video without a date is in no period.
    """
    clauses, values = ["1"], []
    if filters.videos:
        clauses.append("id IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(filters.videos))
    if filters.since:
        clauses.append("date >= ?")
        values.append(filters.since)
    if filters.until:
        clauses.append("substr(date, 1, length(?)) <= ?")
        values += [filters.until, filters.until]
    for tag in filters.tags:
        clauses.append(
            "(SELECT value FROM json_each(?)) IN (SELECT value FROM json_each(facts, '$.tags'))"
        )
        values.append(json.dumps([tag]))
    for tag in filters.without_tags:
        clauses.append(
            "(SELECT value FROM json_each(?)) NOT IN (SELECT value FROM json_each(facts, '$.tags'))"
        )
        values.append(json.dumps([tag]))
    for sign, limit in ((">=", filters.shortest_s), ("<=", filters.longest_s)):
        if limit is not None:
            clauses.append(f"json_extract(facts, '$.duration_s') {sign} CAST(? AS REAL)")
            values.append(str(limit))
    found = connection.execute(
        f"SELECT number, language FROM video WHERE {' AND '.join(clauses)}", values
    ).fetchall()
    allowed = np.isin(columns.numbers, [number for number, _ in found])
    spoken = [number for number, language in found if language in filters.languages]
    shunned = [number for number, language in found if language in filters.without_languages]
    return allowed, np.isin(columns.numbers, spoken), np.isin(columns.numbers, shunned)


def speaking(columns: Columns, languages: Sequence[str], videos: Bool) -> Bool:
    """Return (E,) the evidence in any of the languages; what has none has its video's."""
    own = np.array([name in languages for name in columns.languages], dtype=bool)
    silent = np.array([name is None for name in columns.languages], dtype=bool)
    return np.asarray(
        own[columns.language] | (silent[columns.language] & videos[columns.table.video])
    )
