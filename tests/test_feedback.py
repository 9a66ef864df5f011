"""Smoothing and feedback: what they may and must not do to a ranking."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from q2e.methods.feedback.likeness import centred, moved, neighbours, refine, smooth
from q2e.query.asking import asks
from q2e.query.parts import names_alone


def vectors(n: int, d: int = 16, seed: int = 0) -> np.ndarray:
    found = np.random.default_rng(seed).normal(size=(n, d)) + 2.0
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def events(n_events: int = 8, each: int = 5, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    centre = random.normal(size=(n_events, 32))
    event = np.repeat(np.arange(n_events), each)
    found = centre[event] + 0.7 * random.normal(size=(len(event), 32)) + 3.0
    return found / np.linalg.norm(found, axis=1, keepdims=True), event


@given(st.integers(1, 30), st.integers(0, 5))
def test_smoothed_scores_stay_within_the_scores(n: int, seed: int) -> None:
    scores = np.random.default_rng(seed).normal(size=n)
    got = smooth(scores, neighbours(centred(vectors(n, seed=seed))))
    assert got.shape == (n,)
    assert got.min() >= scores.min() - 1e-9
    assert got.max() <= scores.max() + 1e-9


def test_a_video_like_no_other_keeps_its_score() -> None:
    unit = np.eye(4)
    scores = np.array([3.0, 1.0, -2.0, 0.0])
    assert smooth(scores, neighbours(unit)) == pytest.approx(scores)


def test_a_video_without_a_vector_neither_gives_nor_takes() -> None:
    found = vectors(6)
    found[2] = np.nan
    near = neighbours(centred(found))
    assert near.weight[2].sum() == 0
    assert (near.weight[near.index == 2] == 0).all()


@given(st.integers(2, 40), st.integers(0, 5))
def test_neighbours_are_the_nearest_others(n: int, seed: int) -> None:
    unit = centred(vectors(n, seed=seed))
    cosines = (unit @ unit.T).astype(np.float64)
    np.fill_diagonal(cosines, -np.inf)
    nearest = np.sort(cosines, axis=1)[:, ::-1][:, : min(5, n - 1)]
    assert neighbours(unit).weight == pytest.approx(np.maximum(nearest, 0) ** 2, abs=1e-5)


def test_the_order_of_the_videos_does_not_matter() -> None:
    found, _ = events()
    query, order = found[0] + found[1], np.random.default_rng(1).permutation(len(found))
    zero = np.zeros(len(found))
    one = refine(query, found @ query, zero, centred(found), lambda vector: found @ vector)
    mixed = found[order]
    two = refine(query, mixed @ query, zero, centred(mixed), lambda vector: mixed @ vector)
    assert two == pytest.approx(one[order])


def test_videos_of_the_event_come_first() -> None:
    found, event = events()
    query = found[0] + 0.15 * np.random.default_rng(3).normal(size=found.shape[1])
    plain = found @ query
    unit = centred(found)
    refined = refine(query, plain, np.zeros(len(plain)), unit, lambda vector: found @ vector)
    count = (event == 0).sum()

    def right(scores: np.ndarray) -> int:
        return int((event[np.argsort(-scores)[:count]] == 0).sum())

    assert right(refined) >= right(plain)
    assert right(refined) == count


def test_a_small_collection_does_not_move_the_question() -> None:
    found = vectors(19)
    query = found[0] * 3
    assert moved(query, found @ query, centred(found)) == pytest.approx(found[0])


def test_best_videos_without_anything_in_common_do_not_move_the_question() -> None:
    unit = np.eye(40)
    query = np.ones(40)
    assert moved(query, np.arange(40.0), unit) == pytest.approx(query / np.sqrt(40))


@pytest.mark.parametrize("n", [1, 2, 3])
def test_tiny_collections_work(n: int) -> None:
    found = vectors(n)
    query = found[0]
    got = refine(query, found @ query, np.zeros(n), centred(found), lambda vector: found @ vector)
    assert np.isfinite(got).all()
    assert int(np.argmax(got)) == 0


def test_videos_outside_the_pool_stay_behind() -> None:
    found, _ = events()
    query = found[0]
    plain = found @ query
    unit = centred(found)
    got = refine(query, plain, np.zeros(len(plain)), unit, lambda v: found @ v, pool=10)
    pool = np.argsort(-plain, kind="stable")[:10]
    assert set(np.argsort(-got, kind="stable")[:10]) == set(pool)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("أين وقع الزلزال؟", True),
        ("Wo war das Erdbeben?", True),
        ("where was the earthquake? ", True),
        ("¿Dónde fue el terremoto?", True),
        ("Où a eu lieu le séisme ?", True),
        ("भूकंप कहाँ आया?", True),
        ("地震はどこで起きましたか？", True),
        ("지진은 어디에서 일어났나요?", True),
        ("Где было землетрясение?»", True),
        ("แผ่นดินไหวเกิดที่ไหน?", True),
        ("地震发生在哪里？", True),
        ("pohang earthquake", False),
        ("who? a band's tour", False),
        ("", False),
    ],
)
def test_what_is_put_as_a_question_is_known_by_its_mark(text: str, asked: bool) -> None:
    assert asks(text) is asked


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("مهسا أميني", "امرأة تقرأ كتابا في الحديقة"),
        ("Brexit", "ein Hund läuft über den Strand"),
        ("tesla optimus", "a dog on the beach"),
        ("copa América", "un perro corre por la playa"),
        ("Tour Eiffel", "un chien court sur la plage"),
        ("चंद्रयान", "एक कुत्ता समुद्र तट पर दौड़ता है"),
        ("富士山", "犬が浜辺を走っている"),
        ("다누리", "개가 해변을 달리고 있다"),
        ("Луна-25", "собака бежит по пляжу"),
        ("ตูราบี", "สุนัขกำลังวิ่งอยู่บนชายหาดกับเด็กที่ถือลูกบอลสีแดง"),
        ("马云", "一只狗在沙滩上奔跑"),
    ],
)
def test_a_mere_name_is_told_from_what_describes(name: str, sentence: str) -> None:
    assert names_alone(name) and not names_alone(sentence)
    assert not names_alone("") and not names_alone("?!")
