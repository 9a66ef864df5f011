"""The `caption` channel: what the pictures are described as."""

from __future__ import annotations

from typing import TYPE_CHECKING

from q2e.channels.base import Channel
from q2e.registry import method

if TYPE_CHECKING:
    from q2e.models.registry import Models
    from q2e.settings import Settings


@method("channel", "caption", title="shown", style="caption")
def open_channel(settings: Settings, models: Models) -> Channel:
    """What the pictures are described as."""
    from q2e.plugins import registry

    found: Channel = registry().one("caption", settings.captions).bound(settings, models)
    return found
