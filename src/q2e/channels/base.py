"""What a channel is: it reads one part of a video and says what it found there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, get_args, runtime_checkable

from q2e.types import Evidence, Part

#: What a channel must be given: decoded frames, sound, only the record of the file, frames with
#: what is said meanwhile (`scenes`), the evidence of the channels before it in one part, or that
#: of the whole video. Channels are asked in this order.
Needs = Literal["frames", "audio", "record", "scenes", "evidence", "video"]
NEEDS: tuple[Needs, ...] = get_args(Needs)


class Channel(Protocol):
    """Reads a part; what it read before under the same `config_key` is never read again.

    `config_key` changes exactly when the same media would give other evidence: model, revision,
    preprocessing and options all enter it.
    """

    name: str
    needs: Needs
    config_key: str

    def extract(self, part: Part) -> list[Evidence]:
        """Return the evidence of `part`, in time order, without text vectors.

        Text vectors and lexical tokens are added for all channels in one place afterwards.
        Raises `q2e.errors.MediaError` where the media cannot be read.
        """
        ...


@runtime_checkable
class SamplesDensely(Protocol):
    """A channel of frames that also reads those between them, which no other channel is given."""

    dense_key: str
    """Changes exactly when the same frames would give other evidence."""

    def dense(self, part: Part) -> list[Evidence]:
        """Return the evidence of the frames of `part`, in time order."""
        ...


@runtime_checkable
class JoinsSlices(Protocol):
    """A channel of frames that puts together what it found in slices of one part."""

    def joined(self, found: Sequence[Evidence]) -> list[Evidence]:
        """Return the evidence of all slices, what goes on from one to the next as one."""
        ...
