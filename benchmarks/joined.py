"""Texts of different subjects, told one after the other in one unbroken picture."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from q2e.text.chunk import chunk_text, count_words
from q2e.types import Span

#: Words of a line of subtitles, and words told in a second.
_LINE, _RATE_HZ = 11, 2.5
#: Subjects of a video, and words of one at least; texts of an event are joined until it has them.
_SUBJECTS, _WORDS = 8, (100, 320)
SEED = 21
#: The talks that window, least length and the rule of moving borders were chosen on.
CHOSEN_ON = ("wikivideo-0", "arabic-0", "english-1", "korean-0")


@dataclass(frozen=True, slots=True)
class Talk:
    """A video that is told: its lines, and where subjects begin and end."""

    name: str
    source: str
    lines: tuple[Span, ...]
    bounds_s: tuple[float, ...]
    """From 0 to the end; what lies between neighbours is one subject."""


def talks(data: Path) -> list[Talk]:
    """Return talks of captions of real events in English, and of descriptions in five languages."""
    random = np.random.default_rng(SEED)
    found = list(_joined("wikivideo", _captions(data / "wikivideo_dev"), 6, random))
    for language, events in sorted(_described(data / "multivent1_dev").items()):
        found += _joined(language, events, 3, random)
    return found


def _captions(folder: Path) -> dict[str, list[str]]:
    told = json.loads((folder / "qwenvl_2_5_72b_audio.json").read_text("utf-8"))
    return {event: list(videos.values()) for event, videos in told.items()}


def _described(folder: Path) -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    with (folder / "multivent1_dev.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            words = (word for word in row["video_description"].split() if "://" not in word)
            found[row["language"]][row["event_name"]].append(" ".join(words))
    return found


def _joined(
    source: str, events: dict[str, list[str]], count: int, random: np.random.Generator
) -> Iterator[Talk]:
    """Yield talks of as many subjects; no event is told twice in one, nor a text in two."""
    left = {name: list(random.permutation(texts)) for name, texts in sorted(events.items())}
    for number in range(count):
        subjects: list[list[str]] = []
        for event in random.permutation(sorted(left)).tolist():
            wanted = int(random.integers(*_WORDS))
            own: list[str] = []
            while left[event] and sum(map(count_words, own)) < wanted:
                own.append(str(left[event].pop()))
            if sum(map(count_words, own)) >= _WORDS[0]:
                subjects.append(own)
            if len(subjects) == _SUBJECTS:
                break
        if len(subjects) == _SUBJECTS:
            yield _told(f"{source}-{number}", source, subjects)


def _told(name: str, source: str, subjects: Sequence[Sequence[str]]) -> Talk:
    lines: list[Span] = []
    bounds_s = [0.0]
    now_s = 0.0
    for texts in subjects:
        for line in (line for text in texts for line in chunk_text(text, _LINE)):
            end_s = now_s + max(1.0, count_words(line) / _RATE_HZ)
            lines.append(Span(round(now_s, 3), round(end_s, 3), line))
            now_s = end_s
        bounds_s.append(round(now_s, 3))
    return Talk(name, source, tuple(lines), tuple(bounds_s))
