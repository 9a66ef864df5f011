"""Hands moments and transcripts on: tables, subtitles, playlists, edit lists, reels and sheets.

What a video says about itself is hostile until proven otherwise: text is made one line, and
formula signs, markup and cue arrows in it are made harmless.
"""

from __future__ import annotations

import csv
import html
import io
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any
from urllib.parse import quote
from zipfile import ZipFile

from q2e import shape
from q2e.cache import write_whole
from q2e.errors import ConfigError, MissingDependency
from q2e.paths import shown, shown_name
from q2e.text.layers import is_layer
from q2e.types import Evidence, Hit, Moment, Results, Span

#: Most pictures on an exported sheet.
_SHEET_PICTURES = 24
#: Rates that edit lists can count in (SMPTE ST 12-1).
_TIMECODES_HZ = (24_000 / 1001, 24.0, 25.0, 30_000 / 1001, 30.0, 48.0, 50.0, 60_000 / 1001, 60.0)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One moment of one hit, and where it begins in a reel of all of them."""

    hit: Hit
    moment: Moment
    reel_s: float

    @property
    def length_s(self) -> float:
        return self.moment.end_s - self.moment.start_s

    @property
    def name(self) -> str:
        return one_line(shown_name(self.hit.video.path) or self.hit.video.id)

    @property
    def words(self) -> str:
        return one_line("; ".join(e.text for e in self.moment.evidence if e.text))[:300]


def render(results: Results, form: str) -> str:
    """Return the moments of all hits, best hit first, as text in one of `FORMATS`.

    Subtitles (`srt`, `vtt`) run on the clock of the reel of the same moments. Raises ConfigError
    for an unknown format, MissingDependency for `edl` and `otio` without their library.
    """
    if form not in FORMATS:
        raise ConfigError(f"format {form!r} is unknown; known: {', '.join(FORMATS)}")
    return FORMATS[form](results)


def transcript(lines: Sequence[Span], form: str) -> str:
    """Return timed lines as `srt` or `vtt` subtitles, or as `json`. Raises ConfigError else."""
    if form == "json":
        shown = [{"start": s.start_s, "end": s.end_s, "text": s.text} for s in lines]
        return json.dumps(shown, ensure_ascii=False, indent=2) + "\n"
    if form not in ("srt", "vtt"):
        raise ConfigError(f"format {form!r} is unknown; a transcript is json, srt or vtt")
    return _subtitles([(s.start_s, s.end_s, s.text) for s in lines], form)


def write(results: Results, file: str | Path) -> Path:
    """Write the moments of all hits to a file whose suffix says what it becomes.

    `.mp4`, `.mkv`, `.mov`: a reel of all moments; `.zip`: each as a clip of its own, copied as it
    is; `.jpg`: a sheet of their best frames; any of `FORMATS`: that text. Raises ConfigError for
    another suffix, MediaError where a video cannot be read.
    """
    path = Path(file)
    form = path.suffix.lower().removeprefix(".")
    if form in FORMATS:
        path.write_text(render(results, form), encoding="utf-8", newline="")
    elif form in ("mp4", "mkv", "mov"):
        from q2e.decoding.doors import join
        from q2e.media.clip import Piece

        pieces = [
            Piece(e.hit.video.path, e.moment.start_s, e.moment.end_s) for e in _entries(results)
        ]
        join(pieces, path)
    elif form in ("jpg", "jpeg"):
        from q2e.decoding.doors import sheet

        entries = list(_entries(results))[:_SHEET_PICTURES]
        path.write_bytes(sheet([(e.hit.video.path, e.moment.frame_s) for e in entries]))
    elif form == "zip":
        write_whole(path, lambda file: _clips(results, file))
    else:
        known = ", ".join(f".{name}" for name in (*FORMATS, "mp4", "mkv", "mov", "zip", "jpg"))
        raise ConfigError(f"{path.name}: cannot tell what to write; end the name in {known}")
    return path


def _clips(results: Results, file: IO[bytes]) -> None:
    """Write an archive of all moments, a file each, numbered in their order."""
    from q2e.decoding.doors import cut, suffix_for

    with ZipFile(file, "w") as archive, TemporaryDirectory(prefix="q2e-clips-") as folder:
        for number, entry in enumerate(_entries(results), 1):
            path, moment = entry.hit.video.path, entry.moment
            clip = Path(folder, f"clip{suffix_for(path)}")
            cut(path, moment.start_s, moment.end_s, clip)
            stem = re.sub(r"[^\w .-]+", "_", Path(entry.name).stem)[:80]
            name = f"{number:03d} {stem} {moment.start_s:.2f}-{moment.end_s:.2f}{clip.suffix}"
            archive.write(clip, name)
            clip.unlink()


def one_line(text: str) -> str:
    """Return text as one line of printable characters."""
    return "".join(c for c in " ".join(text.split()) if c.isprintable())


def _entries(results: Results) -> Iterator[_Entry]:
    reel_s = 0.0
    for hit in results.hits:
        for moment in hit.moments:
            if moment.end_s > moment.start_s:
                yield _Entry(hit, moment, reel_s)
                reel_s += moment.end_s - moment.start_s


# -- formats --------------------------------------------------------------------------------------
def _json(results: Results) -> str:
    return json.dumps(shape.results(results), ensure_ascii=False, indent=2) + "\n"


def _csv(results: Results) -> str:
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["rank", "video", "path", "title", "start", "end", "frame", "score", "text"])
    for entry in _entries(results):
        hit, moment = entry.hit, entry.moment
        times = [f"{time:.3f}" for time in (moment.start_s, moment.end_s, moment.frame_s)]
        # Of a path every character counts: the file is found by it.
        path = no_formula(shown(hit.video.path))
        title, words = _cell(hit.video.title), _cell(entry.words)
        score = f"{moment.score:.6f}"
        table.writerow([hit.rank, hit.video.id, path, title, *times, score, words])
    return out.getvalue()


def _cell(text: str) -> str:
    """Return text as one line that no spreadsheet takes for a formula."""
    return no_formula(one_line(text))


def no_formula(text: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _srt(results: Results) -> str:
    return _subtitles(_cues(results), "srt")


def _vtt(results: Results) -> str:
    return _subtitles(_cues(results), "vtt")


def _cues(results: Results) -> list[tuple[float, float, str]]:
    return [
        (e.reel_s, e.reel_s + e.length_s, f"{e.name} {_clock(e.moment.start_s, '.')}  {e.words}")
        for e in _entries(results)
    ]


def _subtitles(cues: Sequence[tuple[float, float, str]], form: str) -> str:
    mark = "," if form == "srt" else "."
    blocks = ["WEBVTT\n"] if form == "vtt" else []
    for number, (start_s, end_s, text) in enumerate(cues, 1):
        words = html.escape(one_line(text), quote=False).replace("--&gt;", "→")
        times = f"{_clock(start_s, mark)} --> {_clock(end_s, mark)}"
        blocks.append(f"{number}\n{times}\n{words or '-'}\n")
    return "\n".join(blocks)


def _clock(seconds: float, mark: str) -> str:
    thousandths = round(seconds * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d}{mark}{rest % 1000:03d}"


def _m3u8(results: Results) -> str:
    """Return a playlist that VLC and mpv play moment by moment."""
    lines = ["#EXTM3U"]
    for entry in _entries(results):
        lines += [
            f"#EXTINF:{entry.length_s:.3f},{entry.name} {_clock(entry.moment.start_s, '.')}",
            f"#EXTVLCOPT:start-time={entry.moment.start_s:.3f}",
            f"#EXTVLCOPT:stop-time={entry.moment.end_s:.3f}",
            _address(entry),
        ]
    return "\n".join(lines) + "\n"


def _address(entry: _Entry) -> str:
    path = entry.hit.video.path
    return "file://" + quote(os.fsencode(path if path.startswith("/") else f"/{path}"))


def _edl(results: Results) -> str:
    if not any(_entries(results)):  # which the library cannot write
        return f"TITLE: {one_line(results.query.text)}\n"
    return _written(results, "cmx_3600")


def _otio(results: Results) -> str:
    return _written(results, "otio_json") + "\n"


def _written(results: Results, adapter: str) -> str:
    try:
        import opentimelineio as otio
    except ModuleNotFoundError:
        raise MissingDependency("opentimelineio", "edit", "edit lists") from None
    timeline = _timeline(results, otio)
    return str(otio.adapters.write_to_string(timeline, adapter))


def _timeline(results: Results, otio: Any) -> Any:
    """Return all moments as clips of one video track, in the rate of the first video."""
    entries = list(_entries(results))
    rate_hz = _timecode_hz(entries[0].hit.video.rate_hz if entries else 25.0)

    def stretch(start_s: float, length_s: float) -> Any:
        first, last = round(start_s * rate_hz), round((start_s + length_s) * rate_hz)
        time = otio.opentime.RationalTime
        return otio.opentime.TimeRange(time(first, rate_hz), time(max(1, last - first), rate_hz))

    track = otio.schema.Track("moments", kind=otio.schema.TrackKind.Video)
    for entry in entries:
        whole = stretch(0.0, max(entry.hit.video.duration_s, entry.moment.end_s))
        clip = otio.schema.Clip(
            name=entry.name,
            media_reference=otio.schema.ExternalReference(_address(entry), whole),
            source_range=stretch(entry.moment.start_s, entry.length_s),
        )
        clip.metadata["q2e"] = {"rank": entry.hit.rank, "text": entry.words}
        track.append(clip)
    timeline = otio.schema.Timeline(one_line(results.query.text))
    timeline.tracks.append(track)
    return timeline


def _timecode_hz(rate_hz: float) -> float:
    """Return the rate of time codes whose frames the pictures fall on, else the nearest one."""
    if not rate_hz > 0:
        return 25.0
    exact = [hz for hz in _TIMECODES_HZ if abs(hz / rate_hz - round(hz / rate_hz)) < 1e-3]
    fine = [hz for hz in exact if hz > rate_hz / 2]
    return fine[0] if fine else min(_TIMECODES_HZ, key=lambda hz: abs(hz - rate_hz))


#: Text formats by file suffix.
FORMATS: dict[str, Callable[[Results], str]] = {
    "csv": _csv,
    "json": _json,
    "srt": _srt,
    "vtt": _vtt,
    "m3u8": _m3u8,
    "edl": _edl,
    "otio": _otio,
}


def spoken(evidence: Sequence[Evidence]) -> list[Span]:
    """Return the timed lines of all speech among `evidence`, in time order and as it was said."""
    lines: list[Span] = []
    for item in evidence:
        if item.channel == "speech" and not is_layer(item):
            whole = Span(item.start_s, item.end_s, item.text)
            lines += item.spans or ([whole] if item.text else [])
    return sorted(dict.fromkeys(lines), key=lambda line: (line.start_s, line.end_s))
