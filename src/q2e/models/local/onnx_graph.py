"""Writes ONNX graphs: just the messages that our networks need, in protocol buffer form.

Field numbers are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_IR_VERSION = 8
_OPSET = 13
_FLOAT, _UINT8, _INT64 = 1, 2, 7
_TYPES = {"float32": _FLOAT, "uint8": _UINT8, "int64": _INT64}
_ATTRIBUTE_FLOAT, _ATTRIBUTE_INT, _ATTRIBUTE_INTS = 1, 2, 7
#: Where the operators are that ONNX Runtime adds to the standard.
CONTRIB = "com.microsoft"

Shape = Sequence[int | str]
Attribute = int | float | Sequence[int]


class Graph:
    """A graph under construction; names of tensors are made here, in order."""

    def __init__(self, name: str, opset: int = _OPSET, *, contrib: bool = False) -> None:
        self._name = name
        self._opsets = {"": opset} | ({CONTRIB: 1} if contrib else {})
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []
        self._inputs: list[bytes] = []
        self._outputs: list[bytes] = []

    def input(self, name: str, dtype: str, shape: Shape) -> str:
        """Declare an input; a text in `shape` is a length that may vary."""
        self._inputs.append(_value(name, dtype, shape))
        return name

    def output(self, tensor: str, name: str, dtype: str, shape: Shape) -> None:
        """Give a tensor out under a name of its own."""
        self._nodes.append(_node("Identity", [tensor], [name], {}))
        self._outputs.append(_value(name, dtype, shape))

    def constant(self, array: NDArray[Any]) -> str:
        """Add an array of float32, uint8 or int64."""
        name = f"c{len(self._constants)}"
        self._constants.append(
            b"".join(_number(1, length) for length in array.shape)
            + _number(2, _TYPES[str(array.dtype)])
            + _text(8, name)
            + _bytes(9, np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes())
        )
        return name

    def node(self, operator: str, *inputs: str, domain: str = "", **attributes: Attribute) -> str:
        """Add an operator with one output and return that output's name."""
        return self.nodes(operator, 1, *inputs, domain=domain, **attributes)[0]

    def nodes(
        self, operator: str, outputs: int, *inputs: str, domain: str = "", **attributes: Attribute
    ) -> list[str]:
        """Add an operator with several outputs and return their names."""
        first = f"t{len(self._nodes)}"
        names = [first, *(f"{first}.{number}" for number in range(1, outputs))]
        self._nodes.append(_node(operator, inputs, names, attributes, domain))
        return names

    def encode(self) -> bytes:
        """Return the finished model."""
        graph = _repeated(1, self._nodes) + _text(2, self._name)
        graph += _repeated(5, self._constants)
        graph += _repeated(11, self._inputs) + _repeated(12, self._outputs)
        model = _number(1, _IR_VERSION) + _text(2, "q2e") + _bytes(7, graph)
        opsets = [_text(1, domain) + _number(2, opset) for domain, opset in self._opsets.items()]
        return model + _repeated(8, opsets)


def _node(
    operator: str,
    inputs: Iterable[str],
    outputs: Sequence[str],
    attributes: dict[str, Attribute],
    domain: str = "",
) -> bytes:
    message = b"".join(_text(1, name) for name in inputs)
    message += b"".join(_text(2, name) for name in outputs)
    message += _text(3, f"{operator}_{outputs[0]}") + _text(4, operator)
    message += _repeated(5, [_attribute(name, value) for name, value in attributes.items()])
    return message + (_text(7, domain) if domain else b"")


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, int):
        return _text(1, name) + _number(3, value) + _number(20, _ATTRIBUTE_INT)
    if isinstance(value, float):
        fixed = _varint(2 << 3 | 5) + struct.pack("<f", value)
        return _text(1, name) + fixed + _number(20, _ATTRIBUTE_FLOAT)
    numbers = b"".join(_number(8, number) for number in value)
    return _text(1, name) + numbers + _number(20, _ATTRIBUTE_INTS)


def _value(name: str, dtype: str, shape: Shape) -> bytes:
    lengths = [
        _number(1, length) if isinstance(length, int) else _text(2, length) for length in shape
    ]
    tensor = _number(1, _TYPES[dtype]) + _bytes(2, _repeated(1, lengths))
    return _text(1, name) + _bytes(2, _bytes(1, tensor))


def _repeated(field: int, messages: Iterable[bytes]) -> bytes:
    return b"".join(_bytes(field, message) for message in messages)


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode("utf-8"))


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _varint(value: int) -> bytes:
    """Return a number >= 0 in groups of seven bits, the lowest first."""
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)
