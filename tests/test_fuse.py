"""Fusion rules: what adds up, what must change nothing, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from q2e.errors import ConfigError, FusionError
from q2e.evaluate.agreement import agreement, check_ids, check_matrices
from q2e.evaluate.judging import judge_matrix
from q2e.methods.fuse.base import entropy_bits, fuse, fuse_batch
from q2e.methods.normalise.base import normalise, normalise_each
from q2e.plugins import registry

RULES = registry().names("fuse")
NAN = np.nan
CELL = st.one_of(st.integers(-9, 9), st.just(NAN))
RULE = st.sampled_from(sorted(RULES))
MODE = st.sampled_from(["none", "minmax", "videos"])


@given(arrays(np.float64, (1, 6), elements=CELL), RULE, MODE)
def test_a_duplicated_row_keeps_the_order(row: np.ndarray, rule: str, mode: str) -> None:
    one = fuse(normalise(row, mode), rule).score
    two = fuse(normalise(np.vstack([row, row]), mode), rule).score
    np.testing.assert_array_equal(
        np.sign(np.subtract.outer(one, one).round(9)), np.sign(np.subtract.outer(two, two).round(9))
    )


def test_a_peaked_row_outweighs_a_flat_one() -> None:
    peaked, flat = np.zeros(50), np.sin(np.arange(50.0))
    peaked[3] = 1.0
    fusion = fuse(normalise(np.stack([peaked, flat])))
    assert fusion.weight[0] > 2 * fusion.weight[1]
    assert fusion.entropy[0] < fusion.entropy[1] <= 1.0
    assert fusion.score.argmax() == 3


def test_inverse_entropy_of_a_batch_is_the_reference_arithmetic() -> None:
    random = np.random.default_rng(3)
    scores = random.random((2, 5, 7)) * 0.1
    power = np.exp(100 * scores)
    p = power / power.sum(axis=1, keepdims=True)
    h = -(p * np.log2(p + 1e-6)).sum(axis=2)
    wanted = (p / (h + 1e-6)[..., None]).sum(axis=0)
    fused = fuse_batch(normalise(scores, "batch(temperature=100)"), "entropy")
    spread = [(x - x.min(1, keepdims=True)) / np.ptp(x, axis=1)[:, None] for x in (fused, wanted)]
    np.testing.assert_allclose(spread[0], spread[1], atol=1e-12)
    np.testing.assert_allclose(entropy_bits(p), h)


def reference_batch(scores: np.ndarray, heats: list[float], weigh: Any) -> np.ndarray:
    """Return Q2E's released arithmetic: softmax over the queries, bits, weights as they come."""
    fused = np.zeros(scores.shape[1:])
    for own, heat in zip(scores, heats, strict=True):
        power = np.exp(heat * own)
        p = power / power.sum(axis=0)
        h = -(p * np.log2(p + 1e-6)).sum(axis=1)
        fused += weigh(h)[:, None] * p
    return fused


@pytest.mark.parametrize(
    ("rule", "weigh"),
    [
        ("entropy(shares=False)", lambda h: 1 / (h + 1e-6)),
        ("exponential(sign='+')", np.exp),
        ("exponential", lambda h: np.exp(-h)),
    ],
)
def test_published_weights_of_a_batch_are_as_released(rule: str, weigh: Any) -> None:
    """Also where an entropy is below 0, whose weight turns its row round in the released code."""
    scores = np.random.default_rng(1).normal(size=(2, 3, 40)) * 0.1
    scores[1] *= 10.0  # on another scale, so it has a temperature of its own
    scores[1, 0] += 8.0  # its softmax is 1 throughout, its entropy below 0
    heats = [50.0, 5.0]
    rows = normalise_each(scores, [f"batch(temperature={heat})" for heat in heats])
    found, wanted = fuse_batch(rows, rule), reference_batch(scores, heats, weigh)
    np.testing.assert_array_equal(np.argsort(-found, axis=1), np.argsort(-wanted, axis=1))
    if "shares" in rule:
        np.testing.assert_allclose(found, wanted)
        ours = fuse_batch(rows, "entropy")
        assert (np.argsort(-ours, axis=1) != np.argsort(-wanted, axis=1)).any()
    sums = fuse(rows.query(0), rule).weight.sum()
    assert sums == pytest.approx(1.0) or "shares" in rule


