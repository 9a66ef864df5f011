"""What every executor does: it takes jobs and says what it found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from q2e.ingest.messages import Job, Message, PartRead, Staged
from q2e.settings import Settings


@dataclass(slots=True)
class Throughput:
    """What one machine has read."""

    tasks: int = 0
    video_s: float = 0.0
    busy_s: float = 0.0


class Executor(AbstractContextManager["Executor"], Protocol):
    """Reads files; what holds processes is let go when its block is left."""

    @property
    def spaces(self) -> Mapping[str, str]:
        """Vector spaces of the models by kind, known once it was started or has run a job."""
        ...

    def start(self) -> Mapping[str, str]:
        """Make the models ready and return `spaces`. Raises ModelError where it has them not."""
        ...

    @property
    def fingerprint(self) -> str:
        """What changes when the same file would be read otherwise, known like `spaces`."""
        ...

    @property
    def nodes(self) -> Mapping[str, Throughput]:
        """What each machine has read in this run; empty where this one alone reads."""
        ...

    @property
    def fetches(self) -> bool:
        """Whether it copies what lies on object storage itself, and tells what it is known by.

        Else a job's `path` is always on the disk of this machine.
        """
        ...

    def each(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Message | None]]:
        """Yield the messages about each file, file after file in order of the jobs.

        None stands for the end of what is said about a job, before which stands Finished, or
        Failed where the reading ended before its end. Jobs are asked for as they can be begun.
        Raises ModelError where the models cannot be had.
        """
        ...

    def part(self, staged: Staged) -> PartRead:
        """Return what was staged under a name. Raises MediaError where it cannot be had."""
        ...

    def __enter__(self) -> Self: ...


class Executing(Protocol):
    """What a method of the kind `executor` is."""

    def __call__(
        self,
        settings: Settings,
        index: Path,
        older: Path | None,
        within: Sequence[Path] | None,
    ) -> Executor:
        """Return what reads with these settings what the index does not hold already.

        `index` is what its store is opened by; `older` the file of another profile's generation,
        whose work is taken over where it is the same. With `within`, nothing outside these folders
        is read.
        """
        ...
