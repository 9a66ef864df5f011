"""Measures the rows of an experiment over an index: a search per question and setting."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from q2e.cache import Fingerprint, content_key, fingerprint
from q2e.errors import ConfigError, EvaluationError
from q2e.evaluate.datasets import Dataset, load
from q2e.evaluate.direction import turned
from q2e.evaluate.experiment import Experiment, Row, Watch
from q2e.evaluate.integrity import duplicates_between, queries_among
from q2e.evaluate.judging import summarise
from q2e.evaluate.measured import Measured, judge_matrices, judge_run, measured
from q2e.evaluate.measures import Judged
from q2e.evaluate.run_checks import again_said, candidate_recall, candidates_said, indexed_queries
from q2e.evaluate.runs import read_run
from q2e.evaluate.scores import ablated, score_matrices
from q2e.index import Index
from q2e.methods.normalise.base import transductive
from q2e.search.batch import about_of, said_of
from q2e.search.plan import Plan
from q2e.settings import changed, effective, load_settings
from q2e.versions import code_version


class IndexBench:
    """A data set and an index that holds its videos, made of the set's evidence where none is."""

    def __init__(self, experiment: Experiment, out: Path, watch: Watch | None) -> None:
        self.experiment = experiment
        self.out = out
        self.watch = watch
        loaded = load(experiment.data["set"], experiment.data["folder"])
        if loaded.dataset is None:
            wanting = "; ".join(one.text for one in loaded.findings if one.level == "problem")
            raise EvaluationError(f"{experiment.data['folder']}: {wanting}")
        dataset = loaded.dataset.merged() if experiment.data.get("merge") else loaded.dataset
        self.warnings = [one.text for one in loaded.findings if one.level == "warning"]
        check_splits(dataset.videos, experiment.data.get("splits", {}))
        self._published = dataset
        self._indexes: dict[str | None, Index] = {}
        self.index = self._of(experiment.rows[0].options.get("profile"))
        self.dataset = self._named(dataset)
        self.queries = self.dataset.queries
        self.warnings += check_queries(self.dataset, self.index, self._bank())
        self.direction = experiment.data["direction"]
        if self.direction == "video-to-text":
            self.queries = {video: self._title(video) for video in self.dataset.videos}
        version = self.index.store.table().version
        self.state = content_key(
            repr(sorted(loaded.files.items())),
            repr(sorted(self.dataset.qrels.items())),
            f"{self.index.settings.profile} {version} {experiment.top} {experiment.measures} "
            + self.direction,
        )
        self.about: dict[str, Any] = {
            "set": loaded.spec.title,
            "licence": loaded.spec.licence,
            "protocol": loaded.spec.protocol,
            "direction": self.direction,
            "as published": loaded.whole,
            "counts": dataset.counts(),
            "profile": self.index.settings.profile,
            "files": dict(loaded.files),
        }
        self._queries_file = out / "queries.tsv"
        lines = [
            f"{query}\t{' '.join(text.split())}\n" for query, text in self.dataset.queries.items()
        ]
        self._queries_file.write_text("".join(lines), encoding="utf-8")

    def _of(self, profile: str | None) -> Index:
        """Return the index as a profile's models answer it, made where the set itself is it."""
        if profile not in self._indexes:
            where = self.experiment.data.get("index")
            own = self.out / (f"index-{profile}" if profile else "index")
            self._indexes[profile] = Index(where or own, profile=profile)
            if where is None:
                self._fill(self._indexes[profile], self._published)
        return self._indexes[profile]

    def _fill(self, index: Index, dataset: Dataset) -> None:
        """Bring the evidence that the set itself holds into an index of its own."""
        brought = {str(one["video"]) for one in dataset.evidence}
        if (index.directory / "index.sqlite").is_file() and brought:
            if brought <= set(index.store.table().video_ids):
                return
            index.close()
        if not dataset.evidence:
            raise EvaluationError(
                "the data set holds no texts about its videos; index the videos and name the "
                'index:  [data] index = "videos.q2e"'
            )
        file = self.out / "evidence.jsonl"
        lines = [json.dumps(one, ensure_ascii=False) + "\n" for one in dataset.evidence]
        file.write_text("".join(lines), encoding="utf-8")
        watch = self.watch
        index.import_evidence(
            file, watch=None if watch is None else lambda n, of: watch("indexing", n, of)
        )

    def _named(self, dataset: Dataset) -> Dataset:
        """Return the set with videos named as in the index, where they are by path or file name."""
        names = {}
        for video in dataset.videos:
            names[video] = video
            if self.index.store.video(video) is None:
                try:
                    names[video] = self.index.find(video).id
                except ConfigError:
                    continue
        return replace(
            dataset,
            qrels={
                query: {names[video]: grade for video, grade in items.items()}
                for query, items in dataset.qrels.items()
            },
            videos=tuple(dict.fromkeys(names.values())),
        )

    def _title(self, video: str) -> str:
        known = self.index.store.video(video)
        return video if known is None else known.title or Path(known.path).name

    def _bank(self) -> list[str]:
        """Return the generic questions that normalisation `bank` corrects by, in all languages."""
        from q2e.query import knowledge

        known = knowledge.load()
        return [text for language in known.banks for text in knowledge.bank(language, known)]

    # -- rows -----------------------------------------------------------------------------------
    def fingerprint(self, row: Row) -> Fingerprint:
        """Return what a row's measures rest on: the set, all settings in force, code and spaces.

        Raises ConfigError for a setting that is not allowed.
        """
        index, channels, settings = self._asked(row)
        used = changed(index.settings, settings)
        held = (index.store.setting(f"space.{kind}") for kind in ("text", "image", "video"))
        return fingerprint(
            self.state,
            *channels,
            method=json.dumps(effective(used), sort_keys=True),
            version=f"{code_version()} {Plan.of(used).versions}",
            space=" ".join(filter(None, held)),
        )

    def _asked(self, row: Row) -> tuple[Index, tuple[str, ...], dict[str, Any]]:
        """Return the index that a row asks, in which channels, and with which settings."""
        options = dict(row.options)
        channels = self._channels(row, options.pop("channels", ()), options.pop("without", ()))
        settings: dict[str, Any] = {
            name: tuple(v) if isinstance(v, list) else v for name, v in options.items()
        }
        first = self.experiment.rows[0].options.get("profile")
        return self._of(settings.pop("profile", None) or first), channels, settings

    def measure(self, row: Row, key: str) -> Measured:
        """Return the measures of one setting; its run is kept and goes on where it stopped."""
        index, channels, settings = self._asked(row)
        run = self.out / "runs" / f"{key}.run"
        run.parent.mkdir(exist_ok=True)
        watch = self.watch
        index.run(
            self._queries_file,
            run,
            top=self._top(),
            channels=channels,
            watch=None if watch is None else lambda n, of: watch(row.name, n, of),
            **settings,
        )
        found, qrels = read_run(run), self.dataset.qrels
        again, how = candidate_recall(about_of(run), found, qrels), again_said(said_of(run))
        return self._both(
            row,
            judge_run(found, qrels),
            judge_run(*turned(found, qrels)),
            notes=[*([candidates_said(again)] if again else []), *filter(None, [how])],
            transductive=Plan.of(changed(index.settings, settings)).batch,
        )

    def _top(self) -> int:
        """Return how many videos a question lists: all where videos are to rank questions."""
        if self.direction == "text-to-video":
            return self.experiment.top
        return max(self.experiment.top, len(self.index.store.table().video_ids))

    def _both(
        self, row: Row, forward: Mapping[str, Judged], backward: Mapping[str, Judged], **more: Any
    ) -> Measured:
        """Return the measures of the direction that the experiment asks for."""
        measures = self.experiment.measures
        if self.direction == "video-to-text":
            # A text's scores are fused by how they spread over the videos, which ask here.
            return measured(row, backward, measures, {}, **more | {"transductive": True})
        if self.direction == "both":
            more["backward"] = summarise(backward, measures).values
        return measured(row, forward, measures, self.dataset.groups, **more)

    def _channels(self, row: Row, only: Any, without: Any) -> tuple[str, ...]:
        if not without:
            return tuple(only)
        held = self.index.status().evidence
        left = tuple(name for name in held if name not in without and (not only or name in only))
        if not left:
            raise EvaluationError(
                f"row {row.name!r} leaves no channel; the index has {', '.join(held)}"
            )
        return left

    def subsets(self) -> Iterator[Measured]:
        """Yield the measures of every subset of the scores that the index gives."""
        ablation = self.experiment.ablation
        assert ablation is not None
        base = self.experiment.rows[0].options
        settings = load_settings(
            self.index.directory,
            **{k: tuple(v) if isinstance(v, list) else v for k, v in base.items()
               if k not in ("channels", "without", "fuse")},
        )  # fmt: skip
        watch = self.watch
        videos, matrices = score_matrices(
            self.index,
            self.dataset.queries,
            settings,
            None if watch is None else lambda n, of: watch("scores", n, of),
            raw=self.out / "runs" if transductive(ablation.normalise) else None,
        )
        # What is not in the index stands last, tied, and still counts as not found.
        absent_videos = [video for video in self.dataset.videos if video not in set(videos)]
        place = {video: number for number, video in enumerate([*videos, *absent_videos])}
        relevance = np.zeros((len(self.dataset.queries), len(place)))
        unscored = np.full((len(relevance), len(absent_videos)), np.nan)
        for number, query in enumerate(self.dataset.queries):
            for video, grade in self.dataset.qrels.get(query, {}).items():
                relevance[number, place[video]] = grade
        asked = np.flatnonzero((relevance > 0).any(axis=0))
        captioned = [list(place)[number] for number in asked]
        absent = [name for name in ablation.scores if name not in matrices]
        if absent:
            self.warnings.append(
                f"no score {', '.join(absent)} for these questions and videos: the subsets are "
                f"those of the other {len(ablation.scores) - len(absent)}"
            )
        names = list(self.dataset.queries)
        for chosen, fused in ablated(matrices, ablation, Plan.of(settings).event_weight):
            row = Row(" + ".join(chosen), {"scores": list(chosen)})
            whole = np.hstack([fused, unscored])
            yield self._both(
                row,
                judge_matrices(whole, relevance, names),
                judge_matrices(whole[:, asked].T, relevance[:, asked].T, captioned),
                transductive=ablation.way.transductive,
            )


