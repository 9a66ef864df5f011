"""A summary that a language model tells from the evidence of the video."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from q2e.channel_facts import facts
from q2e.channels.base import Channel, Needs
from q2e.models.base import LanguageModel
from q2e.registry import method
from q2e.text.answer import content
from q2e.text.chunk import chunk_text
from q2e.text.fence import clean, fence
from q2e.text.layers import layer_of
from q2e.text.prompt import ask, beside, prompt_version
from q2e.types import Evidence, Part

if TYPE_CHECKING:
    from q2e.models.registry import Models
    from q2e.settings import Settings


_VERSION = "summary/2"
_PROMPT = beside(__file__)
#: Bytes of evidence that enter the prompt (in which a character of Chinese counts for three, as it
#: does in tokens), characters of one line of it, and of the summary.
_MAX_BYTES = 6_000
_MAX_LINE = 300
_MAX_SUMMARY = 900
_MAX_TOKENS = 512
_TIMEOUT_S = 180.0


class Summary(BaseModel):
    """What a language model says of a video."""

    model_config = ConfigDict(extra="forbid")

    summary: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=_MAX_SUMMARY)
    ]


class SummaryChannel:
    """Tells each video in one paragraph; what is told stands over the whole video."""

    name = "summary"
    needs: Needs = "video"

    def __init__(self, model: LanguageModel, words: int = 60) -> None:
        self._model = model
        self._words = words
        self.config_key = f"{_VERSION};{prompt_version(_PROMPT)};{model.info.id};{words}"

    def extract(self, part: Part) -> list[Evidence]:
        """Return the summary of all evidence of a video in pieces, or nothing without any.

        Raises ModelError where the model gives no usable answer.
        """
        lines = list(_lines(part.evidence))
        if not lines:
            return []
        answer = ask(
            self._model,
            _PROMPT,
            Summary,
            max_tokens=_MAX_TOKENS,
            timeout_s=_TIMEOUT_S,
            lines=fence(" / ".join(_thinned(lines)), _MAX_BYTES),
        )
        return [
            Evidence(
                video=part.video.id,
                channel=self.name,
                start_s=0.0,
                end_s=part.end_s,
                text=piece,
                language="en",
                origin=self._model.info.id,
            )
            for piece in chunk_text(content(answer.summary, _MAX_SUMMARY), self._words)
        ]


@method("summary", needs=("language",))
def llm(settings: Settings, models: Models) -> Channel:
    """A paragraph that a language model tells from all evidence of the video."""
    return SummaryChannel(models.language, settings.chunk_words)


def _lines(evidence: Sequence[Evidence]) -> Iterator[str]:
    """Yield what enters the prompt; of speech its best layer, of the rest what has words."""
    layers = {layer_of(one) for one in evidence}
    best = next((name for name in ("refined", "translation", "english") if name in layers), None)
    for one in sorted(evidence, key=lambda one: (one.channel != "metadata", one.start_s)):
        layer = layer_of(one)
        if one.channel == "speech" and layer != best and (layer or one.language != "en"):
            continue
        title = facts(one.channel).title
        text = clean(one.text, _MAX_LINE)
        if text and one.channel != SummaryChannel.name:
            minutes, seconds = divmod(int(one.start_s), 60)
            yield f"[{minutes}:{seconds:02d}] {title}: {text}"


def _thinned(lines: Sequence[str]) -> list[str]:
    """Return as many lines as fit, taken at even distances."""
    sizes = [len(line.encode()) + 3 for line in lines]
    if sum(sizes) <= _MAX_BYTES:
        return list(lines)
    keep = min(len(lines), max(1, _MAX_BYTES // max(sizes)))
    return [lines[number * len(lines) // keep] for number in range(keep)]
