"""Values between processes in a form that cannot run code: JSON, with arrays as plain bytes.

A message is two lengths (head and body, big endian), a head of JSON and a body of bytes. In the
head, a list stands for a tuple and an object for anything else: `{"l": [...]}` a list,
`{"d": [[key, value], ...]}` a mapping, `{"p": "..."}` a path, `{"b": n}` the next n bytes of the
body, `{"a": [type, shape]}` the next array, `{"o": [name, field, ...]}` one of the named classes.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import struct
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from q2e import arrays
from q2e.errors import Q2EError

#: Types of the elements of arrays that may be sent.
_ELEMENTS = frozenset(("uint8", "int16", "int32", "int64", "float16", "float32", "float64", "bool"))
_LENGTHS = struct.Struct(">IQ")
#: Longest head and body that are believed.
_HEAD_BYTES, _BODY_BYTES = 64 << 20, 1 << 30
#: Arrays begin at multiples of this in the body, as native code likes them.
_ALIGNED = 16


class WireError(Q2EError):
    """What came from another process is no message of ours."""


class Wire:
    """Writes and reads messages that may hold values of `classes`, which are dataclasses."""

    def __init__(self, *classes: type) -> None:
        self._fields = {
            one: tuple(field.name for field in dataclasses.fields(one)) for one in classes
        }
        self._named = {one.__name__: one for one in classes}
        names = vars(arrays) | self._named | {"Path": Path}
        self._hints = {one: typing.get_type_hints(one, localns=names) for one in classes}

    def pack(self, value: object) -> list[bytes | memoryview]:
        """Return a message in pieces, to be written one after the other."""
        body: list[bytes | memoryview] = []
        head = json.dumps(self._plain(value, body), separators=(",", ":")).encode("ascii")
        return [_LENGTHS.pack(len(head), sum(len(piece) for piece in body)), head, *body]

    def unpack(self, read: Callable[[int], bytes | bytearray]) -> Any:
        """Return the next message; `read(n)` returns n bytes, or fewer where there are no more.

        Raises EOFError where nothing comes any more, WireError for anything but a whole message.
        """
        start = read(_LENGTHS.size)
        if not start:
            raise EOFError
        try:
            head_bytes, body_bytes = _LENGTHS.unpack(start)
            if head_bytes > _HEAD_BYTES or body_bytes > _BODY_BYTES:
                raise WireError(f"a message of {head_bytes + body_bytes} bytes is too long")
            head, body = read(head_bytes), read(body_bytes)
            if len(head) < head_bytes or len(body) < body_bytes:
                raise WireError("a message ended before its end")
            return self._value(json.loads(head), _Body(body))
        except (ValueError, TypeError, KeyError, RecursionError, struct.error) as error:
            raise WireError(f"a message is damaged ({error})"[:300]) from None

    def _plain(self, value: Any, body: list[bytes | memoryview]) -> Any:
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, tuple):
            return [self._plain(one, body) for one in value]
        if isinstance(value, list):
            return {"l": [self._plain(one, body) for one in value]}
        if isinstance(value, Mapping):
            pairs = value.items()
            return {"d": [[self._plain(k, body), self._plain(v, body)] for k, v in pairs]}
        if isinstance(value, Path):
            return {"p": os.fspath(value)}
        if isinstance(value, bytes):
            body.append(value)
            return {"b": len(value)}
        if isinstance(value, np.generic):
            return self._plain(value.item(), body)
        if isinstance(value, np.ndarray) and value.dtype.name in _ELEMENTS:
            if value.size:
                body.append(bytes(-sum(map(len, body)) % _ALIGNED))
                body.append(np.ascontiguousarray(value).data.cast("B"))
            return {"a": [value.dtype.name, list(value.shape)]}
        names = self._fields.get(type(value))
        if names is None:
            raise TypeError(f"a {type(value).__name__} is not sent between processes")
        fields = (self._plain(getattr(value, name), body) for name in names)
        return {"o": [type(value).__name__, *fields]}

    def _value(self, plain: Any, body: _Body) -> Any:
        if isinstance(plain, list):
            return tuple(self._value(one, body) for one in plain)
        if not isinstance(plain, dict):
            return plain
        ((mark, held),) = plain.items()
        if mark == "l":
            return [self._value(one, body) for one in held]
        if mark == "d":
            return {self._value(key, body): self._value(value, body) for key, value in held}
        if mark == "p":
            return Path(held)
        if mark == "b":
            return bytes(body.take(held))
        if mark == "a":
            return body.array(*held)
        if mark == "o":
            return self._object(*held, body=body)
        raise ValueError(f"no value is marked {mark!r}")

    def _object(self, name: str, *plain: Any, body: _Body) -> Any:
        known = self._named[name]
        given = zip(self._fields[known], plain, strict=True)
        fields = {field: self._value(one, body) for field, one in given}
        for field, value in fields.items():
            if not _fits(value, self._hints[known][field]):
                raise ValueError(f"{name}.{field} is a {type(value).__name__}")
        return known(**fields)


def _fits(value: Any, hint: Any) -> bool:
    """Return whether a value is of the type that a field of a message is said to have."""
    origin, within = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return any(_fits(value, one) for one in within)
    if origin is typing.Literal:
        return value in within
    if origin is tuple and within[1:] == (...,):
        return isinstance(value, tuple) and all(_fits(one, within[0]) for one in value)
    if origin is np.ndarray:
        return isinstance(value, np.ndarray) and value.dtype == typing.get_args(within[1])[0]
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    kind = types.NoneType if hint is None else origin or hint
    return kind is Any or isinstance(value, kind)


class _Body:
    """The bytes of a message, taken from the front."""

    def __init__(self, held: bytes | bytearray) -> None:
        self._held = memoryview(held)
        self._at = 0

    def take(self, count: int) -> memoryview:
        if not 0 <= count <= len(self._held) - self._at:
            raise ValueError("more bytes are named than were sent")
        self._at += count
        return self._held[self._at - count : self._at]

    def array(self, name: str, shape: list[int]) -> Any:
        if name not in _ELEMENTS or any(one < 0 for one in shape):
            raise ValueError(f"no array of {name!r} is read")
        kind = np.dtype(name)
        count = math.prod(shape)
        if count:
            self.take(-self._at % _ALIGNED)
        data = self.take(count * kind.itemsize)
        return np.frombuffer(data, kind).reshape(shape)
