"""What was read and is in no index yet: parts on a shared disk or object storage.

Whoever reads stages a part under a name that follows from what it is: content, stage, part, and
the configuration it was read with. It is written once and whole, or not at all, so that any number
of readers may do the same work, and only one commits. Parts are messages of `q2e.wire`, which hold
no code; what is staged is read as what a stranger may have written.
"""

from __future__ import annotations

import io
import math
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import numpy as np

from q2e.errors import MediaError
from q2e.files.base import Absent, address_of, place
from q2e.ingest.keys import digest
from q2e.ingest.messages import WIRE, PartRead
from q2e.paths import shown
from q2e.store.base import Derived, StageKey
from q2e.text.clean import storable
from q2e.types import Evidence
from q2e.wire import WireError

_FORMAT = "parts-1"
#: Largest part that is read, and the most of what it may hold.
_MOST_BYTES, _MOST_PIECES, _MOST_DIMENSIONS = 512 << 20, 1_000_000, 65_536
_LATEST_S = 1e8


class Staging:
    """The staged parts below one address, a folder or `s3://BUCKET/FOLDER`."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")

    def put(self, part: PartRead) -> str:
        """Stage a part unless it is there, and return its name. Raises MediaError."""
        name = _name(part.key, part.config_key, part.derived)
        files, key = place(f"{self.address}/{name}")
        files.put_if_absent(key, b"".join(WIRE.pack(part)))
        return name

    def find(self, key: StageKey, config_key: str, derived: Derived) -> PartRead | None:
        """Return the part that was staged under these, or None. Raises MediaError.

        One that cannot be used is taken away, so that it is read and staged again.
        """
        name = _name(key, config_key, derived)
        try:
            return self.get(name)
        except Absent:
            return None
        except Unusable:
            files, at = place(f"{self.address}/{name}")
            files.remove(at)
            return None

    def get(self, name: str) -> PartRead:
        """Return a staged part. Raises Absent, and Unusable for what is no part of this name."""
        files, key = place(f"{self.address}/{name}")
        if files.stat(key).size_bytes > _MOST_BYTES:
            raise Unusable(f"{shown(name)}: is too large to be a part")
        held = io.BytesIO(files.read(key, 0, _MOST_BYTES))
        try:
            part = WIRE.unpack(held.read)
        except (EOFError, WireError) as error:
            raise Unusable(f"{shown(name)}: is no staged part ({error})"[:300]) from None
        if not isinstance(part, PartRead) or held.read(1) or not _usable(part):
            raise Unusable(f"{shown(name)}: is no staged part")
        if _name(part.key, part.config_key, part.derived) != name:
            raise Unusable(f"{shown(name)}: holds another part")
        items = tuple(replace(one, evidence=_storable(one.evidence)) for one in part.items)
        return replace(part, items=items)


def shared_place(value: str) -> str:
    """Return a place for staged parts, or nothing. Raises ValueError for what is none."""
    if value and address_of(value) is None and not Path(value).is_absolute():
        raise ValueError("must be an absolute path that all machines share, or s3://BUCKET/FOLDER")
    return value


class Unusable(MediaError):
    """What is staged is damaged, or was never a part."""


def _name(key: StageKey, config_key: str, derived: Derived) -> str:
    of = digest(derived.terms, derived.space)
    parts = (key.video, f"{key.stage}-{key.part:06d}-{config_key}-{of}")
    return "/".join((_FORMAT, *(quote(one, safe="") for one in parts)))


def _usable(part: PartRead) -> bool:
    """Return whether a part is one as readers make them, whatever wrote it."""
    if len(part.items) > _MOST_PIECES or len(part.segments or ()) > _MOST_PIECES:
        return False
    spans = [(one.start_s, one.end_s) for one in part.segments or ()]
    spans += [(one.evidence.start_s, one.evidence.end_s) for one in part.items]
    times_s = part.frame_times_s or ()
    return (
        all(_is_time(start_s) and _is_time(end_s) and start_s <= end_s for start_s, end_s in spans)
        and all(map(_is_time, times_s))
        and all(
            (one.evidence.video, one.evidence.channel) == (part.key.video, part.key.channel)
            and _vectors_usable(one.evidence)
            for one in part.items
        )
    )


def _vectors_usable(evidence: Evidence) -> bool:
    return all(
        isinstance(space, str)
        and isinstance(vector, np.ndarray)
        and vector.dtype == np.float32
        and vector.ndim == 1
        and 0 < len(vector) <= _MOST_DIMENSIONS
        and bool(np.isfinite(vector).all())
        for space, vector in evidence.vectors.items()
    )


def _is_time(value: float) -> bool:
    return math.isfinite(value) and 0 <= value <= _LATEST_S


def _storable(evidence: Evidence) -> Evidence:
    text = storable(evidence.text)
    return evidence if text == evidence.text else replace(evidence, text=text)
