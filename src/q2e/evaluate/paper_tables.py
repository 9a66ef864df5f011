"""The tables of the Q2E paper, run again over a data set and an index of its videos.

What a row needs and is not there, a model or a channel, is said in the row; nothing fills it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from q2e.arrays import Float64
from q2e.evaluate.conduct_index import IndexBench
from q2e.evaluate.experiment import SCORES, subsets
from q2e.evaluate.judging import judge_matrix, summarise
from q2e.evaluate.measures import Judged, parse_measures
from q2e.evaluate.way import way
from q2e.methods.fuse.base import fuse_batch
from q2e.search.search import Searcher
from q2e.search.together import raw_matrices
from q2e.settings import Settings, changed
from q2e.types import Filters, Query

#: What the paper prints of each row, in its order; see `docs/research/reproductions.md` for names.
MEASURES = parse_measures("R@1,R@5,R@10,P@10,MRR@10,nDCG@10,MAPfound@10,MnRall,MdRall")
EVENTS = ("prequel", "current", "sequel")
#: Rules of the paper's table of fusion, as chosen here.
RULES = {
    "negative exponential entropy, as released exp(+H)": "exponential(sign='+')",
    "negative exponential entropy, as named exp(-H)": "exponential",
    "reciprocal rank": "rrf",
    "max": "max",
    "mean": "mean",
    "inverse entropy": "entropy(shares=False)",
}
#: The encoders of the paper: what their space names here, and where their weights are.
ENCODERS = {
    "MultiCLIP": ("frozen-xlm-roberta-large", "laion/CLIP-ViT-H-14-frozen-xlm-roberta-large"),
    "InternVideo2-1B": ("internvideo2", "OpenGVLab/InternVideo2-Stage2_1B"),
}
SPEECH = "speech"


@dataclass(frozen=True, slots=True)
class Line:
    """One row: what was measured, what the paper prints, or why it cannot be had here."""

    name: str
    values: Mapping[str, float] | None = None
    published: Mapping[str, float] | None = None
    missing: str = ""


@dataclass(frozen=True, slots=True)
class PaperTable:
    """A table of the paper by its title."""

    title: str
    lines: tuple[Line, ...]


def published(dataset: str) -> Mapping[str, Mapping[str, Sequence[float]]]:
    """Return what the paper prints of a data set: {encoder: {row: values}}, empty for others."""
    text = (resources.files("q2e") / "data" / "q2e_tables.toml").read_text(encoding="utf-8")
    found = tomllib.loads(text).get(dataset, {})
    return found if isinstance(found, dict) else {}


class Paper:
    """The scores of a data set's questions over its videos, with and without speech."""

    def __init__(self, bench: IndexBench, settings: Settings, folder: Path) -> None:
        self.bench = bench
        self.queries = bench.dataset.queries
        self.searcher = Searcher(bench.index.store, bench.index.models)
        self.known = settings.language_model is not None or bench.index.models.has("language")
        self.settings = settings if self.known else changed(settings, {"decompose": "none"})
        self.held = bench.index.store.table().held
        self._folder = folder
        self._matrices: dict[tuple[str, ...], dict[str, Float64]] = {}
        self.relevance, self._absent = self._judgements()

    def _judgements(self) -> tuple[Float64, int]:
        names = self.bench.index.store.table().video_ids
        absent = [one for one in self.bench.dataset.videos if one not in set(names)]
        place = {video: number for number, video in enumerate([*names, *absent])}
        found = np.zeros((len(self.queries), len(place)))
        for number, query in enumerate(self.queries):
            for video, grade in self.bench.dataset.qrels.get(query, {}).items():
                found[number, place[video]] = float(grade > 0)
        return found, len(absent)

    def matrices(self, channels: tuple[str, ...]) -> dict[str, Float64]:
        """Return the raw scores of the five kinds over some channels."""
        if channels not in self._matrices:
            only = Filters(channels=channels)
            asked = [Query(text, filters=only) for text in self.queries.values()]
            self.searcher.unfold(asked, self.settings)
            found = raw_matrices(self.searcher, asked, self.settings, self._folder)
            self._matrices[channels] = found
        return self._matrices[channels]

    def lacks(self, scores: Sequence[str], speech: bool) -> str:
        """Return why scores cannot be had, or nothing."""
        if speech and SPEECH not in self.held:
            return "no speech was read"
        wanted = [name for name in scores if name in EVENTS]
        if wanted and not self.known:
            return "events need a language model: --language-model SOURCE"
        if "video" in scores and "frame" not in self.held:
            return "no pictures were read: the index holds no frames"
        if set(scores) - {"video"} and not set(self.held) - {"frame"}:
            return "no texts were read"
        return ""

    def line(
        self, name: str, scores: Sequence[str], speech: bool, rule: str = RULES["inverse entropy"]
    ) -> tuple[Line, list[Judged]]:
        """Return one row of the five measures, and where the relevant videos stand."""
        if why := self.lacks(scores, speech):
            return Line(name, missing=why), []
        channels = tuple(one for one in self.held if speech or one != SPEECH)
        known = self.matrices(channels)
        missing = [one for one in scores if one not in known]
        if missing:
            return Line(name, missing=f"no question has a score {', '.join(missing)}"), []
        heat = self.settings_heats(scores)
        stack = np.stack([known[one] for one in scores])
        how = way(rule, "batch", heat)
        rows = how.normalised(stack)
        fused = rows.value[0] if len(scores) == 1 else fuse_batch(rows, how.rule)
        whole = np.hstack([fused, np.full((len(fused), self._absent), np.nan)])
        judged = judge_matrix(whole, self.relevance)
        found = summarise(dict(zip(self.queries, judged, strict=True)), MEASURES)
        return Line(name, found.values), judged

    def settings_heats(self, scores: Sequence[str]) -> list[float]:
        """Return the temperature of each score, by what scores it."""
        from q2e.search.plan import Plan

        chosen = Plan.of(self.settings).calibrate
        if chosen is None or "texts" not in chosen.method.parameters:
            return [50.0] * len(scores)
        late = chosen["late_temperature"] if chosen["texts"] == "late" else chosen["temperature"]
        return [float(chosen["temperature"] if one == "video" else late) for one in scores]


