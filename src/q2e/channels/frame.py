"""The `frame` channel: what is seen, as a vector and labels of each frame, and one of each clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from q2e.arrays import Float32, UInt8
from q2e.channels.base import Needs
from q2e.models.base import ImageTextEncoder, VideoEncoder
from q2e.registry import method
from q2e.types import BETWEEN, Evidence, Frame, Part, Tag

if TYPE_CHECKING:
    from q2e.models.registry import Models
    from q2e.settings import Settings


_VERSION = 1


@runtime_checkable
class NamesWhatItSees(Protocol):
    """An encoder that gives vectors and labels in one pass over the pictures."""

    def read(self, images: Sequence[UInt8]) -> tuple[Float32, list[tuple[Tag, ...]]]: ...


class FrameChannel:
    """Turns each frame into one piece of evidence; labels, where there are any, become tags.

    Tags are not text: what a classifier guesses is no wording of the video's own. Where there is
    a second encoder, of clips, the middle frame of each segment also carries the vector of all
    the segment's frames, in that encoder's own space.
    """

    name = "frame"
    needs: Needs = "frames"

    def __init__(self, encoder: ImageTextEncoder, clips: VideoEncoder | None = None) -> None:
        self._encoder = encoder
        self._clips = clips
        self.config_key = self.dense_key = f"frame/{_VERSION} {encoder.space}"
        if clips is not None:
            self.config_key += f" {clips.space}"

    def extract(self, part: Part) -> list[Evidence]:
        """Return one item a frame, in time order, over the segment that the frame shows."""
        if not part.frames:
            return []
        frames = sorted(part.frames, key=lambda frame: frame.time_s)
        return self._evidence(
            part.video.id, frames, self._encoder.info.id, self._clip_vectors(frames)
        )

    def dense(self, part: Part) -> list[Evidence]:
        """Return one item for each frame between others, in time order; they are of no clip."""
        frames = sorted(part.frames, key=lambda frame: frame.time_s)
        return self._evidence(part.video.id, frames, BETWEEN + self._encoder.info.id, {})

    def _evidence(
        self,
        video: str,
        frames: Sequence[Frame],
        origin: str,
        more: Mapping[int, Mapping[str, Float32]],
    ) -> list[Evidence]:
        vectors, tags = self._read([frame.image for frame in frames])
        return [
            Evidence(
                video=video,
                channel=self.name,
                start_s=start_s,
                end_s=end_s,
                origin=origin,
                frame_s=frame.time_s,
                tags=named,
                vectors={self._encoder.space: vector, **more.get(number, {})},
            )
            for number, (frame, vector, named) in enumerate(zip(frames, vectors, tags, strict=True))
            for start_s, end_s in [_stretch(frame)]
        ]

    def _read(self, images: Sequence[UInt8]) -> tuple[Float32, Sequence[tuple[Tag, ...]]]:
        if isinstance(self._encoder, NamesWhatItSees):
            return self._encoder.read(images)
        return self._encoder.encode_images(images), [()] * len(images)

    def _clip_vectors(self, frames: Sequence[Frame]) -> dict[int, dict[str, Float32]]:
        """Return each segment's vector by space, under the number of its middle frame."""
        if self._clips is None:
            return {}
        groups = groupby(range(len(frames)), key=lambda number: frames[number].segment)
        clips = [list(numbers) for _, numbers in groups]
        found = self._clips.encode_clips([[frames[n].image for n in clip] for clip in clips])
        middles = [clip[len(clip) // 2] for clip in clips]
        return {
            number: {self._clips.space: vector}
            for number, vector in zip(middles, found, strict=True)
        }


def _stretch(frame: Frame) -> tuple[float, float]:
    """Return the frame's segment, reaching as far as the frame where rounding put it outside."""
    if frame.segment is None:
        return frame.time_s, frame.time_s
    return min(frame.segment.start_s, frame.time_s), max(frame.segment.end_s, frame.time_s)


@method("channel", "frame", title="seen", style="caption")
def open_channel(settings: Settings, models: Models) -> FrameChannel:
    """What is seen: each frame as a vector, with labels where there are any."""
    return FrameChannel(models.image, models.clips)
