"""Small films, sounds and pictures in the common formats, and all that is done with one."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from q2e.errors import MediaError
from q2e.media.clip import cut, suffix_for
from q2e.media.embedded import contents, cues, subtitles_of
from q2e.media.frames import frames_at, save_jpeg
from q2e.media.probe import container_tags, probe
from q2e.media.scan import scan, uniform_times
from q2e.media.sound import read_audio
from q2e.media.still import read_still
from q2e.media.storyboard import storyboard

#: name: codec of the pictures, codec of the sound
FILMS = {
    "h264.mp4": ("libx264", "aac"),
    "hevc.mp4": ("libx265", ""),
    "fragments.mp4": ("libx264", "aac"),
    "mpeg4.avi": ("mpeg4", "libmp3lame"),
    "h264.mkv": ("libx264", "libopus"),
    "vp8.webm": ("libvpx", "libopus"),
    "h264.ts": ("libx264", "aac"),
    "mpeg2.mpg": ("mpeg2video", "mp2"),
    "flash.flv": ("flv", "libmp3lame"),
    "windows.wmv": ("wmv2", "wmav2"),
    "picture.gif": ("gif", ""),
    "turned.mov": ("mpeg4", "aac"),
    "sound.mp3": ("", "libmp3lame"),
    "sound.wav": ("", "pcm_s16le"),
    "sound.opus": ("", "libopus"),
    "sound.m4a": ("", "aac"),
    "sound.flac": ("", "flac"),
    "subtitles.mkv": ("libx264", "libopus"),
    "subtitles.mp4": ("libx264", "aac"),
}
#: Codecs of subtitles in films that have some, and chapters with them.
SUBTITLES = {"subtitles.mkv": ("srt", "ass"), "subtitles.mp4": ("mov_text",)}
TOKENS = (
    *(b"ftyp", b"moov", b"mdat", b"stts", b"ctts", b"stsz", b"elst", b"tkhd", b"trak", b"moof"),
    *(b"tfdt", b"trun", b"RIFF", b"LIST", b"idx1", b"OggS", b"OpusHead", b"fLaC", b"ID3\x03"),
    *(b"\x1aE\xdf\xa3", b"\x1fC\xb6u", b"\x18S\x80g", b"G@\x00\x10", b"\x00\x00\x01\xba"),
    *(b"\x00\x00\x01\xb3", b"\x00\x00\x01\xe0", b"GIF89a", b"\x21\xf9\x04", b"FLV\x01"),
)
PICTURE_TOKENS = (b"IHDR", b"IDAT", b"\xff\xd8", b"\xff\xda", b"\xff\xc0", b"VP8 ", b"VP8L", b"BM")

_ASS = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,20

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""
_LENGTH_S, _RATE_HZ, _WIDTH, _HEIGHT = 1.2, 10, 64, 48


def seeds(folder: Path) -> list[Path]:
    for name, (pictures, sound) in FILMS.items():
        _film(folder / name, pictures, sound)
    return [folder / name for name in FILMS]


def picture_seeds(folder: Path) -> list[Path]:
    paths = []
    for suffix, codec in (("png", "png"), ("webp", "libwebp"), ("bmp", "bmp"), ("tiff", "tiff")):
        frame = av.VideoFrame.from_ndarray(_picture(0), format="rgb24")
        context = av.CodecContext.create(codec, "w")
        context.width, context.height, context.time_base = _WIDTH, _HEIGHT, Fraction(1, 25)
        context.pix_fmt = {"libwebp": "bgra", "bmp": "bgr24"}.get(codec, "rgb24")
        ready = frame.reformat(format=context.pix_fmt)
        paths.append(folder / f"picture.{suffix}")
        packets = [*context.encode(ready), *context.encode(None)]
        paths[-1].write_bytes(b"".join(map(bytes, packets)))
    save_jpeg(_picture(0), folder / "picture.jpg")
    _film(folder / "picture.gif", "gif", "")
    return [*paths, folder / "picture.jpg", folder / "picture.gif"]


def feed(path: Path) -> None:
    """Do with a file all that the product does with one; some of it may work where some does not.

    Raises the first error.
    """
    video = probe(path, "fuzzed")
    end_s = min(video.duration_s, 8.0)
    problems: list[MediaError] = []

    def tried(step: str) -> None:
        try:
            match step:
                case "tags":
                    container_tags(path)
                case "inside":
                    contents(path)
                    found = cues(path)
                    if found is not None:
                        subtitles_of(found, path)
                case "shots":
                    for _ in scan(path, 0.0, end_s, times_s=uniform_times(end_s, 4)):
                        pass
                case "sound":
                    read_audio(path, 0.0, end_s)
                    read_audio(path, end_s / 2, end_s)
                case "frames":
                    frames_at(path, [0.0, end_s / 2, video.duration_s], 64)
                    storyboard(path, [0.1, end_s / 2], 320)
                case "copy":
                    cut(path, end_s / 3, end_s, path.with_name(f"copy{suffix_for(path)}"))
                case "exact":
                    cut(path, end_s / 3, end_s / 3 + 0.5, path.with_name("x.mp4"), exact=True)
        except MediaError as error:
            problems.append(error)

    steps = ["tags", "inside", "shots", "copy", "exact"]
    steps += ["frames"] * video.has_video + ["sound"] * video.has_audio
    for step in steps:
        tried(step)
    if problems:
        raise problems[0]


def feed_picture(path: Path) -> None:
    read_still(path)


def _picture(step: int) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    rows, columns = np.mgrid[:_HEIGHT, :_WIDTH]
    planes = (rows * 5 + step * 7, columns * 4 + step * 3, rows * columns // 12 + step * 11)
    return (np.stack(planes, axis=2) % 256).astype(np.uint8)


def _film(path: Path, pictures: str, sound: str) -> None:
    options = {"fflags": "+bitexact"}
    if path.name == "fragments.mp4":
        options["movflags"] = "frag_keyframe+empty_moov"
    with av.open(str(path), "w", container_options=options) as container:
        container.metadata.update({"title": "Fuzz 洪水", "comment": "made by a script"})
        rate_hz = 25 if pictures == "mpeg2video" else _RATE_HZ
        video = container.add_stream(pictures, rate=rate_hz) if pictures else None
        rate = 48_000 if sound == "libopus" else 44_100
        audio = container.add_stream(sound, rate=rate, layout="stereo") if sound else None
        if sound == "wmav2":
            audio.bit_rate = 96_000
        texts = _text_streams(container, SUBTITLES.get(path.name, ()))
        if video is not None:
            _pictures(container, video, rate_hz)
        _texts(container, texts)
        if audio is not None:
            _sound(container, audio, rate)


def _pictures(container: av.container.OutputContainer, stream: Any, rate_hz: int) -> None:
    codec = stream.codec_context.name
    stream.width, stream.height = _WIDTH, _HEIGHT
    stream.pix_fmt = {"gif": "rgb8"}.get(codec, "yuv420p")
    stream.codec_context.gop_size = 5
    stream.codec_context.thread_count = 1
    if codec == "libx264":
        # Its kernels for the newest processors do not give the same each time.
        stream.options = {"x264-params": "no-asm=1"}
    if codec == "libx265":
        stream.options = {"x265-params": "log-level=none:pools=1:frame-threads=1"}
    for step in range(round(_LENGTH_S * rate_hz)):
        frame = av.VideoFrame.from_ndarray(_picture(step), format="rgb24")
        frame = frame.reformat(format=stream.pix_fmt)
        frame.pts, frame.time_base = step, Fraction(1, rate_hz)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _text_streams(container: av.container.OutputContainer, codecs: Sequence[str]) -> list[Any]:
    """Return new streams of subtitles; with any there are chapters too."""
    streams = [container.add_stream(codec) for codec in codecs]
    for stream in streams:
        stream.codec_context.subtitle_header = _ASS.encode()
    chapters = [
        {
            "id": number + 1,
            "start": 600 * number,
            "end": 600 * (number + 1),
            "time_base": Fraction(1, 1000),
            "metadata": {"title": title},
        }
        for number, title in enumerate(("Anfang", "終わり"))
    ]
    if streams:
        container.set_chapters(chapters)
    return streams


def _texts(container: av.container.OutputContainer, streams: Sequence[Any]) -> None:
    for stream in streams:
        codec = stream.codec_context.name
        for number, text in enumerate(("Die <i>Uhr</i> geht nach", "{\\an8}第二行\\Nساحة")):
            raw = text.encode()
            if codec == "mov_text":
                raw = len(raw).to_bytes(2, "big") + raw
            if codec in ("ass", "ssa"):
                raw = f"{number},0,Default,,0,0,0,,{text}".encode()
            packet = av.Packet(raw)
            packet.stream, packet.time_base = stream, Fraction(1, 1000)
            packet.pts = packet.dts = 100 + 500 * number
            packet.duration = 400
            container.mux(packet)


def _sound(container: av.container.OutputContainer, stream: Any, rate: int) -> None:
    times_s = np.arange(round(_LENGTH_S * rate)) / rate
    tone = (0.3 * np.sin(2 * np.pi * 440 * times_s)).astype(np.float32)
    # Wants the encoder open, which tells how many samples it takes at once.
    if not stream.codec_context.is_open:
        stream.codec_context.open()
    size = stream.codec_context.frame_size or 1024
    resampler = av.AudioResampler(stream.format.name, "stereo", rate, size)
    for at in range(0, len(tone), size):
        both = np.stack([tone[at : at + size]] * 2)
        frame = av.AudioFrame.from_ndarray(both, format="fltp", layout="stereo")
        frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), at
        for ready in resampler.resample(frame):
            container.mux(stream.encode(ready))
    for ready in resampler.resample(None):
        container.mux(stream.encode(ready))
    container.mux(stream.encode(None))
