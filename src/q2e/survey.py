"""What a collection holds: one video by any of its names, all about it, the whole in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from q2e.errors import ConfigError, QueryError
from q2e.paths import is_file
from q2e.settings import Settings
from q2e.store.base import Failure, Store, Table
from q2e.store.generations import Generation
from q2e.types import Clause, Evidence, Example, Filters, Segment, Video


@dataclass(frozen=True, slots=True)
class VideoRecord:
    """Everything known about one video."""

    video: Video
    segments: tuple[Segment, ...]
    evidence: tuple[Evidence, ...]
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class Status:
    """What a collection holds, and what is wrong with it."""

    directory: Path
    videos: int
    duration_s: float
    evidence: dict[str, int]
    spaces: dict[str, int]
    failures: tuple[Failure, ...]
    gone: tuple[Video, ...]
    """Indexed videos whose file is no longer there, or holds something else now."""
    size_bytes: int
    outdated: int = 0
    """Pieces of work whose words or text vectors were made otherwise; a writing run renews them."""
    generations: tuple[Generation, ...] = ()
    """What each profile's models have made so far, the one that answers first."""

    @property
    def missing(self) -> tuple[str, ...]:
        """Paths of the videos that are gone."""
        return tuple(video.path for video in self.gone)


def find(videos: Sequence[Video], name: str) -> Video:
    """Return one of `videos` by path, file name or leading part of its id.

    Raises ConfigError where none or several fit.
    """
    path = str(Path(name).resolve())
    fits = [video for video in videos if name == video.id or path == video.path]
    fits = fits or [video for video in videos if Path(video.path).name == name]
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


def example(videos: Sequence[Video], given: str | Path | Example, indexed: bool) -> Example:
    """Return what `VIDEO`, `VIDEO@12.5` or the path of a file stands for.

    With `indexed` a name alone is that of a video. Raises ConfigError like `find`, QueryError
    for a file that does not exist.
    """
    if isinstance(given, Example):
        return given
    name, _, time_s = str(given).rpartition("@")
    if name and time_s.replace(".", "", 1).isdecimal():
        return Example(video=find(videos, name).id, start_s=float(time_s))
    if indexed:
        return Example(video=find(videos, str(given)).id)
    if not is_file(Path(given)):
        raise QueryError(
            f"{str(given)!r} is no file; an example is a picture, clip or sound, or a frame "
            "of an indexed video, as in  VIDEO@12.5"
        )
    return Example(path=str(given))


def record(store: Store, video: Video) -> VideoRecord:
    """Return everything a store knows about one video."""
    return VideoRecord(
        video=video,
        segments=tuple(store.segments(video.id)),
        evidence=tuple(store.evidence_of(video.id)),
        failures=tuple(f for f in store.failures() if f.path == video.path),
    )


def status(directory: Path, store: Store, settings: Settings) -> Status:
    """Return counts, failures and files that are gone or hold something else now."""
    from q2e.ingest.derive import derived
    from q2e.ingest.identify import still_there
    from q2e.ingest.switch import survey

    videos = store.videos()
    table = store.table()
    counts = Counter(table.channels[code] for code in table.channel.tolist())
    return Status(
        directory=directory,
        videos=len(videos),
        duration_s=sum(video.duration_s for video in videos),
        evidence={name: counts[name] for name in table.channels if counts[name]},
        spaces=dict(store.spaces()),
        failures=tuple(store.failures()),
        gone=tuple(
            sorted(
                (video for video in videos if video.path and not still_there(store, video)),
                key=lambda video: video.path,
            )
        ),
        outdated=len(store.outdated(derived(store.setting("space.text") or ""))),
        size_bytes=sum(f.stat().st_size for f in directory.iterdir() if f.is_file()),
        generations=survey(directory, settings),
    )
