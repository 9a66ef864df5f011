"""What orders, exclusions and questions back change, for better and for worse, over the samples.

The clips are cut from photographs in a known order, so questions with a right answer can be
constructed. `python -m benchmarks.asking` writes `results/asking.json`.

- order: `"A" then "B"` for every two shots of a clip, and the same the wrong way round, each
  beside the plain sentence with the same words.
- not: `A NOT "B"` for shots of different clips, beside the plain sentence `A not B`: the clip
  that shows A is right, the one that shows B is wrong.
- ask: a vague question, and each clip in turn the one that is looked for; a user who answers
  truthfully from what is known of it.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

import numpy as np

import q2e
from benchmarks.__main__ import RESULTS, machine
from q2e.search.clarify import Option
from q2e.search.search import Searcher
from q2e.types import Clause, Hit, Query

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
#: What the shots of each clip show, in order, and how long each lasts in seconds.
SHOTS = {
    "reel-01.mp4": (3.0, ("a giant panda", "a koala", "a polar bear", "a crocodile")),
    "reel-02.mp4": (3.0, ("a cat", "two dogs", "a raccoon")),
    "reel-03.mp4": (3.0, ("a cup of coffee", "a fig in a red bowl", "paint brushes")),
    "call-06.mp4": (4.0, ("dandelions", "a stream in a wood")),
    "llamada-07.mp4": (7.5, ("a sunset", "a mountain trail")),
    "news-11.mp4": (4.0, ("the Great Wall", "a pagoda")),
    "portrait-19.mp4": (4.0, ("portrait of a woman", "galaxies in space")),
}
VAGUE = ("an animal", "a landscape", "a building", "somebody speaks", "news")
ROUNDS = 3
EVERYTHING: dict[str, Any] = {"top": 100, "confidence": 0.0}


def run() -> dict[str, Any]:
    """Return the figures of all three on the sample collection."""
    with tempfile.TemporaryDirectory() as folder:
        index = q2e.open(Path(folder) / "index")
        index.add(SAMPLES / "manifest.csv")
        figures = {"order": orders(index), "not": exclusions(index), "ask": questions_back(index)}
        index.close()
    return figures


def orders(index: q2e.Index) -> dict[str, Any]:
    """Return how often the right clip is first, and the wrong way round is refused."""
    right, wrong = Counter[str](), Counter[str]()
    moments = []
    for name, (length_s, shots) in SHOTS.items():
        for one, two in combinations(range(len(shots)), 2):
            first, second = shots[one], shots[two]
            there = index.search(f'"{first}" then "{second}"')
            plain = _plain(index, f"{first}, then {second}")
            _count(right, _rank(plain, name), _rank(there.hits, name))
            if _rank(there.hits, name) == 1:
                found = there.hits[0].moments[0]
                truth = one * length_s, (two + 1) * length_s
                moments.append(_overlap((found.start_s, found.end_s), truth))
            back = index.search(f'"{second}" then "{first}"')
            wrong["questions"] += 1
            wrong["listed by the plain sentence"] += (
                _rank(_plain(index, f"{second}, then {first}"), name) < np.inf
            )
            wrong["listed by the order"] += _rank(back.hits, name) < np.inf
    return {
        "right way round": dict(right),
        "wrong way round": dict(wrong),
        "moment overlap (IoU) of what is found": round(float(np.mean(moments)), 3),
        "moments with IoU >= 0.5": round(float(np.mean(np.array(moments) >= 0.5)), 3),
    }


def exclusions(index: q2e.Index) -> dict[str, Any]:
    """Return how often the excluded clip falls, and how often the right one does."""
    asked = [(name, shots[0]) for name, (_, shots) in SHOTS.items()]
    asked += [(name, shots[-1]) for name, (_, shots) in SHOTS.items()]
    counts = Counter[str]()
    for (name, wanted), (other, unwanted) in permutations(asked, 2):
        if name == other:
            continue
        plain = _plain(index, f"{wanted} not {unwanted}", **EVERYTHING)
        less = index.search(f'{wanted} NOT "{unwanted}"', **EVERYTHING).hits
        only = _plain(index, wanted, **EVERYTHING)
        counts["questions"] += 1
        counts["right clip first, plain sentence"] += _rank(plain, name) == 1
        counts["right clip first, excluded"] += _rank(less, name) == 1
        counts["right clip first, without the unwanted"] += _rank(only, name) == 1
        counts["unwanted clip above the right one, plain sentence"] += _above(plain, other, name)
        counts["unwanted clip above the right one, excluded"] += _above(less, other, name)
        counts["right clip: better"] += _rank(less, name) < _rank(plain, name)
        counts["right clip: worse"] += _rank(less, name) > _rank(plain, name)
        counts["unwanted clip: lower"] += _rank(less, other) > _rank(plain, other)
        counts["unwanted clip: higher"] += _rank(less, other) < _rank(plain, other)
    return dict(counts)


def questions_back(index: q2e.Index) -> dict[str, Any]:
    """Return the mean reciprocal rank of the clip looked for after each round."""
    targets = [video.id for video in index.videos()]
    ranks: list[list[float]] = [[] for _ in range(ROUNDS + 1)]
    better = worse = 0
    for question in VAGUE:
        for target in targets:
            text = question
            found = []
            for _ in range(ROUNDS + 1):
                found.append(_rank_of(index.search(text, moments=False, **EVERYTHING).hits, target))
                back = index.clarify(text, confidence=0.0)
                chosen = None if back is None else _truthful(index, back.options, target)
                text = text if chosen is None else chosen.text
            for number, rank in enumerate(found):
                ranks[number].append(1.0 / rank)
            better += found[-1] < found[0]
            worse += found[-1] > found[0]
    return {
        "searches": len(VAGUE) * len(targets),
        "mean reciprocal rank by round": [round(float(np.mean(one)), 3) for one in ranks],
        "better after the last round": better,
        "worse after the last round": worse,
    }


def _truthful(index: q2e.Index, options: Sequence[Option], target: str) -> Option | None:
    """Return the answer that is true of the target: the one whose hits hold it."""
    for option in options:
        facts = _facts_of(index, option)
        if facts(target):
            return option
    return None


def _facts_of(index: q2e.Index, option: Option) -> Callable[[str], bool]:
    """Return what an option says of a video, read from its own added clause."""
    parsed = index.parse(option.text)
    last = _last(parsed.clause)

    def holds(target: str) -> bool:
        labels = {tag.label for one in index.store.evidence_of(target) for tag in one.tags[:1]}
        if option.label in ("yes", "no") and last is not None:
            wanted = last.kind != "not"
            text = last.text if wanted else last.parts[0].text
            return (text in labels) == wanted
        return any(
            hit.video.id == target for hit in index.search(option.text, moments=False, **EVERYTHING)
        )

    return holds


def _last(clause: Clause | None) -> Clause | None:
    return clause.parts[-1] if clause is not None and clause.parts else clause


def _plain(index: q2e.Index, text: str, **settings: Any) -> Sequence[Hit]:
    """Return what the words find as a plain sentence, past the language."""
    used = index.settings.model_copy(update=settings)
    return Searcher(index.store, index.models).search(Query(text), used, moments=False).hits


def _rank(hits: Sequence[Hit], name: str) -> float:
    return next((h.rank for h in hits if Path(h.video.path).name == name), np.inf)


def _rank_of(hits: Sequence[Hit], video: str) -> float:
    return next((hit.rank for hit in hits if hit.video.id == video), np.inf)


def _above(hits: Sequence[Hit], other: str, name: str) -> bool:
    return _rank(hits, other) < _rank(hits, name)


def _count(counts: Counter[str], plain: float, ours: float) -> None:
    counts["questions"] += 1
    counts["first, plain sentence"] += plain == 1
    counts["first, order"] += ours == 1
    counts["better"] += ours < plain
    counts["worse"] += ours > plain
    counts["not found by the order"] += ours == np.inf


def _overlap(one: tuple[float, float], two: tuple[float, float]) -> float:
    both = max(0.0, min(one[1], two[1]) - max(one[0], two[0]))
    return both / (max(one[1], two[1]) - min(one[0], two[0]))


if __name__ == "__main__":
    text = json.dumps({"machine": machine(), "asking": run()}, indent=2, ensure_ascii=False)
    (RESULTS / "asking.json").write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")
