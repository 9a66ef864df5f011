"""Says what a file holds: length, size, rate, sound; or in one line why it cannot be read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from q2e.errors import MediaError
from q2e.media.clock import length_of
from q2e.media.container import (
    audio_stream,
    decode_from,
    origin_s,
    packets,
    video_stream,
)
from q2e.media.decoder import MAX_PIXELS, MAX_SIDE_PX, opened
from q2e.media.identity import content_id
from q2e.media.pictures import quarter_turns
from q2e.types import Video

#: Longer files are refused: no camera or archive makes them, forged headers do.
MAX_DURATION_S = 7 * 24 * 3600.0

#: A file that ends this much before its declared end, in seconds and as a share, is cut short.
_MISSING_S, _MISSING_SHARE = 2.0, 0.05


def probe(path: str | Path, video_id: str | None = None) -> Video:
    """Return what a media file holds, read from its packets rather than from its promises.

    `width` and `height` are those of the upright picture; both are 0 and `has_video` is False
    for sound alone (a cover picture does not count). Title and the like are left empty. A known
    `video_id` spares reading the whole file once more.

    Raises MediaError with a one-line reason for files that are missing, empty, truncated,
    encrypted, still pictures, without length, too large, or no media at all.
    """
    path = Path(path)
    with opened(path) as container:
        video, audio = video_stream(container), audio_stream(container)
        if video is None and audio is None:
            raise MediaError(f"{path.name}: holds neither pictures nor sound; give a video file")
        tracks = _measure(container)
        duration_s = _duration_s(path, container, tracks)
        rate_hz = 0.0 if video is None else round(tracks[video.index].rate_hz, 3)
    width, height = _decoded_size(path)
    return Video(
        id=video_id or content_id(path),
        path=str(path),
        duration_s=duration_s,
        width=width,
        height=height,
        rate_hz=rate_hz,
        has_video=video is not None,
        has_audio=audio is not None,
        size_bytes=path.stat().st_size,
    )


def container_tags(path: str | Path) -> dict[str, str]:
    """Return the file's own tags (title, artist, date, ...) with lower-case keys.

    Tags of the first streams fill in what the file itself does not say, as in Ogg.
    """
    tags: dict[str, str] = {}
    with opened(path) as container:
        streams = (video_stream(container), audio_stream(container))
        for source in (container, *(stream for stream in streams if stream is not None)):
            for key, value in source.metadata.items():
                if value.strip():
                    tags.setdefault(key.lower(), value.strip())
    return tags


@dataclass(slots=True)
class _Track:
    """What the packets of one stream say of its times; `length_s` is used where they do not."""

    length_s: float
    count: int = 0
    first_s: float = math.inf
    last_s: float = 0.0
    end_s: float = 0.0
    encrypted: bool = False

    def take(self, time_s: float | None, length_s: float) -> None:
        time_s = self.end_s if time_s is None else time_s
        self.count += 1
        self.first_s = min(self.first_s, time_s)
        self.last_s = max(self.last_s, time_s)
        self.end_s = max(self.end_s, time_s + (length_s or self.length_s))

    @property
    def rate_hz(self) -> float:
        length_s = self.last_s - self.first_s
        return (self.count - 1) / length_s if self.count > 1 and length_s > 0 else 1 / self.length_s


def _measure(container: Any) -> dict[int, _Track]:
    """Return the track of every stream by its index, from all packets of the file."""
    origin, tracks, bases = origin_s(container), {}, {}
    for stream in container.streams:
        rate = stream.type == "video" and (stream.average_rate or stream.guessed_rate)
        tracks[stream.index] = _Track(1 / float(rate or 25) if stream.type == "video" else 0.0)
        bases[stream.index] = float(stream.time_base or 0)
    for packet in packets(container):
        if packet.size and packet.stream_index in tracks:
            base = bases[packet.stream_index]
            time = packet.dts if packet.pts is None else packet.pts
            track = tracks[packet.stream_index]
            track.take(None if time is None else time * base - origin, length_of(packet) * base)
            if track.count == 1:
                track.encrypted = packet.has_sidedata("encryption_info")
    return tracks


def _duration_s(path: Path, container: Any, tracks: dict[int, _Track]) -> float:
    streams = (video_stream(container), audio_stream(container))
    used = [tracks[stream.index] for stream in streams if stream is not None]
    duration_s = max(track.end_s for track in used)
    if any(track.encrypted for track in used):
        raise MediaError(f"{path.name}: encrypted; give a copy without copy protection")
    last_s = origin_s(container) + max(track.end_s for track in tracks.values())
    declared_s = float(container.duration or 0) / 1_000_000
    missing_s = declared_s - last_s
    exact = container.format.name.startswith(("mov", "matroska"))  # others only estimate
    if duration_s <= 0:
        raise MediaError(f"{path.name}: zero duration: it holds no pictures and no sound")
    if exact and missing_s > max(_MISSING_S, _MISSING_SHARE * declared_s):
        raise MediaError(
            f"{path.name}: truncated: {last_s:.0f} of {declared_s:.0f} s are there; copy it again"
        )
    if duration_s > MAX_DURATION_S:
        raise MediaError(
            f"{path.name}: says it lasts {duration_s / 3600:.0f} h; at most "
            f"{MAX_DURATION_S / 3600:.0f} h are read"
        )
    return duration_s


def _decoded_size(path: Path) -> tuple[int, int]:
    """Return (width, height) of the upright first picture; (0, 0) for sound that decodes."""
    with opened(path) as container:
        stream = video_stream(container)
        if stream is None:
            stream, what = audio_stream(container), "sound"
        else:
            what = "pictures"
            _refuse_huge(path, stream.width, stream.height)
        for _, frame in decode_from(container, stream, 0.0):
            if what == "sound":
                return 0, 0
            turned = quarter_turns(frame) % 2
            return (frame.height, frame.width) if turned else (frame.width, frame.height)
    raise MediaError(f"{path.name}: its {what} cannot be decoded: damaged or encrypted")


def _refuse_huge(path: Path, width: int, height: int) -> None:
    if max(width, height) > MAX_SIDE_PX or width * height > MAX_PIXELS:
        raise MediaError(
            f"{path.name}: {width} x {height} px is too large; at most {MAX_SIDE_PX} px a side "
            f"and {MAX_PIXELS} px in all"
        )
