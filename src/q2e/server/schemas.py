"""What requests may hold, for checking them and for the OpenAPI document."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    WithJsonSchema,
    create_model,
    model_validator,
)
from pydantic_core import PydanticCustomError

from q2e import choices, recipes, renamed
from q2e.errors import QueryError, unknown
from q2e.plugins import registry
from q2e.query.language import Parsed, parse
from q2e.settings import Settings, changed, chosen
from q2e.types import Filters

#: Settings of the list of hits that a request may change.
LIST_SETTINGS = (
    "confidence",
    "confident",
    "false_alarms",
    "must_not",
    "moments_per_video",
    "duplicates",
)

Channel = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9_]{0,39}$",
        description="Such as `speech`, `screen_text` or `frame`; one of which the collection has "
        "nothing is refused with those it has.",
    ),
]
Day = Annotated[str, Field(pattern=r"^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$")]
_PRINTED = r"^[^\x00-\x1f\x7f]+$"
Language = Annotated[
    str,
    Field(max_length=60, pattern=_PRINTED, description="A code or a name: `ar`, `ara`, `Arabic`."),
]


def no_truth(value: Any) -> Any:
    """Refuse true and false, which would be read as 1 and 0, where a number is wanted."""
    if isinstance(value, bool):
        raise PydanticCustomError(
            "number_type", "a number is needed, not {value}", {"value": json.dumps(value)}
        )
    return value


#: Stands last in a type, since bounds that follow it are not told in the document.
_NUMBER = BeforeValidator(no_truth)
#: What every number lies in that is an argument of a method now, which knows better.
OldNumber = Annotated[float, Field(ge=0, le=1000), _NUMBER]
Length = Annotated[float, Field(ge=0, le=1e7), _NUMBER]
Moment = Annotated[float, Field(ge=0, le=1e6), _NUMBER]
Word = Annotated[str, Field(max_length=200, pattern=_PRINTED)]
Place = Annotated[
    str, Field(max_length=300, pattern=_PRINTED, description="`VIDEO` or `VIDEO@12.5`")
]
#: Parts of one question that are each asked of all evidence: a part costs as much as a question.
MOST_PARTS = 32


def _few_parts(parsed: Parsed) -> None:
    todo, parts = [parsed.clause] if parsed.clause else [], 0
    while todo:
        one = todo.pop()
        parts += one.kind == "text"
        todo.extend(one.parts)
    if parts > MOST_PARTS:
        raise PydanticCustomError(
            "too_many_parts",
            "the question has {parts} parts; at most {most} are searched for",
            {"parts": parts, "most": MOST_PARTS},
        )


def readable(question: str) -> str:
    """Return a question as it is. Raises a validation error where it has too many parts."""
    with suppress(QueryError):  # refused where it is searched, with the place that is wrong
        _few_parts(parse(question))
    return question


Text = Annotated[str, Field(max_length=4000)]
Kind = Literal["prequel", "current", "sequel"]
Form = Literal["csv", "json", "srt", "vtt", "m3u8", "edl", "otio"]


class Strict(BaseModel):
    """A request: what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid")


class Read(Strict):
    """A question that is read once, as it comes in."""

    _parsed: Parsed | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _read(self) -> Self:
        try:
            self._parsed = parse(self._said)
        except QueryError:
            return self  # refused where it is searched, with the place that is wrong
        _few_parts(self._parsed)
        return self

    @property
    def _said(self) -> str:
        return getattr(self, "q", None) or ""

    @property
    def question(self) -> str | Parsed:
        """The question as it was read; as it was typed where it cannot be."""
        return self._said if self._parsed is None else self._parsed


class Filter(Strict):
    """Which videos and evidence count."""

    channels: list[Channel] = Field([], description="Search only these.", max_length=50)
    languages: list[Language] = Field([], description="Only evidence in these.", max_length=50)
    since: Day | None = Field(None, description="Only videos from this date on.")
    until: Day | None = Field(None, description="Only videos up to this date.")
    tags: list[Word] = Field([], description="Only videos with all of these.", max_length=50)
    videos: list[Word] = Field([], description="Only these, by id.", max_length=1000)
    shortest_s: Length | None = Field(None, description="Only videos of at least this length.")
    longest_s: Length | None = Field(None, description="Only videos of at most this length.")
    without_channels: list[Channel] = Field([], description="None of these.", max_length=50)
    without_languages: list[Language] = Field(
        [], description="No evidence in these.", max_length=50
    )
    without_tags: list[Word] = Field([], description="No videos with any of these.", max_length=50)

    def filters(self) -> Filters:
        """Return what was given."""
        return Filters.of(**{name: getattr(self, name) for name in Filter.model_fields})


