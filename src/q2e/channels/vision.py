"""The `caption` channel where a vision-language model describes the frames, one after another.

Each frame is captioned with the caption of the frame before and what is said at that time, as Q2E
does (Dipta and Ferraro, 2025; a sliding window of two frames).
"""

from __future__ import annotations

from q2e.channels.base import Needs
from q2e.channels.scene import Scene
from q2e.errors import ModelError
from q2e.models.base import VisionLanguageModel
from q2e.text.answer import content
from q2e.text.fence import fence
from q2e.text.layers import is_layer
from q2e.text.prompt import beside, mistake_in, prompt_version, render
from q2e.types import Evidence, Frame, Part

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
    """Describes each frame in sentences, or with `structured` in the fields of a `Scene`.

    What the model reads besides the picture is fenced; what it answers is cleaned, bounded, and
    left out where it says nothing or is not of the asked form.
    """

    name = "caption"
    needs: Needs = "scenes"

    def __init__(self, model: VisionLanguageModel, structured: bool = False) -> None:
        self._model = model
        self._structured = structured
        name = "scene" if structured else "caption"
        self._prompt = beside(__file__, f"../query/prompts/{name}")
        prompt = f"{name}/{prompt_version(self._prompt)}"
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
        values = {
            "before": fence(before, _MAX_CAPTION) if before else "",
            "speech": fence(speech, _MAX_SPEECH) if speech else "",
        }
        if not self._structured:
            return content(self._ask(frame, **values), _MAX_CAPTION)
        from pydantic import ValidationError

        mistake = ""
        for _ in range(2):
            try:
                return Scene.answered(self._ask(frame, mistake=mistake, **values)).text
            except ValidationError as error:
                mistake = mistake_in(error)
        return ""

    def _ask(self, frame: Frame, **values: str) -> str:
        return self._model.describe(
            [frame.image],
            render(self._prompt, **values),
            max_tokens=_MAX_TOKENS,
            timeout_s=_TIMEOUT_S,
        )


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
