"""The end of the list: chance is known from questions that have no answer."""

from __future__ import annotations

import csv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import q2e
from q2e.methods.questions import Form
from q2e.methods.rows import Vectors
from q2e.search.calibrate import calibrate
from q2e.search.chance import best_of
from q2e.search.encode import with_terms
from q2e.search.fuse import fuse
from q2e.search.law import LEAST, Chance, Laws, Way, fit
from q2e.search.plan import Plan
from q2e.search.score import score
from q2e.search.state import Asked, State
from q2e.types import Query


@given(st.floats(-5, 5), st.floats(0.05, 3), st.floats(0.001, 0.5), st.integers(0, 2**32 - 1))
def test_threshold_and_false_alarm_are_inverse(
    location: float, scale: float, rate: float, seed: int
) -> None:
    law = Chance(location, scale)
    assert law.false_alarm(np.array([law.threshold(rate)]))[0] == pytest.approx(rate, rel=1e-6)
    scores = np.sort(np.random.default_rng(seed).normal(location, scale, 20))
    assert (np.diff(law.false_alarm(scores)) <= 1e-12).all()


@pytest.mark.parametrize("answered", [0, 60])
def test_questions_that_do_have_an_answer_hardly_move_the_law(answered: int) -> None:
    random = np.random.default_rng(0)
    chance = random.gumbel(2.0, 0.7, 340)
    law = fit(np.concatenate([chance, random.normal(9.0, 1.0, answered)]))
    assert law is not None
    fresh = random.gumbel(2.0, 0.7, 20_000)
    for rate in (0.05, 0.1, 0.3):
        found = float((fresh >= law.threshold(rate)).mean())
        assert 0.3 * rate <= found <= 1.5 * rate


def test_too_few_questions_and_scores_all_alike() -> None:
    assert fit(np.ones(LEAST - 1)) is None
    law = fit(np.ones(LEAST))
    assert law is not None
    assert law.false_alarm(np.array([0.0, 1.0, 2.0])).tolist() == pytest.approx(
        [1.0, 0.5, 0.0], abs=1e-6
    )


UNANSWERED = (
    "bitcoin price falls", "как приготовить борщ", "选举辩论", "การประกวดเปียโน",
    "مباراة كرة القدم", "कर घोषणा की अंतिम तिथि", "바이올린 레슨", "確定申告の締め切り",
    "Börse bricht ein", "courtroom trial verdict",
)  # fmt: skip


def test_confident_where_the_collection_answers(sample_index: q2e.Index, samples: Path) -> None:
    with (samples / "queries.tsv").open(encoding="utf-8", newline="") as file:
        answered = [row["query"] for row in csv.DictReader(file, delimiter="\t")][::2]
    sure = [bool(sample_index.search(text, top=1).info["confident"]) for text in answered]
    alarms = [bool(sample_index.search(text, top=1).info["confident"]) for text in UNANSWERED]
    assert sum(sure) >= 0.5 * len(sure), sure
    # One false alarm in ten is what `false_alarms` states; ten questions may have two.
    assert sum(alarms) <= 2, alarms


def test_hits_say_how_sure_they_are_and_can_be_held_to_it(sample_index: q2e.Index) -> None:
    hits = sample_index.search("a giant panda").hits
    sure = [hit.confidence for hit in hits]
    assert all(value is not None and 0 <= value <= 1 for value in sure)
    assert sure[0] is not None
    assert sure[0] > 0.9
    kept = sample_index.search("a giant panda", confident=True)
    assert [hit.video.id for hit in kept] == [
        hit.video.id for hit in hits if hit.confidence is not None and hit.confidence >= 0.9
    ]
    assert len(sample_index.search("bitcoin price falls", confident=True)) == 0


@pytest.mark.parametrize("form", [Form("en", True), Form("ru", True), Form("hi", False)])
def test_generic_questions_asked_together_find_what_each_finds(
    sample_index: q2e.Index, form: Form
) -> None:
    at = sample_index._searching().at
    plan = Plan.of(sample_index.settings)
    query = Query("any", form.language)
    state = State(at, plan, query).alone(query, "any")
    state = state.writing(asked=(), form=form)
    scale = plan.calibration(at)
    assert scale is not None
    texts = at.questions.texts(form)[:40:3]
    vectors = scale.corrected(at.questions.vectors(form), form)[:40:3]
    together = best_of(state, texts, vectors)
    alone = []
    for text, vector in zip(texts, vectors, strict=True):
        one = state.alone(Query(text, form.language), text)
        asked = [Asked(at.models.text.space, "meaning", (Vectors("query", (text,), vector[None]),))]
        for encoder in at.seeing.values():
            part = Vectors("query", (text,), encoder.encode_texts([text]))
            asked.append(Asked(encoder.space, "picture", (part,)))
        one = with_terms(one.writing(asked=tuple(asked), form=form))
        found = fuse.run(calibrate.run(score.run(one)))
        alone.append(float(found.score.max(initial=0.0)))
    # The law was measured by these questions: the last digit puts one on either side of its level.
    assert together == pytest.approx(alone, rel=1e-2)
    assert np.isclose(together, alone, rtol=2e-3).sum() >= len(alone) - 3


def test_searches_at_once_find_the_law_of_a_collection_not_met_before(
    sample_index: q2e.Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("Q2E_CACHE", str(tmp_path))
    laws_of, table = Laws(), sample_index.store.table()
    both, way = Barrier(2), Way("rrf", "1", "space")

    def best() -> list[float]:
        both.wait(20)
        return list(np.linspace(0, 1, 2 * LEAST))

    with ThreadPoolExecutor(2) as threads:
        forms = (Form("en", True), Form("en", True))
        laws = list(threads.map(lambda form: laws_of.law(table, form, way, best), forms))
    assert laws[0] is not None and laws[0] == laws[1]


def test_without_the_bank_nothing_is_claimed(sample_index: q2e.Index) -> None:
    results = sample_index.search("a giant panda", normalise="videos")
    assert results.info["confident"] is None
    assert all(hit.confidence is None for hit in results)


@pytest.mark.parametrize("rule", ["rrf", "combsum", "combmnz", "entropy"])
def test_where_every_best_is_as_good_nothing_is_claimed(sample_index: q2e.Index, rule: str) -> None:
    results = sample_index.search("a giant panda", fuse=rule)
    assert results.info["confident"] is None
    assert all(hit.confidence is None and hit.certain is None for hit in results)
    assert sample_index.search("a giant panda", fuse="max").info["confident"] is True