class Faceted(Read, Filter):
    """What is counted: all videos, or those that answer a question."""

    q: Text | None = Field(None, description="The question, or filters alone.")


def _one(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _chooses(kind: str, before: str = "") -> Any:
    """Return a text that chooses a method of a kind by its name, after what may stand `before`.

    Its arguments are looked at with all others, when the search is known.
    """
    names = (*registry().names(kind), *renamed.VALUES.get(kind, ()))

    def known(text: str) -> str:
        name = re.sub(f"^{before}", "", text).partition("(")[0].strip()
        if name not in names:
            said = {"said": unknown(kind, name, registry().names(kind))}
            raise PydanticCustomError("unknown_method", "{said}", said)
        return text

    pattern = rf"^{before}({'|'.join(map(re.escape, names))})(\(.*\))?$"
    shape = WithJsonSchema({"type": "string", "pattern": pattern, "maxLength": 400})
    return Annotated[str, Field(max_length=400), AfterValidator(known), shape]


def _way(kind: str) -> tuple[Any, Any]:
    """Return what chooses methods of a kind as a field that may be left out."""
    about = Settings.model_fields[kind].description
    names = ", ".join(registry().names(kind))
    told = f"{about} One of {names}; arguments are written `NAME(k=5)`."
    if kind == "pool" or choices.KINDS[kind]:
        item: Any = _chooses(kind, r"(([a-z][a-z0-9_]{0,39}|\*)=)?" if kind == "pool" else "")
        several: Any = Annotated[list.__class_getitem__(item) | None, BeforeValidator(_one)]
        return several, Field(None, description=told, max_length=8)
    return _chooses(kind) | None, Field(None, description=told)


def _bounded(name: str) -> tuple[Any, Any]:
    """Return a setting as a field that may be left out, bounded as in `Settings`."""
    field = Settings.model_fields[name]
    kind: Any = field.annotation
    checks = list(field.metadata) if kind is bool else [*field.metadata, _NUMBER]
    if checks:
        kind = Annotated[(kind, *checks)]
    return kind | None, Field(None, description=f"{field.description} [{field.default}]")


def _old(name: str) -> tuple[Any, Any]:
    told = f"Now `{renamed.NAMES[name]}`." if name in renamed.NAMES else ""
    told = told or f"Now an argument of `{renamed.ARGUMENTS[name][0]}`."
    kind: Any = _chooses(renamed.NAMES[name]) if name in renamed.NAMES else OldNumber
    kind = Literal["fold", "llm"] if name == "refine" else kind
    return kind | None, Field(None, description=told, deprecated=True)


_settings: dict[str, Any] = {
    "recipe": (
        Literal[recipes.names()] | None,
        Field(None, description="Methods of the whole search; those below stand before it."),
    ),
    **{kind: _way(kind) for kind in choices.KINDS},
    **{name: _bounded(name) for name in LIST_SETTINGS},
    **{name: _old(name) for name in renamed.OLD},
}
_Overrides = create_model("_Overrides", __base__=Strict, **_settings)


class Overrides(_Overrides):  # type: ignore[misc, valid-type]
    """Settings of the collection to be changed for this request.

    None loads a model, opens an address or reads a file. Raises ConfigError for arguments that a
    method does not take.
    """

    @model_validator(mode="after")
    def _allowed(self) -> Self:
        choices.check_plain(chosen(changed(Settings(), self.settings())))
        return self

    def settings(self) -> dict[str, Any]:
        """Return what was given."""
        given = self.model_dump(include=set(_settings), exclude_none=True)
        return {name: given[name] for name in _settings if name in given}


class Asked(Read, Filter, Overrides):
    """A question with its filters and settings."""

    q: Text = Field(
        min_length=1,
        description="The question, in any language; the query language is understood.",
        examples=["earthquake in Mexico", "地震救援现场"],
    )
    top: Annotated[int, Field(ge=1, le=1000), _NUMBER] | None = Field(
        None, description="Hits shown."
    )
    offset: Annotated[int, Field(ge=0, le=10_000), _NUMBER] = Field(
        0, description="Hits left out at the beginning."
    )
    moments: bool = Field(True, description="Whether moments and reasons are made.")

    def arguments(self) -> dict[str, Any]:
        """Return what was given beside the question, as `Index.search` takes it."""
        own = {"top": self.top, "offset": self.offset}
        given: dict[str, Any] = {name: value for name, value in own.items() if value}
        return given | {"moments": self.moments, "filters": self.filters()} | self.settings()


class AskedMoments(Read, Filter, Overrides):
    """A question that moments of all videos are ranked for."""

    q: Text = Field(min_length=1, description="The question.", examples=["earthquake in Mexico"])
    top: Annotated[int, Field(ge=1, le=500), _NUMBER] = Field(10, description="Moments shown.")
    offset: Annotated[int, Field(ge=0, le=500), _NUMBER] = Field(
        0, description="Moments left out at the beginning."
    )

    def arguments(self) -> dict[str, Any]:
        """Return what was given beside the question, as `Index.moments` takes it."""
        own = {"top": self.top, "offset": self.offset, "filters": self.filters()}
        return own | self.settings()


class Exported(Asked):
    """A question, and the kind of file its moments become."""

    format: Form = "csv"


class Event(Strict):
    kind: Kind
    text: str = Field(min_length=1, max_length=500, examples=["people search the rubble"])
    own: bool = Field(
        False, description="Written by whoever asks: it counts as much as the question itself."
    )


class Events(Strict):
    """Sub-events to search with, instead of those the question is unfolded into."""

    events: list[Event] = Field(max_length=60)


class Question(Asked):
    """A question that may bring its own sub-events, examples, likes and dislikes."""

    q: Text = Field("", description="The question; may be empty where there are examples.")
    decomposition: Events | None = None
    examples: list[Place] = Field(
        [], max_length=8, description="Ids of uploaded examples, or `VIDEO@12.5`."
    )
    like: list[Place] = Field([], max_length=50)
    dislike: list[Place] = Field([], max_length=50)
    facets: bool = Field(
        False, description="Whether all videos found are counted, as `GET /v1/facets` does."
    )
    clarify: bool = Field(
        False, description="Whether it is asked back about the first hits, as `GET /v1/clarify`."
    )
    curve: bool = Field(
        False, description="Whether the score over time is told, where one video is shown."
    )

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"q": "earthquake in Mexico", "top": 5},
                {
                    "q": "rocket launch",
                    "decomposition": {
                        "events": [{"kind": "prequel", "text": "engineers wait for the wind"}]
                    },
                },
            ]
        },
    )


