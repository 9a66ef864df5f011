"""A summary without a model: how a video is cut, and what is shown, written and said in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from q2e.channels.base import Channel, Needs
from q2e.methods.caption.composed import (
    QUICK_S,
    Labels,
    Likely,
    Perhaps,
    Wording,
    by_segment,
    keyed,
    mean_tags,
    named,
    quoted,
)
from q2e.registry import method
from q2e.text.layers import is_layer
from q2e.types import Evidence, Part, Segment

if TYPE_CHECKING:
    from q2e.models.registry import Models
    from q2e.settings import Settings


_VERSION = 1


class ComposedSummaryChannel:
    """Says of a whole video how it is cut and what is shown, written and said in it."""

    name = "summary"
    needs: Needs = "video"

    def __init__(self, wording: Wording | None = None) -> None:
        self._wording = wording or Wording()
        self.config_key = keyed(f"composed/{_VERSION}", self._wording)

    def extract(self, part: Part) -> list[Evidence]:
        """Return one text over the whole video, or nothing where nothing is known of it."""
        whole = Segment(0.0, max(part.end_s, 1e-3))
        shots = sorted(by_segment(part.evidence).items(), key=lambda item: item[0].start_s)
        heard = [one for one in part.evidence if one.channel == "speech" and not is_layer(one)]
        written = [one for one in part.evidence if one.channel == "screen_text"]
        labels: dict[str, float] = defaultdict(float)
        seconds = sum(segment.duration_s for segment, _ in shots)
        for segment, frames in shots:
            for label, probability in mean_tags(frames):
                labels[label] += probability * segment.duration_s / seconds
        said = (
            named(sorted(labels.items(), key=lambda item: (-item[1], item[0])), self._wording),
            quoted("Text on screen", written, whole),
            quoted("Said", heard, whole),
        )
        if not any(said):
            return []
        return [
            Evidence(
                video=part.video.id,
                channel=self.name,
                start_s=0.0,
                end_s=part.end_s,
                text=" ".join(filter(None, (_cut([segment for segment, _ in shots]), *said))),
                language="en",
                origin="composed",
            )
        ]


@method("summary", source="Socratic Models: Zeng et al. 2022")
def composed(
    settings: Settings,
    models: Models,
    *,
    perhaps: Perhaps = 0.10,
    likely: Likely = 0.40,
    labels: Labels = 3,
) -> Channel:
    """A paragraph composed of cuts, labels, screen text and speech; no model."""
    return ComposedSummaryChannel(Wording(perhaps, likely, labels))


def _cut(shots: Sequence[Segment]) -> str:
    """Return how a video is cut, in words."""
    if not shots:
        return ""
    if len(shots) == 1:
        return "One shot."
    quick = sum(shot.duration_s for shot in shots) / len(shots) <= QUICK_S
    return f"{len(shots)} shots{', quickly cut' if quick else ''}."
