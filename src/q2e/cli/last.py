"""What the last search or answer of an index found, for commands that name it by its number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from q2e.cache import ResultCache, as_json, fingerprint
from q2e.cli.options import clock
from q2e.errors import ConfigError
from q2e.paths import is_address

if TYPE_CHECKING:
    from q2e.types import Citation, Hit, Results


@dataclass(frozen=True, slots=True)
class Found:
    """One hit: its video, the file, and its moments as (start_s, end_s), the best first."""

    rank: int
    video: str
    path: str
    moments: tuple[tuple[float, float], ...]

    def moment(self, number: int) -> tuple[float, float]:
        """Return one of its moments, counted from 1. Raises ConfigError where there is none."""
        if not self.moments:
            raise ConfigError(f"hit {self.rank} of the last search has no time in its video")
        if not 1 <= number <= len(self.moments):
            raise ConfigError(
                f"hit {self.rank} of the last search has {len(self.moments)} moments, "
                f"no moment {number}"
            )
        return self.moments[number - 1]

    def file(self) -> Path:
        """Return its file. Raises ConfigError where it has none or that is gone."""
        if not self.path:
            raise ConfigError(f"{self.video!r} was imported without its file")
        check_here(self.path)
        if not Path(self.path).is_file():
            raise ConfigError(
                f"{self.path} is gone; index the place it went to, and search once more"
            )
        return Path(self.path)

    def told(self, start_s: float, end_s: float) -> str:
        """Return one of its moments for people."""
        return f"{self.path or self.video} {clock(start_s)}-{clock(end_s)}"


def check_here(path: str) -> None:
    """Raise ConfigError for a video that lies on object storage and not on a disk."""
    if is_address(path):
        raise ConfigError(
            f"{path} lies on object storage; to play, cut or show it, copy it to this machine and "
            "index the copy"
        )


def keep(directory: Path, results: Results) -> None:
    """Remember what was found in an index until the next search of it."""
    rows = [_row(hit) for hit in results.hits]
    _kept().put(_of(directory), rows, about=[hit.video.id for hit in results.hits])


def keep_cited(directory: Path, cited: Sequence[Citation]) -> None:
    """Remember the moments that an answer cites, counted from 1, in the place of a search."""
    rows = [
        {
            "rank": rank,
            "video": one.video.id,
            "path": one.video.path,
            "moments": [(one.start_s, one.end_s)] if one.end_s > one.start_s else [],
        }
        for rank, one in enumerate(cited, 1)
    ]
    _kept().put(_of(directory), rows, about=[one.video.id for one in cited])


def hit(directory: Path, rank: int) -> Found:
    """Return a hit of the last search of an index. Raises ConfigError where there is none."""
    rows = _kept().get(_of(directory))
    if not rows:
        raise ConfigError(
            f"no search of {directory} to take a hit from; ask first:  q2e search 'your question'"
        )
    for found in rows:
        if found["rank"] == rank:
            moments = tuple((float(start), float(end)) for start, end in found["moments"])
            return Found(rank, found["video"], found["path"], moments)
    listed = f"{rows[0]['rank']} to {rows[-1]['rank']}"
    raise ConfigError(f"the last search has no hit {rank}; it showed {listed}")


def _row(hit: Hit) -> dict[str, Any]:
    moments = [(moment.start_s, moment.end_s) for moment in hit.moments]
    return {
        "rank": hit.rank,
        "video": hit.video.id,
        "path": hit.video.path,
        "moments": [pair for pair in moments if pair[1] > pair[0]],
    }


def _kept() -> ResultCache[list[dict[str, Any]]]:
    return ResultCache("last-search", as_json(list))


def _of(directory: Path) -> Any:
    return fingerprint(str(directory.resolve()), method="last search", version=1)
