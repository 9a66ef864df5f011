"""Trays: moments picked by hand from any search, in an order of one's own, kept beside the index.

A tray is a file of its own, `tray-ID.jsonl`: a line of what it is, then a line a moment, `state` 0
for those it holds and 1, 2, ... for what it held before, the newest first. Since each moment has a
line, erasing a video takes its moments and nothing else.
"""

from __future__ import annotations

import datetime
import json
import re
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from q2e.cache import write_whole
from q2e.errors import ConfigError, StoreError
from q2e.types import Decomposition, Evidence, Hit, Moment, Query, Results, Video

#: Most trays of one owner, and of all; most moments of one; states that undoing goes back to.
MOST_TRAYS, MOST_OF_ALL, MOST_MOMENTS, MOST_PAST = 20, 1000, 300, 10
#: Longest name and note, in characters.
NAME, NOTE = 80, 500
#: Who owns what is collected without a token, or with the one that a server was started with.
OWNER = ""
_ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Picked:
    """A stretch of a video that was put into a tray, with what was noted of it."""

    video: str
    start_s: float
    end_s: float
    note: str = ""

    def __post_init__(self) -> None:
        if not (0.0 <= self.start_s < self.end_s <= 1e6) or not self.video:
            raise ValueError(f"a picked moment needs 0 <= start < end, got {self}")


@dataclass(frozen=True, slots=True)
class Tray:
    """A tray as it stands; each change has the next `version`."""

    id: str
    owner: str
    name: str
    changed: str
    """Day and time (UTC), ISO 8601."""
    version: int
    moments: tuple[Picked, ...] = ()
    past: tuple[tuple[Picked, ...], ...] = ()
    """What it held before, the newest first."""


