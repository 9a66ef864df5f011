"""What a collection holds: one video by any of its names, all about it, the whole in numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from q2e.errors import ConfigError, QueryError
from q2e.paths import is_file
from q2e.settings import Settings
from q2e.store.base import Failure, Store, Table
from q2e.store.catalogue import Wanted
from q2e.store.counting import Counting
from q2e.store.generations import Generation, files_of, held
from q2e.text.saying import chance_to_say
from q2e.types import Clause, Evidence, Example, Filters, Segment, Video, in_order

#: Channels whose texts are recognised, or written by strangers.
TEXTS = ("speech", "screen_text", "metadata")
#: Tokens of a text that is compared with those of other videos, and how many texts are.
_SHORT, _COMPARED = 24, 300
#: Failures, and videos that are gone, that a status names of many.
LISTED = 1_000
#: By how much each number of two vectors of one text may differ.
_DIGITS = 2e-3


@dataclass(frozen=True, slots=True)
class VideoRecord:
    """Everything known about one video."""

    video: Video
    segments: tuple[Segment, ...]
    evidence: tuple[Evidence, ...]
    failures: tuple[Failure, ...]
    saying: tuple[float | None, ...] = ()
    """The chance that each piece of `evidence` says something of the video; None for what was
    neither recognised nor stored as text."""

    @property
    def chances(self) -> tuple[tuple[Evidence, float | None], ...]:
        """Each piece of evidence with its chance."""
        told = self.saying or (None,) * len(self.evidence)
        return tuple(zip(self.evidence, told, strict=True))


@dataclass(frozen=True, slots=True)
class Status:
    """What a collection holds, and what is wrong with it."""

    directory: Path
    videos: int
    duration_s: float
    evidence: dict[str, int]
    spaces: dict[str, int]
    failures: tuple[Failure, ...]
    """The first of what could not be read, in order of paths; `failed` says how many there are."""
    gone: tuple[Video, ...]
    """The first videos, by path, whose file is no longer there or holds something else now; `lost`
    says how many there are."""
    size_bytes: int
    failed: int
    lost: int
    outdated: int = 0
    """Pieces of work whose words or text vectors were made otherwise; a writing run renews them."""
    generations: tuple[Generation, ...] = ()
    """What each profile's models have made so far, the one that answers first."""

    @property
    def missing(self) -> tuple[str, ...]:
        """Paths of the videos of `gone`."""
        return tuple(video.path for video in self.gone)


def find(videos: Sequence[Video], name: str) -> Video:
    """Return one of `videos` by path, the end of it, or leading part of its id.

    In names of run files, which hold no blanks, `_` stands for them. Raises ConfigError where none
    or several fit.
    """
    path = str(Path(name).resolve())
    fits = [video for video in videos if name in (video.id, video.path) or path == video.path]
    parts = Path(name).parts
    if not fits and parts:
        fits = [video for video in videos if Path(video.path).parts[-len(parts) :] == parts]
        fits = fits or [
            video for video in videos if _without_blanks(video.path, len(parts)) == name
        ]
    if not fits and len(name) >= 4:
        fits = [video for video in videos if video.id.startswith(name)]
    if len(fits) == 1:
        return fits[0]
    if fits:
        listed = ", ".join(f"{video.id[:8]} ({video.path})" for video in fits[:5])
        raise ConfigError(f"{name!r} fits {len(fits)} videos: {listed}; name one by its id")
    raise ConfigError(
        f"{name!r} is not in the index; give a path, file name or id as `q2e search` shows"
    )


def likely(store: Store, name: str) -> Sequence[Video]:
    """Return the videos among which `find` finds a name as among all of a store."""
    parts = len(Path(name).parts)
    # What a store looks up by letter misses names in which `_` stands for blanks.
    return store.named(name) or [
        one for one in store.videos() if parts and _without_blanks(one.path, parts) == name
    ]


def _without_blanks(path: str, parts: int) -> str:
    return "_".join(str(Path(*Path(path).parts[-parts:])).split())


def check_channels(table: Table, filters: Filters, clause: Clause | None) -> None:
    """Raise ValueError where a question looks only in channels of which a store holds nothing."""
    held = table.held
    for asked in (filters.channels, _only(clause)):
        if held and asked and not set(asked) & set(held):
            raise ValueError(
                f"nothing here is of channel {' or '.join(asked)}; the index holds: "
                f"{', '.join(held)}"
            )


def _only(clause: Clause | None) -> tuple[str, ...]:
    """Return the channels in which all words of a question are looked for; none where in any."""
    found: list[str | None] = []

    def walk(part: Clause) -> None:
        if part.kind == "text":
            found.append(part.channel)
        for one in part.parts if part.kind != "not" else ():
            walk(one)

    if clause is not None:
        walk(clause)
    named = [name for name in found if name is not None]
    return tuple(dict.fromkeys(named)) if len(named) == len(found) else ()


