"""Answers over very long videos: by a graph of entities, and by what segments look like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from q2e.answer import looking, written
from q2e.answer.base import Calls, Most, Seconds, Spent, Step, Strategy, Tokens, Tools, Work
from q2e.answer.clips import Clip, clips_of, likeness, unit_mean, videos_of
from q2e.answer.collect import weigh
from q2e.answer.entities import CHUNK, Chunk, Read, chunks_of, chunks_of_entities, merged, read
from q2e.answer.lines import Line, seen
from q2e.answer.quotes import NOTHING
from q2e.answer.strategies import extractive
from q2e.errors import ModelError
from q2e.registry import method
from q2e.text.fence import clean, fence
from q2e.text.prompt import beside

#: Seconds of a segment, frames of one that is looked at again, and characters of one for a filter.
SEGMENT_S, FRAMES, SHOWN = 30.0, 15, 2_000
#: Entities nearest the question, chunks of them, segments by what they look like: of the code.
ENTITIES, CHUNKS, SEGMENTS = 20, 2, 4

_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400)]


class Reworded(BaseModel):
    """The question as statements to search by."""

    model_config = ConfigDict(extra="forbid")

    query: _Text


class Related(BaseModel):
    """Whether a segment helps to answer."""

    model_config = ConfigDict(extra="forbid")

    related: bool


@method(
    "answer",
    source="VideoRAG: Retrieval-Augmented Generation with Extreme Long-Context Videos, Ren et al. "
    "2025, section 2",
    needs=("language",),
)
@dataclass(frozen=True, kw_only=True)
class Graph(Strategy):
    """A language model answers from segments found by a graph of entities and by their looks.

    1. `plan`: the model rewrites the question as statements about entities, and as a scene.
    2. `collect`: the best videos are cut into segments of 30 s and these put together to chunks of
       1,200 tokens; the model reads each chunk twice for entities and relations, which are merged
       by name over all videos. The statements find the nearest entities; of the chunks that tell
       of them the two with the most of their neighbours give their segments. The scene finds the
       four segments whose frames are nearest, from `least` on. Both together, in order of time.
    3. `filter`: the model says of each segment whether it helps; where none does, all stay.
    4. `look again`: a vision model, where there is one, describes 15 frames of each segment that
       stays, with the keywords that the model draws from the question.
    5. `write`: from those descriptions and lines, and the chunk nearest the question in meaning.

    What a chunk tells of is kept in the cache: another question asks for it no more. At most
    `chunks` are read, those nearest the question; the paper reads all, once, when it indexes.
    """

    videos: Annotated[int, Field(ge=1, le=50, description="Videos that are cut up.")] = 5
    chunks: Annotated[int, Field(ge=1, le=200, description="Chunks that are read, at most.")] = 12
    chunk: Annotated[int, Field(ge=10, le=8_000, description="Tokens of a chunk.")] = CHUNK
    least: Annotated[
        float, Field(ge=-1, le=1, description="Cosine from which a segment looks like the scene.")
    ] = 0.2
    lines: Annotated[int, Field(ge=1, le=200, description="Lines that the model is shown.")] = 60
    sentences: Most = 4
    calls: Calls = 80
    tokens: Tokens = 300_000
    seconds: Seconds = 600.0

    def steps(self) -> Mapping[str, Step]:
        return {
            "plan": plan,
            "collect": partial(
                collect, videos=self.videos, most=self.chunks, size=self.chunk, least=self.least
            ),
            "filter": keep_related,
            "look again": look_again,
            "write": partial(write, lines=self.lines, most=self.sentences),
        }


def plan(work: Work, tools: Tools) -> Work:
    """Have the question reworded twice: by its entities, and as what would be seen."""
    work = extractive.read(work, tools)
    queries = [work.question]
    for what in ("entities", "scene"):
        try:
            said = tools.ask(
                beside(__file__),
                Reworded,
                200,
                what=what,
                question=written.asked(work.question),
            )
            queries.append(said.query)
        except ModelError as error:
            work = work.noting(f"the question stands for its {what}: {error}")
            queries.append(work.question)
    return replace(work, queries=tuple(queries))


def collect(work: Work, tools: Tools, videos: int, most: int, size: int, least: float) -> Work:
    """Find segments by the graph and by their looks, and keep them in order of time."""
    results = tools.find(work.question)
    work = replace(work, unfolded=results.decomposition, language=results.query.language)
    _, entities, scene = (*work.queries, work.question, work.question)[:3]
    clips = clips_of(videos_of(results, videos), tools, SEGMENT_S, results.query.filters)
    chunks = chunks_of(clips, size)
    near = _nearest(chunks, work.question, tools)
    reads: list[tuple[int, Read]] = []
    for number in near[:most]:
        try:
            reads.append((number, read(chunks[number], tools)))
        except Spent as error:
            work = work.noting(f"{len(reads)} of {len(chunks)} chunks were read: {error}")
            break
        except ModelError as error:
            work = work.noting(f"a chunk was not read: {error}")
    if len(chunks) > most:
        work = work.noting(f"{most} of {len(chunks)} chunks were read, those nearest the question")
    found = _by_entities(chunks, reads, entities, tools) + _by_looks(clips, scene, least, tools)
    keys = {clip.key for clip in found if clip.number >= 0}
    segments = tuple(clip for clip in clips if clip.key in keys)
    if not segments and near:
        segments = chunks[near[0]].clips
    basis = chunks[near[0]].clips if near else ()
    shown = {clip.key: clip for clip in (*segments, *basis)}
    lines = [line for clip in shown.values() for line in clip.lines]
    weighed = weigh(work, work.question, results, lines, tools)
    return replace(work, lines=tuple(weighed), clips=segments)


def _nearest(chunks: Sequence[Chunk], question: str, tools: Tools) -> list[int]:
    """Return chunks by the cosine of their texts with the question, best first."""
    asked = tools.models.text.encode_queries([question])[0]
    vectors = [
        unit_mean([one for clip in chunk.clips if (one := clip.text) is not None])
        for chunk in chunks
    ]
    order: list[int] = np.argsort(-likeness(asked, vectors), kind="stable").tolist()
    return order


def _by_entities(
    chunks: Sequence[Chunk], reads: Sequence[tuple[int, Read]], query: str, tools: Tools
) -> list[Clip]:
    nodes = merged(reads)
    if not nodes:
        return []
    keys = list(nodes)
    asked = tools.models.text.encode_queries([query])[0]
    near = tools.models.text.encode_passages([nodes[key].text for key in keys]) @ asked
    best = [keys[at] for at in np.argsort(-near, kind="stable")[:ENTITIES].tolist()]
    found = chunks_of_entities(nodes, best, CHUNKS)
    return [clip for number in found for clip in chunks[number].clips]


def _by_looks(clips: Sequence[Clip], scene: str, least: float, tools: Tools) -> list[Clip]:
    if not tools.models.has("image"):
        return []
    near = likeness(tools.models.image.encode_texts([scene])[0], [clip.seen for clip in clips])
    best = np.argsort(-near, kind="stable")[:SEGMENTS].tolist()
    return [clips[at] for at in best if near[at] >= least]


def keep_related(work: Work, tools: Tools) -> Work:
    """Keep the segments of which the model says that they help; all, where it says so of none."""
    stays: list[Clip] = []
    for number, clip in enumerate(work.clips):
        try:
            said = tools.ask(
                beside(__file__, "graph_filter"),
                Related,
                50,
                question=written.asked(work.question),
                text=fence(clip.told() or "nothing is said", SHOWN),
            )
        except Spent as error:
            work = work.noting(f"{number} of {len(work.clips)} segments were judged: {error}")
            stays += work.clips[number:]
            break
        except ModelError as error:
            work = work.noting(f"a segment was not judged: {error}")
            stays.append(clip)
            continue
        if said.related:
            stays.append(clip)
    if not stays and work.clips:
        work = work.noting("no segment was said to help, so all were kept")
        return work
    return replace(work, clips=tuple(stays))


def look_again(work: Work, tools: Tools) -> Work:
    """Have the segments that stay described once more, with the keywords of the question."""
    if not work.clips:
        return work
    if not tools.sees:
        return work.noting("nothing was looked at again: there is no vision model")
    keywords = tools.ask(
        beside(__file__), Reworded, 100, what="keywords", question=written.asked(work.question)
    ).query
    added: list[Line] = []
    for clip in work.clips:
        times_s = looking.times_in(clip.start_s, clip.end_s, FRAMES)
        images = [frame.image for frame in looking.frames(clip.video, times_s)]
        if not images:
            continue
        try:
            said = looking.look(
                tools,
                images,
                beside(__file__, "graph_look"),
                300,
                keywords=clean(keywords, 200),
                text=fence(clip.told("speech") or "nothing is said", SHOWN),
            )
        except ModelError as error:
            work = work.noting(f"a segment was not looked at again: {error}")
            break
        if said:
            added.append(seen(clip.video, clip.start_s, clip.end_s, said))
    return replace(work, lines=(*work.lines, *added))


def write(work: Work, tools: Tools, lines: int, most: int) -> Work:
    """Have the model answer from the segments that stay and the nearest chunk, in time order."""
    keys = {(clip.video.id, clip.start_s, clip.end_s) for clip in work.clips}

    def stays(line: Line) -> bool:
        return any(line.overlaps(*key) for key in keys)

    first = [line for line in work.lines if stays(line)]
    rest = sorted((line for line in work.lines if not stays(line)), key=lambda one: -one.worth)
    kept = [*first, *rest][:lines]
    kept.sort(key=lambda line: (line.video.id, line.start_s))
    if not kept:
        return work.noting(f"{NOTHING}: the search found nothing")
    work = replace(work, kept=tuple(kept), confidence=written.sure(kept))
    return written.write(work, tools, most)