def test_a_batch_of_hundreds_of_bits_stays_finite() -> None:
    scores = np.random.default_rng(2).normal(size=(2, 3, 4000)) * 1e-3
    fused = fuse_batch(normalise(scores, "batch(temperature=50)"), "exponential(sign='+')")
    assert np.isfinite(fused).all() and np.ptp(fused) > 0


def test_a_channel_present_for_few_lifts_them_without_sinking_a_strong_match() -> None:
    """Speech matches strongly in 3 of 50 videos; 47 say nothing."""
    random = np.random.default_rng(0)
    frame = random.normal(0.2, 0.02, 50)
    frame[10] = 0.45  # seen clearly, and nothing is said in it
    frame[[20, 21, 22]] = 0.2  # not seen, but spoken about
    speech = np.full(50, NAN)
    speech[[20, 21, 22]] = [14.0, 13.0, 12.5]
    alone = fuse(normalise(frame[None]))
    both = fuse(normalise(np.stack([frame, speech]), floor=[NAN, 0.0]))
    order = np.argsort(-both.score)
    assert set(order[:4].tolist()) == {10, 20, 21, 22}
    assert (np.argsort(-alone.score)[:4] != order[:4]).any()
    rest = np.setdiff1d(np.arange(50), [20, 21, 22])
    np.testing.assert_array_equal(
        rest[np.argsort(-alone.score[rest], kind="stable")],
        rest[np.argsort(-both.score[rest], kind="stable")],
    )


@pytest.mark.parametrize("rule", sorted(set(RULES) - {"max"}))
def test_one_match_among_a_hundred_is_lifted(rule: str) -> None:
    frame = np.linspace(0.0, 1.0, 100)
    words = np.full(100, NAN)
    words[40] = 3.0
    before = fuse(normalise(frame[None]), rule).score
    after = fuse(normalise(np.stack([frame, words]), floor=[NAN, 0.0]), rule).score
    assert (after > after[40]).sum() < (before > before[40]).sum()


def test_one_spoken_match_of_a_thousand_does_not_silence_what_is_seen() -> None:
    frame = np.random.default_rng(0).normal(0.2, 0.02, 1000)
    frame[10] = 0.3
    words = np.full(1000, NAN)
    words[500] = 1.0
    fusion = fuse(normalise(np.stack([frame, words]), floor=[NAN, 0.0]))
    assert set(np.argsort(-fusion.score)[:2].tolist()) == {10, 500}
    assert fusion.weight.min() > 0.4
    assert fusion.score[10] > fusion.score[500] / 2


def test_max_by_hand_names_the_winner() -> None:
    rows = normalise([[0.0, 1.0, 0.2], [0.9, 0.0, 0.1]], "minmax")
    fusion = fuse(rows, "max")
    np.testing.assert_allclose(fusion.score, [1.0, 1.0, 0.2])
    np.testing.assert_allclose(fusion.contribution, [[0, 1, 0.2], [1, 0, 0]])


def test_combmnz_and_combsum_by_hand() -> None:
    rows = normalise([[0.0, 1.0, 0.5], [NAN, 0.0, 2.0]], "minmax")
    np.testing.assert_allclose(fuse(rows, "combsum").score, [0.0, 1.0, 1.5])
    np.testing.assert_allclose(fuse(rows, "combmnz").score, [0.0, 1.0, 3.0])


def test_rrf_by_hand_ties_share_and_missing_has_no_vote() -> None:
    rows = normalise([[3.0, 3.0, 1.0, NAN], [0.0, 1.0, 2.0, 3.0]], "none")
    wanted = [1 / 61.5 + 1 / 64, 1 / 61.5 + 1 / 63, 1 / 63 + 1 / 62, 1 / 61]
    np.testing.assert_allclose(fuse(rows, "rrf").score, wanted)


