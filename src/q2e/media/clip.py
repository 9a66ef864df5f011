"""Writes moments as files of their own: cut without loss, cut exactly, or joined into a reel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np

from q2e.arrays import Float32, UInt8
from q2e.cache import write_whole
from q2e.errors import MediaError
from q2e.media.clock import length_of
from q2e.media.container import (
    CLOSE_S,
    PREROLLS_S,
    audio_stream,
    origin_s,
    packets,
    seek_before,
    video_stream,
)
from q2e.media.decoder import opened, told_as
from q2e.media.pictures import pixel_aspect, shown, upright_size
from q2e.media.sound import STEREO_RATE_HZ, read_stereo
from q2e.paths import shown_name
from q2e.types import Segment

#: Largest picture of a reel and of an exact cut.
MAX_SIDE_PX = 1920

#: Codecs an MP4 file may carry; anything else is copied into Matroska, which takes all.
_MP4_CODECS = frozenset(
    ["h264", "hevc", "av1", "mpeg4", "vp9", "aac", "mp3", "ac3", "eac3", "opus", "flac", "alac"]
)
#: Formats of nothing but pictures, which say of none when it is shown.
_WITHOUT_TIMES = ("h264", "hevc", "m4v", "mpegvideo", "obu", "vc1", "dirac")
_CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}

#: Times of encoded pictures are whole numbers of this.
_TICK = Fraction(1, 90_000)

#: Encoder of the picture with its options, and of the sound; and those that every browser has.
_USUAL = ("libx264", {"crf": "18", "preset": "veryfast"}, "aac")
_QUICK = {"b": "1M", "deadline": "realtime", "cpu-used": "8", "row-mt": "1"}
_FREE = ("libvpx-vp9", _QUICK, "libopus")

#: Sound of a reel is read and encoded in stretches of this length.
_SOUND_S = 30.0


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch `[start_s, end_s)` of the file `path`."""

    path: str
    start_s: float
    end_s: float

    def __post_init__(self) -> None:
        if not 0 <= self.start_s < self.end_s:
            raise MediaError(
                f"nothing lies between {self.start_s:g} s and {self.end_s:g} s; the end of a "
                "clip must come after its start"
            )


def suffix_for(path: str | Path) -> str:
    """Return the file suffix that a cut of this file should have, `.mp4` or `.mkv`."""
    names = _codecs(path)
    return ".mkv" if not names <= _MP4_CODECS and names <= _matroska_codecs() else ".mp4"


def _copyable(path: str | Path) -> bool:
    """Return whether a clip can carry a file's data as they are, with times to cut at."""
    with opened(path) as container:
        if container.format.name in _WITHOUT_TIMES:
            return False
    return _codecs(path) <= _MP4_CODECS | _matroska_codecs()


def _codecs(path: str | Path) -> set[str]:
    """Return what the pictures and the sound of a file are coded in."""
    with opened(path) as container:
        return {_codec(stream) for stream in _chosen(container)}


def _chosen(container: Any) -> list[Any]:
    return [s for s in (video_stream(container), audio_stream(container)) if s is not None]


def _codec(stream: Any) -> str:
    # Decoders have names of their own: AV1 may be read by "libdav1d".
    return str(stream.codec_context.codec.canonical_name)


@cache
def _matroska_codecs() -> frozenset[str]:
    import av

    with av.open(BytesIO(), "w", format="matroska") as nothing:
        return frozenset(nothing.supported_codecs)


def cut(
    path: str | Path, start_s: float, end_s: float, out: str | Path, *, exact: bool = False
) -> Segment:
    """Write `[start_s, end_s)` of a file to `out` and return the stretch that was written.

    Without `exact` the data are copied as they are, which is quick and loses nothing; the clip
    then begins at the key frame at or before `start_s`. With `exact` it is encoded anew (H.264
    and AAC) and begins and ends on the picture; so is what no clip can carry as it is, a GIF.

    Raises MediaError where the file cannot be read, the stretch lies behind its end or `out` has
    an unknown suffix (.mp4, .m4v, .mov and .mkv are known).
    """
    piece = Piece(str(path), start_s, end_s)
    if exact or not _copyable(path):
        length_s = join([piece], out)
        return Segment(start_s, start_s + length_s)
    written: list[Segment] = []

    def write(file: IO[bytes]) -> None:
        written.append(_copy(piece, file, container_for(out)))

    write_whole(Path(out), write)
    return written[0]


def container_for(out: str | Path) -> str:
    """Return the name of the container that a suffix stands for. Raises MediaError for another."""
    suffix = Path(out).suffix.lower()
    if suffix not in _CONTAINERS:
        raise MediaError(
            f"{shown_name(out)}: a clip is written as {', '.join(_CONTAINERS)}; name the file so"
        )
    return _CONTAINERS[suffix]


