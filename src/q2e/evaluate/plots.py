"""Small plots as SVG text, without any library and without anything fetched from elsewhere."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape

#: Colours that stay apart for most colour-blind readers (Okabe and Ito 2008); their black is that
#: of the page's text, which is light on a dark page.
COLOURS = (
    *("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"),
    *("currentColor", "#999999"),
)
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 640, 320, 46, 34, 14


def curves(lines: Mapping[str, Sequence[float]], caption: str) -> str:
    """Return an SVG of shares (0 to 1) by rank 1, 2, ... on a logarithmic axis, one line each."""
    longest = max((len(values) for values in lines.values()), default=1)
    right = _WIDTH - 16
    span = math.log(max(2, longest))

    def x(rank: int) -> float:
        return _LEFT + (right - _LEFT) * math.log(rank) / span

    def y(share: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - share)

    parts = _axes(y)
    for rank in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000):
        if rank <= longest:
            parts.append(
                f'<text x="{x(rank):.1f}" y="{_HEIGHT - _BOTTOM + 16}" '
                f'text-anchor="middle">{rank}</text>'
            )
    for number, (name, values) in enumerate(lines.items()):
        points = " ".join(f"{x(rank):.1f},{y(v):.1f}" for rank, v in enumerate(values, 1))
        dashes = ' stroke-dasharray="6 4"' if number >= len(COLOURS) else ""
        parts.append(
            f'<polyline fill="none" stroke="{COLOURS[number % len(COLOURS)]}" stroke-width="2"'
            f'{dashes} points="{points}"><title>{escape(name)}</title></polyline>'
        )
    return _figure(parts, caption) + _legend(tuple(lines))


def bars(
    values: Mapping[str, float], intervals: Mapping[str, Sequence[float]], caption: str
) -> str:
    """Return an SVG of horizontal bars (0 to 1) with their intervals as whiskers."""
    row, left = 22, 250
    height = row * len(values) + 28
    ends = {name: max(value, *intervals.get(name, ())) for name, value in values.items()}
    scale = (_WIDTH - left - 60) / max([*ends.values(), 1e-9])
    parts = []
    for number, (name, value) in enumerate(values.items()):
        top = number * row + 6
        middle = top + row / 2 - 3
        shown = name if len(name) <= 40 else name[:39] + "…"
        parts.append(
            f'<text x="{left - 8}" y="{middle + 4:.1f}" text-anchor="end">{escape(shown)}'
            f"<title>{escape(name)}</title></text>"
            f'<rect x="{left}" y="{top}" width="{value * scale:.1f}" height="{row - 8}" '
            f'fill="{COLOURS[0]}" opacity="0.75"/>'
            f'<text x="{left + ends[name] * scale + 8:.1f}" y="{middle + 4:.1f}">'
            f"{100 * value:.1f}</text>"
        )
        if name in intervals:
            low, high = (left + bound * scale for bound in intervals[name])
            parts.append(
                f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{middle:.1f}" y2="{middle:.1f}" '
                'stroke="currentColor" stroke-width="1.5"/>'
            )
    return _figure(parts, caption, height)


def _axes(y: Callable[[float], float]) -> list[str]:
    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        level = y(share)
        parts.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - 16}" y1="{level:.1f}" y2="{level:.1f}" '
            'stroke="currentColor" opacity="0.15"/>'
            f'<text x="{_LEFT - 6}" y="{level + 4:.1f}" text-anchor="end">{100 * share:.0f}</text>'
        )
    return parts


def _figure(parts: Sequence[str], caption: str, height: int = _HEIGHT) -> str:
    return (
        f'<figure><svg viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="{escape(caption, quote=True)}" font-size="12" fill="currentColor">'
        f"{''.join(parts)}</svg><figcaption>{escape(caption)}</figcaption></figure>"
    )


def _legend(names: Sequence[str]) -> str:
    items = "".join(
        f'<li><span style="background:{COLOURS[number % len(COLOURS)]}"></span>{escape(name)}</li>'
        for number, name in enumerate(names)
    )
    return f'<ul class="legend">{items}</ul>'
