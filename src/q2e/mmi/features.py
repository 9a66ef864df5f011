"""What a head makes of cached features: its configuration for them, and their scores."""

from __future__ import annotations

from typing import Any

import numpy as np

from q2e.arrays import Float64
from q2e.heads.features import FeatureSet
from q2e.mmi.reason import Head, HeadConfig
from q2e.mmi.scorer import RELEVANCE, SKELETON


def config_for(features: FeatureSet, **changes: Any) -> HeadConfig:
    """Return the configuration of a head for these features."""
    fits = {
        "dimension": features.in_one_space("the head"),
        "grid": features.grid,
        "skeleton_dimension": features.skeleton_dimension,
    }
    return HeadConfig(**(fits | changes))


def scores(head: Head, features: FeatureSet) -> Float64:
    """Return the scores (T, V): L_r, and 0.6 L_r + 0.3 L_s where there are skeletons."""
    texts = np.stack([head.text(tokens) for tokens in features.tokens]).astype(np.float64)
    none = (None,) * len(features.frames)
    parts = zip(features.frames, features.times_s or none, features.regions or none, strict=True)
    videos = np.stack([head.video(*part) for part in parts])
    relevance = texts @ videos.T
    if features.text_skeletons is None or features.video_skeletons is None:
        return np.asarray(relevance)
    agreement = head.skeleton(features.text_skeletons, features.video_skeletons)
    return np.asarray(RELEVANCE * relevance + SKELETON * agreement)
