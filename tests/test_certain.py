"""What a hit is said to be worth: rivals, their absence, few videos and a question's own spread."""

from __future__ import annotations

import numpy as np
import pytest

from q2e.methods.fuse.witnesses import CERTAINTY, NORMAL, OF_CLAUSES, Grounds
from q2e.search.certain import NOTHING, Law, by_signs, certainty, lead, signs, trusted
from q2e.search.specific import PRIOR, Specific, above, less_others
from q2e.types.answer import CERTAIN

LAW = Law(*OF_CLAUSES)


def grounds(raw: np.ndarray, *channels: str) -> Grounds:
    return Grounds(raw, channels, (True,) * len(raw), dict.fromkeys(channels, NORMAL))


def test_certainty_rises_with_evidence_and_falls_with_rivals() -> None:
    alone = [certainty(np.array([level]), LAW)[0] for level in (0.0, 2.0, 4.0, 8.0)]
    assert (np.diff(alone) > 0).all() and alone[0] < CERTAIN["perhaps"]
    assert alone[-1] > CERTAIN["found"]
    many = certainty(np.concatenate(([6.0], np.zeros(1_000))), LAW)[0]
    rival = certainty(np.array([6.0, 6.0]), LAW)
    best = certainty(np.array([6.0]), LAW)[0]
    assert many < best and rival[0] == rival[1] < best
    assert certainty(np.zeros(0), LAW).shape == (0,)


def test_the_lead_of_a_video_that_has_it_all_keeps_its_digits() -> None:
    rest = np.log(NOTHING + np.exp(1.0) + np.exp(2.0))
    assert lead(np.array([900.0, 1.0, 2.0]))[0] == pytest.approx(900 - rest)
    assert np.isfinite(certainty(np.array([1e4, -1e4, 0.0]), LAW)).all()


@pytest.mark.parametrize("videos", [1, 2, 5, 10, 1_000])
def test_texts_of_few_videos_are_trusted_less_and_the_eye_is_not(videos: int) -> None:
    raw = np.random.default_rng(0).normal(scale=0.5, size=(2, videos))
    told = np.ones((2, videos))
    eye, said = trusted(told, grounds(raw, "frame", "speech"), np.ones(2))
    assert (eye == 1).all()
    assert said == pytest.approx(np.full(videos, videos / (videos + PRIOR)))


def test_a_lead_means_less_where_the_question_scatters_and_one_outlier_is_not_its_own_rival() -> (
    None
):
    random = np.random.default_rng(1)
    calm, wide = random.normal(size=40), random.normal(scale=3, size=40)
    calm[7] = wide[7] = 12.0
    told = np.zeros((1, 40))
    told[0, 7] = 10.0
    of = [trusted(told, grounds(row[None], "speech"), np.ones(1))[0, 7] for row in (calm, wide)]
    assert of[0] > 8.0 > 2.0 > of[1] > 0.5


def test_rows_without_a_leading_one_and_missing_videos_stay_as_they_are() -> None:
    raw = np.array([[np.nan, 1.0, np.nan], [0.5, 0.5, 0.5]])
    told = np.ones((2, 3))
    words = Grounds(raw, ("speech", "sound"), (True, False), {})
    changed = trusted(told, words, np.ones(2))
    assert changed[0, 1] == pytest.approx(1 / (1 + PRIOR)) and (changed[1] == 1).all()


def test_a_piece_that_is_near_to_whatever_is_asked_is_told_from_one_that_answers() -> None:
    random = np.random.default_rng(2)
    about = random.normal(size=16).astype(np.float32)
    generic = (3 * about + random.normal(size=(64, 16))).astype(np.float32)
    asked = (3 * about + 4 * np.eye(16)[0]).astype(np.float32)
    own = np.eye(16, dtype=np.float32)[0]
    assert asked @ about > asked @ own, "the hub is nearer"
    # What generic questions score alike tells nothing, and divides by nothing.
    level = above(asked, generic, np.stack((about, own, np.zeros(16, np.float32))))
    assert level[0] < 1.0 < 3.0 < level[1] and level[2] == 0.0


@pytest.mark.parametrize("videos", [1, 3, 41])
def test_what_a_question_finds_everywhere_is_taken_off_its_best_piece(videos: int) -> None:
    random = np.random.default_rng(3)
    half = random.uniform(0.4, 0.6, size=(videos - 1) // 2)
    calm = np.concatenate(([4.0], half, -half))[None]
    high, wide = calm.copy(), calm.copy()
    high[0, 1:] += 2.0
    wide[0, 1:] *= 8.0
    level, first = np.array([5.0]), np.array([0])
    of = [less_others(level, grounds(raw, "speech"), 0, first)[0] for raw in (calm, high, wide)]
    if videos == 1:
        assert of == pytest.approx([5.0] * 3), "nothing is known of others"
    else:
        assert of[0] > of[1] + 0.3 and of[0] > of[2] + 0.3 > 0.3


def test_videos_that_stand_for_many_count_as_many() -> None:
    raw = np.array([[3.0, 0.5, -0.5]])
    parted = Grounds(raw, ("speech",), (True,), {"speech": NORMAL}, np.array([1.0, 2.0, 3.0]))
    whole = grounds(np.array([[3.0, 0.5, 0.5, -0.5, -0.5, -0.5]]), "speech")
    level, first = np.array([5.0]), np.array([0])
    of_whole = less_others(level, whole, 0, first)
    assert less_others(level, parted, 0, first) == pytest.approx(of_whole)
    told, own = np.array([[6.0, 1.0, 0.0]]), Specific(*np.ones((2, 3)))
    every = Specific(*np.ones((2, 6)))
    of_parts = signs(told, parted, np.array([0, 1, 2]), own)[:, 0]
    repeated = signs(told[:, [0, 1, 1, 2, 2, 2]], whole, np.arange(6), every)[:, 0]
    assert of_parts == pytest.approx(repeated)


@pytest.mark.parametrize("sign", Specific._fields)
def test_best_pieces_that_say_more_make_surer_where_there_are_others(sign: str) -> None:
    raw = np.zeros((2, 30))
    told = np.zeros((2, 30))
    told[:, 0] = 3.0
    known = Specific.unknown(30)
    of = []
    for level in (0.0, 2.0, 6.0):
        getattr(known, sign)[0] = level
        found = signs(told, grounds(raw, "frame", "speech"), np.arange(30), known)
        of.append(by_signs(found, Law(*CERTAINTY))[0])
    assert of[0] < of[1] < of[2]
    one = Specific(known.text[:1], known.picture[:1])
    alone = signs(told[:, :1], grounds(raw[:, :1], "frame", "speech"), np.arange(1), one)
    assert (alone[3:] == 0).all(), "of one video nothing is known that sizes weigh"
