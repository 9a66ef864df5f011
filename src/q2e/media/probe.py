"""Says what a file holds: length, size, rate, sound; or in one line why it cannot be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from q2e.errors import MediaError
from q2e.media.container import (
    MAX_PIXELS,
    MAX_SIDE_PX,
    audio_stream,
    decode_from,
    open_media,
    origin_s,
    packets,
    video_stream,
)
from q2e.media.identity import content_id
from q2e.media.pictures import quarter_turns
from q2e.types import Video

#: Longer files are refused: no camera or archive makes them, forged headers do.
MAX_DURATION_S = 7 * 24 * 3600.0

#: A file that ends this much before its declared end, in seconds and as a share, is cut short.
_MISSING_S, _MISSING_SHARE = 2.0, 0.05


def probe(path: str | Path) -> Video:
    """Return what a media file holds, read from its packets rather than from its promises.

    `width` and `height` are those of the upright picture; both are 0 and `has_video` is False
    for sound alone (a cover picture does not count). Title and the like are left empty.

    Raises MediaError with a one-line reason for files that are missing, empty, truncated,
    encrypted, still pictures, without length, too large, or no media at all.
    """
    path = Path(path)
    with open_media(path) as container:
        _refuse_encrypted(path, container)
        video, audio = video_stream(container), audio_stream(container)
        if video is None and audio is None:
            raise MediaError(f"{path.name}: holds neither pictures nor sound; give a video file")
        width, height = (0, 0) if video is None else _picture_size(path, container, video)
        rate = 0.0 if video is None else float(video.average_rate or video.guessed_rate or 0)
        if video is None:
            _first(path, container, audio, "sound")
    return Video(
        id=content_id(path),
        path=str(path),
        duration_s=_duration_s(path),
        width=width,
        height=height,
        rate_hz=rate,
        has_video=video is not None,
        has_audio=audio is not None,
        size_bytes=path.stat().st_size,
    )


def container_tags(path: str | Path) -> dict[str, str]:
    """Return the file's own tags (title, artist, date, ...) with lower-case keys.

    Tags of the first streams fill in what the file itself does not say, as in Ogg.
    """
    tags: dict[str, str] = {}
    with open_media(path) as container:
        streams = (video_stream(container), audio_stream(container))
        for source in (container, *(stream for stream in streams if stream is not None)):
            for key, value in source.metadata.items():
                if value.strip():
                    tags.setdefault(key.lower(), value.strip())
    return tags


def _refuse_encrypted(path: Path, container: Any) -> None:
    streams = (video_stream(container), audio_stream(container))
    if any(s.codec_context.codec_tag in ("encv", "enca") for s in streams if s is not None):
        raise MediaError(f"{path.name}: encrypted; give a copy without copy protection")


def _first(path: Path, container: Any, stream: Any, what: str) -> Any:
    if stream.codec_context is None:
        raise MediaError(f"{path.name}: no decoder for its {what}; convert it to H.264 or VP9")
    for _, frame in decode_from(container, stream, 0.0):
        return frame
    if next(packets_of(path, stream.index), None) is None:
        raise MediaError(f"{path.name}: zero duration: it holds no {what}")
    raise MediaError(f"{path.name}: its {what} cannot be decoded: damaged or encrypted")


def packets_of(path: Path, index: int) -> Any:
    """Yield the packets with content of one stream of a freshly opened file."""
    with open_media(path) as container:
        for packet in packets(container, container.streams[index]):
            if packet.size:
                yield packet


def _picture_size(path: Path, container: Any, video: Any) -> tuple[int, int]:
    width, height = video.width, video.height
    if max(width, height) > MAX_SIDE_PX or width * height > MAX_PIXELS:
        raise MediaError(
            f"{path.name}: {width} x {height} is too large; at most {MAX_SIDE_PX} px a side "
            f"and {MAX_PIXELS} px in all"
        )
    frame = _first(path, container, video, "pictures")
    turned = quarter_turns(frame) % 2
    return (frame.height, frame.width) if turned else (frame.width, frame.height)


def _duration_s(path: Path) -> float:
    """Return the end of the last picture or sound, found by reading every packet."""
    end_s = last_s = 0.0
    with open_media(path) as container:
        streams = [s for s in (video_stream(container), audio_stream(container)) if s is not None]
        bases = {stream.index: float(stream.time_base) for stream in container.streams}
        wanted = {stream.index for stream in streams}
        origin = origin_s(container)
        rates = {s.index: float(s.average_rate or 25) for s in streams if s.type == "video"}
        count = dict.fromkeys(wanted, 0)
        for packet in packets(container):
            if not packet.size or packet.stream_index not in bases:
                continue
            index, base = packet.stream_index, bases[packet.stream_index]
            time = packet.dts if packet.pts is None else packet.pts
            length_s = (packet.duration or 0) * base
            if index in rates:
                count[index] += 1
                length_s = length_s or 1.0 / rates[index]
                time_s = count[index] / rates[index] if time is None else time * base - origin
            elif time is None:
                continue
            else:
                time_s = time * base - origin
            last_s = max(last_s, time_s + length_s)
            if index in wanted:
                end_s = max(end_s, time_s + length_s)
        declared_s = float(container.duration or 0) / 1_000_000
        exact = container.format.name.startswith(("mov", "matroska"))
    missing_s = declared_s - last_s
    if exact and missing_s > max(_MISSING_S, _MISSING_SHARE * declared_s):
        raise MediaError(
            f"{path.name}: truncated: {last_s:.0f} of {declared_s:.0f} s are there; copy it again"
        )
    if end_s <= 0:
        raise MediaError(f"{path.name}: zero duration: it holds no pictures and no sound")
    if end_s > MAX_DURATION_S:
        raise MediaError(f"{path.name}: says it lasts {end_s / 3600:.0f} h; at most 168 h are read")
    return end_s
