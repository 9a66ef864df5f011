"""Opens models by source: which of our adapters fits a task and what lies in its folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from q2e.errors import ConfigError
from q2e.models.base import ModelInfo
from q2e.models.fetch.catalogue import check_licence, describe, look_up, plugin_needed
from q2e.models.fetch.sources import Source, fingerprint, locate, parse
from q2e.settings import Settings

#: The function that opens a folder for each task: `open(folder, info, settings)`.
_OPENERS: Mapping[str, str] = {
    "text": "q2e.models.torch.sentences:open_text",
    "image": "q2e.models.torch.seeing:open_pictures",
    "video": "q2e.models.torch.seeing:open_pictures",
    "image_text": "q2e.models.torch.sentences:open_text",
    "eye": "q2e.models.local.eye:open_eye",
    "reranker": "q2e.models.torch.sentences:open_reranker",
    "late": "q2e.models.torch.sentences:open_tokens",
    "speech": "q2e.models.local.whisper:open_speech",
    "sound": "q2e.models.local.yamnet:open_sound",
    "translator": "q2e.models.torch.nllb:open_translator",
    "language": "q2e.models.torch.generate:open_language",
    "vision": "q2e.models.torch.generate:open_vision",
    "masked": "q2e.models.torch.masked:open_masked",
    "mmi": "q2e.mmi.weights:open_head",
}


def adapt(text: str, task: str, settings: Settings) -> Any:
    """Return the model of a source for a task.

    Raises ConfigError where no adapter or plugin fits, ModelError where the model is not on this
    machine, is damaged or must not be used, MissingDependency where its runtime is missing.
    """
    source = parse(text)
    entry = look_up(source)
    check_licence(source, settings.non_commercial)
    if entry is not None and entry.plugin:
        raise plugin_needed(source)
    if source.kind == "http":
        return _served(source, task)
    if source.kind == "package":
        raise ConfigError(f"no installed plugin offers the {task} model {source}")
    if task not in _OPENERS:
        raise ConfigError(f"a {task} model comes from a package or a plugin, not from {source}")
    folder = locate(source, entry.info.size_bytes if entry else 0)
    info = describe(source, task)
    if source.kind == "file":
        info = replace(info, source=f"{info.source}@{fingerprint(folder)}")
    return _opener(task)(folder, info, settings)


def _served(source: Source, task: str) -> Any:
    from q2e.models.served.openai_compatible import OpenAICompatible

    if task not in ("language", "vision"):
        raise ConfigError(f"a {task} model cannot be reached through a server: {source}")
    return OpenAICompatible(source.name, source.part or "default")


def _opener(task: str) -> Callable[[Path, ModelInfo, Settings], Any]:
    module, name = _OPENERS[task].split(":")
    opener: Callable[[Path, ModelInfo, Settings], Any] = getattr(import_module(module), name)
    return opener
