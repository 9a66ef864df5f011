"""The language and vision model that is meant: that of the settings, else the profile's."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from q2e.errors import ConfigError

if TYPE_CHECKING:
    from q2e.models.base import LanguageModel, MaskedModel, VisionLanguageModel
    from q2e.models.registry import Models
    from q2e.settings import Settings


def language_model(settings: Settings, models: Models) -> LanguageModel:
    """Return the language model that the settings name, else the profile's.

    Raises ConfigError where there is none, saying how to give one, and like `Models.open`.
    """
    if settings.language_model is not None:
        return cast("LanguageModel", models.open(settings.language_model, "language"))
    if models.has("language"):
        return models.language
    raise ConfigError(
        "this needs a language model: set language_model to `http://host:port/v1#name` or "
        "`file:model.gguf` (in q2e.toml, or as Q2E_LANGUAGE_MODEL), or name one in the profile"
    )


def has_vision(settings: Settings, models: Models) -> bool:
    """Return whether the settings or the profile name a vision model; nothing is loaded."""
    return settings.vision_model is not None or models.has("vision")


def vision_model(settings: Settings, models: Models) -> VisionLanguageModel:
    """Return the vision model that the settings name, else the profile's.

    Raises ConfigError where there is none, saying how to give one, and like `Models.open`.
    """
    if settings.vision_model is not None:
        return cast("VisionLanguageModel", models.open(settings.vision_model, "vision"))
    if models.has("vision"):
        return models.vision
    raise ConfigError(
        "this needs a vision model: set vision_model to `http://host:port/v1#name` (in q2e.toml, "
        "or as Q2E_VISION_MODEL), or name one in the profile"
    )


def masked_model(settings: Settings, models: Models) -> MaskedModel | None:
    """Return the masked model that the settings name, else the profile's; None without one."""
    if settings.masked_model is not None:
        return cast("MaskedModel", models.open(settings.masked_model, "masked"))
    return models.masked if models.has("masked") else None
