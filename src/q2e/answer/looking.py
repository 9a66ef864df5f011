"""Looks at videos while answering: frames by time, and a vision model within the budget.

What the model says it sees becomes a line of the video, like a caption, and may be quoted. It bears
out a sentence only as the word of a model, so the notes count the sentences that rest on nothing
else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from q2e.answer.base import Tools
from q2e.answer.lines import SEEN
from q2e.arrays import UInt8
from q2e.decoding.doors import frames_at
from q2e.errors import MediaError, ModelError
from q2e.models.language import vision_model
from q2e.text.answer import content
from q2e.text.prompt import mistake_in, render
from q2e.types import Frame, Video

#: Longest side of a frame that a model is shown, in pixels.
SIDE = 448
#: Characters that a picture counts for in the budget of tokens.
PICTURE = 1_000
#: Times that a model is asked for a typed answer.
_TRIES = 2

_Typed = TypeVar("_Typed", bound=BaseModel)


def frames(video: Video, times_s: Sequence[float]) -> list[Frame]:
    """Return the frames of a video at some times; none where its file cannot be read."""
    if not times_s or not video.has_video:
        return []
    try:
        return frames_at(video.path, times_s, max_side=SIDE)
    except (MediaError, OSError):
        return []


def model_id(tools: Tools) -> str:
    """Return which vision model is asked."""
    return vision_model(tools.settings, tools.models).info.id


def times_in(start_s: float, end_s: float, many: int) -> tuple[float, ...]:
    """Return the middles of so many equal ranges of a stretch."""
    return tuple(start_s + (n + 0.5) * (end_s - start_s) / many for n in range(many))


def look(
    tools: Tools, images: Sequence[UInt8], prompt: Path, max_tokens: int, **values: Any
) -> str:
    """Return what the vision model says of pictures, in one line; empty where it says nothing.

    Raises ModelError, Spent among them, and ConfigError without a vision model.
    """
    model = vision_model(tools.settings, tools.models)
    text = render(prompt, **values)
    tools.budget.take(len(text) + PICTURE * len(images), max_tokens)
    left_s = tools.budget.left_s
    return content(model.describe(images, text, max_tokens=max_tokens, timeout_s=left_s), SEEN)


def look_for(
    tools: Tools,
    images: Sequence[UInt8],
    prompt: Path,
    form: type[_Typed],
    max_tokens: int,
    **values: Any,
) -> _Typed:
    """Return what the vision model says of pictures as an object of `form`, and nothing else.

    One more try follows an answer of another form. Raises ModelError like `look`.
    """
    model = vision_model(tools.settings, tools.models)
    mistake = ""
    for _ in range(_TRIES):
        text = render(prompt, mistake=mistake, **values)
        tools.budget.take(len(text) + PICTURE * len(images), max_tokens)
        left_s = tools.budget.left_s
        said = model.describe(images, text, max_tokens=max_tokens, timeout_s=left_s)
        try:
            return form.model_validate_json(said[said.find("{") : said.rfind("}") + 1] or "{")
        except ValidationError as error:
            mistake = mistake_in(error)
    raise ModelError(f"{model.info.id}: no valid answer: {mistake}")


def surely(
    tools: Tools, looks: Iterable[Sequence[UInt8]], prompt: Path, max_tokens: int, **values: Any
) -> tuple[str, float, int]:
    """Return a short answer about pictures, how sure it is, and how often the model was asked.

    That is the geometric mean of the probabilities of its tokens. Of a model that gives none it is
    the share that agree of answers to several `looks` at the same thing. Without any look it is
    not asked. Raises ModelError.
    """
    model = vision_model(tools.settings, tools.models)
    text = render(prompt, **values)
    weigh = getattr(model, "weighed", None)
    said: list[str] = []
    for images in looks:
        tools.budget.take(len(text) + PICTURE * len(images), max_tokens)
        left_s = tools.budget.left_s
        if weigh is None:
            told = model.describe(images, text, max_tokens=max_tokens, timeout_s=left_s)
        else:
            found = weigh(images, text, max_tokens=max_tokens, timeout_s=left_s)
            told = found.text
            if found.probability is not None:
                return content(told, SEEN), float(found.probability), len(said) + 1
        said.append(content(told, SEEN))
    answer, share = most_common(said) if said else ("", 0.0)
    return answer, share, len(said)


def most_common(texts: Sequence[str]) -> tuple[str, float]:
    """Return the commonest of some answers, compared by their letters, and its share."""
    plain = ["".join(one for one in text.casefold() if one.isalnum()) for text in texts]
    best, many = Counter(plain).most_common(1)[0]
    return texts[plain.index(best)], many / len(texts)
