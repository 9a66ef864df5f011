"""Labels for evaluation: who answers which question, kept beside the index, and live measures."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from q2e.cache import content_key, write_whole
from q2e.errors import StoreError
from q2e.evaluate.measures import evaluate_run, parse_measures
from q2e.evaluate.moment_measures import mean_iou, moment_recall
from q2e.types import Results

FILE = "labels.json"
#: Most labels of one collection: they are for judging by hand.
MOST = 20_000
_MEASURES = "nDCG@10,R@1,R@10,MRR@10,MAP"
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
        return content_key(self.query, self.video, repr(self.start), repr(self.end))[:16]

    def shape(self) -> dict[str, Any]:
        return {"id": self.id} | asdict(self)


class Labels:
    """The labels of one collection, in a file written whole at each change."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE
        self._lock = threading.Lock()
        self._labels: dict[str, Label] | None = None

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
            self._write(known | {label.id: label})
        return label

    def remove(self, label_id: str) -> bool:
        """Forget a label; False where it was not known."""
        with self._lock:
            known = self._known()
            if label_id not in known:
                return False
            self._write({key: label for key, label in known.items() if key != label_id})
        return True

    def _known(self) -> dict[str, Label]:
        if self._labels is None:
            try:
                rows = json.loads(self.path.read_text("utf-8"))
                labels = [Label(**row) for row in rows]
            except FileNotFoundError:
                labels = []
            except (OSError, ValueError, TypeError) as error:
                raise StoreError(
                    f"{self.path}: cannot be read ({error}); mend or delete it"
                ) from None
            self._labels = {label.id: label for label in labels}
        return self._labels

    def _write(self, labels: dict[str, Label]) -> None:
        rows = [asdict(label) for label in labels.values()]
        text = json.dumps(rows, ensure_ascii=False, indent=1)
        try:
            write_whole(self.path, lambda file: file.write(text.encode()))
        except OSError as error:
            raise StoreError(f"{self.path}: {error.strerror}; make its folder writable") from None
        self._labels = labels


def measure(labels: Sequence[Label], answers: Mapping[str, Results]) -> dict[str, Any]:
    """Return measures of the answers to the labelled questions, over all and for each.

    A video is as relevant as its best label. Moments count where the first moment of the best
    labelled video lies on a label with an end.
    """
    qrels: dict[str, dict[str, int]] = defaultdict(dict)
    for label in labels:
        grades = qrels[label.query]
        grades[label.video] = max(label.relevance, grades.get(label.video, 0))
    if not qrels:
        return {"labels": 0, "queries": 0, "measures": {}, "by_query": []}
    run = {
        query: {hit.video.id: -float(hit.rank) for hit in results.hits}
        for query, results in answers.items()
    }
    done = evaluate_run(run, qrels, parse_measures(_MEASURES))
    by_query = [
        {"query": query, "labels": sum(label.query == query for label in labels)}
        | {name: round(values[query], 4) for name, values in done.per_query.items()}
        for query in qrels
    ]
    overall = {name: round(value, 4) for name, value in done.values.items()}
    return {
        "labels": len(labels),
        "queries": len(qrels),
        "measures": overall | _moments(labels, answers),
        "by_query": by_query,
    }


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
