"""Every setting, declared once: for `q2e.toml`, environment variables, the CLI and the docs.

Precedence, highest first: arguments, environment (`Q2E_...`), the index's own `q2e.toml`,
the defaults below.
"""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any, Literal, get_origin

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from q2e.errors import ConfigError
from q2e.text.layers import Layer

CONFIG_NAME = "q2e.toml"


class Settings(BaseSettings):
    """What can be set; reading settings decide what is stored, search settings do not."""

    model_config = SettingsConfigDict(env_prefix="Q2E_", frozen=True, extra="forbid")

    profile: str = Field("local", description="Named set of models to read and search with.")

    channels: tuple[str, ...] = Field(
        ("frame", "speech", "screen_text", "metadata", "caption"),
        description="Ways in which a video is read.",
    )
    frames_per_video: int = Field(
        16, ge=1, le=512, description="Uniform frames of a video, besides one in each shot."
    )
    frame_max_side: int = Field(
        640, ge=64, le=4096, description="Longest side, in pixels, to which frames are reduced."
    )
    segment_max_s: float = Field(
        30.0, ge=10, description="Longest segment in seconds; longer shots are divided."
    )
    part_s: float = Field(
        600.0, ge=30, description="Seconds of video read and committed as one unit of work."
    )
    chunk_words: int = Field(
        60, ge=10, le=400, description="Words in one chunk of text that has a time, as speech has."
    )
    untimed_words: int = Field(
        120,
        ge=10,
        le=400,
        description="Words in one chunk of text about the whole video: metadata, and what is "
        "imported without start and end.",
    )
    speech_language: str | None = Field(
        None, description="ISO 639-1 code of the speech, where it is known; else recognised."
    )
    speech_layers: tuple[Layer, ...] = Field(
        (),
        description="English beside a transcript in another language: `english` by the "
        "recogniser, `translation` by the translator, `refined` by the language model from both.",
    )
    captions: Literal["composed", "vision", "structured"] = Field(
        "composed",
        description="Who describes the pictures: nobody, so that captions are composed of what was "
        "recognised, or the vision model, in sentences or in named fields.",
    )
    summary: Literal["composed", "llm"] = Field(
        "composed",
        description="What tells whole videos, where `summary` is among the channels: it is "
        "composed of what was recognised, or told by the language model.",
    )
    threads: int = Field(
        min(4, os.cpu_count() or 1), ge=1, le=256, description="Threads a model may use."
    )
    recycle_after: int = Field(
        50, ge=1, description="Videos after which the reading process is replaced by a new one."
    )

    top: int = Field(10, ge=1, le=10_000, description="Hits shown.")
    moments_per_video: int = Field(3, ge=1, le=100, description="Moments shown of one video.")
    decompose: Literal["events", "none", "llm"] = Field(
        "events", description="What unfolds a question into events before, during and after."
    )
    refine: Literal["fold", "llm"] = Field(
        "fold",
        description="What puts time, place and subject into sub-events: they are appended, or "
        "the language model words them.",
    )
    candidates: int = Field(
        0,
        ge=0,
        description="Videos that each score retrieves; their union is ranked, and what a channel "
        "did not retrieve gets its floor. 0 ranks all.",
    )
    fuse: str = Field("entropy_sum", description="Rule that makes one score of many.")
    pool: str = Field(
        "max",
        description="Rule that makes one score of a video's evidence: max, top, mean, hitchhiker, "
        "soft, meanmaxsim, chamfer, transport, cross_alignment, key_events or schema.",
    )
    expand: Literal["none", "hyde", "lamer", "rewrite"] = Field(
        "none", description="What is added to a question: imagined answers, words or rewritings."
    )
    expand_weight: float = Field(
        0.5, ge=0, le=1, description="Weight of what is added beside the question itself."
    )
    rerank: str = Field(
        "none",
        description="What ranks the best videos again: none, cross_encoder, late_interaction, "
        "yes_no, likelihood, listwise, vote or mmi.",
    )
    rerank_depth: int = Field(20, ge=1, le=1_000, description="Videos that are ranked again.")
    normalise: Literal["videos", "bank"] = Field(
        "bank", description="How scores of different channels are made comparable."
    )
    temperature: float = Field(
        1.0,
        ge=0.001,
        le=1000,
        description="Softness of the distribution from which entropy is taken.",
    )
    event_weight: float = Field(
        0.05, ge=0, le=1, description="Weight of a sub-event beside the question itself."
    )
    confidence: float = Field(
        1.0,
        ge=0,
        description="Least score of a hit in its best channel, in standard deviations above "
        "generic questions; 0 shows everything.",
    )
    false_alarms: float = Field(
        0.1,
        gt=0,
        lt=1,
        description="A hit is confident when at most this share of questions without an answer "
        "would find one as good by chance.",
    )
    confident: bool = Field(False, description="Whether only confident hits are shown.")
    must_not: float = Field(
        1.0, ge=0, description="Share of what a must-not finds that is taken off a video's score."
    )
    duplicates: Literal["merge", "keep"] = Field(
        "merge", description="Whether copies of a video are one hit or each their own."
    )
    change_image: float = Field(
        1.4, ge=0, description="How far a text moves the picture of an example (PDV's alpha_I)."
    )
    change_text: float = Field(
        1.4, ge=0, description="How far a text moves the example's description (PDV's alpha_T)."
    )
    change_share: float = Field(
        0.75, ge=0, le=1, description="Share of the description in an example (PDV's beta)."
    )
    like_weight: float = Field(0.75, ge=0, description="How far liked hits move a question.")
    dislike_weight: float = Field(0.25, ge=0, description="How far disliked hits move it.")
    drift: float = Field(
        0.8, ge=0, lt=1, description="Most that likes and dislikes add to a question of length 1."
    )
    feedback: Literal["events", "always", "never"] = Field(
        "events",
        description="When the best hits and videos like them have a say: for questions about "
        "events, whose videos resemble each other, always, or never.",
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = Field(
        "auto", description="Where PyTorch models run; `auto` takes a GPU where there is one."
    )
    precision: Literal["auto", "fp32", "fp16", "bf16"] = Field(
        "auto", description="Numbers PyTorch models compute in; `auto` halves them on a GPU."
    )
    remote_code: tuple[str, ...] = Field(
        (),
        description="Repositories (`org/name`) whose own Python code may run; nobody else's does.",
    )
    non_commercial: bool = Field(
        False, description="Whether models may be used whose licence forbids commercial use."
    )
    language_model: str | None = Field(
        None,
        description="Source of a language model: `http://host:port/v1#name` or `file:model.gguf`.",
    )
    vision_model: str | None = Field(
        None,
        description="Source of a model that describes pictures, as for `language_model`; else the "
        "profile's.",
    )
    translator: str | None = Field(
        None, description="Source of a model that translates text; else the profile's."
    )

    @field_validator("speech_language")
    @classmethod
    def _code(cls, value: str | None) -> str | None:
        from q2e.text.languages import known_languages

        return None if value is None else known_languages([value])[0]

    @field_validator("channels")
    @classmethod
    def _known_channels(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        from q2e.channels.known import check_readable

        check_readable(value)
        return tuple(dict.fromkeys(value))


def load_settings(directory: Path | None = None, **overrides: Any) -> Settings:
    """Return the settings for an index; `overrides` that are None are left out.

    Raises ConfigError naming the setting, its value and what is allowed.
    """
    values: dict[str, Any] = {}
    file = directory / CONFIG_NAME if directory else None
    if file and file.is_file():
        try:
            values = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"{file}: not valid TOML ({error}); mend or delete the file"
            ) from None
        except OSError as error:
            raise ConfigError(
                f"{file}: cannot be read ({error.strerror}); make it readable"
            ) from None
    environment = {name for name in Settings.model_fields if f"Q2E_{name.upper()}" in os.environ}
    values = {name: value for name, value in values.items() if name not in environment}
    values |= {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "settings"
        if first["type"] == "extra_forbidden":
            known = ", ".join(sorted(Settings.model_fields))
            raise ConfigError(f"unknown setting {name!r}; known: {known}") from None
        said = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"setting {name} = {first['input']!r}: {said}") from None
    except SettingsError:
        raise ConfigError(_unreadable(environment)) from None


def _unreadable(names: set[str]) -> str:
    """Return which of the settings in the environment is no list, and how one is written."""
    for name in sorted(names):
        given = os.environ[f"Q2E_{name.upper()}"]
        if is_list(name) and given[:1] != "[":
            return f'Q2E_{name.upper()}={given!r}: must be a JSON list, as in  ["one", "two"]'
    return f"not all of {', '.join(f'Q2E_{name.upper()}' for name in sorted(names))} can be read"


def is_list(name: str) -> bool:
    """Return whether a setting holds several values."""
    field = Settings.model_fields.get(name)
    return field is not None and get_origin(field.annotation) is tuple


def changed(settings: Settings, changes: dict[str, Any]) -> Settings:
    """Return settings with some of them changed. Raises ConfigError like `load_settings`."""
    return load_settings(**(settings.model_dump() | changes)) if changes else settings


def default_index() -> Path:
    """Return the index directory used when none is named: `$Q2E_INDEX` or `./index.q2e`."""
    return Path(os.environ.get("Q2E_INDEX", "index.q2e"))


def write_settings(directory: Path, settings: Settings) -> None:
    """Keep in a new index what differs from the defaults, so that later runs read alike."""
    file = directory / CONFIG_NAME
    if file.exists():
        return
    lines = ["# Settings of this collection; `q2e config` lists all of them.\n"]
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        if value != field.default and value is not None:
            lines.append(f"{name} = {_toml(value)}\n")
    file.write_text("".join(lines), encoding="utf-8")


def write_setting(directory: Path, name: str, value: object) -> None:
    """Change one line of an index's settings; the rest of the file stays as it is."""
    file = directory / CONFIG_NAME
    lines = file.read_text("utf-8").rstrip("\n").split("\n") if file.is_file() else []
    kept = [line for line in lines if line.partition("=")[0].strip() != name]
    # Above any table, where a name would belong to it.
    first = next((n for n, line in enumerate(kept) if line.lstrip().startswith("[")), len(kept))
    kept.insert(first, f"{name} = {_toml(value)}")
    file.write_text("\n".join(kept) + "\n", "utf-8")


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)
