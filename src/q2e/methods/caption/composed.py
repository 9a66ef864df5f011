"""Captions without a model: sentences composed of what other channels recognised.

Nothing is added; everything is said with as much confidence as the channels had, and the origin
says `composed`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from q2e.channels.base import Channel, Needs
from q2e.channels.sound import is_common
from q2e.registry import method
from q2e.text.layers import is_layer
from q2e.types import Evidence, Part, Segment

if TYPE_CHECKING:
    from q2e.models.registry import Models
    from q2e.settings import Settings


_VERSION = 5
#: A label is named `at first` or `later` where one half of a shot is this much surer of it.
_SURER = 3.0
#: Mean seconds of a shot up to which a video is quickly cut.
QUICK_S = 3.0
#: Shots on either side of one that count for how it is cut.
_AROUND = 2
#: A segment's movement up to which its picture stands still (compression alone changes it), up to
#: which little moves, and from which much does: 0.1, 1 and 4 percent of the 255 levels of grey in
#: a fifth of a second. People before a fixed camera are below 1, cameras carried or swept above 4.
_STILL, _LITTLE, _MUCH = 0.25, 2.5, 10.0
#: Sounds that are named.
_SOUNDS = 3
#: Characters of speech and of screen text that are quoted.
_QUOTED = 160


Perhaps = Annotated[
    float, Field(ge=0, le=1, description="Probability from which a label is named.")
]
Likely = Annotated[
    float, Field(ge=0, le=1, description="Probability from which it is named plainly.")
]
Labels = Annotated[int, Field(ge=0, le=50, description="Labels named at most.")]


@dataclass(frozen=True, slots=True)
class Wording:
    """When labels are named; probabilities are means over the frames they are of."""

    perhaps: float = 0.10
    likely: float = 0.40
    labels: int = 3


class ComposedCaptionChannel:
    """Describes each segment in one short text: what is seen, moves, is heard and written."""

    name = "caption"
    needs: Needs = "evidence"

    def __init__(self, wording: Wording | None = None) -> None:
        self._wording = wording or Wording()
        self.config_key = keyed(f"composed/{_VERSION}", self._wording)

    def extract(self, part: Part) -> list[Evidence]:
        """Return one caption for each segment of which anything is known, in time order."""
        segments = by_segment(part.evidence)
        heard = [one for one in part.evidence if one.channel == "speech" and not is_layer(one)]
        sounds = [one for one in part.evidence if one.channel == "sound"]
        written = [one for one in part.evidence if one.channel == "screen_text"]
        movement = {segment: segment.movement for segment in part.segments}
        shots = sorted(segments, key=lambda segment: segment.start_s)
        captions = []
        for number, segment in enumerate(shots):
            frames = segments[segment]
            known = (
                _shown(frames, self._wording),
                _heard(sounds, segment),
                quoted("Text on screen", written, segment),
                quoted("Said", heard, segment),
            )
            if any(known):
                moves = _moves(movement.get(segment)), _pace(shots, number)
                text = " ".join(filter(None, (known[0], *moves, *known[1:])))
                captions.append(
                    Evidence(
                        video=part.video.id,
                        channel=self.name,
                        start_s=segment.start_s,
                        end_s=segment.end_s,
                        text=text,
                        language="en",
                        origin="composed",
                        frame_s=_best_frame(frames),
                    )
                )
        return captions


@method("caption", source="Socratic Models: Zeng et al. 2022")
def composed(
    settings: Settings,
    models: Models,
    *,
    perhaps: Perhaps = 0.10,
    likely: Likely = 0.40,
    labels: Labels = 3,
) -> Channel:
    """Sentences composed of labels, movement, pace, screen text and speech; no model."""
    return ComposedCaptionChannel(Wording(perhaps, likely, labels))


def keyed(key: str, wording: Wording) -> str:
    """Return what evidence of this wording is known by: the key alone for the usual one."""
    return key if wording == Wording() else f"{key};{wording}"


def by_segment(evidence: Sequence[Evidence]) -> dict[Segment, list[Evidence]]:
    """Return the evidence of frames, by shot."""
    found: dict[Segment, list[Evidence]] = defaultdict(list)
    for one in evidence:
        if one.channel == "frame" and one.end_s > one.start_s:
            found[Segment(one.start_s, one.end_s)].append(one)
    return found


def _moves(movement: float | None) -> str:
    """Return how much a segment moves, in words; nothing where it is neither little nor much."""
    if movement is None or _LITTLE < movement < _MUCH:
        return ""
    if movement >= _MUCH:
        return "Much movement."
    return "Still picture." if movement <= _STILL else "Little movement."


def _pace(shots: Sequence[Segment], number: int) -> str:
    """Return that a shot stands among quick cuts, where it and its neighbours are short."""
    near = shots[max(0, number - _AROUND) : number + _AROUND + 1]
    quick = sum(shot.duration_s for shot in near) / len(near) <= QUICK_S
    return "Quickly cut." if quick and len(near) > _AROUND else ""


def mean_tags(frames: Sequence[Evidence]) -> list[tuple[str, float]]:
    """Return labels with their mean probability over the frames, most probable first."""
    total: dict[str, float] = defaultdict(float)
    for frame in frames:
        for tag in frame.tags:
            total[tag.label] += tag.probability / len(frames)
    return sorted(total.items(), key=lambda item: (-item[1], item[0]))


def _shown(frames: Sequence[Evidence], wording: Wording) -> str:
    """Return what a shot shows, and of what is likely whether it is seen at first or later."""
    ordered = sorted(frames, key=lambda one: one.frame_s or one.start_s)
    half = len(ordered) // 2
    first, later = dict(mean_tags(ordered[:half])), dict(mean_tags(ordered[-half:] if half else ()))

    def when(label: str) -> str:
        before, after = first.get(label, 0.0), later.get(label, 0.0)
        if before >= wording.perhaps and before >= _SURER * after:
            return f"{label} at first"
        return f"{label} later" if after >= wording.perhaps and after >= _SURER * before else label

    return named(mean_tags(frames), wording, when)


def named(
    tags: Sequence[tuple[str, float]],
    wording: Wording,
    when: Callable[[str], str] = lambda label: label,
) -> str:
    """Return what labels, most probable first, say is shown."""
    likely = [when(label) for label, p in tags if p >= wording.likely][: wording.labels]
    doubted = [label for label, p in tags if wording.perhaps <= p < wording.likely]
    perhaps = doubted[: wording.labels - len(likely)]
    if not likely and not perhaps:
        return ""
    if not perhaps:
        return f"Shows {_listed(likely)}."
    doubt = f"perhaps {_listed(perhaps)}"
    return f"Shows {_listed(likely)}, {doubt}." if likely else f"Shows {doubt}."


def _listed(labels: Sequence[str]) -> str:
    return labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"


def _heard(sounds: Sequence[Evidence], segment: Segment) -> str:
    """Return what is heard in a segment, in words: the surest sound of each event."""
    inside = [
        one
        for one in sounds
        if one.start_s < segment.end_s and one.end_s > segment.start_s and one.text
    ]
    surest = [one.tags[0].label if one.tags else one.text for one in inside]
    # Speech and music are heard nearly everywhere, and would make captions alike.
    names = [one for one in dict.fromkeys(surest) if not is_common(one)][:_SOUNDS]
    if not names:
        return ""
    said = _listed(names)
    return f"{said[:1].upper()}{said[1:]} {'is' if len(names) == 1 else 'are'} heard."


def quoted(intro: str, evidence: Sequence[Evidence], segment: Segment) -> str:
    """Return the words of evidence within a segment, cut short."""
    inside = [
        line.text
        for one in evidence
        for line in one.spans or (one,)
        if line.start_s < segment.end_s and line.end_s > segment.start_s and line.text
    ]
    words = " ".join(dict.fromkeys(" ".join(text.split()) for text in inside))
    return f"{intro}: “{words[:_QUOTED].rstrip()}”." if words else ""


def _best_frame(frames: Sequence[Evidence]) -> float | None:
    surest = max(frames, key=lambda one: max((tag.probability for tag in one.tags), default=0.0))
    return surest.frame_s
