"""Cuts are those of PySceneDetect's own detector, to the last digit of what it compares."""

from __future__ import annotations

import numpy as np
from scenedetect.detectors import AdaptiveDetector

from q2e.media.changes import detector


def pictures() -> list[np.ndarray]:
    """Return pictures of six shots: noise about a colour each, with a flash and equal pictures."""
    random, found = np.random.default_rng(0), []
    for shot in range(6):
        base = random.integers(0, 256, (90, 160, 3))
        for number in range(25):
            noise = random.integers(-shot * 4, shot * 4 + 1, base.shape)
            one = np.clip(base + noise, 0, 255).astype(np.uint8)
            found.append(np.full_like(one, 255) if (shot, number) == (3, 12) else one)
    return found


def test_cuts_are_those_of_the_package() -> None:
    ours, theirs = detector(3.5, 3, 0.6), AdaptiveDetector(3.5, 0.6, 3)
    cuts = []
    for number, picture in enumerate(pictures()):
        assert ours.process_frame(number / 25, picture) == theirs.process_frame(
            number / 25, picture.copy()
        )
        assert ours._frame_score == theirs._frame_score
        cuts += [cut for cut, _ in ours._buffer[3:4] if ours._last_cut == cut]
    assert len(set(cuts)) >= 5
