"""What work is keyed by: digests that change exactly when the work would give other results.

Tokens and text vectors are no part of it: they are made again of what is stored; see `derive`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from q2e.about import __version__
from q2e.channels.base import Channel, SamplesDensely
from q2e.ingest.derive import derived
from q2e.media.embedded import Contents
from q2e.settings import Settings
from q2e.store.base import DENSE
from q2e.types import Video

SHOTS = "shots"
#: The key of evidence that was brought from elsewhere.
IMPORTED = "import"
#: Seconds by which a file may be longer than it was thought, and still be read as it was.
_GROWN_S = 0.5
#: Raised when shots, their movement or frame choice change for the same settings.
SHOTS_VERSION = 2
#: Raised when shots, or their frames, change where key frames alone are decoded.
KEY_FRAMES_VERSION = 1
#: Raised when other frames are chosen between those of a shot for the same settings.
DENSE_VERSION = 1
#: Raised when the same subtitles would give other lines.
CUES_VERSION = 2
#: The version of tokens in the keys of the first format, which held it.
_TERMS_THEN = 3


@dataclass(frozen=True, slots=True)
class Rules:
    """By what keys are made. Those of now hold nothing of the machine that made them."""

    places: bool = False
    """Whether they hold paths, and the times at which subtitles were written."""
    space: str | None = None
    """The space of texts that those of the first format held."""


NOW = Rules()


def stage_keys(
    channels: Sequence[Channel],
    settings: Settings,
    video: Video,
    inside: Contents | None = None,
    rules: Rules = NOW,
) -> dict[str, str]:
    """Return the key of each stage of a video: its own configuration and that of what is below it.

    `inside` is what the file holds besides pictures and sound. `rules` are those of now, or of
    earlier indexes: see `earlier_keys`.
    """
    then = rules.space
    inside = inside or Contents()
    shots = digest(
        SHOTS_VERSION,
        settings.frames_per_video,
        settings.frame_max_side,
        settings.segment_max_s,
        settings.part_s,
        *_key_frames(settings),
    )
    keys = {SHOTS: shots}
    for channel in channels:
        below: list[object] = [channel.config_key, settings.part_s]
        if then is not None:
            below.append(f"{then};{_TERMS_THEN}")
        if channel.needs == "frames":
            below.append(shots)
        elif channel.needs == "scenes":
            below.append(shots)
            below.extend(keys[one.name] for one in channels if one.needs == "audio")
        elif channel.needs in ("evidence", "video"):
            below.extend(sorted(keys.values()))
        elif channel.needs == "record":
            below.append(record_digest(video, rules))
            if inside.chapters:
                below.append([[one.start_s, one.end_s, one.text] for one in inside.chapters])
        elif channel.needs == "audio":
            below.append(subtitle_stamp(video, rules))
            if inside.subtitles:
                below.append(f"{inside.subtitles} inside")
        keys[channel.name] = digest(*below)
    for channel in channels:
        # Nothing is made of these frames, so no other key holds theirs.
        if isinstance(channel, SamplesDensely):
            keys[DENSE] = digest(channel.dense_key, shots, DENSE_VERSION, settings.frames_per_hour)
    return keys


def fingerprint(settings: Settings, channels: Sequence[Channel], spaces: Mapping[str, str]) -> str:
    """Return what changes when any file would be read otherwise: by version, settings or models."""
    of_shots = ("frames_per_video", "frame_max_side", "segment_max_s", "part_s", "frames_per_hour")
    return digest(
        *(__version__, SHOTS_VERSION, DENSE_VERSION, CUES_VERSION, derived("").terms),
        [*(getattr(settings, name) for name in of_shots), *_key_frames(settings)],
        sorted([channel.name, channel.config_key] for channel in channels),
        sorted(spaces.items()),
    )


def _key_frames(settings: Settings) -> list[object]:
    """Return what key frames alone add to the key of shots, where they are read alone."""
    return [f"key frames/{KEY_FRAMES_VERSION}"] if settings.key_frames else []


def grown(known: Video | None, video: Video) -> bool:
    """Return whether a file that was read before turns out to be longer than it was thought.

    Its content is the same, but an earlier version read less of it.
    """
    longer = known is not None and known.path and video.duration_s > known.duration_s + _GROWN_S
    return bool(longer)


def earlier_keys(
    channels: Sequence[Channel],
    settings: Settings,
    video: Video,
    inside: Contents | None = None,
    then: str | None = None,
) -> dict[str, frozenset[str]]:
    """Return the keys under which earlier versions noted the same work of each stage.

    `then` is the space of texts that an index of the first format held. Work under any of these
    is done, and is not done again.
    """
    rules = [Rules(places=True), *([] if then is None else [Rules(places=True, space=then)])]
    found = [stage_keys(channels, settings, video, inside, one) for one in rules]
    return {stage: frozenset(keys[stage] for keys in found) for stage in found[0]}


def subtitle_stamp(video: Video, rules: Rules = NOW) -> list[object]:
    """Return what changes when subtitles beside a video come, go or are edited."""
    from q2e.media import sidecar

    stamp = sidecar.subtitle_times if rules.places else sidecar.subtitle_stamp
    stamps = stamp(video.path)
    return [*stamps, CUES_VERSION] if stamps else []


def record_digest(video: Video, rules: Rules = NOW) -> str:
    """Return what changes with what is known of a video before it is read.

    Of its place only the name tells anything of it: moved to another folder, machine or storage,
    it is read no more.
    """
    name = video.path if rules.places else video.path.rpartition("/")[2]
    return digest(
        name, video.title, video.description, video.date, video.language, list(video.tags)
    )


def digest(*values: object) -> str:
    """Return 16 hexadecimal digits that stand for these values."""
    text = json.dumps(values, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
