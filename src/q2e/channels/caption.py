"""The `caption` channel where no captioning model is at hand: sentences composed of evidence.

Socratic (Zeng et al., Socratic Models, 2022): what other channels recognised is put into words,
with as much confidence as they had. Nothing is added, and the origin says `composed`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from q2e.channels.base import Needs
from q2e.text.layers import is_layer
from q2e.types import Evidence, Part, Segment

_VERSION = 2
#: Mean probability over a segment's frames from which a label is named, and named plainly.
PERHAPS, LIKELY = 0.10, 0.40
_LABELS = 3
#: Characters of speech and of screen text that are quoted.
_QUOTED = 160


class ComposedCaptionChannel:
    """Describes each segment in one short text made of its tags, screen text and speech."""

    name = "caption"
    needs: Needs = "evidence"
    config_key = f"composed/{_VERSION}"

    def extract(self, part: Part) -> list[Evidence]:
        """Return one caption for each segment of which anything is known, in time order."""
        by_segment: dict[Segment, list[Evidence]] = defaultdict(list)
        for evidence in part.evidence:
            if evidence.channel == "frame":
                by_segment[Segment(evidence.start_s, evidence.end_s)].append(evidence)
        heard = [one for one in part.evidence if one.channel == "speech" and not is_layer(one)]
        written = [one for one in part.evidence if one.channel == "screen_text"]
        captions = []
        for segment, frames in sorted(by_segment.items(), key=lambda item: item[0].start_s):
            text = " ".join(
                filter(
                    None,
                    (
                        _shown(frames),
                        _quoted("Text on screen", written, segment),
                        _quoted("Said", heard, segment),
                    ),
                )
            )
            if text:
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


def mean_tags(frames: Sequence[Evidence]) -> list[tuple[str, float]]:
    """Return labels with their mean probability over the frames, most probable first."""
    total: dict[str, float] = defaultdict(float)
    for frame in frames:
        for tag in frame.tags:
            total[tag.label] += tag.probability / len(frames)
    return sorted(total.items(), key=lambda item: (-item[1], item[0]))


def _shown(frames: Sequence[Evidence]) -> str:
    tags = mean_tags(frames)
    likely = [label for label, p in tags if p >= LIKELY][:_LABELS]
    perhaps = [label for label, p in tags if PERHAPS <= p < LIKELY][: _LABELS - len(likely)]
    if not likely and not perhaps:
        return ""
    if not perhaps:
        return f"Shows {_listed(likely)}."
    doubt = f"perhaps {_listed(perhaps)}"
    return f"Shows {_listed(likely)}, {doubt}." if likely else f"Shows {doubt}."


def _listed(labels: Sequence[str]) -> str:
    return labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"


def _quoted(intro: str, evidence: Sequence[Evidence], segment: Segment) -> str:
    inside = [
        one.text
        for one in evidence
        if one.start_s < segment.end_s and one.end_s > segment.start_s and one.text
    ]
    words = " ".join(dict.fromkeys(" ".join(text.split()) for text in inside))
    return f"{intro}: “{words[:_QUOTED].rstrip()}”." if words else ""


def _best_frame(frames: Sequence[Evidence]) -> float | None:
    surest = max(frames, key=lambda one: max((tag.probability for tag in one.tags), default=0.0))
    return surest.frame_s