def check_queries(dataset: Dataset, index: Index, bank: Sequence[str]) -> Iterator[str]:
    """Yield what makes figures of an index too good, one sentence each.

    The product's bank of generic questions is fixed, so that one of them may happen to be asked;
    a bank of one's own that holds test queries is refused (`evaluate_matrices`).
    """
    seen = queries_among(dataset.queries, bank)
    if seen:
        yield (
            f"{len(seen)} queries, e.g. {dataset.queries[seen[0]]!r}, stand in the bank that "
            "normalises their scores"
        )
    yield from indexed_queries(dataset.queries, index)
    missing = [video for video in dataset.videos if index.store.video(video) is None]
    if missing:
        yield (
            f"{len(missing)} of {len(dataset.videos)} videos of the set are not in the index, e.g. "
            f"{missing[0]!r}: what is asked for them counts as not found"
        )


def check_splits(videos: Sequence[str], splits: Mapping[str, Path]) -> None:
    """Raise EvaluationError where test videos are in another split too."""
    if not splits:
        return
    listed = {name: path.read_text("utf-8-sig").split() for name, path in splits.items()}
    shared = duplicates_between(videos, listed)
    if shared:
        video, names = next(iter(shared.items()))
        raise EvaluationError(
            f"{len(shared)} test videos are in other splits too, e.g. {video!r} in "
            f"{', '.join(names)}; take them out of one"
        )
