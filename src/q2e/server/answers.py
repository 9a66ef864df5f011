"""The JSON that `q2e.shape` and the server make, as the OpenAPI document describes it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from q2e.server.faults import CODES
from q2e.server.schemas import Channel, Kind


class Problem(BaseModel):
    code: Literal[CODES]  # type: ignore[valid-type]
    message: str
    next: str = Field(description="What to do about it.")
    position: int | None = Field(None, description="Where in the question, for `bad_question`.")


class Failure(BaseModel):
    """Every answer that is not a success."""

    error: Problem


class TimedText(BaseModel):
    start: float
    end: float
    text: str


class SpanShape(TimedText):
    words: list[tuple[int, float]] = Field(
        [], description="In a timeline: the character and the second at which each word begins."
    )


class TagShape(BaseModel):
    label: str
    probability: float


class EvidenceShape(BaseModel):
    channel: Channel
    start: float
    end: float
    text: str
    language: str | None
    origin: str
    frame: float | None = None
    spans: list[SpanShape] = []
    confidence: float | None = None
    tags: list[TagShape] = []


class MomentShape(BaseModel):
    start: float
    end: float
    frame: float
    score: float
    evidence: list[EvidenceShape]


class ReasonShape(BaseModel):
    """One term of a hit's score: the contributions of its reasons add up to the score."""

    channel: str
    part: str
    how: str
    weight: float
    score: float
    rank: int
    entropy: float
    contribution: float
    event: str | None
    text: str
    start: float
    end: float
    frame: float | None
    words: list[str] = Field(description="Words of the question that the evidence matches.")
    says: str = Field(description="The same for people, such as `looks like: snow, slope`.")


class HitShape(BaseModel):
    rank: int
    video: str
    path: str
    title: str
    score: float
    moments: list[MomentShape]
    why: list[ReasonShape]
    also_in: list[str] = Field(description="Near duplicates that were merged into this hit.")
    confidence: float | None = Field(
        description="1 less the chance that a question without an answer finds as good a hit."
    )
    certainty: float | None = Field(description="Probability that the hit answers.")
    certain: Literal["found", "perhaps", "weaker"] | None = Field(
        description="The certainty in a word."
    )


class EventShape(BaseModel):
    kind: Kind
    text: str


class DecompositionShape(BaseModel):
    backend: str
    prompt_version: str
    note: str
    event_type: str | None
    english: str | None
    time: list[str]
    place: list[str]
    subject: list[str]
    events: list[EventShape]


class QueryShape(BaseModel):
    text: str
    language: str | None
    decomposition: DecompositionShape
    clause: dict[str, Any] | None = Field(
        description="A question in the query language, as a tree."
    )


class ResultsShape(BaseModel):
    version: int
    query: QueryShape
    hits: list[HitShape]
    weaker: int = Field(description="Hits of these that hardly answer, and are shown folded.")
    index: dict[str, Any]
    timings: dict[str, float]


class CitationShape(BaseModel):
    """A moment of a video, and what stands there to the letter."""

    video: str
    path: str
    title: str
    start: float
    end: float
    quote: str
    channel: str
    language: str | None


class SentenceShape(BaseModel):
    text: str
    place: Literal["before", "during", "after"] | None
    quoted: bool = Field(description="Whether the sentence is a quote itself.")
    citations: list[CitationShape]


class AnswerShape(BaseModel):
    """What videos say to a question; without sentences nothing here answers."""

    version: int
    question: str
    language: str | None
    found: bool
    confidence: float = Field(description="The chance that the first sentence answers.")
    how: str
    sentences: list[SentenceShape]
    notes: list[str]
    not_found: list[str] = Field(description="Words of the question that no cited moment says.")
    spent: dict[str, float]


class WayShape(BaseModel):
    """A strategy, and what it may spend."""

    name: str
    summary: str
    usable: bool = Field(description="Whether the models are named that it needs.")
    calls: int = Field(description="Times that it asks a model, at most; 0 without any.")
    tokens: int = Field(description="Tokens asked and answered, at most, estimated.")
    seconds: float = Field(description="Seconds that its models may take in all.")


class WaysShape(BaseModel):
    """How a question can be answered here, the ways without a model first."""

    ways: list[WayShape]


class OptionShape(BaseModel):
    label: str
    text: str = Field(description="The question with this option in it.")
    videos: int


class ClarifyShape(BaseModel):
    """A question back; its answer halves the hits best."""

    question: str | None
    options: list[OptionShape]
    bits: float


