"""Captions whose stretches are refined by soft masks: where the pictures fit, and no further."""

from __future__ import annotations

import numpy as np
import pytest

from q2e.methods.masked import LONGEST_S, WITHIN_S, refined

#: A frame a second: seconds 20 to 32 show what the caption tells, the others something else.
FRAME_S = np.arange(0.5, 60.0)
INSIDE = (FRAME_S > 20) & (FRAME_S < 32)


def _frames(noise: float = 0.05) -> np.ndarray:
    random = np.random.default_rng(0)
    frames = np.where(INSIDE[:, None], [1.0, 0.0, 0.2], [0.0, 1.0, 0.2])
    frames = frames + noise * random.standard_normal(frames.shape)
    return np.asarray(frames / np.linalg.norm(frames, axis=1, keepdims=True), np.float32)


CAPTION = np.array([[1.0, 0.0, 0.0]], np.float32)


@pytest.mark.parametrize("first", [(20.0, 28.0), (16.0, 24.0), (27.0, 35.0), (24.0, 26.0)])
def test_a_caption_grows_to_what_shows_it(first: tuple[float, float]) -> None:
    [found] = refined(np.array([first]), CAPTION, FRAME_S, _frames(), 60.0)
    assert found == pytest.approx([20.0, 32.0], abs=1.5)


def test_it_moves_so_far_and_stays_in_the_video() -> None:
    far = np.array([[44.0, 52.0]])
    [found] = refined(far, CAPTION, FRAME_S, _frames(), 60.0)
    assert abs(found.mean() - far.mean()) <= WITHIN_S + 1e-6
    everywhere = np.tile(CAPTION, (len(FRAME_S), 1)) + 0.001 * FRAME_S[:, None].astype(np.float32)
    [whole] = refined(np.array([[50.0, 58.0]]), CAPTION, FRAME_S, everywhere, 60.0)
    assert 0 <= whole[0] < whole[1] <= 60.0 and np.ptp(whole) <= LONGEST_S


def test_each_caption_is_refined_alone_and_without_frames_nothing_is() -> None:
    spans = np.array([[16.0, 24.0], [40.0, 48.0]])
    captions = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
    both = refined(spans, captions, FRAME_S, _frames(), 60.0)
    one = [refined(spans[[n]], captions[[n]], FRAME_S, _frames(), 60.0)[0] for n in (0, 1)]
    assert both == pytest.approx(np.array(one))
    nothing = refined(spans, captions, np.zeros(0), np.zeros((0, 3), np.float32), 60.0)
    assert (nothing == spans).all()
