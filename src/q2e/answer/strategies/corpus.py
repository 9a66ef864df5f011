"""Answers from whole videos: ranked by text and pictures together, told from frames and speech."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated

import numpy as np
from pydantic import Field

from q2e.answer import looking, written
from q2e.answer.base import Calls, Most, Seconds, Step, Strategy, Tokens, Tools, Work
from q2e.answer.collect import weigh
from q2e.answer.lines import Line, lines_of
from q2e.answer.strategies.extractive import read
from q2e.arrays import Bool, Float32, Float64
from q2e.errors import ModelError
from q2e.mmi.knowledge import k_means
from q2e.registry import method
from q2e.text.prompt import beside
from q2e.types import Filters, Video

#: Clusters of a video's frames, and the share of relevance beside novelty among those nearest.
CLUSTERS, RELEVANCE = 64, 0.7
MAX_TOKENS = 1_000


@method(
    "answer",
    source="VideoRAG: Retrieval-Augmented Generation over Video Corpus, Jeong et al. 2025, "
    "sections 3.2 and 3.3",
    needs=("vision",),
)
@dataclass(frozen=True, kw_only=True)
class Corpus(Strategy):
    """A vision model answers from frames and speech of the videos nearest in text and pictures.

    1. `collect`: every video of the collection is ranked by
       sim = text * cos(question, its texts) + (1 - text) * cos(question, its frames)
       (section 3.2; 0.5 to 0.7 was best), each cosine standardised over the collection, because
       they are of two spaces here and of one in the paper. The first `videos` are kept.
    2. `filter`: the frames of each are reduced by k-means++ to the nearest of each of 64 centres
       (section 3.3), and of these by likeness to the question and novelty (maximal marginal
       relevance) to `frames` of all, in place of the paper's trained scorer.
    3. `write`: one call, with the question, those frames, and what is said and written there.

    What the model says a frame shows counts as its word, and is counted in the notes.
    """

    text: Annotated[float, Field(ge=0, le=1, description="Share of text beside pictures.")] = 0.6
    videos: Annotated[int, Field(ge=1, le=20, description="Videos that are answered from.")] = 3
    frames: Annotated[
        int, Field(ge=0, le=128, description="Frames that the model is shown, of all videos.")
    ] = 32
    lines: Annotated[int, Field(ge=1, le=150, description="Lines that the model is shown.")] = 40
    sentences: Most = 4
    calls: Calls = 2
    tokens: Tokens = 40_000
    seconds: Seconds = 180.0

    def steps(self) -> Mapping[str, Step]:
        return {
            "plan": read,
            "collect": partial(collect, share=self.text, most=self.videos),
            "filter": partial(keep, frames=self.frames, most=self.lines),
            "write": partial(write, most=self.sentences),
        }


def collect(work: Work, tools: Tools, share: float, most: int) -> Work:
    """Rank the videos, and collect the lines of the best, best first."""
    results = tools.find(work.question)
    work = replace(work, unfolded=results.decomposition, language=results.query.language)
    filters = results.query.filters
    asked = tools.models.text.encode_queries([work.question])[0]
    told, seen = _by_text(tools, asked, filters), _by_frames(tools, work.question, filters)
    best = ranked(told, seen, share)[:most]
    found = [video for one in best if (video := tools.store.video(one)) is not None]
    lines = [line for video in found for line in _lines(video, tools)]
    weighed = weigh(work, work.question, results, lines, tools)
    pictures = tuple((video, 0.0) for video in found)
    lines = sorted(weighed, key=lambda line: -line.worth)
    return replace(work, lines=tuple(lines), pictures=pictures)


def keep(work: Work, tools: Tools, frames: int, most: int) -> Work:
    """Keep the best lines, and choose the frames that the model is shown."""
    videos = [video for video, _ in work.pictures]
    pictures: list[tuple[Video, float]] = []
    if videos and frames and tools.models.has("image"):
        query = tools.models.image.encode_texts([work.question])[0]
        each = max(1, frames // len(videos))
        pictures = [(one, at_s) for one in videos for at_s in chosen(one, query, tools, each)]
    return written.keep(replace(work, pictures=tuple(pictures[:frames])), tools, most)


def ranked(told: Mapping[str, float], seen: Mapping[str, float], share: float) -> list[str]:
    """Return videos by share * z(told) + (1 - share) * z(seen), best first.

    z standardises over the videos that have a cosine; one without has the lowest of all.
    """
    ids = list(dict.fromkeys((*told, *seen)))
    score = share * _standard(told, ids) + (1 - share) * _standard(seen, ids)
    return [ids[at] for at in np.argsort(-score, kind="stable").tolist()]


def _standard(cosines: Mapping[str, float], ids: Sequence[str]) -> Float64:
    if not cosines:
        return np.zeros(len(ids))
    own = np.array(list(cosines.values()))
    spread = float(own.std()) or 1.0
    known = {one: (value - own.mean()) / spread for one, value in cosines.items()}
    least = min(known.values())
    return np.array([known.get(one, least) for one in ids])


def _by_text(tools: Tools, asked: Float32, filters: Filters) -> dict[str, float]:
    """Return the cosine of a question with the mean of each video's texts."""
    return _means(tools, tools.models.text.space, asked, filters)


