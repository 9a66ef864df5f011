"""Captions in named fields: what a vision model says of a frame, kept as text.

The text is both readable and exact: `Scene.read(scene.text)` gives the scene back, so that nothing
but text need be stored where frames may not be kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
)

from q2e.channels.base import Channel
from q2e.methods.caption.vision import VisionCaptionChannel
from q2e.registry import method
from q2e.text.answer import content, json_in
from q2e.text.prompt import beside, mistake_in
from q2e.types import Frame

if TYPE_CHECKING:
    from q2e.models.registry import Models
    from q2e.settings import Settings

_MAX_VALUE = 160
_SEPARATOR = "; "

_Value = Annotated[str, StringConstraints(strip_whitespace=True, max_length=_MAX_VALUE)]


class Scene(BaseModel):
    """What one frame shows; fields that say nothing are empty."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    subjects: tuple[_Value, ...] = Field((), max_length=8)
    actions: tuple[_Value, ...] = Field((), max_length=8)
    place: _Value = ""
    time_of_day: _Value = ""
    text_on_screen: tuple[_Value, ...] = Field((), max_length=12)
    style: _Value = ""

    @field_validator("subjects", "actions", "text_on_screen")
    @classmethod
    def _each_says_something(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(said for value in values if (said := _plain(value))))

    @field_validator("place", "time_of_day", "style")
    @classmethod
    def _says_something(cls, value: str) -> str:
        return _plain(value)

    @property
    def text(self) -> str:
        """One line for each field that says something, such as `subjects: a dog; two children`."""
        lines = []
        for name in type(self).model_fields:
            value = getattr(self, name)
            said = value if isinstance(value, str) else _SEPARATOR.join(value)
            if said:
                lines.append(f"{name.replace('_', ' ')}: {said}")
        return "\n".join(lines)

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the scene that a text of this form holds. Raises ValueError for another one."""
        values: dict[str, str | tuple[str, ...]] = {}
        for line in text.splitlines():
            title, colon, said = line.partition(": ")
            name = title.replace(" ", "_")
            field = cls.model_fields.get(name)
            if not colon or field is None:
                raise ValueError(f"{line[:60]!r} is no line of a structured caption")
            many = field.default == ()
            values[name] = tuple(said.split(_SEPARATOR)) if many else said
        return cls.model_validate(values)

    @classmethod
    def answered(cls, answer: str) -> Self:
        """Return the scene in a model's answer, which may stand in a fence of code.

        Raises pydantic's ValidationError where there is none.
        """
        return cls.model_validate_json(json_in(answer))


def _plain(value: str) -> str:
    return content(value.replace(";", ","), _MAX_VALUE)


class StructuredCaptionChannel(VisionCaptionChannel):
    """Describes each frame in the fields of a `Scene`; what is not of this form is left out."""

    prompt = beside(__file__)
    label = "scene"

    def described(self, frame: Frame, **read: str) -> str:
        mistake = ""
        for _ in range(2):
            try:
                return Scene.answered(self.ask(frame, mistake=mistake, **read)).text
            except ValidationError as error:
                mistake = mistake_in(error)
        return ""


@method("caption", needs=("vision",))
def structured(settings: Settings, models: Models) -> Channel:
    """Named fields that a vision-language model fills: subjects, actions, place, text, style."""
    return StructuredCaptionChannel(models.vision)
