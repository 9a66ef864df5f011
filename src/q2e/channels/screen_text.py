"""The channel `screen_text`: what is written in the pictures, each line with the time it stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

import numpy as np

from q2e.arrays import Float32, UInt8
from q2e.channels.base import Needs
from q2e.models.base import ReadsSideBySide, TextBox, TextReader
from q2e.registry import method
from q2e.text.chunk import chunk, count_words
from q2e.text.clean import clean
from q2e.text.language import detect
from q2e.types import Evidence, Frame, Part, Span

if TYPE_CHECKING:
    from q2e.models.registry import Models
    from q2e.settings import Settings


_VERSION = "screen_text/3"
_MAX_LINE = 500
#: Fewer words, as names and signs have, tell no language.
_TELLING_WORDS = 3
_MAX_LINES = 100
#: A frame is read when a cell of 1/48 of its width differs by this much grey from the last read.
_CELLS = 48
_CHANGED = 10.0
#: Seconds of one shot between two frames that are read: text meant to be read stays longer.
_EVERY_S = 1.5
#: Lines are the same text where this share of their letters agrees in order: the reader's jitter.
_SAME = 0.8
#: Frames read in between that may miss a line.
_MISSED = 1
#: Seconds between the end of a line in one slice of a video and its start in the next.
_TOUCH_S = 0.25


@dataclass(slots=True, eq=False)
class _Track:
    """One line of text over the frames (by number) that show it."""

    text: str
    confidence: float
    first: int
    last: int
    top: float
    left: float


class ScreenTextChannel:
    """Reads the frames that differ from the one read before; `words` bounds one evidence."""

    name = "screen_text"
    needs: Needs = "frames"

    def __init__(self, reader: TextReader, words: int = 60) -> None:
        self._reader = reader
        self._words = words
        model = getattr(reader, "version", reader.info.source)
        self.config_key = f"{_VERSION};{model};{words}"

    def extract(self, part: Part) -> list[Evidence]:
        """Return the text on screen; lines that come and go together are one evidence."""
        frames = sorted(part.frames, key=lambda frame: frame.time_s)
        together: dict[tuple[int, int], list[_Track]] = {}
        for track in self._tracks(frames):
            together.setdefault((track.first, track.last), []).append(track)
        found: list[Evidence] = []
        for (first, last), tracks in sorted(together.items()):
            start_s, end_s = _interval(frames, first, last)
            lines = [
                Span(start_s, end_s, track.text, _sure(track.confidence))
                for track in sorted(tracks, key=lambda track: (track.top, track.left))
            ]
            found += self._evidence(part.video.id, lines, frames[first].time_s)
        return found

    def joined(self, found: Sequence[Evidence]) -> list[Evidence]:
        """Return the text of several slices of a video, what goes on in the next one as one."""
        lines: list[tuple[Span, float]] = []
        for one in sorted(found, key=lambda one: one.start_s):
            for span in one.spans:
                line = replace(span, start_s=one.start_s, end_s=one.end_s)
                before = _going_on(line, [span for span, _ in lines])
                if before is None:
                    lines.append((line, one.start_s if one.frame_s is None else one.frame_s))
                else:
                    known, frame_s = lines[before]
                    lines[before] = (replace(known, end_s=line.end_s), frame_s)
        together: dict[tuple[float, float], list[tuple[Span, float]]] = {}
        for line, frame_s in lines:
            together.setdefault((line.start_s, line.end_s), []).append((line, frame_s))
        return [
            evidence
            for _, group in sorted(together.items())
            for evidence in self._evidence(found[0].video, [line for line, _ in group], group[0][1])
        ]

    def _evidence(self, video: str, lines: Sequence[Span], frame_s: float) -> list[Evidence]:
        """Return lines that stand at the same time, in pieces that are not too long."""
        return [
            Evidence(
                video=video,
                channel=self.name,
                start_s=lines[0].start_s,
                end_s=lines[0].end_s,
                text=piece.text,
                language=_language(piece.text),
                origin=self._reader.info.id,
                frame_s=frame_s,
                spans=piece.spans,
            )
            for piece in chunk(lines, self._words)
        ]

    def _tracks(self, frames: Sequence[Frame]) -> list[_Track]:
        open_: list[_Track] = []
        closed: list[_Track] = []
        shown: list[_Track] = []
        reads = 0
        last_seen: dict[int, int] = {}
        read = self._read(frames)
        for number in range(len(frames)):
            if number not in read:
                for track in shown:
                    track.last = number
                continue
            reads += 1
            shown = []
            for line in _lines(read[number], number):
                known = _same(line, [track for track in open_ if track not in shown])
                if known is None:
                    open_.append(line)
                    shown.append(line)
                    last_seen[id(line)] = reads
                    continue
                known.last = number
                if line.confidence > known.confidence:
                    known.text, known.confidence = line.text, line.confidence
                shown.append(known)
                last_seen[id(known)] = reads
            gone = [track for track in open_ if reads - last_seen[id(track)] > _MISSED]
            closed += gone
            open_ = [track for track in open_ if track not in gone]
        return closed + open_

    def _read(self, frames: Sequence[Frame]) -> dict[int, list[TextBox]]:
        """Return what is written in the frames, by number, that differ from the one read before."""
        wanted = _differing(frames)
        images = [frames[number].image for number in wanted]
        side = self._reader.side_by_side if isinstance(self._reader, ReadsSideBySide) else 1
        with ThreadPoolExecutor(side) as pool:
            return dict(zip(wanted, pool.map(self._reader.read, images), strict=True))


def _differing(frames: Sequence[Frame]) -> list[int]:
    """Return the frames by number that are worth reading: each differs from the one before it."""
    found: list[int] = []
    last_cells: Float32 | None = None
    for number, frame in enumerate(frames):
        cells = _cells(frame.image)
        if last_cells is None or (
            _changed(last_cells, cells) and not _soon_after(frames[found[-1]], frame)
        ):
            last_cells = cells
            found.append(number)
    return found


def _lines(boxes: Sequence[TextBox], number: int) -> Iterator[_Track]:
    for box in boxes[:_MAX_LINES]:
        text = clean(box.text, _MAX_LINE)
        if sum(map(str.isalnum, text)) >= 2:
            yield _Track(text, box.confidence, number, number, box.box[1], box.box[0])


def _sure(confidence: float) -> float:
    # Readers promise a probability; three digits are more than any of them means.
    return round(min(max(confidence, 0.0), 1.0), 3)


def _language(text: str) -> str | None:
    return detect(text) if count_words(text) >= _TELLING_WORDS else None


def _cells(image: UInt8) -> Float32:
    """Return the mean grey of square cells, about `_CELLS` across the width."""
    side = max(1, image.shape[1] // _CELLS)
    height, width = image.shape[0] // side * side, image.shape[1] // side * side
    if not height or not width:
        return np.zeros((0, 0), dtype=np.float32)
    grey = image[:height, :width].mean(axis=2, dtype=np.float32)
    cells: Float32 = grey.reshape(height // side, side, width // side, side).mean(axis=(1, 3))
    return cells


def _soon_after(before: Frame, now: Frame) -> bool:
    return before.segment == now.segment and now.time_s - before.time_s < _EVERY_S


def _changed(before: Float32, now: Float32) -> bool:
    return before.shape != now.shape or bool(np.abs(before - now).max(initial=0.0) > _CHANGED)


def _same(line: _Track, known: Sequence[_Track]) -> _Track | None:
    shares = [_agreement(line.text, track.text) for track in known]
    best = max(shares, default=0.0)
    return known[shares.index(best)] if best >= _SAME else None


def _going_on(line: Span, known: Sequence[Span]) -> int | None:
    """Return the number of the known line that ends where `line` begins and says the same."""
    shares = [
        _agreement(line.text, other.text)
        if abs(line.start_s - other.end_s) <= _TOUCH_S and other.start_s < line.start_s
        else 0.0
        for other in known
    ]
    best = max(shares, default=0.0)
    return shares.index(best) if best >= _SAME else None


def _agreement(text: str, other: str) -> float:
    """Return the share of letters of two lines that agree in order; 0 for other numbers.

    Numbers that differ are other text (a clock, a score), however alike the letters.
    """
    one, two = _letters(text), _letters(other)
    if 2 * min(len(one), len(two)) < _SAME * (len(one) + len(two)):
        return 0.0
    digits, other_digits = (list(filter(str.isdigit, letters)) for letters in (one, two))
    if digits and other_digits and digits != other_digits:
        return 0.0
    return SequenceMatcher(None, one, two, autojunk=False).ratio()


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()


def _interval(frames: Sequence[Frame], first: int, last: int) -> tuple[float, float]:
    """Return when text in frames `first` to `last` stands: half way to the frames beside, in the
    shots that show it."""
    start_s, end_s = frames[first].time_s, frames[last].time_s
    if (shot := frames[first].segment) is not None:
        before_s = (frames[first - 1].time_s + start_s) / 2 if first else 0.0
        start_s = min(start_s, max(shot.start_s, before_s))
    if (shot := frames[last].segment) is not None:
        after_s = (frames[last + 1].time_s + end_s) / 2 if last + 1 < len(frames) else shot.end_s
        end_s = max(end_s, min(shot.end_s, after_s))
    return start_s, end_s


@method("channel", "screen_text", title="written", style="headline")
def open_channel(settings: Settings, models: Models) -> ScreenTextChannel:
    """What is written on the screen."""
    return ScreenTextChannel(models.reader, settings.chunk_words)
