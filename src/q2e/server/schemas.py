"""What requests may hold, for checking them and for the OpenAPI document."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model
from pydantic_core import PydanticCustomError

from q2e.errors import QueryError
from q2e.plugins import registry
from q2e.settings import Settings

#: Settings that a request may change: none that loads a model, opens an address or reads a file.
SEARCH_SETTINGS = (
    "decompose",
    "fuse",
    "normalise",
    "temperature",
    "event_weight",
    "confidence",
    "confident",
    "false_alarms",
    "must_not",
    "feedback",
    "moments_per_video",
    "expand",
    "pool",
    "expand_weight",
    "rerank",
    "rerank_depth",
    "refine",
    "duplicates",
    "change_image",
    "change_text",
    "change_share",
    "like_weight",
    "dislike_weight",
    "drift",
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
Word = Annotated[str, Field(max_length=200, pattern=_PRINTED)]
Place = Annotated[
    str, Field(max_length=300, pattern=_PRINTED, description="`VIDEO` or `VIDEO@12.5`")
]
#: Parts of one question that are each asked of all evidence: a part costs as much as a question.
MOST_PARTS = 32


def _few_parts(question: str) -> str:
    from q2e.query.language import parse

    try:
        clause = parse(question).clause
    except QueryError:
        return question  # refused where it is searched, with the place that is wrong
    todo, parts = [clause] if clause else [], 0
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
    return question


Text = Annotated[str, Field(max_length=4000), AfterValidator(_few_parts)]
Kind = Literal["prequel", "current", "sequel"]
Form = Literal["csv", "json", "srt", "vtt", "m3u8", "edl", "otio"]


class Strict(BaseModel):
    """A request: what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid")


class Filter(Strict):
    """Which videos and evidence count."""

    channels: list[Channel] = Field([], description="Search only these.", max_length=50)
    languages: list[Language] = Field([], description="Only evidence in these.", max_length=50)
    since: Day | None = Field(None, description="Only videos from this date on.")
    until: Day | None = Field(None, description="Only videos up to this date.")
    tags: list[Word] = Field([], description="Only videos with all of these.", max_length=50)
    videos: list[Word] = Field([], description="Only these, by id.", max_length=1000)

    def arguments(self) -> dict[str, Any]:
        """Return what was given, as `Index.search` takes it."""
        names = ("channels", "languages", "since", "until", "tags", "videos")
        return {name: given for name in names if (given := getattr(self, name))}


class Faceted(Filter):
    """What is counted: all videos, or those that answer a question."""

    q: Text | None = Field(None, description="The question, or filters alone.")


#: Names that a setting which is any text to `Settings` may have.
_NAMES: dict[str, tuple[str, ...]] = {
    "fuse": registry().names("fuse"),
    "pool": registry().names("pool"),
    "rerank": registry().names("rerank"),
}


def _field(name: str) -> tuple[Any, Any]:
    """Return a setting as a field that may be left out, bounded as in `Settings`."""
    field = Settings.model_fields[name]
    kind: Any = Literal[_NAMES[name]] if name in _NAMES else field.annotation
    if field.metadata:
        kind = Annotated[(kind, *field.metadata)]
    return kind | None, Field(None, description=f"{field.description} [{field.default}]")


_settings: dict[str, Any] = {name: _field(name) for name in SEARCH_SETTINGS}
_Overrides = create_model("_Overrides", __base__=Strict, **_settings)


class Overrides(_Overrides):  # type: ignore[misc, valid-type]
    """Settings of the collection to be changed for this request."""

    def settings(self) -> dict[str, Any]:
        return {name: given for name in _settings if (given := getattr(self, name)) is not None}


class Asked(Filter, Overrides):
    """A question with its filters and settings."""

    q: Text = Field(
        min_length=1,
        description="The question, in any language; the query language is understood.",
        examples=["earthquake in Mexico", "地震救援现场"],
    )
    top: int | None = Field(None, ge=1, le=1000, description="Hits shown.")
    offset: int = Field(0, ge=0, le=10_000, description="Hits left out at the beginning.")
    moments: bool = Field(True, description="Whether moments and reasons are made.")

    def arguments(self) -> dict[str, Any]:
        own = {"top": self.top, "offset": self.offset}
        given = {name: value for name, value in own.items() if value}
        return super().arguments() | given | {"moments": self.moments} | self.settings()


class Exported(Asked):
    """A question, and the kind of file its moments become."""

    format: Form = "csv"


class Event(Strict):
    kind: Kind
    text: str = Field(min_length=1, max_length=500, examples=["people search the rubble"])


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

    query: Text = Field(min_length=1, examples=["earthquake in Mexico"])
    video: Word
    start: float = Field(0.0, ge=0, le=1e6)
    end: float | None = Field(None, ge=0, le=1e6)
    relevance: int = Field(1, ge=0, le=3)
