"""What work is keyed by: digests that change exactly when the work would give other results."""

from __future__ import annotations

import glob
import hashlib
import json
from pathlib import Path

from q2e.types import Video


def subtitle_stamp(video: Video) -> list[object]:
    """Return what changes when subtitles beside a video come, go or are edited."""
    folder, stem = Path(video.path).parent, Path(video.path).stem
    beside = sorted(folder.glob(f"{glob.escape(stem)}*.[sv][rt]t"))
    return [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in beside]


def record_digest(video: Video) -> str:
    return digest(
        video.path, video.title, video.description, video.date, video.language, list(video.tags)
    )


def digest(*values: object) -> str:
    """Return 16 hexadecimal digits that stand for these values."""
    return hashlib.sha256(json.dumps(values, ensure_ascii=False).encode()).hexdigest()[:16]
