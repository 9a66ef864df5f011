"""Captions by a vision-language model that describes the frames, one after another.

Each frame is captioned with the caption of the frame before and what is said at that time, as Q2E
does (Dipta and Ferraro, 2025; a sliding window of two frames).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from q2e.channels.base import Channel, Needs
from q2e.errors import ModelError
from q2e.models.base import VisionLanguageModel
from q2e.registry import method
from q2e.text.answer import content
from q2e.text.fence import fence
from q2e.text.layers import is_layer
from q2e.text.prompt import beside, prompt_version, render
from q2e.types import Evidence, Frame, Part

if TYPE_CHECKING:
    from q2e.models.registry import Models
    from q2e.settings import Settings

_VERSION = "vision/1"
_MAX_CAPTION = 800
_MAX_SPEECH = 600
_MAX_TOKENS = 512
_TIMEOUT_S = 120.0
#: Frames in a row that may fail before the model is taken to be gone.
_FAILURES = 3
#: Seconds around a frame without a shot in which speech belongs to it.
_AROUND_S = 5.0


class VisionCaptionChannel:
    """Describes each frame in sentences.

    What the model reads besides the picture is fenced; what it answers is cleaned, bounded, and
    left out where it says nothing.
    """

    name = "caption"
    needs: Needs = "scenes"
    prompt = beside(__file__)
    label = "caption"
    """What the prompt is called in `config_key`."""

    def __init__(self, model: VisionLanguageModel) -> None:
        self._model = model
        prompt = f"{self.label}/{prompt_version(self.prompt)}"
        self.config_key = f"{_VERSION};{prompt};{model.info.id}"

    def extract(self, part: Part) -> list[Evidence]:
        """Return a caption of each frame, in time order; the first follows on `part.evidence`.

        Raises ModelError where the model fails three times in a row or on all frames.
        """
        captions = [one for one in part.evidence if one.channel == self.name]
        before = captions[-1].text if captions else ""
        found: list[Evidence] = []
        failed: list[ModelError] = []
        frames = sorted(part.frames, key=lambda frame: frame.time_s)
        for frame in frames:
            start_s, end_s = _stretch(frame)
            try:
                text = self._described(frame, before, _heard(part, start_s, end_s))
            except ModelError as error:
                failed.append(error)
                if len(failed) in (_FAILURES, len(frames)):
                    raise
                continue
            failed = []
            if text:
                before = text
                found.append(
                    Evidence(
                        video=part.video.id,
                        channel=self.name,
                        start_s=start_s,
                        end_s=end_s,
                        text=text,
                        language="en",
                        origin=self._model.info.id,
                        frame_s=frame.time_s,
                    )
                )
        return found

    def _described(self, frame: Frame, before: str, speech: str) -> str:
        return self.described(
            frame,
            before=fence(before, _MAX_CAPTION) if before else "",
            speech=fence(speech, _MAX_SPEECH) if speech else "",
        )

    def described(self, frame: Frame, **read: str) -> str:
        """Return what the model says of a frame after reading what is fenced."""
        return content(self.ask(frame, **read), _MAX_CAPTION)

    def ask(self, frame: Frame, **values: str) -> str:
        """Return the model's answer to the prompt, as it is."""
        return self._model.describe(
            [frame.image],
            render(self.prompt, **values),
            max_tokens=_MAX_TOKENS,
            timeout_s=_TIMEOUT_S,
        )


@method("caption", source="Q2E: Dipta and Ferraro 2025", needs=("vision",))
def vision(settings: Settings, models: Models) -> Channel:
    """Sentences of a vision-language model, which reads the caption before and the speech."""
    return VisionCaptionChannel(models.vision)


def _heard(part: Part, start_s: float, end_s: float) -> str:
    """Return what is said in that time, in the language spoken."""
    lines = [
        line.text
        for one in part.evidence
        if one.channel == "speech" and not is_layer(one)
        for line in one.spans or (one,)
        if line.start_s < end_s and line.end_s > start_s
    ]
    return " ".join(lines)


def _stretch(frame: Frame) -> tuple[float, float]:
    """Return the frame's shot, reaching as far as the frame, or the seconds around it."""
    if frame.segment is None:
        return max(0.0, frame.time_s - _AROUND_S), frame.time_s + _AROUND_S
    return min(frame.segment.start_s, frame.time_s), max(frame.segment.end_s, frame.time_s)
