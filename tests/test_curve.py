"""The score of a video over its time: bounded, highest where the moments are, none for several."""

from __future__ import annotations

import numpy as np
import pytest

import q2e
from q2e import shape
from q2e.search.curve import MOST
from q2e.types import Filters


@pytest.mark.parametrize("question", ["giant panda", "weasels telephone system", "颐和园花展"])
def test_the_curve_is_highest_inside_the_best_moment(
    sample_index: q2e.Index, question: str
) -> None:
    best = sample_index.search(question, top=1).hits[0]
    page = sample_index.search_page(question, filters=Filters(videos=(best.video.id,)), top=1)
    assert page.curve is not None
    value = np.array(page.curve.value)
    assert 0 < len(value) <= MOST
    assert value.min() >= 0
    assert value.max() == 1
    assert len(value) * page.curve.step_s == pytest.approx(best.video.duration_s)
    at_s = (np.arange(len(value)) + 0.5) * page.curve.step_s
    moment = page.results.hits[0].moments[0]
    inside = (at_s > moment.start_s - page.curve.step_s) & (at_s < moment.end_s + page.curve.step_s)
    assert value[inside].mean() > value.mean() or inside.all()
    told = shape.heights(page.curve)
    assert told is not None
    assert set(told) == {"video", "step", "values"}


def test_several_videos_and_an_order_have_no_curve(sample_index: q2e.Index) -> None:
    assert sample_index.search_page("panda", top=5).curve is None
    best = sample_index.search("giant panda", top=1).hits[0].video.id
    only = Filters(videos=(best,))
    assert sample_index.search_page("panda THEN panda", filters=only, top=1).curve is None
