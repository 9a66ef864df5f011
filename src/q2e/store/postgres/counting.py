"""What filters leave, counted by the server, so that nobody loads columns to show numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from q2e.store.postgres.finding import Only
from q2e.store.rows import unpack
from q2e.store.sql import View
from q2e.types import Filters

#: Videos of which any evidence is left, and the evidence that is.
_LEFT = (
    "WITH kept AS (SELECT DISTINCT e.video, e.channel, {own} AS language FROM evidence e {left}) "
)
#: Of evidence with tags: how many videos each is told of.
_LABELLED = (
    "SELECT t.value->>0, count(DISTINCT e.video) FROM evidence e CROSS JOIN LATERAL "
    "json_array_elements(convert_from(e.body, 'UTF8')::json->'tags') t {left} AND e.channel = ? "
    "GROUP BY 1"
)
_OWN = "coalesce(e.language, v.language)"
_OF = "JOIN video v ON v.number = e.video WHERE true"


def facets(
    view: View, filters: Filters, videos: Sequence[str] | None, lengths_s: Sequence[float]
) -> dict[str, dict[str, int]]:
    """Return {facet: {value: videos}} of what filters leave, and of these of some videos alone.

    Lengths are given by the place of the first of `lengths_s` that is above them.
    """
    only = Only.of(view, filters)
    more = "" if videos is None else " AND v.id = ANY(?)"
    values = [*only.values, *([] if videos is None else [list(videos)])]
    kept = _LEFT.format(own=_OWN, left=f"{_OF}{only.sql}{more}")
    whole = "SELECT * FROM video WHERE number IN (SELECT video FROM kept)"

    def counted(asked: str, *given: Any) -> dict[str, int]:
        rows = view.connection.execute(kept + asked, (*values, *given)).fetchall()
        return {str(value): int(number) for value, number in rows if value not in (None, "")}

    channels = counted("SELECT channel, count(DISTINCT video) FROM kept GROUP BY 1")
    tags = counted(f"SELECT encode(t, 'hex'), count(*) FROM ({whole}) v, unnest(tags) t GROUP BY 1")
    labelled = {
        name: counted(_LABELLED.format(left=f"{_OF}{only.sql}{more}"), *values, number)
        for number, name in view.channels.items()
        if name in ("sound", "seen")
    }
    return {
        "language": counted("SELECT language, count(DISTINCT video) FROM kept GROUP BY 1"),
        "year": counted(
            f"SELECT nullif(left(date, 4), ''), count(*) FROM ({whole}) v GROUP BY 1",
        ),
        "tag": {unpack(bytes.fromhex(tag)): n for tag, n in tags.items()},
        "channel": {view.channels[int(number)]: n for number, n in channels.items()},
        "duration": counted(
            f"SELECT width_bucket(duration_s, ?::float8[]), count(*) FROM ({whole}) v GROUP BY 1",
            list(lengths_s),
        ),
        **labelled,
    }


def held(view: View) -> dict[str, int]:
    """Return how many pieces of evidence there are of each channel."""
    rows = view.connection.execute("SELECT channel, count(*) FROM evidence GROUP BY 1").fetchall()
    return {view.channels[channel]: int(number) for channel, number in rows}


def spaces(view: View) -> dict[str, int]:
    """Return how many vectors there are of each space."""
    asked = (
        "SELECT name, (sum(length(evidence)) / 8)::bigint FROM vector "
        "JOIN space ON number = space GROUP BY number, name ORDER BY number"
    )
    return {unpack(bytes(name)): n for name, n in view.connection.execute(asked).fetchall()}


def languages(view: View) -> tuple[str, ...]:
    """Return the languages of videos and evidence, sorted."""
    asked = "SELECT language FROM evidence UNION SELECT language FROM video"
    return tuple(sorted(one for (one,) in view.connection.execute(asked).fetchall() if one))
