"""Measures agree with trec_eval; ties in matrices are never broken by array order."""

from __future__ import annotations

import json
import random
from pathlib import Path

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from q2e.cli import app
from q2e.errors import EvaluationError
from q2e.evaluate.highlight_files import read_truths
from q2e.evaluate.highlights import clip_precision, highlight_scores, qvhighlights_scores
from q2e.evaluate.judging import evaluate_run, judge_matrix, ranking, set_ranks, summarise
from q2e.evaluate.measures import Judged, parse_measures
from q2e.evaluate.moment_measures import (
    VideoMoment,
    didemo_scores,
    iou,
    mean_iou,
    moment_recall,
    tvr_ndcg,
)

ITEMS = st.sampled_from([f"v{n}" for n in (1, 2, 3, 10, 20, 100)] + ["é", "中", "V1", "ж"])
SCORES = st.one_of(
    st.integers(-2, 2).map(float),
    st.floats(-10, 10),
    st.sampled_from([0.1, 0.1 + 1e-12, 0.30000001, 0.3]),
)
QUERIES = st.sampled_from(["q1", "q2", "q3", "q4"])
RUNS = st.dictionaries(QUERIES, st.dictionaries(ITEMS, SCORES, min_size=1), min_size=1)
QRELS = st.dictionaries(QUERIES, st.dictionaries(ITEMS, st.integers(0, 3), min_size=1), min_size=1)
OURS = "nDCG@1,nDCG@5,nDCG,P@1,P@5,R@1,R@5,Success@1,Success@5,MRR,MAP,MAP@3"
THEIRS = "nDCG@1 nDCG@5 nDCG P@1 P@5 R@1 R@5 Success@1 Success@5 RR AP AP@3"


