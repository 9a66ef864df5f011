"""The channel `sound`: what is heard that is not said, such as applause, a siren or rain.

A model scores classes of sounds in short windows. Of each class, events begin where its score
reaches a level and end where it falls below a lower one (hysteresis). Speech and music, which
are heard nearly everywhere, need more to be told, and stand apart from what else is heard then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from q2e.arrays import Bool, Float32
from q2e.channels.base import Needs
from q2e.errors import ConfigError
from q2e.models.base import Heard, SoundTagger
from q2e.registry import method
from q2e.types import Evidence, Part, Span, Tag

if TYPE_CHECKING:
    from q2e.models.registry import Models
    from q2e.settings import Settings

_VERSION = "sound/1"


@dataclass(frozen=True, slots=True)
class Levels:
    """Scores from which a class begins to be heard, and below which it no longer is."""

    begin: float
    end: float


USUAL = Levels(0.3, 0.15)
#: Heard nearly everywhere, and scored high beside anything else.
COMMON = Levels(0.6, 0.4)
_COMMON = frozenset(
    {
        *("Speech", "Child speech, kid speaking", "Conversation", "Narration, monologue"),
        *("Speech synthesizer", "Music", "Musical instrument", "Song", "Background music"),
        *("Soundtrack music", "Theme music", "Animal", "Vehicle", "Noise", "Silence"),
    }
)
_COMMON_NAMES = frozenset(label.lower() for label in _COMMON)
#: Where something is heard or how it was recorded, which is nothing that is heard.
_NONE = frozenset(
    {
        *("Sound effect", "Pulse", "Inside, small room", "Inside, large room or hall"),
        *("Inside, public space", "Outside, urban or manmade", "Outside, rural or natural"),
        *("Reverberation", "Echo", "Environmental noise", "Distortion", "Sidetone"),
        *("Effects unit", "Chorus effect", "Harmonic", "Field recording", "Mechanisms"),
    }
)
#: Windows without a class that do not end its event.
_MISSED = 1
#: Classes are one event where they share this much of their time together.
_TOGETHER = 0.5
#: Classes told of one event, the surest first.
_MOST = 5


@dataclass(frozen=True, slots=True)
class Event:
    """One class over the windows `first` to `last`, with its highest score."""

    label: str
    first: int
    last: int
    score: float


class SoundChannel:
    """Turns the sound of a part into events, each with the classes that are heard together."""

    name = "sound"
    needs: Needs = "audio"

    def __init__(self, tagger: SoundTagger) -> None:
        self._tagger = tagger
        self.config_key = f"{_VERSION};{tagger.version}"
        self.space = tagger.space

    def extract(self, part: Part) -> list[Evidence]:
        """Return events in time order; their text names what is heard, the surest first."""
        if part.audio is None or not len(part.audio.samples):
            return []
        heard = self._tagger.hear(part.audio)
        found = events(heard.scores, self._tagger.labels)
        return [self._evidence(part, heard, group) for group in together(found)]

    def _evidence(self, part: Part, heard: Heard, group: Sequence[Event]) -> Evidence:
        told = sorted(group, key=lambda one: (-one.score, one.label))[:_MOST]
        start_s = min(_times(part, heard, one)[0] for one in told)
        end_s = max(_times(part, heard, one)[1] for one in told)
        vectors = {}
        if self.space is not None and heard.embeddings is not None:
            rows = heard.embeddings[min(e.first for e in told) : max(e.last for e in told) + 1]
            mean = rows.mean(axis=0)
            if (length := float(np.linalg.norm(mean))) > 0:
                vectors[self.space] = (mean / length).astype(np.float32)
        return Evidence(
            video=part.video.id,
            channel=self.name,
            start_s=start_s,
            end_s=end_s,
            text=", ".join(_named(one.label) for one in told),
            language="en",
            origin=self._tagger.info.id,
            spans=tuple(
                Span(*_times(part, heard, one), _named(one.label), round(one.score, 3))
                for one in sorted(told, key=lambda one: (one.first, one.last, one.label))
            ),
            tags=tuple(Tag(_named(one.label), round(one.score, 3)) for one in told),
            vectors=vectors,
        )


def events(scores: Float32, labels: Sequence[str]) -> list[Event]:
    """Return the events of all classes from scores (windows, classes), in time order."""
    found = []
    for number in np.flatnonzero(scores.max(axis=0, initial=0.0) >= USUAL.begin).tolist():
        label = labels[number]
        if label not in _NONE:
            levels = COMMON if label in _COMMON else USUAL
            found += [
                Event(label, first, last, float(scores[first : last + 1, number].max()))
                for first, last in runs(scores[:, number], levels)
            ]
    return sorted(found, key=lambda one: (one.first, one.last, one.label))


def runs(scores: Float32, levels: Levels) -> list[tuple[int, int]]:
    """Return (first, last) of the windows in which a class is heard, by hysteresis."""
    above: Bool = scores >= levels.end
    found: list[tuple[int, int]] = []
    for at in np.flatnonzero(above).tolist():
        if found and at - found[-1][1] <= _MISSED + 1:
            found[-1] = (found[-1][0], at)
        else:
            found.append((at, at))
    return [(a, b) for a, b in found if scores[a : b + 1].max() >= levels.begin]


def together(found: Sequence[Event]) -> list[list[Event]]:
    """Return events as groups that are heard at one time; what is common joins no other."""
    groups: list[list[Event]] = []
    for one in found:
        known = next((group for group in groups if _joins(one, group)), None)
        if known is None:
            groups.append([one])
        else:
            known.append(one)
    return groups


def _joins(one: Event, group: Sequence[Event]) -> bool:
    if (one.label in _COMMON) != (group[0].label in _COMMON):
        return False
    if any(other.label == one.label for other in group):
        return False
    first, last = min(e.first for e in group), max(e.last for e in group)
    shared = min(one.last, last) - max(one.first, first) + 1
    whole = max(one.last, last) - min(one.first, first) + 1
    return shared >= _TOGETHER * whole


def is_common(name: str) -> bool:
    """Return whether a sound, by the name that evidence tells it by, is heard nearly everywhere."""
    return name in _COMMON_NAMES


def _named(label: str) -> str:
    return label.lower()


def _times(part: Part, heard: Heard, one: Event) -> tuple[float, float]:
    """Return when an event is heard, to where the window after its last begins, in the part."""
    assert part.audio is not None  # heard
    start_s = part.audio.start_s + one.first * heard.hop_s
    end_s = part.audio.start_s + (one.last + 1) * heard.hop_s
    last_s = max(part.end_s, part.start_s)
    return min(start_s, last_s), min(max(end_s, start_s), last_s)


@method("channel", "sound", title="heard", style="caption")
def open_channel(settings: Settings, models: Models) -> SoundChannel:
    """What is heard that is not said: applause, sirens, rain; needs a model of sounds."""
    if not models.has("sound"):
        raise ConfigError(
            "the channel sound needs a model of sounds: set  sound_model = file:yamnet.onnx,  or "
            "leave the channel out; q2e doctor says where to get one"
        )
    return SoundChannel(models.sound)
