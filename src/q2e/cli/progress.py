"""Progress on standard error: of indexing, of whatever is counted, of models being fetched."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from q2e.cli.options import one_line, shown
from q2e.ingest.messages import Failed, Finished, Message
from q2e.ingest.messages import Progress as Step


class IndexProgress:
    """Shows what `Index.add` is doing; pass `watch` to it. Plain lines where nobody watches."""

    def __init__(self, quiet: bool = False) -> None:
        self._console = Console(stderr=True, quiet=quiet)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", table_column=None),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[note]}"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=quiet or not self._console.is_terminal,
        )
        self._all = self._progress.add_task("all files", total=None, note="")
        self._file = self._progress.add_task("", total=None, note="", visible=False)
        self._path: Path | None = None
        self._reached: dict[str, float] = {}

    def watch(self, path: Path, number: int, count: int, message: Message) -> None:
        """Show one message of the run."""
        if path != self._path:
            self._path, self._reached = path, {}
            self._progress.update(self._all, total=count, completed=number, note=f"{count} files")
            self._progress.reset(
                self._file, description=escape(shown(path.name)[-40:]), note="reading", visible=True
            )
        if isinstance(message, Step):
            self._reached[message.stage] = message.done_s
            stages = " ".join(
                f"{stage} {100 * done_s / message.total_s:.0f}%"
                for stage, done_s in sorted(self._reached.items())
                if message.total_s
            )
            slowest = min(self._reached.values())
            self._progress.update(self._file, total=message.total_s, completed=slowest, note=stages)
        elif isinstance(message, Failed):
            where = f" ({message.stage})" if message.stage else ""
            self._console.print(
                f"[red]failed[/red] {escape(shown(path))}{where}: "
                f"{escape(one_line(message.reason, 300))}",
                soft_wrap=True,
                highlight=False,
            )
        elif isinstance(message, Finished):
            self._progress.update(self._all, completed=number + 1)
            if not self._console.is_terminal:
                self._console.print(
                    f"[{number + 1}/{count}] {escape(shown(path))}", soft_wrap=True, highlight=False
                )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()


class CountProgress:
    """Shows how many of something are done; pass `watch` to what does them.

    Where nobody watches, a line is printed at each tenth.
    """

    def __init__(self, what: str, quiet: bool = False) -> None:
        self._what = what
        self._console = Console(stderr=True, quiet=quiet)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=quiet or not self._console.is_terminal,
        )
        self._bar = self._progress.add_task(what, total=None)
        self._tenth = 0

    def watch(self, done: int, count: int) -> None:
        """Show that `done` of `count` are done."""
        self._progress.update(self._bar, total=count, completed=done)
        tenth = 10 * done // count if count else 0
        if tenth > self._tenth and not self._console.is_terminal:
            self._console.print(f"[{done}/{count}] {self._what}", markup=False, highlight=False)
        self._tenth = max(tenth, self._tenth)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()


class PullProgress:
    """Shows what `q2e models pull` is doing: one bar a model, or a line where nobody watches."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._bar = self._progress.add_task("", total=None, visible=False)

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self._console.print(text, soft_wrap=True, highlight=False, markup=False)

    def fetched(self, name: str, done: int, total: int) -> None:
        """Show how many bytes of a model there are."""
        self._progress.update(
            self._bar, description=escape(name[-40:]), completed=done, total=total, visible=True
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()