def tables(
    paper: Paper, dataset: str, watch: Callable[[str], None] | None = None
) -> Iterator[PaperTable]:
    """Yield the paper's tables over the data set `dataset`, and all 31 subsets of its scores."""
    say = watch or (lambda _: None)
    say("retrieval")
    yield PaperTable("Retrieval", tuple(_retrieval(paper, dataset)))
    say("languages")
    yield PaperTable("By group of questions, nDCG@10", tuple(_groups(paper)))
    say("fusion")
    yield PaperTable("Rules of fusion", tuple(_fusion(paper)))
    say("components")
    yield PaperTable("Components left out", tuple(_components(paper)))
    say("subsets")
    lines = [paper.line(" + ".join(one), one, _speaks(paper))[0] for one in subsets(SCORES)]
    yield PaperTable("Every subset of the scores", tuple(lines))


def _speaks(paper: Paper) -> bool:
    return SPEECH in paper.held


def _retrieval(paper: Paper, dataset: str) -> Iterator[Line]:
    space = paper.bench.index.store.setting("space.image") or ""
    told = published(dataset)
    ways = {
        "video": (("video",), False),
        "+ ASR": (("video", "query"), True),
        "+ Q2E": (SCORES, False),
        "+ Q2E + ASR": (SCORES, True),
    }
    ours = next((name for name, (mark, _) in ENCODERS.items() if mark in space.lower()), "")
    for name, (scores, speech) in ways.items():
        line = _speech_alone(paper) if name == "+ ASR" else paper.line(name, scores, speech)[0]
        own = told.get(ours, {}).get(name)
        yield Line(f"{ours or 'this profile'} {name}", line.values, _named(own), line.missing)
    for encoder, (_, source) in ENCODERS.items():
        if encoder != ours:
            why = f"needs the weights of {source}, which the profile does not name"
            for name in ways:
                own = told.get(encoder, {}).get(name)
                yield Line(f"{encoder} {name}", None, _named(own), why)


def _speech_alone(paper: Paper) -> Line:
    """Return the row of the question against pictures and against speech, no other text."""
    if why := paper.lacks(("video", "query"), True):
        return Line("+ ASR", missing=why)
    seen, heard = paper.matrices(("frame",)), paper.matrices((SPEECH,))
    if "video" not in seen or "query" not in heard:
        return Line("+ ASR", missing="no question has a score of pictures and of speech")
    how = way(RULES["inverse entropy"], "batch", paper.settings_heats(("video", "query")))
    fused = fuse_batch(how.normalised(np.stack([seen["video"], heard["query"]])), how.rule)
    whole = np.hstack([fused, np.full((len(fused), paper._absent), np.nan)])
    judged = dict(zip(paper.queries, judge_matrix(whole, paper.relevance), strict=True))
    return Line("+ ASR", summarise(judged, MEASURES).values)


def _groups(paper: Paper) -> Iterator[Line]:
    groups = paper.bench.dataset.groups
    if not groups:
        yield Line("by language", missing="the data set says no language or group of its questions")
        return
    measure = parse_measures("nDCG@10")
    for name, scores, speech in (
        ("video", ("video",), False),
        ("+ Q2E", SCORES, False),
        ("+ Q2E + ASR", SCORES, True),
    ):
        line, judged = paper.line(name, scores, speech)
        if line.missing:
            yield line
            continue
        places = dict(zip(paper.queries, judged, strict=True))
        values = {}
        for group in sorted(set(groups.values())):
            own = {query: one for query, one in places.items() if groups.get(query) == group}
            values[group] = summarise(own, measure).values["nDCG@10"]
        yield Line(name, values)


def _fusion(paper: Paper) -> Iterator[Line]:
    for name, rule in RULES.items():
        for speech in (False, True):
            yield paper.line(f"{name}, {_heard(speech)}", SCORES, speech, rule)[0]


def _components(paper: Paper) -> Iterator[Line]:
    kept = {
        "all": SCORES,
        "without video": tuple(one for one in SCORES if one != "video"),
        "without query": tuple(one for one in SCORES if one != "query"),
        "without events": ("video", "query"),
    }
    for name, scores in kept.items():
        for speech in (False, True):
            yield paper.line(f"{name}, {_heard(speech)}", scores, speech)[0]


def _heard(speech: bool) -> str:
    return "with speech" if speech else "without speech"


def _named(values: Sequence[float] | None) -> Mapping[str, float] | None:
    """Return printed values under the names of measures, as fractions like ours."""
    if values is None:
        return None
    shares = [
        value if measure.lower_is_better or measure.name == "MRR" else value / 100
        for measure, value in zip(MEASURES, values, strict=True)
    ]
    return {str(measure): value for measure, value in zip(MEASURES, shares, strict=True)}