def test_parameters_are_the_rules_own() -> None:
    rows = normalise([[3.0, 2.0, 1.0], [0.0, 1.0, 9.0]], "none")
    np.testing.assert_allclose(fuse(rows, "rrf(k=1)").contribution[0], [1 / 2, 1 / 3, 1 / 4])
    soft, hard = (fuse(rows, f"entropy_sum(temperature={heat})") for heat in (1000, 0.01))
    np.testing.assert_allclose(soft.entropy, 1.0, atol=1e-4)
    assert (hard.entropy < 0.01).all()
    even, first = (fuse(rows, f"entropy(epsilon={added})").weight for added in (10, 0.01))
    assert first[1] / first[0] > 2 > 1.1 > even[1] / even[0]
    # A temperature is a multiple of the softness that belongs to the scale of the values.
    flat = normalise([[3.0, 2.0, 1.0]], "minmax")
    np.testing.assert_allclose(
        flat.probability(2.0), np.exp([5, 2.5, 0]) / np.exp([5, 2.5, 0]).sum() * [[1]]
    )


def test_every_rule_says_on_what_scale_its_values_are() -> None:
    scales = {one.name: one.facts["scale"] for one in registry().all("fuse")}
    rows = normalise(np.random.default_rng(0).normal(2.0, 3.0, (3, 40)), "none")
    for rule, scale in scales.items():
        values = fuse(rows, rule).normalised
        kept = np.isin(values, np.append(rows.value, 0.0)).all()
        assert kept == (scale == "deviations"), rule
        most = {"probability": 1.0, "votes": 1.0, "logarithms": 1.0, "minmax": 3.0}.get(scale)
        assert most is None or values.max() <= most + 1e-9, rule


def test_given_weights_shift_the_sum_and_zero_switches_a_row_off() -> None:
    rows = normalise([[1.0, 0.0], [0.0, 1.0]], "none")
    np.testing.assert_allclose(fuse(rows, "sum", [0.73, 0.27]).score, [0.73, 0.27])
    for rule in RULES:
        off = fuse(rows, rule, [1.0, 0.0])
        assert off.contribution[1].sum() == 0 and off.score[0] > off.score[1]


def test_what_cannot_be_fused_is_refused() -> None:
    rows = normalise(np.eye(3))
    for text, said in (
        ("magic", "unknown fuse 'magic'"),
        ("rrf(k=-1)", "k = -1"),
        ("entropy_sum(temperature=0)", "temperature"),
        ("mean(k=1)", "unknown"),
    ):
        with pytest.raises(ConfigError, match=said):
            fuse(rows, text)
    for weights in ([1.0], [1.0, 1.0, -1.0], [1.0, 1.0, NAN]):
        with pytest.raises(FusionError, match="weights"):
            fuse(rows, "sum", weights)
    with pytest.raises(FusionError, match="one query"):
        fuse(normalise(np.ones((2, 3, 4))))
    with pytest.raises(FusionError, match=r"\(S, Q, V\)"):
        fuse_batch(rows)


def test_id_lists_must_agree() -> None:
    check_ids(["a", "b"], ("a", "b"))
    check_ids()
    with pytest.raises(FusionError, match="item 1 is 'b' in matrix 1 and 'c' in matrix 2"):
        check_ids(["a", "b"], ["a", "c"])
    with pytest.raises(FusionError, match="2 items and matrix 3 has 1"):
        check_ids(["a", "b"], ["a", "b"], ["a"])


def test_matrices_of_other_shapes_are_refused() -> None:
    with pytest.raises(FusionError, match="score the same"):
        check_matrices(np.eye(3), np.eye(4))


@pytest.mark.needs_data
def test_a_real_matrix_in_another_order_is_refused(dev_data: Path) -> None:
    video = np.load(dev_data / "cap4video" / "msrvtt_video_matrix.npy")
    titles = np.load(dev_data / "cap4video" / "msrvtt_titles_matrix.npy")
    check_matrices(video, titles)
    order = np.random.default_rng(0).permutation(len(titles))
    moved = titles[np.ix_(order, order)]
    with pytest.raises(FusionError, match="different item order"):
        check_matrices(video, moved)
    assert agreement(video, titles).off_diagonal > 0.5
    assert abs(agreement(video, moved).off_diagonal) < 0.02
    # What the check prevents: the leak lifts hit rate at 1 by more than 20 points.
    leaked = fuse_batch(normalise(np.stack([video, moved]), "videos"), "mean")
    honest = fuse_batch(normalise(np.stack([video, titles]), "videos"), "mean")
    hits = [np.mean([one.ranks[0] <= 1 for one in judge_matrix(x)]) for x in (leaked, honest)]
    assert hits[0] - hits[1] > 0.2
