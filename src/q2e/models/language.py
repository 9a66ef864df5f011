"""The language model that is meant: the one that the settings name, else the profile's."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from q2e.errors import ConfigError

if TYPE_CHECKING:
    from q2e.models.base import LanguageModel
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
