"""Nothing that a user waits for grows faster than the collection: counted, not timed."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence

import numpy as np
import pytest
from benchmarks import growth
from benchmarks.counting import Counted, counting, counts

from q2e.arrays import Float32
from q2e.models.base import ModelInfo
from q2e.models.registry import Models
from q2e.search.duplicates import twins


class Small:
    """Vectors of eight numbers, so that what is counted is all but them."""

    info = ModelInfo("small", "text vectors", "here", "-", "all", dimension=8)
    space = "small/1"

    def encode_queries(self, texts: Sequence[str]) -> Float32:
        drawn = [np.random.default_rng(zlib.crc32(text.encode())) for text in texts]
        return np.array([one.standard_normal(8) for one in drawn], np.float32).reshape(-1, 8)

    encode_passages = encode_queries

    def count_tokens(self, question: str) -> int:
        return len(question.split())


@pytest.mark.slow
def test_no_verb_grows_faster_than_the_collection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Models, "text", Small())
    grown = growth.counted((60, 120, 240))
    assert set(grown) == {"import", *growth.VERBS}
    # That the counts see what they are to see: these grow by nature.
    assert 0.9 < grown["status"]["lines"] < 1.1 and 0.9 < grown["status"]["sql"] < 1.1
    assert 0.8 < grown["search"]["numbers"] < 1.1 and grown["import"]["sql"] >= 1
    fast = {
        f"{verb}: {what}": round(power, 2)
        for verb, own in grown.items()
        for what, power in own.items()
        if power > growth.MOST
    }
    assert not fast


@pytest.mark.parametrize(
    ("counted", "power"),
    [
        ((100, 100, 100), 0.0),
        ((1000, 1010, 1030), 0.0),  # what hardly grows
        ((1040, 1080, 1160), 0.0),
        ((140, 180, 260), 1.0),
        ((1010, 1040, 1160), 0.0),
        ((1100, 1400, 2600), 2.0),  # 1000 + 100 n squared
        ((1000, 900, 1900), math.inf),
    ],
)
def test_the_power_is_told_beside_what_is_constant(
    counted: tuple[int, int, int], power: float
) -> None:
    assert growth.exponent(counted) == pytest.approx(power)


def test_all_pairs_of_copies_are_seen_as_a_square() -> None:
    def pairs(videos: int) -> int:
        means = np.random.default_rng(0).standard_normal((videos, 8)).view(Counted)
        with counting():
            return counts(lambda: twins(np.full(videos, 9.0), [means]))["numbers"]

    assert growth.exponent([pairs(n) for n in (60, 120, 240)]) == pytest.approx(2.0, abs=0.05)
