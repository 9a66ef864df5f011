"""Cached features of videos and texts: what every training reads, split and dealt into batches.

`q2e.heads.feature_files` reads and writes them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from q2e.arrays import Float32, Float64, Int64
from q2e.errors import ConfigError

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, slots=True, eq=False)
class FeatureSet:
    """Features of V videos and T texts; every text belongs to one video."""

    frames: tuple[Float32, ...]
    """V arrays (n, d)."""
    tokens: tuple[Float32, ...]
    """T arrays (m, e); most recipes need e = d, one space for both."""
    video: Int64
    """(T,) number of the video each text describes."""
    video_ids: tuple[str, ...]
    text_ids: tuple[str, ...]
    split: tuple[str, ...]
    """V of `train`, `val` and `test`."""
    times_s: tuple[Float64, ...] = ()
    regions: tuple[Float32, ...] = ()
    """V arrays (n, R, d), or nothing."""
    texts: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    """V names: videos of one group are easily mistaken for each other and trained together."""
    video_skeletons: Float32 | None = None
    text_skeletons: Float32 | None = None
    video_outlines: tuple[str, ...] = ()
    """V skeletons in words, for a model that compares them itself."""
    text_outlines: tuple[str, ...] = ()
    labels: Float32 | None = None
    """(V, l) vectors of the same videos in a space of their own, as that of a bridge of labels."""
    text_labels: Float32 | None = None
    """(T, l) vectors of the texts in the space of `labels`."""
    spans_s: Float64 | None = None
    """(T, 2) begin and end of what each text describes, where that is no whole video."""
    example: Int64 | None = None
    """(T,) number of the video that a text changes, of a set of compositions."""
    space: str = ""
    """Names the vectors: model, revision and preprocessing."""
    data: str = ""
    """What the features were made of, in words."""
    licence: str = ""
    """What the licence of that says."""

    def __post_init__(self) -> None:
        self._need(len(self.frames) > 0 and len(self.tokens) > 0, "no video or no text")
        self._need(
            all(frames.ndim == 2 and len(frames) for frames in (*self.frames, *self.tokens)),
            "every video needs frames (n, d), every text tokens (m, d), n and m at least 1",
        )
        for side in (self.frames, self.tokens):
            widths = {array.shape[1] for array in side}
            self._need(len(widths) == 1, f"vectors of different dimensions {sorted(widths)}")
        videos, texts = len(self.frames), len(self.tokens)
        for name, count in (
            ("video", texts),
            ("text_ids", texts),
            ("texts", texts),
            ("text_skeletons", texts),
            ("text_outlines", texts),
            ("video_outlines", videos),
            ("video_ids", videos),
            ("split", videos),
            ("group", videos),
            ("times_s", videos),
            ("regions", videos),
            ("video_skeletons", videos),
            ("labels", videos),
            ("text_labels", texts),
            ("spans_s", texts),
            ("example", texts),
        ):
            value = getattr(self, name)
            absent = value is None or (isinstance(value, tuple) and not value)
            self._need(absent or len(value) == count, f"{name}: needs {count} entries")
        for what, one, other in (
            ("skeletons", self.video_skeletons, self.text_skeletons),
            ("labels", self.labels, self.text_labels),
            ("outlines", self.video_outlines or None, self.text_outlines or None),
        ):
            self._need(
                (one is None) == (other is None), f"{what} of videos and of texts come together"
            )
        self._need(bool((self.video >= 0).all() and (self.video < videos).all()), "unknown video")
        if self.spans_s is not None:
            told = self.spans_s.ndim == 2 and self.spans_s.shape[1] == 2
            ordered = told and bool((self.spans_s[:, 0] <= self.spans_s[:, 1]).all())
            self._need(ordered, "spans_s: a begin and an end not before it for each text")
        if self.example is not None:
            known = (self.example >= 0) & (self.example < videos)
            self._need(bool(known.all()), "example: unknown video")
        for name in self.split:
            self._need(name in SPLITS, f"unknown split {name!r}; known: {', '.join(SPLITS)}")
        for ids in (self.video_ids, self.text_ids):
            self._need(len(set(ids)) == len(ids), "an id is there twice")
        for frames, times in zip(self.frames, self.times_s, strict=False):
            self._need(times.shape == (len(frames),), "times_s: one for each frame")
        for frames, regions in zip(self.frames, self.regions, strict=False):
            fits = regions.shape == (len(frames), self.grid**2, self.dimension)
            self._need(fits, f"regions of {regions.shape} are no square grid for each frame")
        finite = all(np.isfinite(array).all() for array in (*self.frames, *self.tokens))
        self._need(finite, "vectors hold NaN or infinite numbers")

    @staticmethod
    def _need(good: bool, message: str) -> None:
        if not good:
            raise ConfigError(f"features: {message}; see q2e.heads.feature_files for the form")

    @property
    def dimension(self) -> int:
        return int(self.frames[0].shape[1])

    @property
    def text_dimension(self) -> int:
        return int(self.tokens[0].shape[1])

    def in_one_space(self, what: str) -> int:
        """Return the dimension of both sides. Raises ConfigError where they have two."""
        if self.dimension != self.text_dimension:
            raise ConfigError(
                f"{what} compares frames with texts, here of {self.dimension} and "
                f"{self.text_dimension} dimensions: take features of a model of pictures and text, "
                "or bring them into one space with  q2e train eye"
            )
        return self.dimension

    @property
    def grid(self) -> int:
        """Side of the grid of regions, 0 without regions."""
        return round(float(np.sqrt(self.regions[0].shape[1]))) if self.regions else 0

    @property
    def skeleton_dimension(self) -> int:
        return 0 if self.video_skeletons is None else int(self.video_skeletons.shape[1])

    def relevance(self) -> Float64:
        """Return (T, V) 1 where a text describes a video."""
        return np.asarray(self.video[:, None] == np.arange(len(self.frames)), np.float64)

    def subset(self, split: str) -> FeatureSet:
        """Return the videos of one split with their texts. Raises ConfigError where none is."""
        videos = [number for number, name in enumerate(self.split) if name == split]
        new = {old: number for number, old in enumerate(videos)}
        texts = [number for number, video in enumerate(self.video.tolist()) if video in new]
        if self.example is not None:
            # A composition is of a split where both of its videos are.
            texts = [number for number in texts if int(self.example[number]) in new]
        if not texts:
            raise ConfigError(f"features: no text of a video in split {split!r}")

        def take(values: Any, chosen: list[int]) -> Any:
            if isinstance(values, tuple):
                return tuple(values[number] for number in chosen) if values else ()
            return None if values is None else values[chosen]

        of_videos = ["frames", "video_ids", "split", "times_s", "regions", "group"]
        of_videos += ["video_skeletons", "video_outlines", "labels"]
        of_texts = ["tokens", "text_ids", "texts", "text_skeletons", "text_outlines"]
        of_texts += ["text_labels", "spans_s"]
        changes = {name: take(getattr(self, name), videos) for name in of_videos}
        changes |= {name: take(getattr(self, name), texts) for name in of_texts}
        if self.example is not None:
            changes["example"] = np.array([new[int(self.example[text])] for text in texts])
        return replace(
            self,
            video=np.array([new[int(self.video[text])] for text in texts], np.int64),
            **changes,
        )

    def batches(self, size: int, seed: int, epoch: int) -> list[list[tuple[int, int]]]:
        """Deal all videos into batches of (video, text), each video with one of its texts.

        The order depends on `seed` and `epoch` alone. Groups stay together where they fit; a last
        batch of one pair, which has nothing to be told from, joins the one before.
        """
        rng = np.random.default_rng((seed, epoch))
        texts: dict[int, list[int]] = {}
        for text, video in enumerate(self.video.tolist()):
            texts.setdefault(video, []).append(text)
        groups: dict[str, list[int]] = {}
        for video in texts:
            groups.setdefault(self.group[video] if self.group else str(video), []).append(video)
        order = list(groups.values())
        dealt = [video for number in rng.permutation(len(order)) for video in order[number]]
        pairs = [(video, texts[video][rng.integers(len(texts[video]))]) for video in dealt]
        parts = [pairs[start : start + size] for start in range(0, len(pairs), size)]
        if len(parts) > 1 and len(parts[-1]) == 1:
            parts[-2:] = [parts[-2] + parts[-1]]
        return parts