# -- without loss ---------------------------------------------------------------------------------
def _copy(piece: Piece, file: IO[bytes], container_format: str) -> Segment:
    import av

    name = shown_name(piece.path)
    with opened(piece.path) as source:
        chosen = _chosen(source)
        if not chosen:
            raise MediaError(f"{name}: neither pictures nor sound to cut")
        names = {_codec(stream) for stream in chosen}
        if container_format != "matroska" and not names <= _MP4_CODECS:
            raise MediaError(
                f"{name}: {' and '.join(sorted(names))} cannot be copied into "
                f"{container_format}; name the clip .mkv, or cut it exactly"
            )
        lead = chosen[0]
        begin_s, sought_s = _key_frame(piece.path, piece.start_s)
        copying = told_as(name, "cannot be copied; cut it exactly")
        with copying, av.open(file, "w", format=container_format) as target:
            copies = {s.index: target.add_stream_from_template(s) for s in chosen}
            end_s = begin_s
            for packet in _between(source, chosen, sought_s, begin_s, piece.end_s):
                shown_until_s = _packet_s(source, packet) + float(
                    length_of(packet) * packet.time_base
                )
                offset = round((begin_s + origin_s(source)) / float(packet.time_base))
                packet.pts -= offset
                packet.dts = None if packet.dts is None else packet.dts - offset
                if packet.stream is lead:
                    end_s = max(end_s, shown_until_s)
                packet.stream = copies[packet.stream.index]
                target.mux(packet)
    if end_s <= max(piece.start_s, begin_s):  # also where no picture says how long it is shown
        raise MediaError(f"{name}: ends before {piece.start_s:g} s")
    # Sound may begin before the beginning, with what only sets its decoder going.
    return Segment(max(0.0, begin_s), end_s)


def _packet_s(container: Any, packet: Any) -> float:
    return float(packet.pts * packet.time_base) - origin_s(container)


def _key_frame(path: str, start_s: float) -> tuple[float, float]:
    """Return the time of the last key frame at or before `start_s`, or of the first of all.

    The second time is one that is to be sought to come before that key frame.
    """
    for sought_s in (*(start_s - preroll_s for preroll_s in (0.0, *PREROLLS_S)), 0.0):
        sought_s = max(0.0, sought_s)
        found_s = _last_key_frame_s(path, sought_s, start_s)
        if found_s is not None and (found_s <= start_s + CLOSE_S or sought_s == 0.0):
            return found_s, sought_s
    raise MediaError(f"{shown_name(path)}: ends before {start_s:g} s")


def _last_key_frame_s(path: str, sought_s: float, start_s: float) -> float | None:
    best_s: float | None = None
    with opened(path) as container:
        lead = _chosen(container)[0]
        seek_before(container, sought_s)
        for packet in packets(container, lead):
            if packet.pts is None or not packet.is_keyframe:
                continue
            time_s = _packet_s(container, packet)
            if best_s is None or time_s <= start_s + CLOSE_S:
                best_s = time_s
            if time_s > start_s + CLOSE_S:
                break
    return best_s


def _between(
    container: Any, streams: list[Any], sought_s: float, begin_s: float, end_s: float
) -> Iterator[Any]:
    """Yield the packets of `[begin_s, end_s)`, and those that pictures of it build on."""
    seek_before(container, sought_s)
    decoded: dict[int, int] = {}
    ended: set[int] = set()
    for packet in packets(container, *streams):
        index = packet.stream.index
        if packet.pts is None or index in ended:
            continue
        time = packet.pts if packet.dts is None else packet.dts
        decoded_s = float(time * packet.time_base) - origin_s(container)
        if decoded_s >= end_s - CLOSE_S:
            ended.add(index)
            if len(ended) == len(streams):
                return
            continue
        if index not in decoded and _packet_s(container, packet) < begin_s - CLOSE_S:
            continue
        if packet.dts is not None:
            # A file takes no packet twice at one time, as there may be where clocks restart.
            packet.dts = max(packet.dts, decoded.get(index, packet.dts - 1) + 1)
            packet.pts = max(packet.pts, packet.dts)
        decoded[index] = packet.dts if packet.dts is not None else packet.pts
        yield packet


# -- encoded anew ---------------------------------------------------------------------------------
def join(pieces: Sequence[Piece], out: str | Path, *, max_side: int = MAX_SIDE_PX) -> float:
    """Write pieces one after another as one file and return its length in seconds.

    It holds H.264 and AAC, or VP9 and Opus where it is called `.webm`. The picture has the size of
    the first piece, at most `max_side` long; others are fitted into it with black around them. A
    piece without sound is silent, one without pictures black.

    Raises MediaError where a file cannot be read, or nothing is there to write.
    """
    import av

    if not pieces:
        raise MediaError("no moment to join; search for something that is found")
    free = Path(out).suffix.lower() == ".webm"
    container_format = "webm" if free else container_for(out)
    size = _size(pieces, max_side)
    length_s = 0.0

    def write(file: IO[bytes]) -> None:
        nonlocal length_s
        encoding = told_as(shown_name(out), "cannot be encoded")
        with encoding, av.open(file, "w", format=container_format) as target:
            encoder = _Encoder(target, size, *(_FREE if free else _USUAL))
            for piece in pieces:
                length_s += encoder.add(piece, length_s)
            encoder.close()

    write_whole(Path(out), write)
    return length_s


