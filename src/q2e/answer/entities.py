"""A graph of what videos tell of: entities and relations of chunks, merged by name over all videos.

After VideoRAG for extreme lengths (Ren et al. 2025, section 2.1) and its code. A language model
reads each chunk twice, the second time for what the first reading left out ("gleaning"). What it
finds is kept in the cache by the chunk's text, the prompt and the model, so that a chunk is read
once however many questions are asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from q2e.answer.base import Tools
from q2e.answer.clips import Clip
from q2e.cache import ResultCache, as_json, fingerprint
from q2e.text.fence import clean, fence
from q2e.text.prompt import beside, prompt_version

#: Tokens of a chunk, and letters that count for one.
CHUNK, _PER_TOKEN = 1_200, 4
MAX_TOKENS = 1_500
#: Entities, and relations, of a chunk.
MOST = 100

_Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
_Told = Annotated[str, StringConstraints(strip_whitespace=True, max_length=400)]


class Entity(BaseModel):
    """A person, place, thing, event or idea that a chunk tells of."""

    model_config = ConfigDict(extra="forbid")

    name: _Name
    description: _Told


class Relation(BaseModel):
    """What one entity has to do with another."""

    model_config = ConfigDict(extra="forbid")

    source: _Name
    target: _Name
    description: _Told


class Read(BaseModel):
    """What a chunk tells of."""

    model_config = ConfigDict(extra="forbid")

    entities: list[Entity] = Field(max_length=MOST)
    relations: list[Relation] = Field(max_length=MOST)


_read: ResultCache[Read] = ResultCache(
    "entities", as_json(Read.model_validate, lambda read: read.model_dump())
)


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Consecutive clips of one video, up to so many tokens of text."""

    clips: tuple[Clip, ...]

    @property
    def text(self) -> str:
        return " ".join(told for clip in self.clips if (told := clip.told()))


def chunks_of(clips: Sequence[Clip], tokens: int = CHUNK) -> list[Chunk]:
    """Return clips in time order as chunks; those without text are in none."""
    found: list[Chunk] = []
    held: list[Clip] = []
    for clip in (clip for clip in clips if clip.lines):
        many = sum(len(one.told()) for one in (*held, clip)) // _PER_TOKEN
        if held and (held[0].video != clip.video or many > tokens):
            found.append(Chunk(tuple(held)))
            held = []
        held.append(clip)
    return [*found, Chunk(tuple(held))] if held else found


def read(chunk: Chunk, tools: Tools) -> Read:
    """Return what a chunk tells of, by a language model that reads it twice.

    Raises ModelError, Spent among them, where the first reading fails.
    """
    text = clean(chunk.text, CHUNK * _PER_TOKEN)
    prompt = beside(__file__)
    model = tools.model.info.id
    key = fingerprint(text, method="entities", version=prompt_version(prompt), space=model)
    if (known := _read.get(key)) is not None:
        return known
    first = _asked(tools, text, "")
    names = ", ".join(clean(one.name, 60) for one in first.entities)
    more = _asked(tools, text, names)
    whole = Read(
        entities=[*first.entities, *more.entities][:MOST],
        relations=[*first.relations, *more.relations][:MOST],
    )
    _read.put(key, whole, about=[chunk.clips[0].video.id])
    return whole


def _asked(tools: Tools, text: str, known: str) -> Read:
    return tools.ask(
        beside(__file__), Read, MAX_TOKENS, text=fence(text, len(text) + 1), known=known
    )


@dataclass(slots=True)
class Node:
    """An entity of all chunks that tell of it."""

    name: str
    told: list[str] = field(default_factory=list)
    chunks: list[int] = field(default_factory=list)
    """Numbers of the chunks, in order."""
    beside: set[str] = field(default_factory=set)
    """Keys of the entities that it is related to."""

    @property
    def text(self) -> str:
        return ": ".join((self.name, " ".join(self.told)))


def merged(reads: Iterable[tuple[int, Read]]) -> dict[str, Node]:
    """Return what chunks (by number) tell of as one graph, its entities merged by name.

    Names are compared in capitals, as in the reference. An end of a relation that is no entity
    becomes one, with what the relation says.
    """
    nodes: dict[str, Node] = {}

    def node(name: str, told: str, chunk: int) -> Node:
        own = nodes.setdefault(name.upper(), Node(name))
        if told and told not in own.told:
            own.told.append(told)
        if chunk not in own.chunks:
            own.chunks.append(chunk)
        return own

    pairs: dict[tuple[str, str], tuple[str, int]] = {}
    for chunk, read_ in reads:
        for one in read_.entities:
            node(one.name, one.description, chunk)
        for two in read_.relations:
            pairs[two.source, two.target] = two.description, chunk
    for (source, target), (told, chunk) in pairs.items():
        if source.upper() == target.upper():
            continue
        for name, other in ((source, target), (target, source)):
            own = nodes.get(name.upper()) or node(name, told, chunk)
            own.beside.add(other.upper())
    return nodes


def chunks_of_entities(nodes: Mapping[str, Node], nearest: Sequence[str], most: int) -> list[int]:
    """Return the chunks of entities (by key, nearest first) with the most of their neighbours.

    A chunk counts for the nearest entity that it tells of: how many of the entities related to
    that one it tells of as well. Equal chunks keep the order of their entities.
    """
    counts: dict[int, int] = {}
    for key in nearest:
        own = nodes[key]
        for chunk in own.chunks:
            if chunk not in counts:
                counts[chunk] = sum(chunk in nodes[one].chunks for one in own.beside)
    return sorted(counts, key=lambda chunk: -counts[chunk])[:most]
