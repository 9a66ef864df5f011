"""Paired tests, intervals and corrections."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from q2e.errors import EvaluationError
from q2e.evaluate.compare import bootstrap, compare_runs, holm, randomisation_test
from q2e.evaluate.measures import parse_measures


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=8))
def test_few_queries_are_tested_exactly(pairs: list[tuple[int, int]]) -> None:
    one, two = np.array(pairs, dtype=float).T
    change = one - two
    sums = [abs(np.dot(signs, change)) for signs in itertools.product((-1, 1), repeat=len(change))]
    assert randomisation_test(one, two) == pytest.approx(
        np.mean(np.array(sums) >= abs(change.sum()) - 1e-9)
    )


def test_sampled_p_values_behave() -> None:
    random = np.random.default_rng(1)
    base = random.random(200)
    better = base + random.normal(0.1, 0.2, 200)
    assert randomisation_test(base, better) < 0.001
    assert randomisation_test(base, better) == randomisation_test(better, base)
    assert randomisation_test(base, base) == 1.0
    # Where nothing differs, p is uniform: about a tenth lies under 0.1.
    p = [randomisation_test(random.random(30), random.random(30), draws=400) for _ in range(200)]
    assert 0.03 < np.mean(np.array(p) < 0.1) < 0.2


def test_the_interval_covers_the_mean_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(2)
    found = [bootstrap(random.random(60), draws=400) for _ in range(200)]
    assert 0.88 < np.mean([one.low <= 0.5 <= one.high for one in found]) <= 0.99
    assert bootstrap([1.0, 1.0]).low == bootstrap([1.0, 1.0]).high == 1.0
    assert bootstrap(np.arange(9.0)) == bootstrap(np.arange(9.0))
    with pytest.raises(EvaluationError, match="at least one"):
        bootstrap([])


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def test_gains_losses_and_missing_queries() -> None:
    qrels = {f"q{n}": {"x": 1} for n in range(4)}
    a = {"q0": {"x": 2.0, "y": 1.0}, "q1": {"x": 1.0, "y": 2.0}, "q2": {"x": 1.0}}
    b = {"q0": {"x": 1.0, "y": 2.0}, "q1": {"x": 2.0, "y": 1.0}, "q3": {"x": 1.0}}
    found = compare_runs(a, b, qrels, parse_measures("R@1,MRR"))
    assert found.n_queries == 4 and found.missing_a == ("q3",) and found.missing_b == ("q2",)
    hit, rank = found.differences
    assert {q for q, _, _ in hit.gained} == {"q1", "q3"} and {q for q, _, _ in hit.lost} == {
        "q0",
        "q2",
    }
    assert (hit.a.value, hit.b.value, hit.difference.value, hit.equal) == (0.5, 0.5, 0.0, 0)
    assert rank.gained[0][0] == "q3" and rank.lost[0][0] == "q2"
    assert hit.p_value == 1.0 and hit.p_holm == 1.0


def test_ranks_cannot_be_compared() -> None:
    with pytest.raises(EvaluationError, match="MRR"):
        compare_runs({}, {}, {"q": {"x": 1}}, parse_measures("MdR"))