@settings(max_examples=150, deadline=None)
@given(RUNS, QRELS)
def test_runs_agree_with_trec_eval(
    run: dict[str, dict[str, float]], qrels: dict[str, dict[str, int]]
) -> None:
    run = {query: items for query, items in run.items() if query in qrels}
    ours = evaluate_run(run, qrels, parse_measures(OURS))
    theirs = [ir_measures.parse_measure(name) for name in THEIRS.split()]
    oracle = ir_measures.pytrec_eval.evaluator(theirs, qrels)
    for metric in oracle.iter_calc(run):
        name = {"RR": "MRR", "AP": "MAP", "AP@3": "MAP@3"}.get(
            str(metric.measure), str(metric.measure)
        )
        assert ours.per_query[name][metric.query_id] == pytest.approx(metric.value, abs=1e-9), name
    assert set(ours.missing) == set(qrels) - set(run)
    aggregate = oracle.calc_aggregate(run)
    for measure, value in aggregate.items():
        name = {"RR": "MRR", "AP": "MAP", "AP@3": "MAP@3"}.get(str(measure), str(measure))
        assert ours.values[name] == pytest.approx(value, abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(RUNS, QRELS)
def test_exponential_gain_is_linear_gain_of_the_exponential(
    run: dict[str, dict[str, float]], qrels: dict[str, dict[str, int]]
) -> None:
    run = {query: items for query, items in run.items() if query in qrels}
    powers = {q: {i: 2 ** max(g, 0) - 1 for i, g in items.items()} for q, items in qrels.items()}
    one = evaluate_run(run, qrels, parse_measures("nDCGexp@3"))
    two = evaluate_run(run, powers, parse_measures("nDCG@3"))
    assert one.values["nDCGexp@3"] == pytest.approx(two.values["nDCG@3"], abs=1e-12)


def test_equal_scores_are_ordered_by_id_from_the_end() -> None:
    assert ranking({"a": 1.0, "c": 1.0, "b": 2.0}) == ["b", "c", "a"]
    assert ranking({"a": 1e300, "b": 2e300}) == ["b", "a"]  # both too large for 32 bits


def test_missing_queries_count_as_zero_and_are_named() -> None:
    found = evaluate_run(
        {"q1": {"a": 1.0}, "other": {"a": 1.0}},
        {"q1": {"a": 1}, "q2": {"b": 1}, "q3": {"c": 0}},
        parse_measures("R@1,MdR,MnR"),
    )
    assert found.values["R@1"] == pytest.approx(1 / 3)
    assert (found.missing, found.unjudged, found.irrelevant) == (("q2", "q3"), ("other",), ("q3",))
    assert found.values["MdR"] == float("inf") and found.n_queries == 3


def test_nothing_in_common_is_refused() -> None:
    with pytest.raises(EvaluationError, match="same queries"):
        evaluate_run({"a": {"x": 1.0}}, {"b": {"x": 1}}, parse_measures("R@1"))
    with pytest.raises(EvaluationError, match="no query"):
        evaluate_run({"a": {"x": 1.0}}, {}, parse_measures("R@1"))


def test_hit_rate_and_recall_are_told_apart() -> None:
    run, qrels = {"q": {"a": 3.0, "x": 2.0, "b": 1.0}}, {"q": {"a": 1, "b": 1}}
    values = evaluate_run(run, qrels, parse_measures("Success@1,R@1,All@1,All@3,RSum")).values
    assert values == {"Success@1": 1.0, "R@1": 0.5, "All@1": 0.0, "All@3": 1.0, "RSum": 3.0}


def test_measures_are_read_in_any_case_and_once() -> None:
    found = parse_measures(" ndcg@10, R@1,rr,AP(cutoff=5),hit@1,R@1,MdR,nDCG(cutoff=10), nDCG,")
    assert [str(one) for one in found] == [
        "nDCG@10", "R@1", "MRR", "MAP@5", "Success@1", "MdR", "nDCG",
    ]  # fmt: skip
    assert [(one.name, one.cutoff) for one in found][:2] == [("nDCG", 10), ("R", 1)]
    assert [str(one) for one in found if one.lower_is_better] == ["MdR"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "R",
        "R@0",
        "MdR@5",
        "nDCG@x",
        "F1@3",
        "R@1 P@1",
        "R@-1",
        "R(k=1)",
        "R(cutoff=x)",
        "R@1(x=2)",
        "nDCG(cutoff=1",
        "R(1)",
    ],
)
def test_measures_that_do_not_exist_are_refused(text: str) -> None:
    with pytest.raises(EvaluationError, match=r"known: .*nDCG\[@k\].*P@k"):
        parse_measures(text)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_ranks_of_a_matrix_do_not_depend_on_array_order(
    n_queries: int, n_items: int, seed: int, levels: int
) -> None:
    random = np.random.default_rng(seed)
    scores = random.integers(0, levels, (n_queries, n_items)).astype(float)
    grades = random.integers(0, 3, (n_queries, n_items))
    order = random.permutation(n_items)
    kept = {}
    for ties in ("optimistic", "average", "pessimistic"):
        one = judge_matrix(scores, grades, ties)
        two = judge_matrix(scores[:, order], grades[:, order], ties)
        for a, b in zip(one, two, strict=True):
            np.testing.assert_allclose(a.ranks, b.ranks)
            np.testing.assert_allclose(a.gains, b.gains)
            assert (np.diff(a.ranks) > 0).all()
        kept[ties] = one
    for low, middle, high in zip(*kept.values(), strict=True):
        assert (low.ranks <= middle.ranks).all() and (middle.ranks <= high.ranks).all()
        # The average is the mean over all orders of a tie, so optimistic and pessimistic straddle.
        np.testing.assert_allclose(middle.ranks.sum() * 2, (low.ranks + high.ranks).sum())


