"""A channel for q2e from a package of its own: copy this, and put your reading in place.

It says whether pictures are dark or bright. That makes a poor channel and a complete example:
facts, a key that changes with what is found, evidence with times, and words to ask for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from q2e.registry import Registry, method
from q2e.types import Evidence, Part

if TYPE_CHECKING:
    from q2e.channels.base import Needs
    from q2e.models.registry import Models
    from q2e.settings import Settings

#: Mean brightness, 0 to 255, below which a picture is dark.
DARK = 100.0


class Light:
    """Implements `q2e.channels.base.Channel`."""

    name = "light"
    needs: Needs = "frames"
    #: Change it whenever the same media would give other evidence.
    config_key = f"light/1 {DARK:g}"

    def extract(self, part: Part) -> list[Evidence]:
        """Return one item a frame, over the shot it shows."""
        found = []
        for frame in sorted(part.frames, key=lambda one: one.time_s):
            shot = frame.segment
            word = "dark" if float(frame.image.mean()) < DARK else "bright"
            found.append(
                Evidence(
                    video=part.video.id,
                    channel=self.name,
                    start_s=frame.time_s if shot is None else shot.start_s,
                    end_s=frame.time_s if shot is None else shot.end_s,
                    text=f"a {word} picture",
                    language="en",
                    origin="q2e-light 0.1.0",
                    frame_s=frame.time_s,
                )
            )
        return found


@method("channel", "light", title="light", style="caption")
def open_light(settings: Settings, models: Models) -> Light:
    """Whether pictures are dark or bright."""
    # Heavy imports belong here; `models` holds the encoders of the profile.
    return Light()


def register(registry: Registry) -> None:
    """Offer the channel; it reads where settings name it among `channels`."""
    registry.add(open_light)
