"""Labels by votes of a language model that reads what is known of a video."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from q2e.methods.label.base import Collection, Label, Labelled, Labeller
from q2e.models.base import LanguageModel
from q2e.registry import method
from q2e.text.fence import clean, fence
from q2e.text.prompt import ask, beside, schema_of
from q2e.types import Video

#: Characters of one text, of one sentence of a label, and tokens of an answer.
_LINE, _SENTENCE, _TOKENS = 300, 200, 300


class Voted(BaseModel):
    """The labels that one vote gives a video, by their numbers."""

    model_config = ConfigDict(extra="forbid")

    labels: list[int] = Field(max_length=100)


@method(
    "label",
    source="Language as the Medium: Multimodal Video Classification through text only, "
    "Hanu et al. 2023",
    needs=("language",),
)
@dataclass(frozen=True, kw_only=True)
class Votes(Labeller):
    """A language model reads what is seen, said, heard and written, and votes on labels.

    It is asked `votes` times, with the labels in another order each time; a label is kept by more
    than half of the votes, and is as strong as their share. A vote for what is no label counts for
    none. Videos of which nothing is known in words have no labels.
    """

    votes: Annotated[int, Field(ge=1, le=25, description="Times that it is asked.")] = 3
    characters: Annotated[
        int, Field(ge=200, le=1_000_000, description="Characters of a video that it reads.")
    ] = 6_000
    seconds: Annotated[
        float, Field(gt=0, le=3_600, description="Seconds that a vote may take.")
    ] = 60.0

    def label(self, labels: Sequence[Label], known: Collection) -> Labelled:
        model = known.model()
        found = {}
        for number, video in enumerate(known.videos):
            if texts := known.texts(video):
                own = self._counted(model, labels, video, texts)
                if own:
                    found[video.id] = own
            known.watch(number + 1, len(known.videos))
        return found

    def _counted(
        self, model: LanguageModel, labels: Sequence[Label], video: Video, texts: Sequence[str]
    ) -> dict[str, float]:
        told = fence(" / ".join(clean(text, _LINE) for text in texts)[: self.characters])
        count: Counter[str] = Counter()
        for vote in range(self.votes):
            # The same order each time would count the liking for the first as agreement.
            order = random.Random(f"{video.id}/{vote}").sample(list(labels), len(labels))
            shown = [
                f"{place}. {clean(one.name, _SENTENCE)}: "
                + "; ".join(clean(sentence, _SENTENCE) for sentence in one.sentences)
                for place, one in enumerate(order, 1)
            ]
            answer = ask(
                model,
                beside(__file__),
                Voted,
                max_tokens=_TOKENS,
                timeout_s=self.seconds,
                schema=_bounded(len(order)),
                labels=shown,
                material=told,
            )
            named = {place for place in answer.labels if 1 <= place <= len(order)}
            count.update(order[place - 1].name for place in named)
        shares = ((name, votes / self.votes) for name, votes in count.items())
        return {name: round(share, 3) for name, share in sorted(shares) if share > 0.5}


def _bounded(labels: int) -> dict[str, Any]:
    schema = schema_of(Voted)
    schema["properties"]["labels"]["items"] |= {"minimum": 1, "maximum": labels}
    return schema