@given(st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_a_matrix_without_ties_agrees_with_its_run(size: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    scores = random.permutation(size * size).reshape(size, size).astype(float)
    grades = random.integers(0, 4, (size, size))
    measures = parse_measures(OURS + ",nDCGexp@3,All@2,RSum,P@2")
    judged = judge_matrix(scores, grades)
    matrix = summarise({str(q): one for q, one in enumerate(judged)}, measures)
    names = [str(n) for n in range(size)]
    run = {q: dict(zip(names, row, strict=True)) for q, row in zip(names, scores, strict=True)}
    qrels = {
        q: dict(zip(names, row.tolist(), strict=True)) for q, row in zip(names, grades, strict=True)
    }
    assert matrix.values == pytest.approx(dict(evaluate_run(run, qrels, measures).values))


def test_a_constant_matrix_earns_chance_not_the_diagonal() -> None:
    flat = np.zeros((9, 9))
    for ties, rank in (("average", 5.0), ("pessimistic", 9.0), ("optimistic", 1.0)):
        assert [one.ranks.tolist() for one in judge_matrix(flat, ties=ties)] == [[rank]] * 9


def test_missing_scores_come_last_and_tied() -> None:
    [one, two] = judge_matrix([[np.nan, 0.1], [np.nan, -5.0]], [[1, 0], [0, 1]])
    assert one.ranks.tolist() == [2.0] and two.ranks.tolist() == [1.0]


def test_matrices_that_do_not_fit_are_refused() -> None:
    with pytest.raises(EvaluationError, match="no diagonal"):
        judge_matrix(np.zeros((2, 3)))
    with pytest.raises(EvaluationError, match="relevance must be"):
        judge_matrix(np.zeros((2, 3)), np.zeros((3, 2)))
    with pytest.raises(EvaluationError, match="score matrix"):
        judge_matrix(np.zeros(3))


def test_rank_statistics_of_sets() -> None:
    sets = [[1.0, 3.0, 11.0], [2.0, 4.0], []]
    judged = [Judged(np.array(r), np.ones(len(r)), np.ones(len(r))) for r in sets]
    assert set_ranks(judged) == {
        "mean of means": 4.0,
        "median of means": 4.0,
        "mean of medians": 3.0,
        "median of medians": 3.0,
    }


def test_iou_by_hand() -> None:
    shares = iou([[0, 10], [5, 5]], [[5, 15], [0, 10], [20, 30], [5, 5]])
    np.testing.assert_allclose(shares, [[1 / 3, 1, 0, 0], [0, 0, 0, 0]])


def test_moment_recall_and_mean_iou() -> None:
    given_moments = [[[0, 10], [20, 30]], [[0, 1]], []]
    truths = [[[20, 30]], [[0, 2], [8, 9]], [[0, 5]]]
    assert moment_recall(given_moments, truths, 1, 0.5) == pytest.approx(1 / 3)
    assert moment_recall(given_moments, truths, 2, 0.5) == pytest.approx(2 / 3)
    assert mean_iou(given_moments, truths) == pytest.approx(0.5 / 3)
    assert moment_recall([], [], 1, 0.5) == 0.0


def test_tvr_ranking_meets_each_truth_once() -> None:
    truths = [VideoMoment("a", 0, 10, 3), VideoMoment("a", 20, 30, 1), VideoMoment("b", 0, 10, 2)]
    perfect = [truths[0], truths[2], truths[1]]
    assert tvr_ndcg(perfect, truths, 10, 0.5) == pytest.approx(1.0)
    twice = [truths[0], truths[0], VideoMoment("c", 0, 10)]
    ideal = 7 + 3 / np.log2(3) + 1 / 2
    assert tvr_ndcg(twice, truths, 10, 0.5) == pytest.approx(7 / ideal)
    # Exactly at the threshold does not count.
    half = [VideoMoment("a", 0, 5)]
    assert tvr_ndcg(half, truths, 10, 0.5) == 0.0 < tvr_ndcg(half, truths, 10, 0.49)
    assert tvr_ndcg([], [], 10, 0.5) == 0.0
    # Of truths that overlap alike the most relevant is met, in whatever order they are given.
    tied = [VideoMoment("a", 0, 10, 1), VideoMoment("a", 0, 10, 3)]
    first = tvr_ndcg([VideoMoment("a", 0, 10)], tied, 1, 0.5)
    assert first == tvr_ndcg([VideoMoment("a", 0, 10)], tied[::-1], 1, 0.5) == 1.0


def test_didemo_is_measured_as_its_authors_do() -> None:
    """By the formulas of their paper and code, on units of 5 s and with each person's mark."""
    rng = random.Random(3)
    runs = [(a, b) for a in range(6) for b in range(a, 6)]
    found, marks, ranks, shares = {}, {}, [], []
    for query in map(str, range(60)):
        order = rng.sample(runs, 21)
        people = [rng.choice(order[: rng.choice((1, 4, 21))]) for _ in range(4)]
        found[query] = [VideoMoment("v", 5 * a, 5 * (b + 1)) for a, b in order]
        marks[query] = [VideoMoment("v", 5 * a, 5 * (b + 1)) for a, b in people]
        ranks.append(np.mean(sorted(order.index(mark) + 1 for mark in people)[:3]))
        (low, high), each = order[0], []
        for a, b in people:
            both = max(0, min(high, b) + 1 - max(low, a))
            each.append(both / (max(high, b) + 1 - min(low, a)))
        shares.append(np.mean(sorted(each)[-3:]))
    wanted = {
        "Rank@1": np.mean(np.array(ranks) <= 1),
        "Rank@5": np.mean(np.array(ranks) <= 5),
        "mIoU": np.mean(shares),
    }
    assert didemo_scores(found, marks) == pytest.approx(wanted)
    assert 0 < wanted["Rank@1"] < wanted["Rank@5"] < 1
    # What is found anywhere counts as the nearest run, and in another video as nothing.
    near = {"q": [VideoMoment("w", 0, 5), VideoMoment("v", 6, 14), VideoMoment("v", 6.5, 14)]}
    told = didemo_scores(near, {"q": [VideoMoment("v", 5, 15)] * 4})
    assert told == {"Rank@1": 1.0, "Rank@5": 1.0, "mIoU": 1.0}
    assert didemo_scores({}, {"q": [VideoMoment("v", 25, 30)] * 4})["Rank@5"] == 0.0


def test_measures_as_q2e_counts_them() -> None:
    """By hand: torchmetrics' MAP over what was found, and ranks of all relevant items together."""
    judged = {
        "a": Judged(np.array([1.0, 4.0, 30.0]), np.ones(3), np.ones(3)),
        "b": Judged(np.array([2.0]), np.ones(1), np.ones(1)),
        "c": Judged(np.array([11.0]), np.ones(1), np.ones(1)),
    }
    found = summarise(judged, parse_measures("MAPfound@10,MAP@10,MnRall,MdRall,MnR,MdR,R@10"))
    assert found.per_query["MAPfound@10"] == pytest.approx({"a": 0.75, "b": 0.5, "c": 0.0})
    assert found.values["MAPfound@10"] == pytest.approx(1.25 / 3)
    assert found.per_query["MAP@10"]["a"] == pytest.approx(1.5 / 3)
    assert found.values["MnRall"] == pytest.approx((1 + 4 + 30 + 2 + 11) / 5)
    assert (found.values["MdRall"], found.values["MdR"]) == (4.0, 2.0)
    assert found.values["MnR"] == pytest.approx(14 / 3)
    # What none of trec_eval's can do: stand above the recall at the same k.
    assert found.per_query["MAPfound@10"]["a"] > found.per_query["R@10"]["a"]
    lost = {"a": Judged(np.array([np.inf]), np.ones(1), np.ones(1))}
    never = summarise(lost, parse_measures("MAPfound,MnRall,MdRall"))
    assert never.values == {"MAPfound": 0.0, "MnRall": np.inf, "MdRall": np.inf}


def test_highlights_are_measured_as_the_authors_of_qvhighlights_do() -> None:
    # In order: right, wrong and right as one, wrong: precision 1 at recall 1/2, 2/3 at recall 1.
    assert clip_precision(
        np.array([True, False, True, False]), np.array([0.9, 0.5, 0.5, 0.1])
    ) == pytest.approx((1 + 2 / 3) / 2)
    # What is found later is worth the best precision from there on.
    assert clip_precision(
        np.array([False, True, True]), np.array([0.9, 0.5, 0.1])
    ) == pytest.approx(2 / 3)
    assert clip_precision(np.zeros(2, bool), np.ones(2)) == 0.0
    assert clip_precision(np.ones(2, bool), np.ones(2)) == 1.0
    marks = {"a": [[4, 0, 0], [0, 0, 2], [0, 0, 0]], "b": [[0], [3]], "never found": [[1]]}
    found = {"a": [0.1, 0.9], "b": [0.2, 0.1, 0.8], "not asked": [1.0]}
    # b's most salient clip lies beyond its marks; of a's people the second marked nothing.
    a, b = [1 / 2, 0, 1], [1 / 2]
    values = highlight_scores(found, marks)
    assert values["HL-mAP Fair"] == pytest.approx(np.mean([*a, *b]))
    assert values["HL-mAP VeryGood"] == pytest.approx(np.mean([1 / 2, 0, 0, 0]))
    assert (values["HIT@1 Fair"], values["HIT@1 VeryGood"]) == (0.5, 0.0)


def test_files_of_qvhighlights_are_read(tmp_path: Path) -> None:
    truth = {"qid": 7, "vid": "v", "duration": 6, "relevant_windows": [[2, 4]],
             "relevant_clip_ids": [1], "saliency_scores": [[4, 4, 4]]}  # fmt: skip
    told = {"qid": 7, "vid": "v", "pred_relevant_windows": [[2, 4, 0.9]],
            "pred_saliency_scores": [0, 1, 0]}  # fmt: skip
    truths, found = tmp_path / "truths.jsonl", tmp_path / "found.jsonl"
    truths.write_text(json.dumps(truth) + "\n")
    found.write_text(json.dumps(told) + "\n\n")
    asked = ["eval", "moments", str(found), "--truths", str(truths), "--protocol", "qvhighlights"]
    measures = json.loads(CliRunner().invoke(app, [*asked, "--json"]).stdout)["measures"]
    assert len(measures) == 11 and set(measures.values()) == {1.0}
    for wrong in ("[]", "{}", json.dumps(truth | {"relevant_clip_ids": [9]}), "{" * 9):
        truths.write_text(json.dumps(truth) + "\n" + wrong)
        with pytest.raises(EvaluationError, match="line 2: no line of QVHighlights"):
            read_truths(truths)


def test_qvhighlights_is_measured_as_its_authors_do() -> None:
    truths = {
        "q": [VideoMoment("v", 0, 10), VideoMoment("v", 20, 30)],
        "none": [VideoMoment("v", 0, 5)],
    }
    found = {
        "q": [
            VideoMoment("v", 0, 8),  # overlaps the first by .8
            VideoMoment("v", 0, 10),  # the same, which is taken
            VideoMoment("w", 20, 30),  # of another video
            VideoMoment("v", 21, 30),  # overlaps the second by .9
        ]
    }
    at_half, at_most = 0.5 * 1.0 + 0.5 * 2 / 4, 0.5 * 1 / 2 + 0.5 * 2 / 4
    # Above .8 the second one found is the first that is right; above .9 the last one is wrong.
    over = [at_half] * 7 + [at_most] * 2 + [0.5 * 1 / 2]
    wanted = {
        "R@1 IoU 0.5": 0.5, "R@1 IoU 0.7": 0.5, "mAP IoU 0.5": at_half / 2,
        "mAP IoU 0.75": at_half / 2, "mAP": sum(over) / 20,
    }  # fmt: skip
    assert qvhighlights_scores(found, truths) == pytest.approx(wanted)
    more = {"q": [VideoMoment("v", 50, 51)] * 10 + found["q"]}
    assert set(qvhighlights_scores(more, truths).values()) == {0.0}