def example(store: Store, given: str | Path | Example, indexed: bool) -> Example:
    """Return what `VIDEO`, `VIDEO@12.5` or the path of a file stands for.

    With `indexed` a name alone is that of a video. Raises ConfigError like `find`, QueryError
    for a file that does not exist.
    """
    if isinstance(given, Example):
        return given
    name, _, time_s = str(given).rpartition("@")
    if name and time_s.replace(".", "", 1).isdecimal():
        return Example(video=find(likely(store, name), name).id, start_s=float(time_s))
    if indexed:
        return Example(video=find(likely(store, str(given)), str(given)).id)
    if not is_file(Path(given)):
        raise QueryError(
            f"{str(given)!r} is no file; an example is a picture, clip or sound, or a frame "
            "of an indexed video, as in  VIDEO@12.5"
        )
    return Example(path=str(given))


def record(store: Store, video: Video) -> VideoRecord:
    """Return everything a store knows about one video."""
    with store.snapshot():
        evidence = tuple(store.evidence_of(video.id))
        return VideoRecord(
            video=video,
            segments=tuple(store.segments(video.id)),
            evidence=evidence,
            failures=tuple(store.failures(video.path)),
            saying=tuple(_saying(store, video, evidence)),
        )


def _saying(store: Store, video: Video, evidence: Sequence[Evidence]) -> Iterator[float | None]:
    """Yield the chance that each piece says something, as far as it is text of strangers."""
    often = _often(store, video)
    for one in evidence:
        if one.channel not in TEXTS or not one.text:
            yield None
        else:
            videos = often.get((one.channel, one.text), 1)
            yield chance_to_say(one.text, one.channel, one.confidence, videos)


def _often(store: Store, video: Video) -> dict[tuple[str, str], int]:
    """Return in how many videos the short texts of a video stand, by channel and text.

    Equal texts have equal vectors but for their last digits.
    """
    table, space = store.table(), store.setting("space.text")
    if space is None or video.id not in table.video_ids:
        return {}
    rows, matrix = store.vectors(space)
    mine = (table.video == table.video_ids.index(video.id)) & table.of_channels(TEXTS)
    own = np.flatnonzero(mine & (table.length > 0) & (table.length <= _SHORT))[:_COMPARED]
    found: dict[tuple[str, str], int] = {}
    for row, one in zip(own.tolist(), store.evidence(own.tolist()), strict=True):
        at = int(np.searchsorted(rows, row))
        if at < len(rows) and rows[at] == row:
            near = np.flatnonzero(np.abs(matrix[:, 0] - matrix[at, 0]) < _DIGITS)
            near = near[(np.abs(matrix[near] - matrix[at]) < _DIGITS).all(axis=1)]
            alike = rows[near][table.channel[rows[near]] == table.channel[row]]
            found[one.channel, one.text] = len(np.unique(table.video[alike]))
    return found


def status(
    directory: Path,
    store: Store,
    settings: Settings,
    files: bool = True,
    listed: int | None = LISTED,
) -> Status:
    """Return counts, failures and, with `files`, those that are gone or hold something else now.

    Of failures and of what is gone the first `listed` are named, all with None.
    """
    from q2e.ingest.derive import derived
    from q2e.ingest.switch import survey

    made = survey(directory, settings)
    own = {one for file in held(directory).values() for one in files_of(file)}
    others = [file for file in directory.iterdir() if file.is_file() and file not in own]
    gone, lost = _first(_gone(store), listed) if files else ((), 0)
    return Status(
        directory=directory,
        videos=store.count(),
        duration_s=store.duration_s(),
        evidence=_held(store),
        spaces=dict(store.spaces()),
        failures=tuple(islice(store.failures(), listed)),
        gone=gone,
        failed=store.count_failures(),
        lost=lost,
        outdated=store.count_outdated(derived(store.setting("space.text") or "")),
        size_bytes=sum(one.size_bytes for one in made) + sum(f.stat().st_size for f in others),
        generations=made,
    )


def _gone(store: Store) -> Iterator[Video]:
    from q2e.ingest.identify import still_there

    for video in store.videos(Wanted(sort="path")):
        if video.path and not still_there(store, video):
            yield video


def _first(found: Iterator[Video], most: int | None) -> tuple[tuple[Video, ...], int]:
    """Return the first of what is found, and how many all are, which are never held at once."""
    first = tuple(islice(found, most))
    return first, len(first) + sum(1 for _ in found)


def _held(store: Store) -> dict[str, int]:
    """Return how many pieces of evidence there are of each channel, in the order of channels."""
    counts = store.held() if isinstance(store, Counting) else None
    if counts is not None:
        return {name: counts[name] for name in in_order(counts)}
    table = store.table()
    found = np.bincount(table.channel, minlength=len(table.channels)).tolist()
    return {name: n for name, n in zip(table.channels, found, strict=True) if n}
