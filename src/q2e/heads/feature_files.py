"""Reads and writes cached features of any data set.


Two forms of file, told apart by their ending:

- `.npz`: `frames` (F, d) of all videos one after the other, `frame_count` (V,), `tokens` (M, d) of
  all texts, `token_count` (T,), `video` (T,) the number of each text's video; optional `times_s`
  (F,), `regions` (F, R, d), `video_ids`, `text_ids`, `texts`, `split` (V,), `group` (V,),
  `video_skeletons` (V, s), `text_skeletons` (T, s), the same in words `video_outlines` (V,) and
  `text_outlines` (T,), `labels` (V, l), `text_labels` (T, l), `spans_s` (T, 2), `example` (T,), and
  the words `space`, `data` and `licence`;
- `.jsonl`: a line for each video, `{"id", "frames": [[...]], "texts": [{"id", "text", "tokens":
  [[...]], "skeleton": [...], "outline": "...", "span_s": [0, 5]}], "times_s", "split", "group",
  "skeleton", "outline", "regions", "space"}`.

A text of one sentence vector is a text of one token.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from q2e.cache import write_whole
from q2e.errors import ConfigError
from q2e.heads.features import FeatureSet


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
        raise ConfigError(
            f"{path}: no feature set ({error!r}); see q2e.heads.feature_files"
        ) from None
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
    }
    for name in _WORDS:
        arrays[name] = np.array(getattr(features, name))
    for name in ("video_ids", "text_ids", "split", "texts", "group", *_OUTLINES):
        if value := getattr(features, name):
            arrays[name] = np.array(value)
    for name in ("times_s", "regions"):
        if value := getattr(features, name):
            arrays[name] = np.concatenate(value)
    for name in ("example", *_NARROW, *_WIDE):
        if (value := getattr(features, name)) is not None:
            arrays[name] = value

    def write(file: IO[bytes]) -> None:
        np.savez(file, **arrays)

    write_whole(path, write)


#: What is one text of the whole set.
_WORDS = ("space", "data", "licence")
#: Skeletons in words.
_OUTLINES = ("video_outlines", "text_outlines")
#: Arrays of a row a video or a text, float32 and float64.
_NARROW = ("video_skeletons", "text_skeletons", "labels", "text_labels")
_WIDE = ("spans_s",)


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

    more: dict[str, Any] = {name: _narrow(arrays.get(name)) for name in _NARROW}
    more |= {name: _wide(arrays[name]) for name in _WIDE if name in arrays}
    more |= {name: str(arrays.get(name, "")) for name in _WORDS}
    more |= {name: words(name) for name in _OUTLINES}
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
        example=arrays["example"].astype(np.int64) if "example" in arrays else None,
        **more,
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
    words: dict[str, Any] = {name: str(rows[0].get(name, "")) if rows else "" for name in _WORDS}
    spans_s = all_or_none((text.get("span_s") for _, text in said), _wide)
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
        video_outlines=all_or_none((row.get("outline") for row in rows), str),
        text_outlines=all_or_none((text.get("outline") for _, text in said), str),
        spans_s=np.stack(spans_s) if spans_s else None,
        **words,
    )


def _narrow(values: Any) -> Any:
    return None if values is None else np.asarray(values, np.float32)


def _wide(values: Any) -> Any:
    return np.asarray(values, np.float64)
