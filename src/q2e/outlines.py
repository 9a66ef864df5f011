"""Writes skeletons of texts and videos of an index into features, for `q2e mmi tune`.

They are made as `--rerank mmi` makes them: by the language or vision model that the profile or the
settings name, else from the decomposition of the text and the evidence of the video.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from q2e.heads.features import FeatureSet
from q2e.index import Index
from q2e.methods.rerank.base import Tools
from q2e.methods.rerank.joint import spoken
from q2e.methods.rerank.mmi import MmiReranker, unfolded
from q2e.mmi.skeletons import DECOMPOSITION, EVIDENCE

Watch = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Outlined:
    """Features with skeletons in words, and by what how many of them were made."""

    features: FeatureSet
    made_by: Counter[str]


def outlined(
    features: FeatureSet, index: Index, without: Collection[str] = (), watch: Watch | None = None
) -> Outlined:
    """Return features of an index with a skeleton of each text and of each video.

    `without` names channels, or `title`, that texts were taken from: what a text says word for word
    is left out of its video's skeleton, else comparing both would be comparing a text with itself.
    """
    tools = Tools(index.settings, index.models, math.inf, index.store)
    mmi = MmiReranker().scorer(index.store, tools)
    language: dict[int, str] = {}
    texts: list[str] = []
    videos: list[str] = []
    made_by: Counter[str] = Counter()
    total = len(features.texts) + len(features.video_ids)

    def told(outline: tuple[str, str]) -> str:
        made_by[_NAMES.get(outline[1], outline[1].removeprefix("model:"))] += 1
        if watch is not None:
            watch(len(texts) + len(videos) + 1, total)
        return outline[0]

    for text, video in zip(features.texts, features.video.tolist(), strict=True):
        request = unfolded(text, tools)
        language.setdefault(video, spoken(request.language))
        texts.append(told(mmi.outline_of_request(request)))
    for number, name in enumerate(features.video_ids):
        video = index.find(name)
        videos.append(told(mmi.outline_of_video(video, language.get(number, "en"), without)))
    made = replace(features, text_outlines=tuple(texts), video_outlines=tuple(videos))
    return Outlined(made, made_by)


#: What skeletons that no model made are called.
_NAMES = {EVIDENCE: "evidence, without a model", DECOMPOSITION: "decomposition, without a model"}