class Answered(Read, Filter, Overrides):
    """A question to be answered in sentences, and how."""

    q: Text = Field(
        min_length=1,
        description="The question, in any language.",
        examples=["Who piloted the space shuttle?"],
    )
    how: _chooses("answer") = Field(  # type: ignore[valid-type]
        "extractive", description="Strategy, such as `extractive(sentences=2)`."
    )

    def arguments(self) -> dict[str, Any]:
        """Return what was given beside the question, as `Index.answer` takes it."""
        return {"how": self.how, "filters": self.filters()} | self.settings()


class Cut(Strict):
    """How a video is cut into chapters."""

    how: _chooses("chapters") = Field(  # type: ignore[valid-type]
        "contained", description="Way, such as `texttiling(least_s=60)`."
    )


class ExportedQuestion(Question):
    """The same, and the kind of file the moments become."""

    format: Form = "csv"


class Paths(Strict):
    paths: list[Annotated[str, Field(min_length=1, max_length=4096)]] = Field(
        min_length=1,
        max_length=1000,
        description="Files, folders, patterns or manifests on the server's own disk.",
        examples=[["videos/"]],
    )


class NewLabel(Strict):
    """Says that a stretch of a video answers a question, or with 0 that it does not."""

    query: Annotated[Text, AfterValidator(readable)] = Field(
        min_length=1, examples=["earthquake in Mexico"]
    )
    video: Word
    start: Moment = 0.0
    end: Moment | None = None
    relevance: Annotated[int, Field(ge=0, le=3), _NUMBER] = 1
