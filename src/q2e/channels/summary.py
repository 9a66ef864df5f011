"""The `summary` channel: what a whole video is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from q2e.channels.base import Channel
from q2e.registry import method

if TYPE_CHECKING:
    from q2e.models.registry import Models
    from q2e.settings import Settings


@method("channel", "summary", title="told", style="caption", timeless=True)
def open_channel(settings: Settings, models: Models) -> Channel:
    """What the whole video tells."""
    from q2e.plugins import registry

    found: Channel = registry().one("summary", settings.summary).bound(settings, models)
    return found
