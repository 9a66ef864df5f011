"""A channel is believed as far as chance does not explain it: noise and copies change nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from q2e.methods.fuse.base import Fusion, fuse
from q2e.methods.fuse.witnesses import NORMAL, Grounds, Null, _both, centred, spoken
from q2e.methods.normalise.base import normalise
from q2e.search.debris import spread, weight_of


def fused(
    raw: np.ndarray, channels: tuple[str, ...], nulls: dict[str, Null], rule: str = "witnesses"
) -> Fusion:
    level = normalise(raw, "none", floor=np.zeros(len(raw)))
    grounds = Grounds(raw, channels, (True,) * len(raw), nulls)
    return fuse(replace(level, grounds=grounds), rule)


def collection(seed: int, videos: int = 40) -> tuple[np.ndarray, Null]:
    """Return the scores of one channel that has an answer, and its law of chance."""
    random = np.random.default_rng(seed)
    row = random.normal(size=videos)
    row[random.integers(videos)] += 4.0
    return row, Null.of(centred(random.normal(size=(32, videos))))


def test_a_channel_of_noise_changes_no_top_three_in_95_of_100() -> None:
    changed = 0
    for seed in range(100):
        row, null = collection(seed)
        random = np.random.default_rng(1000 + seed)
        noise = random.normal(size=len(row))
        law = Null.of(centred(random.normal(size=(32, len(row)))))
        alone = fused(row[None], ("frame",), {"frame": null})
        both = fused(np.stack([row, noise]), ("frame", "speech"), {"frame": null, "speech": law})
        top = [np.argsort(-one.score)[:3].tolist() for one in (alone, both)]
        changed += top[0] != top[1]
    assert changed <= 5


def test_a_copy_of_a_channel_changes_nothing() -> None:
    for seed in range(20):
        row, null = collection(seed)
        other, law = collection(100 + seed)
        two = fused(np.stack([row, other]), ("frame", "speech"), {"frame": null, "speech": law})
        laws = {"frame": null, "speech": law, "caption": law, "summary": null}
        four = fused(
            np.stack([row, other, other, row]), ("frame", "speech", "caption", "summary"), laws
        )
        assert np.allclose(two.score, four.score)


def test_what_a_channel_knows_for_sure_outweighs_the_eye() -> None:
    row, null = collection(1)
    said = np.random.default_rng(2).normal(size=len(row))
    said[7] = 9.0
    law = Null.of(centred(np.random.default_rng(3).normal(size=(32, len(row)))))
    both = fused(np.stack([row, said]), ("frame", "speech"), {"frame": null, "speech": law})
    assert both.score.argmax() == 7
    assert both.contribution.sum(axis=0) == pytest.approx(both.score)


def test_speech_is_believed_sooner_where_nothing_is_to_be_seen() -> None:
    # What is said is nothing rare among 40 videos by itself: one question in three finds as much.
    row, null = collection(1)
    law = Null.of(centred(np.random.default_rng(3).normal(size=(32, len(row)))))
    said = np.full(len(row), -0.1)
    said[7] = 3.1
    blind = np.linspace(-0.2, 0.2, len(row))
    for seen, first in ((row, int(row.argmax())), (blind, 7)):
        rows, laws = np.stack([seen, said]), {"frame": null, "speech": law}
        assert fused(rows, ("frame", "speech"), laws).score.argmax() == first
    # Of few videos the best is often low: that nothing is seen is not known then.
    said[7] = 2.0
    few = np.stack([blind[18:22], said[5:9]])
    assert fused(few, ("frame", "speech"), laws).contribution[1].max() == 0


def test_two_chances_together_are_as_rare_as_one() -> None:
    both = np.random.default_rng(0).uniform(size=(2, 200_000)).prod(axis=0)
    for alpha in (0.01, 0.05, 0.5, 1.0):
        assert float((both <= _both(alpha)).mean()) == pytest.approx(alpha, rel=0.05)


def test_parts_of_a_channel_share_what_it_says() -> None:
    row, null = collection(4)
    words = np.where(np.arange(len(row)) == row.argmax(), 3.0, 0.0)
    level = normalise(np.stack([row, words]), "none", floor=np.zeros(2))
    grounds = Grounds(np.stack([row, words]), ("frame",) * 2, (True, False), {"frame": null})
    found = fuse(replace(level, grounds=grounds), "witnesses")
    assert (found.contribution[:, row.argmax()] > 0).all()
    assert found.score.argmax() == row.argmax()


def test_surprise_rises_with_the_score_and_is_calibrated() -> None:
    levels = np.linspace(-4, 12, 200)
    surprise = NORMAL.surprise(levels)
    assert (np.diff(surprise) >= -1e-9).all()
    assert np.isnan(NORMAL.surprise(np.array([np.nan])))[0]
    drawn = np.random.default_rng(0).normal(size=20_000)
    for chance in (0.5, 0.1, 0.02):
        share = float((NORMAL.surprise(drawn) >= -np.log(chance)).mean())
        assert share == pytest.approx(chance, rel=0.35)
    with pytest.raises(ValueError, match="no score"):
        Null.of(np.full(3, np.nan))


def test_debris_counts_for_less_and_pictures_are_left_alone() -> None:
    key = np.array([5, 5, 5, 9, 5])
    often = spread(key, np.zeros(5, np.int16), np.array([0, 1, 1, 2, 2], np.int32))
    assert often.tolist() == [3, 3, 3, 1, 3]
    weights = weight_of(np.array([1, 10, 0], np.int32), np.array([1.0, 1, 1]), 2.0, 1.0)
    assert weights[0] == pytest.approx(1 / 3) and weights[2] == 1.0
    assert weights[0] < weights[1] < 1


def test_texts_in_the_language_of_the_question_are_measured_among_themselves() -> None:
    # Seven in eight texts are foreign, and lie two deviations further from all that is asked.
    random = np.random.default_rng(6)
    native = np.arange(64) % 8 == 0
    usual = random.normal(size=(32, 64)) + 2.0 * native
    scores = random.normal(size=64) + 2.0 * native
    # A foreign text answers; a native one scores a little more, as many do.
    scores[9], scores[16] = 4.5, 5.0
    laws = {
        "speech": Null.of(centred(usual)),
        spoken("speech", True): Null.of(centred(usual)[:, native]),
        spoken("speech", False): Null.of(centred(usual)[:, ~native]),
    }
    level = normalise(scores[None], "none", floor=np.zeros(1))
    for known, first in (({}, 16), ({"speech": native}, 9)):
        grounds = Grounds(scores[None], ("speech",), (True,), laws, native=known)
        assert fuse(replace(level, grounds=grounds), "witnesses").score.argmax() == first
    # Whose language nobody knows is told the more surprising way.
    more = np.append(scores, [4.0, np.nan])
    grounds = Grounds(more[None], ("speech",), (True,), laws, native={"speech": native})
    told = grounds.surprise("speech", more)
    assert told[-2] == pytest.approx(laws[spoken("speech", False)].surprise(np.array([4.0]))[0])
    assert np.isnan(told[-1])