def _size(pieces: Sequence[Piece], max_side: int) -> tuple[int, int]:
    """Return the even (width, height) of the first piece that has pictures."""
    for piece in pieces:
        with opened(piece.path) as container:
            stream = video_stream(container)
            if stream is not None:
                first = next(shown(container, stream, piece.start_s, piece.end_s, max_side), None)
                turned = 0 if first is None else round(first.frame.rotation)
                width, height = upright_size(
                    stream.width, stream.height, turned, pixel_aspect(stream), max_side
                )
                return max(2, width // 2 * 2), max(2, height // 2 * 2)
    return 640, 360


class _Encoder:
    """One output file that pieces are added to."""

    def __init__(
        self, target: Any, size: tuple[int, int], video: str, options: dict[str, str], audio: str
    ) -> None:
        self._target = target
        self._size = size
        self._video = target.add_stream(video, rate=30)
        self._video.width, self._video.height = size
        self._video.pix_fmt = "yuv420p"
        self._video.codec_context.time_base = _TICK
        self._video.options = options
        self._audio = target.add_stream(audio, rate=STEREO_RATE_HZ)
        self._audio.layout = "stereo"
        self._samples = 0

    def add(self, piece: Piece, at_s: float) -> float:
        """Encode one piece from `at_s` on and return its length in seconds."""
        length_s = self._pictures(piece, at_s)
        self._sound(piece, length_s)
        return length_s

    def _pictures(self, piece: Piece, at_s: float) -> float:
        end_s = piece.start_s
        with opened(piece.path) as container:
            stream = video_stream(container)
            if stream is None:
                self._encode(np.zeros((2, 2, 3), np.uint8), at_s)
                length = container.duration
                known_s = piece.end_s if length is None else length / 1_000_000
                end_s = min(piece.end_s, known_s)
            else:
                for view in shown(container, stream, piece.start_s, piece.end_s, MAX_SIDE_PX):
                    self._encode(view.image, at_s + view.start_s - piece.start_s)
                    end_s = view.end_s
        if end_s <= piece.start_s:
            raise MediaError(f"{shown_name(piece.path)}: ends before {piece.start_s:g} s")
        return end_s - piece.start_s

    def _encode(self, image: UInt8, time_s: float) -> None:
        import av

        frame = av.VideoFrame.from_ndarray(_fitted(image, self._size), format="rgb24")
        frame.pts, frame.time_base = round(time_s / _TICK), _TICK
        self._target.mux(self._video.encode(frame))

    def _sound(self, piece: Piece, length_s: float) -> None:
        for begin_s in np.arange(0.0, length_s, _SOUND_S).tolist():
            stretch_s = min(_SOUND_S, length_s - begin_s)
            from_s = piece.start_s + begin_s
            heard = read_stereo(piece.path, from_s, from_s + stretch_s)
            if heard is None:
                heard = np.zeros((round(stretch_s * STEREO_RATE_HZ), 2), np.float32)
            self._hear(heard)

    def _hear(self, samples: Float32) -> None:
        import av

        planes = np.ascontiguousarray(samples.T)
        frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout="stereo")
        frame.sample_rate = STEREO_RATE_HZ
        frame.pts, frame.time_base = self._samples, Fraction(1, STEREO_RATE_HZ)
        self._samples += len(samples)
        self._target.mux(self._audio.encode(frame))

    def close(self) -> None:
        self._target.mux(self._video.encode(None))
        self._target.mux(self._audio.encode(None))


def _fitted(image: UInt8, size: tuple[int, int]) -> UInt8:
    """Return the picture scaled to fit (width, height), centred on black."""
    import cv2

    width, height = size
    scale = min(width / image.shape[1], height / image.shape[0])
    inner = (
        min(width, max(1, round(image.shape[1] * scale))),
        min(height, max(1, round(image.shape[0] * scale))),
    )
    if inner != (image.shape[1], image.shape[0]):
        image = np.asarray(cv2.resize(image, inner, interpolation=cv2.INTER_AREA), np.uint8)
    canvas = np.zeros((height, width, 3), np.uint8)
    top, left = (height - inner[1]) // 2, (width - inner[0]) // 2
    canvas[top : top + inner[1], left : left + inner[0]] = image
    return canvas
