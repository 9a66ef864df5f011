"""What captions of a video agree on: graphs of things and what they do, merged across frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from q2e.arrays import Float32
from q2e.errors import ModelError
from q2e.methods.caption.structured import Scene
from q2e.models.base import LanguageModel
from q2e.text.answer import content
from q2e.text.fence import fence
from q2e.text.prompt import ask, beside
from q2e.types import Evidence

#: Cosine from which two things are one, captions that have to name a thing, and things at most.
ALIKE, LEAST, _MOST = 0.8, 2, 200
_NAME, _TOKENS, _TIMEOUT_S = 80, 400, 60.0

_Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=160)]


class Triple(BaseModel):
    """A thing, what it does or how it stands, and to what; the last two may be empty."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    subject: _Text
    relation: _Text = ""
    object: _Text = ""


class Parsed(BaseModel):
    """What one caption says."""

    model_config = ConfigDict(extra="forbid")

    triples: list[Triple] = Field(max_length=40)


@dataclass(slots=True)
class Node:
    """A thing that captions name: in the words of the first, with when each says so."""

    name: str
    vector: Float32
    stretches: list[tuple[float, float]] = field(default_factory=list)


@dataclass(slots=True)
class Graph:
    """Things of a video, and how often each relation between two, by their numbers, is told."""

    nodes: list[Node] = field(default_factory=list)
    edges: dict[tuple[int, str, int], int] = field(default_factory=dict)

    @property
    def kept(self) -> list[int]:
        """The numbers of things that several captions name, most often told first."""
        order = sorted(range(len(self.nodes)), key=lambda n: -len(self.nodes[n].stretches))
        return [n for n in order if len(self.nodes[n].stretches) >= LEAST][:_MOST]

    @property
    def relations(self) -> list[str]:
        """What kept things do to one another, in words, most often told first."""
        kept = set(self.kept)
        told = sorted(self.edges.items(), key=lambda one: -one[1])
        return [
            f"{self.nodes[a].name} {how} {self.nodes[b].name}"
            for (a, how, b), _ in told
            if a in kept and b in kept and a != b
        ]


def triples_of(caption: Evidence, model: Callable[[], LanguageModel]) -> list[Triple]:
    """Return what a caption says: of one in named fields by its fields, else by a language model.

    Raises ConfigError where a model is needed and none is named, ModelError where it fails.
    """
    try:
        scene = Scene.read(caption.text)
    except ValueError:
        parsed = ask(
            model(), beside(__file__), Parsed, max_tokens=_TOKENS, timeout_s=_TIMEOUT_S,
            caption=fence(caption.text),
        )  # fmt: skip
        return parsed.triples
    things = (*scene.subjects, scene.place, *scene.actions)
    return [Triple(subject=one) for one in things if one]


def consolidated(
    captions: Sequence[Evidence],
    model: Callable[[], LanguageModel],
    encode: Callable[[Sequence[str]], Float32],
) -> Graph:
    """Return the graphs of captions, in order of time, merged into one.

    Each caption's things are matched with those known, the most alike first and each once, where
    their cosine is above `ALIKE`; others are new. Captions that a model fails on are left out;
    raises ModelError where it fails on all.
    """
    graph = Graph()
    failures: list[ModelError] = []
    for caption in captions:
        try:
            triples = triples_of(caption, model)
        except ModelError as error:
            failures.append(error)
            continue
        said = [(content(t.subject, _NAME), content(t.relation, _NAME), content(t.object, _NAME))
                for t in triples]  # fmt: skip
        names = list(dict.fromkeys(name for a, _, b in said for name in (a, b) if name))
        if names:
            place = _merged(graph, names, encode(names), (caption.start_s, caption.end_s))
            for a, how, b in said:
                if a and how and b:
                    edge = (place[a], how, place[b])
                    graph.edges[edge] = graph.edges.get(edge, 0) + 1
    if failures and len(failures) == len(captions):
        raise failures[-1]
    return graph


def _merged(
    graph: Graph, names: Sequence[str], vectors: Float32, stretch: tuple[float, float]
) -> dict[str, int]:
    """Put the things of one caption into a graph; return where each is."""
    place: dict[str, int] = {}
    if graph.nodes:
        cosine = np.asarray(vectors @ np.stack([one.vector for one in graph.nodes]).T, np.float64)
        while cosine.size and cosine.max() > ALIKE:
            row, column = divmod(int(cosine.argmax()), cosine.shape[1])
            place[names[row]] = column
            cosine[row], cosine[:, column] = -1.0, -1.0
    for name, vector in zip(names, vectors, strict=True):
        if name not in place:
            place[name] = len(graph.nodes)
            graph.nodes.append(Node(name, vector))
        graph.nodes[place[name]].stretches.append(stretch)
    return place
