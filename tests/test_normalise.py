"""Normalisations: one query, batch, bank; constant, missing and odd rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from q2e.errors import ConfigError, FusionError
from q2e.methods.fuse.base import fuse
from q2e.methods.normalise.base import PEAK, normalise, softmax, transductive, zscore
from q2e.methods.normalise.batch import batch
from q2e.methods.normalise.dual_softmax import dual_softmax
from q2e.methods.normalise.dynamic_inverted_softmax import dynamic_inverted_softmax
from q2e.methods.normalise.inverted_softmax import inverted_softmax
from q2e.methods.normalise.minmax import minmax
from q2e.methods.normalise.nnn import hubness, nnn
from q2e.methods.normalise.sinkhorn import sinkhorn
from q2e.plugins import registry

CORRECTIONS = registry().names("correction")
TRANSFORMS = registry().names("normalise")
ROW = arrays(np.float64, 12, elements=st.one_of(st.integers(-20, 20), st.just(np.nan)))
NAN = np.nan


@given(ROW, st.sampled_from(["none", "minmax", "videos"]))
def test_one_query_gives_finite_values_and_a_distribution(row: np.ndarray, mode: str) -> None:
    rows = normalise(row[None], mode)
    assert np.isfinite(rows.value).all()
    assert rows.probability().sum() == pytest.approx(1.0)
    known = row[~np.isnan(row)]
    assert rows.dead[0] == (len(known) == 0 or np.ptp(known) == 0)
    if rows.dead[0]:
        assert not rows.value.any()
    else:
        order = np.argsort(known, kind="stable")
        values = rows.value[0][~np.isnan(row)]
        assert (np.diff(values[order]) >= 0).all()
        assert (rows.value[0][np.isnan(row)] == values.min()).all()


@given(ROW, st.integers(-50, 50), st.integers(1, 9))
def test_standardising_ignores_a_shift_and_a_scale(row: np.ndarray, shift: int, scale: int) -> None:
    one, two = normalise(row[None], "videos"), normalise(row[None] * scale + shift, "videos")
    np.testing.assert_allclose(one.value, two.value, atol=1e-9)
    assert (one.dead == two.dead).all()


def test_rounding_noise_on_a_constant_row_is_still_constant() -> None:
    row = 0.8 + np.array([0, 1e-16, -1e-16, 2e-16])
    assert normalise(row[None], "videos").dead[0]
    assert not zscore(row).any() and not minmax(row).any()


def test_no_video_and_no_row() -> None:
    assert normalise(np.zeros((0, 5))).value.shape == (0, 5)
    empty = normalise(np.zeros((2, 0)))
    assert empty.value.shape == (2, 0) and empty.dead.all()


def test_a_single_present_score_says_nothing_without_a_floor_and_lifts_with_one() -> None:
    row = np.full((1, 100), NAN)
    row[0, 7] = 4.2
    assert normalise(row).dead[0]
    rows = normalise(row, floor=[0.0])
    assert not rows.dead[0] and rows.value[0].argmax() == 7
    assert rows.present[0].sum() == 1


@pytest.mark.parametrize("videos", [1, 2])
def test_a_row_that_is_alike_for_all_tells_them_from_its_floor(videos: int) -> None:
    """One video, or copies of one: what it scores above the floor is all there is to know."""
    scores = np.repeat([[4.2], [0.0], [-1.0], [NAN]], videos, axis=1)
    rows = normalise(scores, "none", floor=np.zeros(4))
    np.testing.assert_array_equal(rows.dead, [False, True, True, True])
    np.testing.assert_allclose(fuse(rows, "entropy_sum").score, 4.2)
    unknown = normalise(scores, "none", floor=[NAN, 0.0, 0.0, 0.0])
    assert unknown.dead.all() and normalise(scores).dead.all()


def test_one_match_among_many_does_not_tower_over_everything() -> None:
    row = np.full((1, 10_000), NAN)
    row[0, [3, 4]] = [2.0, 1.9]
    rows = normalise(row, floor=[0.0])
    assert rows.value.max() == pytest.approx(PEAK)
    assert rows.value[0, 3] > rows.value[0, 4] > 4 > rows.value[0, 5]
    assert rows.probability().max() < 0.05


def test_a_floor_is_known_for_some_rows_only() -> None:
    scores = np.array([[3.0, NAN, NAN], [0.5, 0.7, NAN]])
    rows = normalise(scores, floor=[0.0, NAN])
    np.testing.assert_allclose(rows.value[0], [np.sqrt(2), -np.sqrt(0.5), -np.sqrt(0.5)])
    np.testing.assert_allclose(rows.value[1], [-1.0, 1.0, -1.0])


def test_the_batch_mode_is_the_reference_formula() -> None:
    scores = np.array([[0.3, 0.1], [0.2, 0.4], [0.1, 0.1]])
    power = np.exp(100 * scores)
    rows = normalise(scores[None], "batch(temperature=100)")
    np.testing.assert_allclose(rows.probability()[0], power / power.sum(0), rtol=1e-12)
    assert rows.transductive
    np.testing.assert_array_equal(rows.query(1).value, rows.value[:, 1])


@pytest.mark.parametrize("mode", [one for one in TRANSFORMS if transductive(one)])
def test_batch_modes_refuse_a_single_query(mode: str) -> None:
    for scores in (np.ones((2, 5)), np.ones((2, 1, 5))):
        with pytest.raises(FusionError, match="1 query"):
            normalise(scores, mode)
    with pytest.raises(FusionError):
        batch(np.ones((1, 5)))


def test_what_cannot_be_normalised_is_refused() -> None:
    good = np.eye(3)
    for text in ("zscore", "batch(temperature=0)", "bank(correction=magic)", "sinkhorn(steps=0)"):
        with pytest.raises(ConfigError):
            normalise(good, text)
    for arguments, message in (
        ((np.ones(3), "videos"), r"\(S, V\)"),
        ((np.full((2, 3), np.inf), "videos"), "finite"),
        ((good, "bank"), "needs the scores of bank"),
    ):
        with pytest.raises(FusionError, match=message):
            normalise(*arguments)
    with pytest.raises(FusionError, match="floor"):
        normalise(good, floor=[1.0])
    with pytest.raises(FusionError, match=r"\(S, B, V\)"):
        normalise(good, "bank", bank=np.ones((3, 4, 9)))


def test_softmax_leaves_missing_out() -> None:
    np.testing.assert_allclose(softmax([0.0, NAN, 0.0]), [0.5, 0.0, 0.5])
    np.testing.assert_array_equal(softmax([NAN, NAN]), [0.0, 0.0])


def _planted_hub(n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Return scores of queries and of a bank where item 0 is near to everything."""
    random = np.random.default_rng(5)
    items = random.normal(size=(n, 16))
    queries = items + 0.9 * random.normal(size=(n, 16))
    centre = np.full(16, 1.5)
    items[0] = centre
    bank = random.normal(size=(200, 16)) + centre * 0.4
    queries = queries + centre * 0.4
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (items, queries, bank)]
    return unit[1] @ unit[0].T, unit[2] @ unit[0].T


