"""Makes real media files for tests, with PyAV, each with one property that readers trip over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

RATE_HZ = 25


def scene(index: int, width: int, height: int) -> np.ndarray:
    """Return the still background of a scene: colour and texture differ from scene to scene."""
    random = np.random.default_rng(index)
    small = random.integers(0, 256, (6, 8, 3), dtype=np.uint8) // 2
    tall, wide = -(-height // 6), -(-width // 8)
    picture = np.kron(small, np.ones((tall, wide, 1), np.uint8))[:height, :width]
    return picture + random.integers(0, 128, 3, dtype=np.uint8)


def picture(index: int, step: int, width: int, height: int) -> np.ndarray:
    """Return a scene with a bright square that moves with `step`."""
    image = scene(index, width, height).copy()
    side = max(2, height // 6)
    left = (3 * step) % max(1, width - side)
    image[height // 3 : height // 3 + side, left : left + side] = 255
    return image


def write_video(
    path: Path,
    scenes_s: Sequence[float] = (2.0, 2.0),
    *,
    size: tuple[int, int] = (160, 120),
    codec: str = "libx264",
    times_s: Sequence[float] | None = None,
    start_s: float = 0.0,
    tone_s: float = 0.0,
    tone_start_s: float = 0.0,
    audio_codec: str = "aac",
    gop: int = 50,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    metadata: dict[str, str] | None = None,
) -> Path:
    """Write scenes of the given lengths with hard cuts between them, and a tone of `tone_s`.

    Frames come 25 times a second or at `times_s` (milliseconds are kept).
    """
    width, height = size
    ends_s = np.cumsum(scenes_s)
    if times_s is None:
        times_s = [i / RATE_HZ for i in range(round(float(ends_s[-1]) * RATE_HZ))]
    with av.open(str(path), "w", container_options=container_options or {}) as container:
        container.metadata.update(metadata or {})
        video = container.add_stream(codec, rate=RATE_HZ)
        video.width, video.height = width, height
        video.pix_fmt = {"gif": "rgb8"}.get(codec, "yuv420p" if width % 2 == 0 else "yuv444p")
        video.time_base = video.codec_context.time_base = Fraction(1, 1000)
        if codec == "mpeg2video" or codec == "mpeg1video":
            video.codec_context.time_base = Fraction(1, RATE_HZ)
        video.codec_context.gop_size = gop
        video.options = options or {}
        audio = None
        if tone_s:
            rate = 48_000 if audio_codec == "libopus" else 44_100
            audio = container.add_stream(audio_codec, rate=rate, layout="mono")
        for step, time_s in enumerate(times_s):
            index = int(np.searchsorted(ends_s[:-1], time_s + 1e-6, side="right"))
            image = picture(index, step, width, height)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format=video.pix_fmt)
            frame.pts = round((start_s + time_s) * 1000)
            frame.time_base = Fraction(1, 1000)
            if video.codec_context.time_base == Fraction(1, RATE_HZ):
                frame.pts = round((start_s + time_s) * RATE_HZ)
                frame.time_base = Fraction(1, RATE_HZ)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None:
            write_tone(container, audio, tone_s, tone_start_s)
    return path


def tone(length_s: float, rate_hz: int = 44_100) -> np.ndarray:
    """Return a sound whose pitch rises, so that every place in it is unlike the others."""
    time_s = np.arange(round(length_s * rate_hz)) / rate_hz
    return (0.5 * np.sin(2 * np.pi * (300 + 100 * time_s) * time_s)).astype(np.float32)


def write_tone(
    container: av.container.OutputContainer, stream: av.AudioStream, length_s: float, start_s: float
) -> None:
    samples = tone(length_s, stream.rate)
    size = 1024
    resampler = av.AudioResampler(
        format=stream.format.name, layout=stream.layout.name, rate=stream.rate, frame_size=size
    )
    for at in range(0, len(samples), size):
        chunk = samples[at : at + size]
        frame = av.AudioFrame.from_ndarray(chunk[None, :], format="fltp", layout="mono")
        frame.sample_rate, frame.time_base = stream.rate, Fraction(1, stream.rate)
        frame.pts = at + round(start_s * stream.rate)
        for ready in resampler.resample(frame):
            container.mux(stream.encode(ready))
    for ready in resampler.resample(None):
        container.mux(stream.encode(ready))
    container.mux(stream.encode(None))


def write_sound(
    path: Path, length_s: float = 3.0, codec: str = "pcm_s16le", rate: int = 44_100
) -> Path:
    """Write sound alone."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        write_tone(container, stream, length_s, 0.0)
    return path


@dataclass
class Track:
    """Subtitles to put inside a film: (start_s, end_s, text with markup) each."""

    codec: str
    """`srt`, `mov_text`, `webvtt` or `ass`."""
    cues: Sequence[tuple[float, float, str]]
    metadata: dict[str, str] = field(default_factory=dict)
    disposition: int = 0


def write_inside(
    path: Path,
    film: Path,
    tracks: Sequence[Track] = (),
    chapters: Sequence[tuple[float, float, str]] = (),
) -> Path:
    """Write `film` again with subtitle tracks and titled chapters inside."""
    milliseconds = Fraction(1, 1000)
    with av.open(str(film)) as source, av.open(str(path), "w") as container:
        copies = {one.index: container.add_stream_from_template(one) for one in source.streams}
        streams = []
        for track in tracks:
            stream = container.add_stream(track.codec)
            stream.codec_context.subtitle_header = ASS_HEADER.encode()
            stream.metadata.update(track.metadata)
            stream.disposition = av.stream.Disposition(track.disposition)
            streams.append(stream)
        container.set_chapters(
            [
                {
                    "id": number,
                    "start": round(start_s * 1000),
                    "end": round(end_s * 1000),
                    "time_base": milliseconds,
                    "metadata": {"title": title},
                }
                for number, (start_s, end_s, title) in enumerate(chapters, 1)
            ]
        )
        for track, stream in zip(tracks, streams, strict=True):
            for number, (start_s, end_s, text) in enumerate(track.cues):
                raw = text.encode()
                if track.codec == "mov_text":
                    raw = len(raw).to_bytes(2, "big") + raw
                if track.codec == "ass":
                    raw = f"{number},0,Default,,0,0,0,,{text}".encode()
                packet = av.Packet(raw)
                packet.stream, packet.time_base = stream, milliseconds
                packet.pts = packet.dts = round(start_s * 1000)
                packet.duration = round((end_s - start_s) * 1000)
                container.mux(packet)
        for packet in source.demux():
            if packet.size:
                packet.stream = copies[packet.stream_index]
                container.mux(packet)
    return path


ASS_HEADER = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,20

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


def turn(path: Path, degrees: int) -> Path:
    """Make an MP4 say that it is to be shown turned clockwise by 90, 180 or 270 degrees."""
    one = 0x10000
    matrix = {90: (0, one, -one, 0), 180: (-one, 0, 0, -one), 270: (0, -one, one, 0)}[degrees]
    raw = bytearray(path.read_bytes())
    at = raw.index(b"tkhd") + 4 + 40  # version and flags, times, ids, duration, layer, volume
    a, b, c, d = matrix
    values = (a, b, 0, c, d, 0, 0, 0, 0x40000000)
    raw[at : at + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in values)
    path.write_bytes(raw)
    return path
