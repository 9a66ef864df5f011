"""Layouts of moment retrieval sets: a question, answered by stretches of videos."""

from __future__ import annotations

from typing import Any

from q2e.errors import EvaluationError
from q2e.evaluate.datasets.base import Dataset, Files, Spec, id_of, json_of, objects_of
from q2e.evaluate.moment_measures import VideoMoment


def tvr(spec: Spec, files: Files) -> Dataset:
    """TVR: objects with `vid_name`, `ts`, `desc`; the test set's moments are not public.

    Subtitles, where the file is there, are evidence of the channel `speech`.
    """
    path = files.needed("_release.jsonl")
    queries, qrels, groups, moments = {}, {}, {}, {}
    videos: dict[str, None] = {}
    for row in objects_of(path):
        if "ts" not in row:
            raise EvaluationError(f"{path}: moments of this split are not public; take val")
        query, video = str(row["desc_id"]), row["vid_name"]
        queries[query], qrels[query], groups[query] = row["desc"], {video: 1}, row["type"]
        moments[query] = [VideoMoment(video, float(row["ts"][0]), float(row["ts"][1]))]
        videos[video] = None
    subtitles = files.one("subtitles.jsonl")
    evidence: list[dict[str, Any]] = []
    for row in objects_of(subtitles) if subtitles else ():
        if row["vid_name"] in videos:
            evidence += [
                {
                    "video": row["vid_name"],
                    "channel": "speech",
                    "text": one["text"],
                    "start": float(one["start"]),
                    "end": float(one["end"]),
                    "language": "en",
                }
                for one in row["sub"]
                if one["text"].strip()
            ]
    return Dataset(queries, qrels, tuple(videos), groups, moments, tuple(evidence))


def tvr_ranking(spec: Spec, files: Files) -> Dataset:
    """TVR-Ranking: objects query, moment and relevance 0 to 4; all videos are the collection.

    A video is as relevant as its best moment. Moments of relevance 0 are left out of the truths.
    """
    rows = objects_of(files.needed("test.json", "test.jsonl", "val.json", "val.jsonl"))
    queries: dict[str, str] = {}
    qrels: dict[str, dict[str, int]] = {}
    moments: dict[str, list[VideoMoment]] = {}
    videos: dict[str, None] = {}
    for row in rows:
        query, video = str(row["query_id"]), row["video_name"]
        grade = float(row["relevance"])
        queries[query], videos[video] = row["query"], None
        items = qrels.setdefault(query, {})
        # Averages of several people; trec_eval's judgements are whole numbers.
        items[video] = max(items.get(video, 0), round(grade))
        start, end = row["timestamp"]
        if grade > 0:
            moments.setdefault(query, []).append(
                VideoMoment(video, float(start), float(end), grade)
            )
    corpus = files.one("video_corpus.json", "video_name_duration_id.json")
    notes: tuple[str, ...] = ()
    if corpus is None:
        notes = ("no video_corpus.json: the judged videos alone are the collection, easier",)
    else:
        known = json_of(corpus)
        videos |= dict.fromkeys(
            one if isinstance(one, str) else one["video_name"]
            for one in (known if isinstance(known, list) else list(known))
        )
    return Dataset(queries, qrels, tuple(videos), moments=moments, notes=notes)


def _hirest_steps(data: Any) -> Dataset:
    """Return each step of HiREST that lasts as a question."""
    queries: dict[str, str] = {}
    qrels: dict[str, dict[str, int]] = {}
    moments: dict[str, list[VideoMoment]] = {}
    videos: dict[str, None] = {}
    for number, (prompt, found) in enumerate(data.items()):
        for name, one in found.items():
            video = id_of(name.removesuffix(".mp4"))
            videos[video] = None
            for step in one["steps"] if one["relevant"] and one["clip"] else ():
                start, end = map(float, step["absolute_bounds"])
                if end > start:
                    query = f"{number}/{video}/{step['index']}"
                    queries[query] = f"{prompt}: {step['heading']}"
                    qrels[query] = {video: 1}
                    moments[query] = [VideoMoment(video, start, end)]
    return Dataset(queries, qrels, tuple(videos), moments=moments)


def hirest(spec: Spec, files: Files) -> Dataset:
    """HiREST: {prompt: {video: {relevant, clip, bounds, steps}}} and, to search in, negatives.

    `bounds` is the moment of a video that has one (`clip`). With the protocol `steps` each step is
    a question, `prompt: heading`, whose moment is where it is done.
    """
    data = json_of(files.needed("all_data_test.json", "all_data_val.json"))
    if spec.options.get("protocol") == "steps":
        return _hirest_steps(data)
    queries: dict[str, str] = {}
    qrels: dict[str, dict[str, int]] = {}
    moments: dict[str, list[VideoMoment]] = {}
    videos: dict[str, None] = {}
    for number, (prompt, found) in enumerate(data.items()):
        query = str(number)
        queries[query], qrels[query] = prompt, {}
        for name, one in found.items():
            video = id_of(name.removesuffix(".mp4"))
            videos[video] = None
            qrels[query][video] = int(bool(one["relevant"]))
            if one["relevant"] and one["clip"]:
                start, end = map(float, one["bounds"])
                moments.setdefault(query, []).append(VideoMoment(video, start, end))
    negatives = files.one("negative_samples.json")
    notes: tuple[str, ...] = ()
    if negatives is None:
        notes = ("no negative samples: the published collection has more videos, this is easier",)
    else:
        for found in json_of(negatives).values():
            videos |= dict.fromkeys(id_of(name.removesuffix(".mp4")) for name in found)
    return Dataset(queries, qrels, tuple(videos), moments=moments, notes=notes)
