"""Says what a value may be, from the type and the bounds that it is declared with."""

from __future__ import annotations

from collections.abc import Sequence
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


def allowed(annotation: Any, bounds: Sequence[Any] = ()) -> str:
    """Return what is allowed in words, such as `a whole number from 1 to 512`.

    `bounds` are those of pydantic and annotated-types: what has `ge`, `gt`, `le` or `lt`.
    """
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        return allowed(inner, (*bounds, *more))
    if origin is Literal:
        return _either([repr(one) for one in get_args(annotation)])
    if origin in (Union, UnionType):
        kinds = [allowed(one, bounds) for one in get_args(annotation) if one is not type(None)]
        return _either(kinds)
    if origin in (tuple, list):
        items = [one for one in get_args(annotation) if one is not Ellipsis]
        return "a list" + (f", each {allowed(items[0])}" if items else "")
    name = _NAMES.get(annotation, getattr(annotation, "__name__", str(annotation)))
    return f"{name}{_range(bounds)}"


def _range(bounds: Sequence[Any]) -> str:
    limits: dict[str, str] = {}
    for bound in (one for many in bounds for one in (many, *getattr(many, "metadata", ()))):
        for name in ("ge", "gt", "le", "lt"):
            if (limit := getattr(bound, name, None)) is not None:
                limits[name] = f"{limit:,}" if isinstance(limit, int) else f"{limit:g}"
    low = f"above {limits['gt']}" if "gt" in limits else ""
    low = f"from {limits['ge']}" if "ge" in limits else low
    if "lt" in limits:
        return f" {low} and below {limits['lt']}" if low else f" below {limits['lt']}"
    if "le" in limits:
        joined = (
            f"{low} to {limits['le']}" if "ge" in limits else f"{low} and at most {limits['le']}"
        )
        return f" {joined}" if low else f" of at most {limits['le']}"
    return f" {low} on" if "ge" in limits else f" {low}" if low else ""


def _either(names: Sequence[str]) -> str:
    names = list(dict.fromkeys(names))
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} or {names[-1]}"
