"""Every setting, declared once: for `q2e.toml`, environment variables, the CLI and the docs.

Settings are of the machine, of how videos are read, and of the list of hits; those from `decompose`
to `likes` choose methods, each with its arguments as in `rrf(k=5)`, and stand before the `recipe`.

Precedence, highest first: arguments, environment (`Q2E_...`), the index's own `q2e.toml`,
the defaults below.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from q2e import recipes
from q2e.allowed import allowed
from q2e.channel_facts import check_readable
from q2e.choices import KINDS, Said, said
from q2e.errors import ConfigError, unknown
from q2e.plugins import registry
from q2e.recipes import DEFAULT
from q2e.renamed import OLD, merged
from q2e.settings_file import CONFIG_NAME, of_file
from q2e.text.layers import Layer
from q2e.written import without_secrets

PREFIX = "Q2E_"
#: Variables that say something else than a setting.
NOT_SETTINGS = ("Q2E_INDEX", "Q2E_CACHE", "Q2E_TOKEN", "Q2E_API_KEY", "Q2E_DEV_DATA")
_log = logging.getLogger(__name__)


class Settings(BaseModel):
    """What can be set; reading settings decide what is stored, search settings do not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    profile: str = Field(
        default="local", description="Named set of models to read and search with."
    )

    store: str = Field(
        default="sqlite", description="Where evidence is kept and looked up: a store by name."
    )
    engine: str = Field(
        default="own",
        description="What finds the best videos of a collection larger than memory: an engine by "
        "name or address.",
    )
    executor: str = Field(
        default="local", description="What runs the reading of videos: an executor by name."
    )
    channels: tuple[str, ...] = Field(
        default=("frame", "speech", "screen_text", "metadata", "caption"),
        description="Ways in which a video is read.",
    )
    frames_per_video: int = Field(
        default=16, ge=1, le=512, description="Uniform frames of a video, besides one in each shot."
    )
    frames_per_hour: int = Field(
        default=0,
        ge=0,
        le=36_000,
        description="Frames an hour, at most, that are looked at where the picture changes within "
        "a shot, so that moments can be told apart; 0 for none.",
    )
    frame_max_side: int = Field(
        default=640,
        ge=64,
        le=4096,
        description="Longest side, in pixels, to which frames are reduced.",
    )
    key_frames: bool = Field(
        default=False,
        description="Whether only key frames are decoded, by which a file is read in a fraction of "
        "the time and shots are found less exactly.",
    )
    segment_max_s: float = Field(
        default=30.0, ge=10, description="Longest segment in seconds; longer shots are divided."
    )
    part_s: float = Field(
        default=600.0, ge=30, description="Seconds of video read and committed as one unit of work."
    )
    chunk_words: int = Field(
        default=60,
        ge=10,
        le=400,
        description="Words in one chunk of text that has a time, as speech has.",
    )
    untimed_words: int = Field(
        default=120,
        ge=10,
        le=400,
        description="Words in one chunk of text about the whole video: metadata, and what is "
        "imported without start and end.",
    )
    speech_language: str | None = Field(
        default=None,
        description="ISO 639-1 code of the speech, where it is known; else recognised.",
    )
    speech_layers: tuple[Layer, ...] = Field(
        default=(),
        description="English beside a transcript in another language: `english` by the "
        "recogniser, `translation` by the translator, `refined` by the language model from both.",
    )
    captions: str = Field(
        default="composed",
        description="Who describes the pictures: nobody, so that captions are composed of what was "
        "recognised, or the vision model, in sentences or in named fields.",
    )
    summary: str = Field(
        default="composed",
        description="What tells whole videos, where `summary` is among the channels: it is "
        "composed of what was recognised, or told by the language model.",
    )
    threads: int = Field(
        default=min(4, os.cpu_count() or 1), ge=1, le=256, description="Threads a model may use."
    )
    recycle_after: int = Field(
        default=50,
        ge=1,
        description="Videos after which the reading process is replaced by a new one.",
    )

    top: int = Field(default=10, ge=1, le=10_000, description="Hits shown.")
    moments_per_video: int = Field(
        default=3, ge=1, le=100, description="Moments shown of one video."
    )
    recipe: str = Field(
        default=DEFAULT,
        description="Methods of a whole search: default, q2e, q2e-live or mmi, or a TOML file of "
        "one's own. The settings from `decompose` to `likes` stand before it.",
    )
    decompose: str | None = Field(
        default=None, description="What unfolds a question into events before, during and after."
    )
    expand: tuple[str, ...] | None = Field(
        default=None,
        description="What is added to a question: imagined answers, words or rewritings; several "
        "follow each other.",
    )
    pool: str | None = Field(
        default=None,
        description="Rule that makes one score of a video's evidence; one for each channel as in "
        '`{"*": "max", "frame": "mean"}`.',
    )
    calibrate: str | None = Field(
        default=None, description="How scores of different channels are made comparable."
    )
    fuse: str | None = Field(default=None, description="Rule that makes one score of many.")
    feedback: str | None = Field(
        default=None, description="What the best hits and videos like them add to the ranking."
    )
    rerank: tuple[str, ...] | None = Field(
        default=None, description="What ranks the best videos again; several follow each other."
    )
    localise: str | None = Field(
        default=None, description="The way from evidence to the moments that answer."
    )
    moment_head: str | None = Field(default=None, description="Folder of a head for moments.")
    compose: str | None = Field(
        default=None, description="How a text changes the example that is searched with."
    )
    likes: str | None = Field(
        default=None, description="How liked and disliked hits move a question."
    )
    candidates: int = Field(
        default=0,
        ge=0,
        description="Videos that each row of a question brings; they are searched together with a "
        "sample that stands for all others. 0 searches all.",
    )
    confidence: float = Field(
        default=1.0,
        ge=0,
        description="Least score of a hit in its best channel, in standard deviations above "
        "generic questions; 0 shows everything.",
    )
    false_alarms: float = Field(
        default=0.1,
        gt=0,
        lt=1,
        description="A hit is confident when at most this share of questions without an answer "
        "would find one as good by chance.",
    )
    confident: bool = Field(default=False, description="Whether only confident hits are shown.")
    must_not: float = Field(
        default=1.0,
        ge=0,
        description="How far a video falls that shows a must-not: at 1 below all others, at 0 not.",
    )
    duplicates: Literal["merge", "keep"] = Field(
        default="merge", description="Whether copies of a video are one hit or each their own."
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = Field(
        default="auto",
        description="Where PyTorch models run; `auto` takes a GPU where there is one.",
    )
    precision: Literal["auto", "fp32", "fp16", "bf16"] = Field(
        default="auto",
        description="Numbers PyTorch models compute in; `auto` halves them on a GPU.",
    )
    remote_code: tuple[str, ...] = Field(
        default=(),
        description="Repositories (`org/name`) whose own Python code may run; nobody else's does.",
    )
    non_commercial: bool = Field(
        default=False,
        description="Whether models may be used whose licence forbids commercial use.",
    )
    language_model: str | None = Field(
        default=None,
        description="Source of a language model: `http://host:port/v1#name` or `file:model.gguf`.",
    )
    vision_model: str | None = Field(
        default=None,
        description="Source of a model that describes pictures, as for `language_model`; else the "
        "profile's.",
    )
    masked_model: str | None = Field(
        default=None, description="Source of a model that fills gaps in texts; else the profile's."
    )
    sound_model: str | None = Field(
        default=None,
        description="Source of a model that hears what is not said, for the channel `sound`: a "
        "YAMNet-shaped file such as `file:yamnet.onnx`; else the profile's.",
    )
    translator: str | None = Field(
        default=None, description="Source of a model that translates text; else the profile's."
    )

    @field_validator(*KINDS, mode="before")
    @classmethod
    def _chosen(cls, value: object, info: ValidationInfo) -> object:
        return None if value is None else said(str(info.field_name), value)

    @field_validator("recipe")
    @classmethod
    def _readable(cls, value: str) -> str:
        name = recipes.read(value).name
        return name if name in recipes.names() else str(Path(name).resolve())

    @field_validator("captions", "summary", "store", "engine", "executor")
    @classmethod
    def _made(cls, value: str, info: ValidationInfo) -> str:
        kind = {"captions": "caption"}.get(str(info.field_name), str(info.field_name))
        return str(registry().one(kind, value))

    @field_validator("speech_language")
    @classmethod
    def _code(cls, value: str | None) -> str | None:
        from q2e.text.languages import known_languages

        return None if value is None else known_languages([value])[0]

    @field_validator("channels")
    @classmethod
    def _known_channels(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        check_readable(value)
        return tuple(dict.fromkeys(value))


def load_settings(directory: Path | None = None, **overrides: Any) -> Settings:
    """Return the settings for an index; `overrides` that are None are left out.

    Raises ConfigError naming the setting, its value and what is allowed.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    found = merged([of_file(directory), _of_environment(), given])
    if directory is not None and not (directory / CONFIG_NAME).exists() and "recipe" in found:
        # An index that is there is read as it was; one that is made now as its recipe says.
        found = {**recipes.read(str(found["recipe"])).reading, **found}
    return _checked(found)


def changed(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """Return settings with some of them changed. Raises ConfigError like `load_settings`."""
    if not changes:
        return settings
    return _checked(merged([settings.model_dump(exclude_none=True), changes]))


def chosen(settings: Settings) -> dict[str, Said]:
    """Return what is said of each kind of method: by the settings, else by their recipe."""
    recipe = recipes.read(settings.recipe).choices
    own = {kind: getattr(settings, kind) for kind in KINDS}
    return {kind: recipe[kind] if own[kind] is None else own[kind] for kind in KINDS}


def effective(settings: Settings) -> dict[str, Any]:
    """Return all settings with the methods in force, as for writing down what a search rests on."""
    return settings.model_dump(mode="json") | chosen(settings)


def _checked(values: Mapping[str, Any]) -> Settings:
    for name in values:
        if name not in Settings.model_fields:
            raise ConfigError(unknown("setting", name, Settings.model_fields, "q2e config"))
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        field = Settings.model_fields[name]
        must = f"must be {allowed(field.annotation, field.metadata)}"
        if first["type"] == "value_error":
            must = first["msg"].removeprefix("Value error, ")
        shown = without_secrets(repr(first["input"]))
        raise ConfigError(f"setting {name} = {shown}: {must}") from None


def _of_environment() -> dict[str, Any]:
    """Return what variables `Q2E_...` say; one that is no setting is warned of."""
    found: dict[str, Any] = {}
    for variable, value in os.environ.items():
        name = variable.removeprefix(PREFIX).lower()
        if not variable.startswith(PREFIX) or variable in NOT_SETTINGS:
            continue
        if name in Settings.model_fields or name in OLD:
            found[name] = _listed(variable, value) if is_list(name) else value
        else:
            known = (f"{PREFIX}{one.upper()}" for one in Settings.model_fields)
            near = get_close_matches(variable, [*known, *NOT_SETTINGS], n=1)
            meant = f"; did you mean {near[0]}?" if near else ""
            _warn(f"the environment variable {variable} is no setting and changes nothing{meant}")
    return found


def _listed(variable: str, value: str) -> Any:
    """Return a list given in the environment as JSON; for methods a text will do."""
    if value[:1] != "[" and variable.removeprefix(PREFIX).lower() in KINDS:
        return value
    try:
        found = json.loads(value)
    except ValueError:
        found = None
    if not isinstance(found, list):
        raise ConfigError(f'{variable}={value!r}: must be a JSON list, as in  ["one", "two"]')
    return found


@cache
def _warn(text: str) -> None:
    _log.warning("%s", text)


def is_list(name: str) -> bool:
    """Return whether a setting holds several values."""
    field = Settings.model_fields.get(name)
    return field is not None and "tuple[" in str(field.annotation)


def default_index() -> Path:
    """Return the index directory used when none is named: `$Q2E_INDEX` or `./index.q2e`."""
    return Path(os.environ.get("Q2E_INDEX", "index.q2e"))
