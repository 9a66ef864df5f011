"""The functions of `q2e.media` that open files, done in decoding processes; otherwise the same.

Each raises what the function of the same name raises, and MediaError where the file needs more
than `allowance` or ends its process.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from q2e.arrays import UInt8
from q2e.decoding.pool import USUAL, Allowance, pool
from q2e.errors import MediaError
from q2e.media.clip import MAX_SIDE_PX, Piece, container_for
from q2e.media.embedded import Contents, Cues
from q2e.media.scan import ScanOptions, Shot
from q2e.paths import is_address, shown, shown_name
from q2e.types import Audio, Frame, Segment, Video


def probe(path: str | Path, video_id: str | None = None, *, allowance: Allowance = USUAL) -> Video:
    """Return what a media file holds; see `q2e.media.probe.probe`."""
    file = _file(path)
    found: Video = pool().call("probe.probe", file, video_id, reads=[file], allowance=allowance)
    _expect(found, Video)
    return replace(found, path=str(path))


def container_tags(path: str | Path) -> dict[str, str]:
    """Return the file's own tags; see `q2e.media.probe.container_tags`."""
    file = _file(path)
    found: dict[str, str] = _expect(pool().call("probe.container_tags", file, reads=[file]), dict)
    return {_expect(key, str): _expect(value, str) for key, value in found.items()}


def contents(path: str | Path) -> Contents:
    """Return the chapters of a file and what subtitles it has; see `q2e.media.embedded`."""
    file = _file(path)
    found = pool().call("embedded.contents", file, reads=[file])
    return _expect(found, Contents)  # type: ignore[no-any-return]


def cues(path: str | Path) -> Cues | None:
    """Return the subtitles inside a file; see `q2e.media.embedded.cues`."""
    file = _file(path)
    found = pool().call("embedded.cues", file, reads=[file])
    return None if found is None else _expect(found, Cues)


def frames_at(
    path: str | Path,
    times_s: Sequence[float],
    max_side: int = 640,
    *,
    allowance: Allowance = USUAL,
) -> list[Frame]:
    """Return the pictures on screen at some times; see `q2e.media.frames.frames_at`."""
    file = _file(path)
    asked = tuple(map(float, times_s))
    found = pool().call(
        "frames.frames_at", file, asked, max_side, reads=[file], allowance=allowance
    )
    if len(_expect(found, list)) != len(asked):
        raise MediaError(f"{shown_name(path)}: its pictures cannot be decoded")
    return [_frame(one) for one in found]


def scan(
    path: str | Path,
    start_s: float,
    end_s: float,
    *,
    times_s: Sequence[float] = (),
    options: ScanOptions | None = None,
) -> Iterator[Shot]:
    """Yield the shots of a stretch with their frames; see `q2e.media.scan.scan`."""
    file = _file(path)
    named = {"times_s": tuple(map(float, times_s)), "options": options}
    for shot in pool().each("scan.scan", file, start_s, end_s, reads=[file], named=named):
        for frame in _expect(shot, Shot).frames:
            _frame(frame)
        yield shot


def read_audio(path: str | Path, start_s: float, end_s: float) -> Audio | None:
    """Return the sound of a stretch; see `q2e.media.sound.read_audio`."""
    file = _file(path)
    found = pool().call("sound.read_audio", file, start_s, end_s, reads=[file])
    if found is not None and _expect(found, Audio).samples.ndim != 1:
        raise MediaError(f"{shown_name(path)}: its sound cannot be decoded")
    return found  # type: ignore[no-any-return]


def read_still(path: str | Path, max_side: int = 1024, *, allowance: Allowance = USUAL) -> UInt8:
    """Return the picture in a file; see `q2e.media.still.read_still`."""
    file = _file(path)
    found = pool().call("still.read_still", file, max_side, reads=[file], allowance=allowance)
    return _picture(found)


def suffix_for(path: str | Path) -> str:
    """Return the suffix a lossless cut should have; see `q2e.media.clip.suffix_for`."""
    file = _file(path)
    found = pool().call("clip.suffix_for", file, reads=[file])
    return ".mp4" if found == ".mp4" else ".mkv"


