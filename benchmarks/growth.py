"""How what a user waits for grows with the collection: each verb, in seconds or in operations.

A collection of imported videos, without media, is doubled and doubled again. Texts are made of
words by Zipf's law, vectors lie around subjects of their own; both come in the imported file, so
that nothing is encoded but questions.
"""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import q2e
from benchmarks.counting import counting, counts

#: Videos of the benchmark, in thousands.
SIZES = (1, 2, 4, 8, 16, 32, 64)
#: Pieces of a video, words of a piece, and words that there are.
PIECES, WORDS, VOCABULARY = 3, 12, 20_000
CHANNELS = ("speech", "screen_text", "metadata")
#: Digits of the vectors in the imported file.
DIGITS = 3
#: How often a verb that changes nothing is measured at each size.
TURNS = 3
#: Change of a count, as a share of the first, that is no growth.
STILL = 0.25
#: The fastest that a verb may grow which a user waits for.
MOST = 1.2

Verb = Callable[["World"], object]


class World:
    """A growing collection in a folder, and a handle on it that stays open."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.random = np.random.default_rng(0)
        odds = 1.0 / np.arange(1, VOCABULARY + 1)
        self.odds = odds / odds.sum()
        self.size = self.asked = 0
        self.index = q2e.open(folder / "index", **settings)
        self.other = q2e.open(folder / "index", **settings)
        """Changes the collection beside `index`, as another process does."""
        self.file = folder / "new.jsonl"
        self.dimension = int(self.index.models.text.info.dimension or 0)

    def write(self, videos: int) -> None:
        """Write the file that brings so many new videos; one alone always says the same."""
        random = self.random if videos > 1 else np.random.default_rng(1)
        with self.file.open("w", encoding="utf-8") as file:
            for number in range(self.size, self.size + videos):
                file.writelines(json.dumps(line) + "\n" for line in self._lines(number, random))
        self.size += videos

    def _lines(self, number: int, random: np.random.Generator) -> Iterator[dict[str, Any]]:
        subject = random.standard_normal(self.dimension)
        length_s = float(random.integers(20, 3600))
        words = random.choice(VOCABULARY, size=(PIECES, WORDS), p=self.odds)
        for place, channel in enumerate(CHANNELS):
            vector = subject + random.standard_normal(self.dimension)
            yield {
                "video": f"v{number:06d}",
                "channel": channel,
                "text": " ".join(f"w{word}" for word in words[place]),
                "start": 0.0,
                "end": length_s,
                "language": "en",
                "vector": np.round(vector / np.linalg.norm(vector), DIGITS).tolist(),
            }

    def bring(self) -> None:
        """Import what was written last."""
        self.other.import_evidence(self.file)

    def grow(self, videos: int) -> None:
        """Have so many videos, before anything is measured."""
        if videos > self.size:
            self.write(videos - self.size)
            self.bring()

    def question(self) -> str:
        """Return a question that was not asked before: four words, often and seldom said."""
        self.asked += 1
        return f"w{3 + self.asked % 50} w{300 + self.asked} w{5000 + self.asked}"

    def video(self) -> str:
        """Return the name of a video that is there at every size."""
        return "v000007"

    def remove(self) -> None:
        self.other.remove(f"v{self.size - 1:06d}")

    def opened(self) -> q2e.Results:
        with q2e.open(self.folder / "index") as index:
            return index.search(self.question())

    def close(self) -> None:
        self.index.close()
        self.other.close()


def _one_more(world: World) -> None:
    world.write(1)


#: What a user waits for, in the order in which it is measured: what is done before, and the verb.
VERBS: dict[str, tuple[Verb, Verb]] = {
    "open and search": (lambda w: None, lambda w: w.opened()),
    "search": (lambda w: w.index.search(w.question()), lambda w: w.index.search(w.question())),
    "facets": (lambda w: None, lambda w: w.index.facets(w.question())),
    "clarify": (lambda w: None, lambda w: w.index.clarify(w.question())),
    "find": (lambda w: None, lambda w: w.index.find(w.video())),
    "show": (lambda w: None, lambda w: w.index.show(w.video())),
    "status": (lambda w: None, lambda w: w.index.status()),
    "list": (lambda w: None, lambda w: w.index.videos()),
    "import one": (_one_more, lambda w: w.bring()),
    "search after import": (lambda w: None, lambda w: w.index.search(w.question())),
    "remove one": (lambda w: None, lambda w: w.remove()),
    "search after remove": (lambda w: None, lambda w: w.index.search(w.question())),
}  # fmt: skip
#: Verbs that change the collection, or come right after what does, and so happen once a size.
ONCE = ("import one", "search after import", "remove one", "search after remove")


def run(sizes: Sequence[int] = SIZES) -> dict[str, Any]:
    """Return milliseconds of processor time of each verb by thousand videos, and exponents."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        spent: dict[str, dict[int, float]] = {}
        for thousand in sizes:
            new = thousand * 1000 - world.size
            world.write(new)
            spent.setdefault("import", {})[thousand] = _ms(lambda: world.bring()) / new
            for name, (before, verb) in VERBS.items():
                turns = 1 if name in ONCE else TURNS
                taken = []
                for _ in range(turns):
                    before(world)
                    taken.append(_ms(lambda verb=verb: verb(world)))  # type: ignore[misc]
                spent.setdefault(name, {})[thousand] = float(np.median(taken))
        world.close()
    return {
        "pieces_a_video": PIECES,
        "verbs": {
            name: {
                "ms": {str(size): round(ms, 3) for size, ms in own.items()},
                "exponent": _fitted(own, name == "import"),
            }
            for name, own in spent.items()
        },
    }


def _ms(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return (time.process_time() - began) * 1000


def _fitted(ms: Mapping[int, float], each: bool) -> float:
    """Return the exponent of a power of the size, above what the smallest collection takes.

    The smaller sizes cost what does not grow; the fit is over the largest four. What is given for
    each video grows by one power less than the whole.
    """
    sizes = sorted(ms)[-4:]
    slope = np.polyfit(np.log(sizes), np.log([ms[size] for size in sizes]), 1)[0]
    return round(float(slope) + each, 2)


def counted(sizes: tuple[int, int, int], first: int = 20) -> dict[str, dict[str, float]]:
    """Return the exponent of each verb in each count, over three sizes that double.

    Everything is done once before, at `first` videos: what is loaded then never counts again.
    """
    found: dict[str, list[Mapping[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder, counting():
        world = World(Path(folder), top=3)  # few hits: reasons are told of each
        for size in (first, *sizes):
            new = size - world.size
            world.write(new)
            brought = counts(world.bring, lines=False)
            world.index.search(world.question())
            done: dict[str, Mapping[str, float]] = {
                "import": {name: one / new for name, one in brought.items()}
            }
            for name, (before, verb) in VERBS.items():
                before(world)
                done[name] = counts(lambda verb=verb: verb(world))  # type: ignore[misc]
            if size != first:
                for name, own in done.items():
                    found.setdefault(name, []).append(own)
        world.close()
    # What is counted for each video imported grows by one power less than the whole.
    return {
        verb: {name: exponent([one[name] for one in own]) + (verb == "import") for name in own[0]}
        for verb, own in found.items()
    }


def exponent(counted: Sequence[float]) -> float:
    """Return the power by which counts at n, 2 n and 4 n grow, beside what is constant.

    With counts a + b n**p the differences are as 1 to 2**p. Growth over all by less than `STILL`
    of the first is none: 0.
    """
    one, two, four = counted
    if four - one <= STILL * one:
        return 0.0
    return math.log2((four - two) / (two - one)) if two > one and four > two else math.inf
