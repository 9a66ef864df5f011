"""Which models a profile names, and the one loaded instance of each in this process."""

from __future__ import annotations

import threading
from typing import Any, cast

from q2e.errors import ConfigError
from q2e.models import profiles
from q2e.models.base import (
    ImageTextEncoder,
    LanguageModel,
    MaskedModel,
    Reranker,
    SoundTagger,
    SpeechRecognizer,
    TextEncoder,
    TextReader,
    TokenEncoder,
    Translator,
    VideoEncoder,
    VisionLanguageModel,
)
from q2e.models.profiles import Profile
from q2e.plugins import registry
from q2e.settings import Settings

#: Settings that change how a model is made; others share its one instance in this process.
_MAKING = ("threads", "device", "precision", "remote_code", "non_commercial")
#: Settings that name the model for a task instead of the profile.
_NAMED = {
    "language": "language_model",
    "vision": "vision_model",
    "translator": "translator",
    "sound": "sound_model",
    "masked": "masked_model",
}
_instances: dict[tuple[object, ...], Any] = {}
_loading = threading.RLock()


class Models:
    """The models of one profile; each is loaded when it is first asked for, once a process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.profile: Profile = profiles.load(settings.profile)

    @property
    def text(self) -> TextEncoder:
        return cast(TextEncoder, self.load("text"))

    @property
    def image(self) -> ImageTextEncoder:
        return cast(ImageTextEncoder, self.load("image"))

    @property
    def video(self) -> VideoEncoder:
        return cast(VideoEncoder, self.load("video"))

    @property
    def clips(self) -> VideoEncoder | None:
        """The second encoder of what is seen, where the profile needs one; in a space of its own.

        Raises ConfigError where it shares the space of the first.
        """
        if "video" not in self.profile.sources:
            return None
        if self.video.space == self.image.space:
            raise ConfigError(
                f"profile {self.profile.name!r}: video = {self.profile['video']} sees what image "
                "sees already; name another model, or leave it out"
            )
        return self.video

    @property
    def seeing(self) -> dict[str, ImageTextEncoder | VideoEncoder]:
        """The encoders of what is seen: that of frames, and that of clips where there is one."""
        found: dict[str, ImageTextEncoder | VideoEncoder] = {"image": self.image}
        if (clips := self.clips) is not None:
            found["video"] = clips
        return found

    @property
    def speech(self) -> SpeechRecognizer:
        return cast(SpeechRecognizer, self.load("speech"))

    @property
    def sound(self) -> SoundTagger:
        return cast(SoundTagger, self.load("sound"))

    @property
    def reader(self) -> TextReader:
        return cast(TextReader, self.load("reader"))

    @property
    def reranker(self) -> Reranker:
        return cast(Reranker, self.load("reranker"))

    @property
    def late(self) -> TokenEncoder:
        return cast(TokenEncoder, self.load("late"))

    @property
    def translator(self) -> Translator:
        return cast(Translator, self.load("translator"))

    @property
    def language(self) -> LanguageModel:
        return cast(LanguageModel, self.load("language"))

    @property
    def vision(self) -> VisionLanguageModel:
        return cast(VisionLanguageModel, self.load("vision"))

    @property
    def masked(self) -> MaskedModel:
        return cast(MaskedModel, self.load("masked"))

    def has(self, task: str) -> bool:
        """Return whether a setting or the profile names a model for a task; nothing is loaded."""
        return self._named(task) is not None or task in self.profile

    @property
    def untrained_image(self) -> ImageTextEncoder:
        """The model of pictures without what was trained upon it."""
        return cast(ImageTextEncoder, self.load("image", trained=False))

    def load(self, task: str, *, trained: bool = True) -> Any:
        """Return the model for a task, loading it where that has not happened yet.

        Where the profile names an eye, pictures are seen through it, unless `trained` is false.
        Raises ConfigError where neither a setting nor the profile names one, ModelError where it
        is not on this machine or cannot be used, MissingDependency where its runtime is missing.
        """
        model = self.open(self._named(task) or self.profile[task], task)
        if task == "image" and "image_text" in self.profile:
            from q2e.models.torch.pictures import TwoTowers

            model = TwoTowers(model, self.load("image_text"))
        if task == "image" and trained and "eye" in self.profile:
            from q2e.models.local.eye import Eye

            return Eye(model, self.text, self.load("eye"))
        return model

    def _named(self, task: str) -> str | None:
        return getattr(self.settings, _NAMED[task]) if task in _NAMED else None

    def open(self, source: str, task: str) -> Any:
        """Return the model of a source for a task, one instance for the whole process."""
        made_by = tuple(getattr(self.settings, name) for name in _MAKING)
        # Some models build on the profile's others, as the bridge of labels does.
        key = (source, task, made_by, tuple(self.profile.sources.items()))
        with _loading:
            if key not in _instances:
                known = registry()
                if source in known.names("encoder"):
                    _instances[key] = known.get("encoder", source).make(self.settings, self)
                else:
                    from q2e.models.adapters import adapt

                    _instances[key] = adapt(source, task, self.settings)
            return _instances[key]
