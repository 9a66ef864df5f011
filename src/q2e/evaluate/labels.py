"""Labels made by hand: which video answers which question, kept beside the index, and measures.

The file `labels.jsonl` of an index holds one JSON object a line, in order of making: `query`,
`video` (its id), `start`, `end` (seconds or null) and `relevance`, 0 for a wrong answer. Lines are
only ever added, so that the page and the terminal can write at once: a later line about the same
stretch and question replaces an earlier one, and a line with relevance null takes it back.
"""

from __future__ import annotations

import json
import threading
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from q2e.cache import content_key
from q2e.errors import StoreError
from q2e.evaluate.compare import bootstrap
from q2e.evaluate.judging import evaluate_run
from q2e.evaluate.measures import parse_measures
from q2e.evaluate.moment_measures import mean_iou, moment_recall
from q2e.types import Results

FILE = "labels.jsonl"
#: Most labels of one collection: they are for judging by hand.
MOST = 20_000
#: Labels from which on measures have intervals; with fewer they would only look exact.
ENOUGH = 20
MEASURES = "nDCG@10,R@1,R@10,MRR@10,MAP"
_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class Label:
    """Says how well a stretch of a video answers a question; 0 says not at all."""

    query: str
    video: str
    start: float
    end: float | None
    relevance: int

    @property
    def id(self) -> str:
        return content_key(self.query, self.video, repr(float(self.start)), repr(self.end))[:16]

    def shape(self) -> dict[str, Any]:
        return {"id": self.id} | asdict(self)


class Labels:
    """The labels of one collection; safe between threads, and between processes that add."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None
        self._labels: dict[str, Label] = {}

    def all(self) -> list[Label]:
        """Return all labels in order of making. Raises StoreError for a damaged file."""
        with self._lock:
            return list(self._known().values())

    def put(self, label: Label) -> Label:
        """Keep a label; one of the same question and stretch is replaced."""
        with self._lock:
            known = self._known()
            if len(known) >= MOST and label.id not in known:
                raise StoreError(f"{len(known)} labels are the most; delete some")
            self._append(asdict(label))
        return label

    def remove(self, label_id: str) -> bool:
        """Forget a label; False where it was not known."""
        with self._lock:
            label = self._known().get(label_id)
            if label is None:
                return False
            self._append(asdict(label) | {"relevance": None})
        return True

    def _known(self) -> dict[str, Label]:
        try:
            state = self.path.stat()
        except FileNotFoundError:
            self._seen, self._labels = None, {}
            return self._labels
        except OSError as error:
            raise StoreError(f"{self.path}: cannot be read ({error.strerror})") from None
        seen = (state.st_size, state.st_mtime_ns)
        if seen != self._seen:
            self._labels = read_labels(self.path)
            self._seen = seen
        return self._labels

    def _append(self, row: Mapping[str, Any]) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab+", buffering=0) as file:
                file.seek(0)
                held = file.read()
                # What was cut short while it was written would swallow this line.
                file.truncate(held.rfind(b"\n") + 1)
                file.write((json.dumps(row, ensure_ascii=False) + "\n").encode())
        except OSError as error:
            raise StoreError(f"{self.path}: {error.strerror}; make its folder writable") from None


def read_labels(path: Path) -> dict[str, Label]:
    """Return {id: label} of a file. Raises StoreError naming the line that is no label.

    A last line without its end was cut short while it was written, and is left out.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{path}: cannot be read ({error}); mend or delete it") from None
    found: dict[str, Label] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            taken_back = row["relevance"] is None
            label = Label(**(row | {"relevance": 0} if taken_back else row))
            whole = isinstance(label.query, str) and isinstance(label.video, str)
            if not whole or isinstance(label.relevance, bool) or label.relevance < 0:
                raise ValueError(f"unusable label {row!r}")
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            if number == text.count("\n") + 1:
                break
            raise StoreError(f"{path}, line {number}: {error}; mend or delete it") from None
        found.pop(label.id, None)
        if not taken_back:
            found[label.id] = label
    return found


def qrels_of(labels: Sequence[Label]) -> dict[str, dict[str, int]]:
    """Return {question: {video: relevance}}; a video is as relevant as its best label."""
    qrels: dict[str, dict[str, int]] = defaultdict(dict)
    for label in labels:
        grades = qrels[label.query]
        grades[label.video] = max(label.relevance, grades.get(label.video, 0))
    return dict(qrels)


def measure(labels: Sequence[Label], answers: Mapping[str, Results]) -> dict[str, Any]:
    """Return measures of the answers to the labelled questions, over all and for each.

    `intervals` (95 % bootstrap over questions) stand beside the means from ENOUGH labels on.
    `judged@10` is the share of the first ten hits that have a label: a hit without one counts as
    wrong, so that a low share makes all measures too low. Moments count where the first moment of
    a right video lies on a label with an end.
    """
    qrels = qrels_of(labels)
    if not qrels:
        return {"labels": 0, "queries": 0, "measures": {}, "intervals": {}, "by_query": []}
    run = {
        query: {hit.video.id: -float(hit.rank) for hit in results.hits}
        for query, results in answers.items()
    }
    done = evaluate_run(run, qrels, parse_measures(MEASURES))
    counts = Counter(label.query for label in labels)
    by_query = [
        {"query": query, "labels": counts[query]}
        | {name: round(values[query], 4) for name, values in done.per_query.items()}
        for query in qrels
    ]
    overall = {name: round(value, 4) for name, value in done.values.items()}
    intervals = {}
    if len(labels) >= ENOUGH:
        for name, values in done.per_query.items():
            interval = bootstrap(list(values.values()))
            intervals[name] = [round(interval.low, 4), round(interval.high, 4)]
    return {
        "labels": len(labels),
        "queries": len(qrels),
        "measures": overall | {"judged@10": _judged(qrels, run)} | _moments(labels, answers),
        "intervals": intervals,
        "by_query": by_query,
    }


def _judged(
    qrels: Mapping[str, Mapping[str, int]], run: Mapping[str, Mapping[str, float]]
) -> float:
    shown = [
        video in qrels[query]
        for query, ranking in run.items()
        if query in qrels
        for video in list(ranking)[:10]
    ]
    return round(sum(shown) / len(shown), 4) if shown else 0.0


def _moments(labels: Sequence[Label], answers: Mapping[str, Results]) -> dict[str, float]:
    """Return how well moments lie on labels, inside the labelled videos."""
    truths: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for label in labels:
        if label.relevance > 0 and label.end is not None and label.end > label.start:
            truths[label.query, label.video].append((label.start, label.end))
    found = {
        (query, hit.video.id): [(moment.start_s, moment.end_s) for moment in hit.moments]
        for query, results in answers.items()
        for hit in results.hits
    }
    if not truths:
        return {}
    pairs = [(found.get(key, []), stretches) for key, stretches in truths.items()]
    given, true = [one for one, _ in pairs], [one for _, one in pairs]
    return {
        f"moment R@1 IoU {_THRESHOLD}": round(moment_recall(given, true, 1, _THRESHOLD), 4),
        "moment mIoU": round(mean_iou(given, true), 4),
    }
