"""An engine of a plugin, as docs/how-to/extend.md has it: beside a file, by the usual commands."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import q2e
from q2e.cli import app
from q2e.errors import StoreError
from q2e.plugins import registry
from q2e.registry import method
from q2e.store.base import Store
from q2e.store.beside import MARGIN, cut
from q2e.store.engine import Apart, Best, Engine, Request
from q2e.store.lean import LeanEngine
from q2e.types import Filters

#: What the engines of this process hold: address -> space -> (ids of videos, channels, vectors).
SHELVES: dict[str, dict[str, tuple[list[str], list[str], Any]]] = {}
#: Addresses that do not answer.
DOWN: set[str] = set()


@dataclass(slots=True)
class Shelf:
    """A copy of the vectors of a store, which finds; all else is asked of the store."""

    store: Any
    address: str
    asked: list[int] = field(default_factory=list)

    # -- the verbs of `Apart` --------------------------------------------------------------------
    def build_engine(self) -> int:
        if self.address in DOWN:
            raise StoreError(f"{self.address} does not answer; start it")
        table, copied = self.store.table(), {}
        for space in self.store.spaces():
            rows, matrix = self.store.vectors(space)
            videos = [table.video_ids[number] for number in table.video[rows].tolist()]
            channels = [table.channels[code] for code in table.channel[rows].tolist()]
            copied[space] = videos, channels, matrix.copy()
        SHELVES[self.address] = copied
        return len(copied)

    def follow(self) -> int:
        if self.address not in SHELVES:
            return 0
        before = self.unfound()
        self.build_engine()
        return before

    def engine(self) -> Engine | None:
        return Shelved(self.store, self.address) if self.address in SHELVES else None

    def scan(self) -> Engine:
        return LeanEngine(self.store)

    def unfound(self) -> int:
        held = sum(len(videos) for videos, _, _ in SHELVES.get(self.address, {}).values())
        return int(sum(self.store.spaces().values()) - held)


class Shelved(LeanEngine):
    """Finds by the copy under no filters; what filters leave is looked at in the store."""

    def __init__(self, store: Any, address: str) -> None:
        super().__init__(store)
        self.exact = False
        self.address = address

    def best(self, asked: Sequence[Request], filters: Filters, k: int) -> list[list[Best]]:
        if self.address in DOWN:
            raise StoreError(f"{self.address} does not answer; start it, or Q2E_ENGINE=own")
        return [
            super(Shelved, self).best([one], filters, k)[0]
            if one.matrix is None or filters != Filters()
            else list(self._found(one, k))
            for one in asked
        ]

    def _found(self, asked: Request, k: int) -> Iterator[Best]:
        empty: tuple[list[str], list[str], Any] = [], [], np.zeros((0, asked.matrix.shape[1]))  # type: ignore[union-attr]
        videos, channels, matrix = SHELVES[self.address].get(asked.space, empty)
        scores: dict[str, dict[str, float]] = {}
        every = (asked.matrix @ matrix.T).max(axis=0).tolist()  # type: ignore[operator]
        for video, channel, score in zip(videos, channels, every, strict=True):
            if not asked.channels or channel in asked.channels:
                own = scores.setdefault(channel, {})
                own[video] = max(score, own.get(video, -np.inf))
        for channel, own in scores.items():
            found = cut(channel, own, -np.inf, k)
            yield found._replace(floor=found.floor + MARGIN)


@method("engine", name="shelf", needs=())
def shelf(store: Store, *, address: str = "shelf://") -> Apart:
    """Vectors in a shelf of this process, beside the store that keeps the index."""
    return Shelf(store, address)


@pytest.fixture
def plugged() -> Iterator[None]:
    registry().add(shelf)
    yield
    registry()._methods["engine"].pop("shelf")
    for one in [name for kind, name in registry()._chosen if kind == "engine"]:
        registry()._chosen.pop(("engine", one))
    SHELVES.clear()
    DOWN.clear()


def brought(folder: Path, texts: Sequence[str], first: int = 0) -> Path:
    file = folder / "lines.jsonl"
    with file.open("w", encoding="utf-8") as out:
        for number, text in enumerate(texts, first):
            one = {"video": f"v{number}", "channel": "speech", "text": text}
            out.write(json.dumps(one) + "\n")
    return file


TEXTS = ("a panda eats bamboo", "Schnee in den Bergen", "地震で建物が壊れた", "наводнение в городе",
         "a rocket starts", "น้ำท่วม", "un perro corre", "حريق في الغابة")  # fmt: skip


def test_a_plugin_finds_and_is_checked_like_ours(
    plugged: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    index = tmp_path / "index"
    where, run = ["--index", str(index), "--json"], CliRunner()
    done = run.invoke(app, ["import", str(brought(tmp_path, TEXTS[:6])), *where])
    assert done.exit_code == 0, done.output
    done = run.invoke(app, ["engine", "rebuild", "--engine", "shelf://one/archive", *where])
    assert done.exit_code == 0 and json.loads(done.stdout)["indexes"] == 1, done.output
    done = run.invoke(app, ["engine", "check", *where])
    told = json.loads(done.stdout)
    assert (told["recall"], told["unfound"], told["exact"]) == (1.0, 0, False)
    with q2e.open(index) as asked:
        near = asked.search("snow", confidence=0.0)
        assert asked.settings.engine == "shelf://one/archive"
        assert near.info["candidates"]["exact"] is False
        assert near.info["candidates"]["expected"] == near.info["candidates"]["recalled"]
    with q2e.open(index, engine="own") as asked:
        all_ = asked.search("snow", confidence=0.0)
    assert [hit.video.id for hit in near] == [hit.video.id for hit in all_]
    # What is written later is copied when the command ends; down, it is kept and said.
    done = run.invoke(app, ["import", str(brought(tmp_path, TEXTS[6:7], 6)), *where])
    assert done.exit_code == 0 and len(SHELVES["shelf://one/archive"]) == 1
    DOWN.add("shelf://one/archive")
    with caplog.at_level(logging.WARNING):
        done = run.invoke(app, ["import", str(brought(tmp_path, TEXTS[7:], 7)), *where])
    assert done.exit_code == 0 and "what was stored stays" in caplog.text + done.output
    done = run.invoke(app, ["search", "fire", *where])
    assert done.exit_code and "does not answer; start it" in str(done.exception)
    DOWN.clear()
    done = run.invoke(app, ["engine", "rebuild", *where])
    assert done.exit_code == 0
    with q2e.open(index) as asked:
        assert "v7" in {hit.video.id for hit in asked.search("forest fire", confidence=0.0)}