def _by_frames(tools: Tools, question: str, filters: Filters) -> dict[str, float]:
    """Return the cosine of a question with the mean of each video's frames."""
    if not tools.models.has("image"):
        return {}
    image = tools.models.image
    return _means(tools, image.space, image.encode_texts([question])[0], filters)


def _means(tools: Tools, space: str, asked: Float32, filters: Filters) -> dict[str, float]:
    with tools.store.snapshot():
        table = tools.store.table()
        mask: Bool | None = tools.store.rows(filters)
        rows, matrix = tools.store.vectors(space)
        if mask is not None:
            own = mask[rows]
            rows, matrix = rows[own], matrix[own]
        if not len(rows):
            return {}
        video = table.video[rows]
        order = np.argsort(video, kind="stable")
        starts = np.flatnonzero(np.diff(video[order], prepend=-1))
        sums = np.add.reduceat(np.asarray(matrix, np.float32)[order], starts, axis=0)
        ids = [table.video_ids[at] for at in video[order][starts].tolist()]
    length = np.maximum(np.linalg.norm(sums, axis=1), 1e-9)
    return dict(zip(ids, (sums @ asked / length).tolist(), strict=True))


def _lines(video: Video, tools: Tools) -> list[Line]:
    pieces = tools.store.evidence_of(video.id)
    return [line for one in pieces for line in lines_of(video, one)]


def chosen(video: Video, asked: Float32, tools: Tools, most: int) -> list[float]:
    """Return the times of the frames of a video that a model is shown, in order."""
    with tools.store.snapshot():
        table = tools.store.table()
        rows, matrix = tools.store.vectors(tools.models.image.space)
        own = table.video[rows] == table.video_ids.index(video.id)
        vectors = np.asarray(matrix[own], np.float32)
        times = tools.store.times_s(rows[own])
    times_s = np.where(np.isnan(times[:, 2]), times[:, 0], times[:, 2])
    if not len(vectors):
        return []
    some = spread(vectors, CLUSTERS)
    best = relevant(vectors[some], asked, most)
    return sorted({float(times_s[some[at]]) for at in best})


def spread(vectors: Float32, clusters: int) -> list[int]:
    """Return one vector for each of k centres, that nearest to it, by k-means++ (section 3.3)."""
    if len(vectors) <= clusters:
        return list(range(len(vectors)))
    _, centres = k_means(vectors, clusters)
    away = ((vectors[:, None, :] - centres[None]) ** 2).sum(axis=2)
    return sorted(set(away.argmin(axis=0).tolist()))


def relevant(vectors: Float32, asked: Float32, most: int) -> list[int]:
    """Return the vectors chosen by lambda * cos(question) - (1 - lambda) * cos(those chosen)."""
    near = vectors @ asked
    alike = vectors @ vectors.T
    found: list[int] = []
    while len(found) < min(most, len(vectors)):
        new = alike[:, found].max(axis=1) if found else np.zeros(len(vectors), np.float32)
        value = RELEVANCE * near - (1 - RELEVANCE) * new
        value[found] = -np.inf
        found.append(int(value.argmax()))
    return found


def write(work: Work, tools: Tools, most: int) -> Work:
    """Have the vision model answer from the frames and the kept lines, in one call."""
    shown: list[tuple[Video, float]] = []
    images = []
    for video in dict.fromkeys(video for video, _ in work.pictures):
        times_s = [at_s for own, at_s in work.pictures if own == video]
        for frame in looking.frames(video, times_s):
            shown.append((video, frame.time_s))
            images.append(frame.image)
    if work.pictures and not shown:
        work = work.noting("no frame was shown: the files of the videos cannot be read")
    if not shown and not work.kept:
        raise ModelError("nothing can be shown")
    said = looking.look_for(
        tools,
        images,
        beside(__file__),
        written.Written,
        MAX_TOKENS,
        question=written.asked(work.question),
        lines=written.numbered(work.kept) if work.kept else "nothing is said",
        first=len(work.kept) + 1,
        last=len(work.kept) + len(shown),
        pictures=len(shown),
        most=most,
    )
    return written.drafted(work, said, most, shown)
