"""What a hit is said to be worth: rivals, their absence, few videos and a question's own spread."""

from __future__ import annotations

import numpy as np
import pytest

from q2e.methods.fuse.witnesses import CERTAINTY, NORMAL, Grounds
from q2e.search.certain import NOTHING, PRIOR, Law, certainty, lead, trusted
from q2e.types.answer import CERTAIN

LAW = Law(*CERTAINTY)


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