@pytest.mark.parametrize("name", CORRECTIONS)
def test_a_planted_hub_drops(name: str) -> None:
    scores, bank = _planted_hub()
    before = (scores.argmax(axis=1) == 0).sum()
    corrected = registry().one("correction", name).bound(scores, bank)
    assert corrected.shape == scores.shape
    assert (corrected.argmax(axis=1) == 0).sum() < before


def test_hubness_by_hand() -> None:
    bank = np.array([[1.0, NAN, 0.0], [3.0, NAN, 2.0], [2.0, NAN, NAN]])
    np.testing.assert_allclose(hubness(bank, k=2), [2.5, NAN, 1.0])
    np.testing.assert_allclose(hubness(bank, k=9), [2.0, NAN, 1.0])
    np.testing.assert_allclose(nnn([[1.0, 1.0, 1.0]], bank, k=2, alpha=0.0), [[1.0, 1.0, 1.0]])
    np.testing.assert_allclose(nnn([[1.0, 1.0, NAN]], bank, k=2, alpha=1.0), [[-1.5, -0.75, NAN]])


def test_inverted_softmax_does_not_overflow_and_is_the_ratio() -> None:
    scores, bank = np.array([[0.2, 0.5]]), np.array([[0.1, 0.4], [0.3, 0.3]])
    ratio = np.exp(20 * scores) / np.exp(20 * bank).sum(0)
    np.testing.assert_allclose(np.exp(inverted_softmax(scores, bank)), ratio)
    assert np.isfinite(inverted_softmax(scores * 1e4, bank * 1e4)).all()


def test_dynamic_leaves_queries_alone_whose_best_is_no_hub() -> None:
    scores, bank = np.array([[0.9, 0.1, 0.0], [0.1, 0.0, 0.9]]), np.array([[0.8, 0.1, 0.2]])
    corrected = dynamic_inverted_softmax(scores, bank)
    np.testing.assert_array_equal(corrected[1], scores[1])
    assert not np.array_equal(corrected[0], scores[0])


def test_sinkhorn_reaches_uniform_marginals() -> None:
    scores = np.random.default_rng(0).normal(size=(6, 9)) * 0.01
    scaled = np.exp(sinkhorn(scores, steps=200))
    np.testing.assert_allclose(scaled.sum(axis=1), 1 / 6, rtol=1e-6)
    np.testing.assert_allclose(scaled.sum(axis=0), 1 / 9, rtol=1e-6)


def test_dual_softmax_of_a_batch_by_hand() -> None:
    scores = np.array([[1.0, 2.0], [0.0, 2.0]])
    share = np.exp(scores) / np.exp(scores).sum(0)
    np.testing.assert_allclose(dual_softmax(scores, temperature=1.0), scores * share)


def test_bank_mode_lowers_a_hub_for_a_single_query() -> None:
    scores, bank = _planted_hub()
    query = int(np.flatnonzero(scores.argmax(axis=1) == 0)[0])
    plain = normalise(scores[None, query], "videos").value[0, 0]
    corrected = normalise(scores[None, query], "bank", bank=bank[None]).value[0, 0]
    assert corrected < plain
