"""Looks at videos while answering: frames by time, and a vision model within the budget.

What the model says it sees becomes a line of the video, like a caption, and may be quoted. It bears
out a sentence only as the word of a model, so the notes count the sentences that rest on nothing
else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from q2e.answer import replies
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
    return content(_described(tools, images, render(prompt, **values), max_tokens), SEEN)


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
        said = _described(tools, images, text, max_tokens)
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
        if weigh is None:
            told, probability = _described(tools, images, text, max_tokens), None
        else:
            told, probability = _weighed(tools, weigh, images, text, max_tokens)
        if probability is not None:
            return content(told, SEEN), probability, len(said) + 1
        said.append(content(told, SEEN))
    answer, share = most_common(said) if said else ("", 0.0)
    return answer, share, len(said)


def _described(tools: Tools, images: Sequence[UInt8], text: str, max_tokens: int) -> str:
    """Return what the vision model says, within the budget; what it said before costs nothing."""
    model = vision_model(tools.settings, tools.models)
    look = replies.which_look(text, images, max_tokens, _named(tools))
    if (known := replies.kept_look(look)) is not None:
        return str(known["text"])
    tools.budget.take(len(text) + PICTURE * len(images), max_tokens)
    left_s = tools.budget.left_s
    said = model.describe(images, text, max_tokens=max_tokens, timeout_s=left_s)
    replies.keep_look(look, text=said)
    return said


def _weighed(
    tools: Tools, weigh: Callable[..., Any], images: Sequence[UInt8], text: str, max_tokens: int
) -> tuple[str, float | None]:
    """Return what the vision model says and how probable that is, kept like `_described`."""
    look = replies.which_look(text, images, max_tokens, _named(tools), "look weighed")
    if (known := replies.kept_look(look)) is None:
        tools.budget.take(len(text) + PICTURE * len(images), max_tokens)
        found = weigh(images, text, max_tokens=max_tokens, timeout_s=tools.budget.left_s)
        share = None if found.probability is None else float(found.probability)
        known = {"text": found.text, "probability": share}
        replies.keep_look(look, **known)
    return str(known["text"]), known["probability"]


def _named(tools: Tools) -> str:
    """Return which vision model is asked, and where it is served."""
    model = vision_model(tools.settings, tools.models)
    return f"{model.info.id} {model.info.source} {tools.settings.vision_model}"


def most_common(texts: Sequence[str]) -> tuple[str, float]:
    """Return the commonest of some answers, compared by their letters, and its share."""
    plain = ["".join(one for one in text.casefold() if one.isalnum()) for text in texts]
    best, many = Counter(plain).most_common(1)[0]
    return texts[plain.index(best)], many / len(texts)
