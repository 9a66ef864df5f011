"""Of several captions of a picture the one that fits it best."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from q2e.channels.base import Channel
from q2e.methods.caption.vision import VisionCaptionChannel
from q2e.models.base import ImageTextEncoder, VisionLanguageModel
from q2e.registry import method
from q2e.types import Frame

if TYPE_CHECKING:
    from q2e.models.registry import Models
    from q2e.settings import Settings


class BestCaptionChannel(VisionCaptionChannel):
    """Describes each frame several times, and keeps what the encoder of pictures finds nearest."""

    label = "best"

    def __init__(self, model: VisionLanguageModel, encoder: ImageTextEncoder) -> None:
        super().__init__(model)
        self._encoder = encoder
        self.config_key = f"{self.config_key};{encoder.space}"

    def described(self, frame: Frame, **read: str) -> str:
        answers = (super(BestCaptionChannel, self).described(frame, **one) for one in told(read))
        captions = list(dict.fromkeys(filter(None, answers)))
        if len(captions) < 2:
            return "".join(captions)
        [picture] = self._encoder.encode_images([frame.image])
        return captions[int((self._encoder.encode_texts(captions) @ picture).argmax())]


def told(read: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Yield what a model reads beside a picture: nothing, each text alone, and all of them."""
    given = {name: text for name, text in read.items() if text}
    nothing = dict.fromkeys(read, "")
    yield nothing
    if len(given) > 1:
        yield from ({**nothing, name: text} for name, text in given.items())
    if given:
        yield dict(read)


@method("caption", source="Panda-70M: Chen et al. 2024, its choice of captions", needs=("vision",))
def best(settings: Settings, models: Models) -> Channel:
    """Of several captions of a picture the one that the encoder of pictures finds nearest.

    They are of one vision-language model, which reads nothing beside the picture, the caption
    before, what is said, or both: up to four answers for a picture. The paper has eight models, and
    a retrieval model trained on people's choices.
    """
    return BestCaptionChannel(models.vision, models.image)
