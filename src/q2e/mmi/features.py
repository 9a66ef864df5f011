"""Cached features of any data set: reads and writes them, splits them, deals them into batches.

Two forms of file, told apart by their ending:

- `.npz`: `frames` (F, d) of all videos one after the other, `frame_count` (V,), `tokens` (M, d) of
  all texts, `token_count` (T,), `video` (T,) the number of each text's video; optional `times_s`
  (F,), `regions` (F, R, d), `video_ids`, `text_ids`, `texts`, `split` (V,), `group` (V,),
  `video_skeletons` (V, s), `text_skeletons` (T, s) and `space`;
- `.jsonl`: a line for each video, `{"id", "frames": [[...]], "texts": [{"id", "text", "tokens":
  [[...]], "skeleton": [...]}], "times_s", "split", "group", "skeleton", "regions", "space"}`.

A text of one sentence vector is a text of one token.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import numpy as np

from q2e.arrays import Float32, Float64, Int64
from q2e.cache import write_whole
from q2e.errors import ConfigError
from q2e.mmi.reason import Head, HeadConfig
from q2e.mmi.scorer import RELEVANCE, SKELETON

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, slots=True, eq=False)
class FeatureSet:
    """Features of V videos and T texts; every text belongs to one video."""

    frames: tuple[Float32, ...]
    """V arrays (n, d)."""
    tokens: tuple[Float32, ...]
    """T arrays (m, d)."""
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
    space: str = ""
    """Names the vectors: model, revision and preprocessing."""

    def __post_init__(self) -> None:
        self._need(len(self.frames) > 0 and len(self.tokens) > 0, "no video or no text")
        self._need(
            all(frames.ndim == 2 and len(frames) for frames in (*self.frames, *self.tokens)),
            "every video needs frames (n, d), every text tokens (m, d), n and m at least 1",
        )
        widths = {array.shape[1] for array in (*self.frames, *self.tokens)}
        self._need(len(widths) == 1, f"vectors of different dimensions {sorted(widths)}")
        videos, texts = len(self.frames), len(self.tokens)
        for name, count in (
            ("video", texts),
            ("text_ids", texts),
            ("texts", texts),
            ("text_skeletons", texts),
            ("video_ids", videos),
            ("split", videos),
            ("group", videos),
            ("times_s", videos),
            ("regions", videos),
            ("video_skeletons", videos),
        ):
            value = getattr(self, name)
            absent = value is None or (isinstance(value, tuple) and not value)
            self._need(absent or len(value) == count, f"{name}: needs {count} entries")
        self._need(
            (self.video_skeletons is None) == (self.text_skeletons is None),
            "skeletons of videos and of texts come together",
        )
        self._need(bool((self.video >= 0).all() and (self.video < videos).all()), "unknown video")
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
            raise ConfigError(f"features: {message}; see q2e.mmi.features for the form")

    @property
    def dimension(self) -> int:
        return int(self.frames[0].shape[1])

    @property
    def grid(self) -> int:
        """Side of the grid of regions, 0 without regions."""
        return round(float(np.sqrt(self.regions[0].shape[1]))) if self.regions else 0

    @property
    def skeleton_dimension(self) -> int:
        return 0 if self.video_skeletons is None else int(self.video_skeletons.shape[1])

    def config(self, **changes: Any) -> HeadConfig:
        """Return the configuration of a head for these features."""
        fits = {
            "dimension": self.dimension,
            "grid": self.grid,
            "skeleton_dimension": self.skeleton_dimension,
        }
        return HeadConfig(**(fits | changes))

    def relevance(self) -> Float64:
        """Return (T, V) 1 where a text describes a video."""
        return np.asarray(self.video[:, None] == np.arange(len(self.frames)), np.float64)

    def subset(self, split: str) -> FeatureSet:
        """Return the videos of one split with their texts. Raises ConfigError where none is."""
        videos = [number for number, name in enumerate(self.split) if name == split]
        new = {old: number for number, old in enumerate(videos)}
        texts = [number for number, video in enumerate(self.video.tolist()) if video in new]
        if not texts:
            raise ConfigError(f"features: no text of a video in split {split!r}")

        def take(values: Any, chosen: list[int]) -> Any:
            if isinstance(values, tuple):
                return tuple(values[number] for number in chosen) if values else ()
            return None if values is None else values[chosen]

        of_videos = ("frames", "video_ids", "split", "times_s", "regions", "group")
        of_texts = ("tokens", "text_ids", "texts", "text_skeletons")
        changes = {name: take(getattr(self, name), videos) for name in of_videos}
        changes |= {name: take(getattr(self, name), texts) for name in of_texts}
        changes["video_skeletons"] = take(self.video_skeletons, videos)
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


def load(path: Path) -> FeatureSet:
    """Read a feature set. Raises ConfigError naming what is wrong with it."""
    try:
        if path.suffix == ".jsonl":
            return _from_lines(path.read_text(encoding="utf-8").splitlines())
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                return _from_arrays(dict(arrays))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except (
        OSError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        RecursionError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise ConfigError(f"{path}: no feature set ({error!r}); see q2e.mmi.features") from None
    raise ConfigError(f"{path}: a feature set ends in .npz or .jsonl")


def save(features: FeatureSet, path: Path) -> None:
    """Write a feature set as `.npz`."""
    if path.suffix != ".npz":
        raise ConfigError(f"{path}: features are written as .npz")
    arrays: dict[str, Any] = {
        "frames": np.concatenate(features.frames),
        "frame_count": np.array([len(frames) for frames in features.frames]),
        "tokens": np.concatenate(features.tokens),
        "token_count": np.array([len(tokens) for tokens in features.tokens]),
        "video": features.video,
        "space": np.array(features.space),
    }
    for name in ("video_ids", "text_ids", "split", "texts", "group"):
        if value := getattr(features, name):
            arrays[name] = np.array(value)
    for name in ("times_s", "regions"):
        if value := getattr(features, name):
            arrays[name] = np.concatenate(value)
    for name in ("video_skeletons", "text_skeletons"):
        if (value := getattr(features, name)) is not None:
            arrays[name] = value

    def write(file: IO[bytes]) -> None:
        np.savez(file, **arrays)

    write_whole(path, write)


def dealt(ids: Sequence[str]) -> tuple[str, ...]:
    """Return a split for each id by its hash: 80 % train, 10 % val, 10 % test."""
    tenths = (hashlib.sha256(name.encode()).digest()[0] % 10 for name in ids)
    return tuple({8: "val", 9: "test"}.get(tenth, "train") for tenth in tenths)


def _from_arrays(arrays: dict[str, Any]) -> FeatureSet:
    def cut(name: str, count: str, kind: Callable[[Any], Any]) -> tuple[Any, ...]:
        counts = arrays[count].astype(np.int64)
        if counts.sum() != len(arrays[name]) or (counts < 0).any():
            raise ValueError(f"{count} adds up to {counts.sum()}, {name} has {len(arrays[name])}")
        return tuple(kind(part) for part in np.split(arrays[name], np.cumsum(counts)[:-1]))

    def words(name: str, default: Sequence[str] = ()) -> tuple[str, ...]:
        return tuple(str(one) for one in arrays.get(name, default))

    videos, texts = len(arrays["frame_count"]), len(arrays["token_count"])
    ids = words("video_ids", [f"v{number}" for number in range(videos)])
    return FeatureSet(
        frames=cut("frames", "frame_count", _narrow),
        tokens=cut("tokens", "token_count", _narrow),
        video=arrays["video"].astype(np.int64),
        video_ids=ids,
        text_ids=words("text_ids", [f"t{number}" for number in range(texts)]),
        split=words("split", dealt(ids)),
        times_s=cut("times_s", "frame_count", _wide) if "times_s" in arrays else (),
        regions=cut("regions", "frame_count", _narrow) if "regions" in arrays else (),
        texts=words("texts"),
        group=words("group"),
        video_skeletons=_narrow(arrays.get("video_skeletons")),
        text_skeletons=_narrow(arrays.get("text_skeletons")),
        space=str(arrays.get("space", "")),
    )


def _from_lines(lines: Sequence[str]) -> FeatureSet:
    rows = [json.loads(line) for line in lines if line.strip()]
    said = [(number, text) for number, row in enumerate(rows) for text in row["texts"]]
    ids = tuple(str(row["id"]) for row in rows)

    def all_or_none(values: Iterator[Any], kind: Callable[[Any], Any]) -> tuple[Any, ...]:
        found = list(values)
        if any(value is None for value in found):
            return ()
        return tuple(kind(value) for value in found)

    of_videos = all_or_none((row.get("skeleton") for row in rows), _narrow)
    of_texts = all_or_none((text.get("skeleton") for _, text in said), _narrow)
    return FeatureSet(
        frames=tuple(_narrow(row["frames"]) for row in rows),
        tokens=tuple(_narrow(text["tokens"]) for _, text in said),
        video=np.array([number for number, _ in said], np.int64),
        video_ids=ids,
        text_ids=tuple(str(text.get("id", f"t{n}")) for n, (_, text) in enumerate(said)),
        split=all_or_none((row.get("split") for row in rows), str) or dealt(ids),
        times_s=all_or_none((row.get("times_s") for row in rows), _wide),
        regions=all_or_none((row.get("regions") for row in rows), _narrow),
        texts=all_or_none((text.get("text") for _, text in said), str),
        group=all_or_none((row.get("group") for row in rows), str),
        video_skeletons=np.stack(of_videos) if of_videos else None,
        text_skeletons=np.stack(of_texts) if of_texts else None,
        space=str(rows[0].get("space", "")) if rows else "",
    )


def _narrow(values: Any) -> Any:
    return None if values is None else np.asarray(values, np.float32)


def _wide(values: Any) -> Any:
    return np.asarray(values, np.float64)