class SuggestionShape(BaseModel):
    """A question with its end written out; `phrase` is what was put in."""

    text: str
    phrase: str
    kind: Literal["title", "tag", "place", "event", "word"]


class SuggestionsShape(BaseModel):
    """Ways to go on with a question, the likeliest first."""

    suggestions: list[SuggestionShape]


class CurveShape(BaseModel):
    """The score of one video over its time."""

    video: str
    step: float = Field(description="Seconds that one value stands for.")
    values: list[float] = Field(
        max_length=200, description="Shares of the highest, 0 to 1, from the video's beginning on."
    )


class PageShape(ResultsShape):
    """What was found, with what else was asked for in the same request."""

    facets: dict[str, dict[str, int]] | None = Field(
        None, description="Videos found by language, year, tag, channel and length."
    )
    clarify: ClarifyShape | None = None
    curve: CurveShape | None = Field(
        None, description="Null where several videos are shown, or none, or an order is asked for."
    )


class MarkShape(BaseModel):
    kind: str
    start: int
    end: int
    text: str
    value: str | None = None


class ParsedShape(BaseModel):
    """How a question is understood: `clauses` are the words that mean something to the language."""

    version: int
    text: str
    plain: bool
    clauses: list[MarkShape]
    clause: dict[str, Any] | None
    filters: dict[str, Any]
    hint: str = Field(description="What may be a mistake, though it is searched; or nothing.")
    error: Problem | None


class VideoShape(BaseModel):
    id: str
    path: str
    title: str
    description: str
    date: str | None
    language: str | None
    tags: list[str]
    duration: float
    width: int
    height: int
    rate: float
    has_video: bool
    has_audio: bool
    size: int


class VideosShape(BaseModel):
    total: int
    offset: int
    videos: list[VideoShape]


class FolderShape(BaseModel):
    folder: str
    videos: int


class FoldersShape(BaseModel):
    folders: list[FolderShape]


class Stretch(BaseModel):
    start: float
    end: float


class VideoRecordShape(BaseModel):
    version: int
    video: VideoShape
    segments: list[Stretch]
    evidence: dict[str, int] = Field(description="Number of pieces by channel.")
    failures: list[dict[str, Any]]


class TimelineShape(BaseModel):
    video: str
    duration: float
    segments: list[Stretch]
    evidence: dict[str, list[EvidenceShape]] = Field(description="By channel, in order of time.")


class ChapterShape(BaseModel):
    start: float
    end: float
    title: str
    language: str | None


class ChaptersShape(BaseModel):
    version: int
    video: str
    path: str
    duration: float
    how: str = Field(description="The way with its parameters.")
    contained: bool = Field(description="Whether the file came with them.")
    chapters: list[ChapterShape] = Field(description="In order of time.")


class StatusShape(BaseModel):
    version: int
    directory: str
    videos: int
    duration: float
    evidence: dict[str, int]
    spaces: dict[str, int]
    outdated: int = Field(description="Pieces of work whose words or text vectors are older.")
    failures: list[dict[str, Any]]
    missing: list[str]
    failed: int = Field(description="How many failures there are; the first are listed.")
    lost: int = Field(description="How many files are missing; the first are listed.")
    size: int


class FailuresShape(BaseModel):
    total: int
    offset: int
    failures: list[dict[str, Any]] = Field(description="In order of paths.")


class HealthShape(BaseModel):
    status: Literal["ok", "ready"]
    version: str


class SessionShape(BaseModel):
    """Who asks, and what that allows."""

    name: str = Field(description="Name of the token; `everybody` where none is demanded.")
    scope: Literal["read", "label", "index"]
    demanded: bool = Field(description="Whether the server demands a token.")


class ModelsShape(BaseModel):
    profile: str
    models: list[dict[str, Any]]


class Files(BaseModel):
    total: int
    done: int


class JobShape(BaseModel):
    id: str
    kind: Literal["index", "retry"]
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    paths: list[str]
    made: str
    started: str | None
    ended: str | None
    files: Files
    current: dict[str, Any] | None = Field(description="File, stage, and seconds done of it.")
    report: dict[str, Any] | None
    error: str | None


class JobsShape(BaseModel):
    jobs: list[JobShape]


class UploadShape(BaseModel):
    id: str = Field(description="What to name in `examples` of POST /v1/search.")
    kind: Literal["image", "video", "sound"]
    duration: float
    width: int
    height: int