class Trays:
    """The trays of the collection in `directory`; safe between threads of one process."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._lock = threading.Lock()

    def of(self, owner: str = OWNER) -> list[Tray]:
        """Return the trays of one owner, the one changed last first."""
        found = [tray for tray in map(self._read, self._files()) if tray and tray.owner == owner]
        return sorted(found, key=lambda tray: (tray.changed, tray.version, tray.id), reverse=True)

    def get(self, tray_id: str, owner: str = OWNER) -> Tray:
        """Return a tray. Raises KeyError where this owner has none of this id."""
        tray = self._read(self._file(tray_id)) if _ID.fullmatch(tray_id) else None
        if tray is None or tray.owner != owner:
            raise KeyError(tray_id)
        return tray

    def make(self, name: str, moments: Sequence[Picked] = (), owner: str = OWNER) -> Tray:
        """Begin a tray. Raises ConfigError where there are too many already."""
        with self._lock:
            if len(self.of(owner)) >= MOST_TRAYS:
                raise ConfigError(f"{MOST_TRAYS} trays are the most; remove one first")
            if len(self._files()) >= MOST_OF_ALL:
                raise ConfigError(f"{MOST_OF_ALL} trays of all are the most; remove some first")
            tray = Tray(secrets.token_hex(8), owner, name, _now(), 1, _bounded(moments))
            self._write(tray)
        return tray

    def put(self, tray_id: str, version: int, name: str, moments: Sequence[Picked],
            owner: str = OWNER) -> Tray:  # fmt: skip
        """Replace what a tray holds, if it is still the `version` that was changed.

        Raises KeyError like `get`, Changed where another change came first, ConfigError for too
        many moments.
        """
        with self._lock:
            held = self._current(tray_id, version, owner)
            given, past = _bounded(moments), held.past
            if given != held.moments:
                past = (held.moments, *past)[:MOST_PAST]
            tray = replace(
                held, name=name, changed=_now(), version=version + 1, moments=given, past=past
            )
            self._write(tray)
        return tray

    def undo(self, tray_id: str, version: int, owner: str = OWNER) -> Tray:
        """Take the last change of the moments back. Raises like `put`; with no change, nothing."""
        with self._lock:
            held = self._current(tray_id, version, owner)
            if not held.past:
                return held
            before, *past = held.past
            tray = replace(
                held, changed=_now(), version=version + 1, moments=before, past=tuple(past)
            )
            self._write(tray)
        return tray

    def remove(self, tray_id: str, owner: str = OWNER) -> Tray:
        """Remove a tray and return it. Raises KeyError like `get`."""
        with self._lock:
            tray = self.get(tray_id, owner)
            try:
                self._file(tray_id).unlink(missing_ok=True)
            except OSError as error:
                raise self._unwritable(error) from None
        return tray

    def _current(self, tray_id: str, version: int, owner: str) -> Tray:
        tray = self.get(tray_id, owner)
        if tray.version != version:
            raise Changed(tray)
        return tray

    def _file(self, tray_id: str) -> Path:
        return self.directory / f"tray-{tray_id}.jsonl"

    def _files(self) -> list[Path]:
        return list(self.directory.glob("tray-*.jsonl"))

    def _read(self, file: Path) -> Tray | None:
        """Return the tray of a file; None where there is none, or it is damaged."""
        try:
            head, *rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
            if head["id"] != file.stem.removeprefix("tray-"):
                return None
            states: dict[int, list[Picked]] = {0: []}
            for row in rows[: MOST_MOMENTS * (MOST_PAST + 1)]:
                states.setdefault(int(row.pop("state")), []).append(Picked(**row))
            newest = min(int(head["states"]), MOST_PAST + 1)
            past = tuple(tuple(states.get(number, ())) for number in range(1, newest))
            return Tray(
                id=str(head["id"]),
                owner=str(head["owner"]),
                name=str(head["name"]),
                changed=str(head["changed"]),
                version=int(head["version"]),
                moments=tuple(states[0]),
                past=past,
            )
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def _write(self, tray: Tray) -> None:
        states = (tray.moments, *tray.past)
        head = {name: getattr(tray, name) for name in ("id", "owner", "name", "changed", "version")}
        rows: list[dict[str, Any]] = [{**head, "states": len(states)}]
        rows += [{"state": n} | asdict(one) for n, state in enumerate(states) for one in state]
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        try:
            data = text.encode("utf-8", "backslashreplace")
            write_whole(self._file(tray.id), lambda file: file.write(data))
        except OSError as error:
            raise self._unwritable(error) from None

    def _unwritable(self, error: OSError) -> StoreError:
        return StoreError(
            f"{self.directory}: a tray cannot be kept ({error.strerror}); make the folder writable"
        )


class Changed(Exception):
    """Raised where a tray was changed meanwhile; `tray` is what it is now."""

    def __init__(self, tray: Tray) -> None:
        super().__init__(tray.id)
        self.tray = tray


def as_results(tray: Tray, video: Callable[[str], Video | None], *, files: bool = False) -> Results:
    """Return a tray as what was found, a hit a moment, so that it can be written like any search.

    `video` looks a video up by its id; what is no longer there is left out, and with `files` what
    has no file too. What was noted stands as the moment's text.
    """
    hits: list[Hit] = []
    for one in tray.moments:
        known = video(one.video)
        if known is None or (files and not known.path):
            continue
        said = Evidence(known.id, "note", one.start_s, one.end_s, one.note, origin="tray")
        noted = (said,) if one.note else ()
        moment = Moment(one.start_s, one.end_s, 1.0, (one.start_s + one.end_s) / 2, noted)
        hits.append(Hit(len(hits) + 1, known, 1.0, (moment,)))
    return Results(Query(tray.name), tuple(hits), Decomposition(tray.name))


def _bounded(moments: Sequence[Picked]) -> tuple[Picked, ...]:
    if len(moments) > MOST_MOMENTS:
        raise ConfigError(
            f"{len(moments)} moments are too many for one tray; at most {MOST_MOMENTS}"
        )
    return tuple(moments)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