def cut(
    path: str | Path,
    start_s: float,
    end_s: float,
    out: str | Path,
    *,
    exact: bool = False,
    allowance: Allowance = USUAL,
) -> Segment:
    """Write a stretch of a file to `out`; see `q2e.media.clip.cut`."""
    container_for(out)
    file = _file(path)

    def write(to: str, folder: str) -> Any:
        return pool().call(
            "clip.cut",
            *(file, start_s, end_s, to),
            reads=[file],
            named={"exact": exact},
            folder=folder,
            allowance=allowance,
        )

    return _expect(_written(out, write), Segment)  # type: ignore[no-any-return]


def join(
    pieces: Sequence[Piece],
    out: str | Path,
    *,
    max_side: int = MAX_SIDE_PX,
    allowance: Allowance = USUAL,
) -> float:
    """Write pieces one after the other into `out`; see `q2e.media.clip.join`."""
    given = tuple(replace(piece, path=_file(piece.path)) for piece in pieces)
    reads = list(dict.fromkeys(piece.path for piece in given))

    def write(to: str, folder: str) -> Any:
        return pool().call(
            "clip.join",
            *(given, to),
            reads=reads,
            named={"max_side": max_side},
            folder=folder,
            allowance=allowance,
        )

    return float(_expect(_written(out, write), float))


def storyboard(
    path: str | Path,
    times_s: Sequence[float],
    width: int = 960,
    columns: int = 4,
    *,
    allowance: Allowance = USUAL,
) -> bytes:
    """Return a JPEG sheet of pictures of one file; see `q2e.media.storyboard.storyboard`."""
    return sheet([(str(path), time_s) for time_s in times_s], width, columns, allowance=allowance)


def sheet(
    pictures: Sequence[tuple[str, float]],
    width: int = 960,
    columns: int = 4,
    *,
    allowance: Allowance = USUAL,
) -> bytes:
    """Return a JPEG sheet of pictures of many files; see `q2e.media.storyboard.sheet`."""
    given = tuple((_file(path), float(time_s)) for path, time_s in pictures)
    reads = list(dict.fromkeys(path for path, _ in given))
    made = pool().call("storyboard.sheet", given, width, columns, reads=reads, allowance=allowance)
    return _jpeg(made)


def filmstrip(
    path: str | Path,
    times_s: Sequence[float],
    width: int = 160,
    *,
    allowance: Allowance = USUAL,
) -> bytes:
    """Return a JPEG strip of pictures; see `q2e.media.storyboard.filmstrip`."""
    file = _file(path)
    asked = tuple(map(float, times_s))
    made = pool().call(
        "storyboard.filmstrip", file, asked, width, reads=[file], allowance=allowance
    )
    return _jpeg(made)


def _written(out: str | Path, write: Callable[[str, str], Any]) -> Any:
    """Let `write(file, folder)` make a file in a folder of its own; then it appears as `out`."""
    out = Path(out).absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".q2e-", dir=out.parent) as folder:
        file = Path(folder, f"clip{out.suffix}")
        said = write(str(file), folder)
        if file.is_symlink() or not file.is_file():
            raise MediaError(f"{shown_name(out)}: no clip was written")
        file.replace(out)
    return said


def _file(path: str | Path) -> str:
    if is_address(str(path)):
        raise MediaError(
            f"{shown(path)}: lies on object storage, and pictures and clips are made of local "
            "files; copy it to this machine and index the copy"
        )
    return str(Path(path).absolute())


def _expect(value: Any, kind: type) -> Any:
    """Return a value of the type it must have; a decoder that was taken over may send any."""
    if not isinstance(value, kind):
        raise MediaError(f"decoding gave a {type(value).__name__} and no {kind.__name__}")
    return value


def _picture(image: Any) -> UInt8:
    shape = getattr(image, "shape", ())
    if str(getattr(image, "dtype", "")) != "uint8" or shape[2:] != (3,) or not min(shape):
        raise MediaError("decoding gave no picture")
    return image  # type: ignore[no-any-return]


def _frame(frame: Any) -> Frame:
    _picture(_expect(frame, Frame).image)
    return frame  # type: ignore[no-any-return]


def _jpeg(made: Any) -> bytes:
    if not _expect(made, bytes).startswith(b"\xff\xd8\xff"):
        raise MediaError("decoding gave no picture")
    return made  # type: ignore[no-any-return]
