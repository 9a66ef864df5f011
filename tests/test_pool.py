"""Pooling rules: what each promises, on random and on hand-made evidence."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from q2e.arrays import Float32, Int64
from q2e.choices import Pools
from q2e.errors import ConfigError
from q2e.methods.pool.base import Bag, chosen
from q2e.methods.pool.base import pooled as pool
from q2e.methods.pool.hitchhiker import hitchhiker
from q2e.methods.pool.key_events import centres
from q2e.methods.pool.schema import ordered
from q2e.methods.pool.soft import soft
from q2e.methods.pool.top import top
from q2e.methods.pool.transport import transport_plan
from q2e.plugins import registry

SEEDS = st.integers(0, 2**32 - 1)
POOLS = registry().names("pool")


def unit(random: np.random.Generator, n: int, d: int = 6) -> Float32:
    vectors = random.normal(size=(n, d))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def drawn(seed: int, q: int = 3, n: int = 17) -> tuple[Float32, Float32, Int64]:
    """Return texts, evidence and its videos, of which number 3 has none."""
    random = np.random.default_rng(seed)
    return unit(random, q), unit(random, n), random.choice([0, 1, 2, 4], n)


@pytest.mark.parametrize("rule", POOLS)
@given(seed=SEEDS)
@settings(max_examples=10)
def test_no_rule_exceeds_the_best_pair_by_more_than_its_averaging(rule: str, seed: int) -> None:
    queries, vectors, video = drawn(seed)
    pooled = pool(rule, queries, vectors, video, 5)
    assert (np.abs(pooled[~np.isnan(pooled)]) <= 1 + 1e-5).all()
    if rule in {"top", "soft", "chamfer", "transport", "cross_alignment", "schema"}:
        highest = pool("max", queries, vectors, video, 5)
        assert (np.nan_to_num(pooled - highest) <= 1e-5).all()


@pytest.mark.parametrize(
    ("said", "text", "frame", "speech"),
    [
        ("max", "max", "max", "max"),
        ("key_events( k=8 )", "key_events(k=8)", "key_events(k=8)", "key_events(k=8)"),
        (["top(m=5)", "frame=mean"], '{"*": "top(m=5)", "frame": "mean"}', "mean", "top(m=5)"),
        (["frame=top(m=5)"], '{"*": "max", "frame": "top(m=5)"}', "top(m=5)", "max"),
        ({"frame": "mean", "*": "soft"}, '{"*": "soft", "frame": "mean"}', "mean", "soft"),
        ('{"frame": "mean", "speech": "max"}', '{"*": "max", "frame": "mean"}', "mean", "max"),
        ({"frame": "mean", "*": "mean"}, "mean", "mean", "mean"),
    ],
)
def test_each_channel_may_have_its_own_rule(
    said: object, text: str, frame: str, speech: str
) -> None:
    pools = Pools.of(said)  # type: ignore[arg-type]
    assert str(pools) == text
    assert (str(pools.for_channel("frame")), str(pools.for_channel("speech"))) == (frame, speech)
    assert Pools.of(str(pools)) == pools and Pools.of(pools) is pools


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ("nonsense", "unknown pool 'nonsense'"),
        ({"frame": "nonsense"}, "unknown pool"),
        ("hitchhiker(tau=0)", "tau = 0"),
        ('{"frame": 3}', "a rule a channel is written"),
        ("{", "a rule a channel is written"),
        (["Frame=max"], "channel 'Frame'"),
    ],
)
def test_what_is_no_rule_or_channel_is_refused(said: object, wrong: str) -> None:
    with pytest.raises(ConfigError, match=wrong):
        Pools.of(said)  # type: ignore[arg-type]


def test_questions_without_events_have_no_order_to_match() -> None:
    assert str(Pools.of(["schema", "frame=mean"]).without_steps()) == str(
        Pools.of(["max", "frame=mean"])
    )


# -- what each rule promises ----------------------------------------------------------------------
@given(seed=SEEDS)
@settings(max_examples=15)
def test_softness_runs_from_the_best_to_the_mean(seed: int) -> None:
    queries, vectors, video = drawn(seed, q=1)
    bag, _ = Bag.of(queries, vectors, video)
    best, mean = chosen("max").bound(bag), chosen("mean").bound(bag)
    np.testing.assert_allclose(hitchhiker(bag, tau=1e-8), best, atol=1e-4)
    np.testing.assert_allclose(hitchhiker(bag, tau=1e6), mean, atol=1e-4)
    np.testing.assert_allclose(soft(bag, tau=1e-6), best, atol=1e-4)
    np.testing.assert_allclose(soft(bag, tau=1e6), bag.total(bag.best) / bag.sizes, atol=1e-4)
    np.testing.assert_array_equal(top(bag, m=1), best)
    np.testing.assert_allclose(top(bag, m=99), bag.total(bag.best) / bag.sizes, atol=1e-6)


@given(seed=SEEDS)
@settings(max_examples=15)
def test_more_evidence_never_lowers_the_best(seed: int) -> None:
    queries, vectors, video = drawn(seed)
    fewer = pool("max", queries, vectors[:9], video[:9], 5)
    more = pool("max", queries, vectors, video, 5)
    assert (np.nan_to_num(more, nan=-9) >= np.nan_to_num(fewer, nan=-9)).all()


def test_mean_max_sim_ignores_repeated_texts_and_smooths_over_three_pieces() -> None:
    queries, vectors, video = drawn(5)
    once = pool("meanmaxsim", queries, vectors, video, 5)
    twice = pool("meanmaxsim", np.repeat(queries, 2, axis=0), vectors, video, 5)
    np.testing.assert_allclose(once, twice, atol=1e-6)
    # A single frame that nothing beside it bears out counts for less than three alike.
    steady = pool("meanmaxsim", [1.0, 0.0], [[1, 0], [1, 0], [1, 0]], [0, 0, 0], 1)
    flash = pool("meanmaxsim", [1.0, 0.0], [[0, 1], [1, 0], [0, 1]], [0, 0, 0], 1)
    assert steady[0] == pytest.approx(1.0)
    assert flash[0] < 0.95


@given(seed=SEEDS)
@settings(max_examples=15)
def test_the_transport_plan_keeps_its_marginals(seed: int) -> None:
    queries, vectors, video = drawn(seed)
    bag, _ = Bag.of(queries, vectors, video)
    plan = transport_plan(bag, bag.scores.astype(np.float64))
    np.testing.assert_allclose(bag.total(plan), 1 / 3, atol=1e-9)
    np.testing.assert_allclose(plan.sum(axis=0), (1 / bag.sizes)[bag.group], rtol=1e-2)


def test_transport_with_one_text_is_the_mean() -> None:
    queries, vectors, video = drawn(1, q=1)
    bag, _ = Bag.of(queries, vectors, video)
    np.testing.assert_allclose(
        chosen("transport").bound(bag), bag.total(bag.best) / bag.sizes, atol=1e-6
    )


def test_key_events_find_either_half_of_a_video_and_the_mean_does_not() -> None:
    dog, ship = [1.0, 0.05, 0.0], [0.0, 0.05, 1.0]
    vectors, video = [dog] * 6 + [ship] * 6, [0] * 12
    for question in ([1.0, 0.0, 0.0], [0.0, 0.0, 1.0]):
        assert pool("key_events", question, vectors, video, 1)[0] > 0.99
        assert pool("mean", question, vectors, video, 1)[0] < 0.75


@given(seed=SEEDS)
@settings(max_examples=15)
def test_a_video_of_few_pieces_has_them_as_key_events(seed: int) -> None:
    random = np.random.default_rng(seed)
    vectors, video = unit(random, 9), np.repeat([0, 1, 2], [1, 4, 4])
    bag, _ = Bag.of(unit(random, 2), vectors, video)
    middle, owner = centres(bag, k=4)
    np.testing.assert_array_equal(owner, video)
    for one in range(3):
        own = np.sort(middle[owner == one], axis=0)
        np.testing.assert_allclose(own, np.sort(vectors[video == one], axis=0), atol=1e-5)
    np.testing.assert_allclose(chosen("key_events").bound(bag), chosen("max").bound(bag), atol=1e-5)


@given(seed=SEEDS)
@settings(max_examples=25)
def test_ordered_matching_is_the_best_of_all_ways(seed: int) -> None:
    random = np.random.default_rng(seed)
    steps = random.normal(size=(3, 7))
    bag, _ = Bag.of([1.0], np.ones((7, 1)), [0, 0, 0, 0, 1, 1, 1])
    matched, place = ordered(bag, steps)
    for video, pieces in enumerate((range(4), range(4, 7))):
        ways = itertools.combinations_with_replacement(pieces, 3)
        best = max(sum(steps[step, at] for step, at in enumerate(way)) for way in ways)
        assert matched[:, video].sum() == pytest.approx(best)
        assert list(place[:, video]) == sorted(place[:, video])
        assert set(place[:, video]) <= set(pieces)
    assert (matched <= bag.highest(steps) + 1e-12).all()


def test_what_is_in_order_already_matches_like_the_best_and_the_reverse_does_not() -> None:
    before, after = [1.0, 0.0], [0.0, 1.0]
    found = pool("schema", [before, after], [before, after, after, before], [0, 0, 1, 1], 2)
    np.testing.assert_allclose(found, [1.0, 0.5])


@pytest.mark.parametrize("rule", POOLS)
def test_a_hundred_thousand_pieces_are_pooled_in_seconds(rule: str) -> None:
    random = np.random.default_rng(0)
    vectors = random.standard_normal((100_000, 64), dtype=np.float32)
    queries, video = vectors[:3], np.repeat(np.arange(5_000), 20)
    bag, _ = Bag.of(queries, vectors, video)
    began = time.process_time()
    chosen(rule).bound(bag)
    assert time.process_time() - began < 10
