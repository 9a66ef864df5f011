"""How measured figures are printed, and kept within what JSON can hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def finite(value: Any) -> Any:
    """Replace infinite ranks, which JSON cannot hold, by null."""
    if isinstance(value, Mapping):
        return {name: finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_values(values: Mapping[str, float], intervals: Mapping[str, list[float]]) -> None:
    width = max(len(name) for name in values)
    for name, value in values.items():
        bounds = intervals.get(name)
        extra = f"  [{bounds[0]:.4f}, {bounds[1]:.4f}]" if bounds else ""
        print(f"{name:<{width}}  {number(value)}{extra}")


def number(value: float) -> str:
    return f"{value:.4f}" if math.isfinite(value) else "not found"
