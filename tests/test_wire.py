"""What travels between processes comes out as it went in, or not at all; it never runs."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from q2e.arrays import Float32
from q2e.ingest.messages import WIRE, Found, PartRead
from q2e.store.base import Item, StageKey
from q2e.types import Evidence, Segment, Span, Tag, Video
from q2e.wire import Wire, WireError


@dataclass(frozen=True)
class Thing:
    name: str
    count: int
    length: float
    kind: Literal["a", "b"] = "a"
    tags: tuple[str, ...] = ()
    vector: Float32 | None = None
    more: Any = None


WORDS = Wire(Thing)
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=()))
    | st.binary(max_size=40)
    | st.just(Path("añ/\udcff")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


def sent(value: object, wire: Wire = WORDS) -> Any:
    return wire.unpack(BytesIO(b"".join(wire.pack(value))).read)


@given(PLAIN)
def test_values_come_out_as_they_went_in(value: object) -> None:
    assert sent(value) == value


@given(st.lists(st.sampled_from(["uint8", "float32", "int64", "float16", "bool"]), max_size=4))
def test_arrays_come_out_as_they_went_in(kinds: list[str]) -> None:
    arrays = [np.arange(n * 3).reshape(n, 3).astype(kind) for n, kind in enumerate(kinds)]
    for one, other in zip(arrays, sent((b"odd", arrays))[1], strict=True):
        assert one.dtype == other.dtype and one.shape == other.shape
        assert np.array_equal(one, other) and other.flags.aligned


def test_what_is_found_in_a_video_comes_out_whole() -> None:
    vector = np.arange(4, dtype=np.float32)
    evidence = Evidence(
        *("v", "speech", 0.0, 2.0, "\ud83d 地震", "ja"),
        spans=(Span(0.0, 1.0, "地"),),
        tags=(Tag("dog", float(np.float32(0.5))),),
        vectors={"space": vector},
    )
    part = PartRead(
        StageKey("v", "speech", 0), "key", (Item(evidence, ("地",)),), (Segment(0, 1, 0.5),)
    )
    got = sent(part, WIRE)
    assert got == part
    assert np.array_equal(got.items[0].evidence.vectors["space"], vector)
    assert got.segments[0].movement == 0.5
    assert sent(Found(Video("v", "/a\udcff.mp4", 2.0)), WIRE).video.path == "/a\udcff.mp4"


def test_only_known_classes_travel() -> None:
    for value in (object(), {1, 2}, np.zeros(2, dtype=object), Segment(0, 1), lambda: 1):
        with pytest.raises(TypeError, match="not sent between processes"):
            WORDS.pack(value)


@pytest.mark.parametrize(
    "head",
    [
        '{"o":["Thing","a",1.5,1.0,"a",[],null,null]}',
        '{"o":["Thing",1,1,1.0,"a",[],null,null]}',
        '{"o":["Thing","a",true,1.0,"a",[],null,null]}',
        '{"o":["Thing","a",1,1.0,"c",[],null,null]}',
        '{"o":["Thing","a",1,1.0,"a",[1],null,null]}',
        '{"o":["Thing","a",1,1.0,"a",[],{"a":["float64",[0]]},null]}',
        '{"o":["Thing"]}',
        '{"o":["Path","/etc"]}',
        '{"o":["os.system","true"]}',
        '{"o":[]}',
        '{"a":["object",[1]]}',
        '{"a":["uint8",[-1]]}',
        '{"a":["uint8",[99]]}',
        '{"b":5}',
        '{"b":-5}',
        '{"d":[[{"l":[]},1]]}',
        '{"x":1}',
        '{"l":1,"d":2}',
        "{}",
        "nonsense",
        "[" * 100_000,
    ],
    ids=lambda head: head[:40],
)
def test_damaged_messages_are_refused(head: str) -> None:
    raw = head.encode()
    message = len(raw).to_bytes(4, "big") + bytes(8) + raw
    with pytest.raises(WireError):
        WORDS.unpack(BytesIO(message).read)


def test_lengths_are_not_believed() -> None:
    for start in (b"\xff" * 12, bytes(4) + b"\xff" * 8, b"\0\0\0\5" + bytes(8) + b"[]", b"\0"):
        with pytest.raises(WireError):
            WORDS.unpack(BytesIO(start).read)
    with pytest.raises(EOFError):
        WORDS.unpack(BytesIO(b"").read)


@given(st.binary(max_size=60), st.integers(0, 200))
def test_no_change_of_bytes_does_anything_else(noise: bytes, at: int) -> None:
    thing = Thing("a", 1, 1.0, "b", ("x",), np.ones(3, np.float32), {"k": [1, (2,)]})
    whole = b"".join(WORDS.pack(thing))
    with contextlib.suppress(WireError, EOFError):
        WORDS.unpack(BytesIO(whole[:at] + noise + whole[at + len(noise) :]).read)
