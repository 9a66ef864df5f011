"""Layouts of caption retrieval sets: sentences, or paragraphs, that each describe one video."""

from __future__ import annotations

import io
import pickle
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from q2e.errors import EvaluationError
from q2e.evaluate.datasets.base import (
    Dataset,
    Files,
    Spec,
    id_of,
    json_of,
    lines_of,
    objects_of,
    rows_of,
)
from q2e.evaluate.moment_measures import VideoMoment


def described(
    captions: Mapping[str, Sequence[str]],
    videos: Iterable[str] | None = None,
    notes: tuple[str, ...] = (),
) -> Dataset:
    """Return the set in which each of `{video: captions}` is a query for its video alone."""
    queries: dict[str, str] = {}
    qrels: dict[str, dict[str, int]] = {}
    for video, texts in captions.items():
        for number, text in enumerate(texts):
            query = f"{video}-{number}" if len(texts) > 1 else video
            queries[query] = " ".join(text.split())
            qrels[query] = {video: 1}
    return Dataset(queries, qrels, tuple(captions if videos is None else videos), notes=notes)


def pairs_csv(spec: Spec, files: Files) -> Dataset:
    """MSR-VTT-1kA: rows `key,vid_key,video_id,sentence`; each row a query, its video relevant."""
    rows = rows_of(files.needed(".csv"), ("key", "video_id", "sentence"))
    return Dataset(
        {row["key"]: row["sentence"] for row in rows},
        {row["key"]: {row["video_id"]: 1} for row in rows},
        tuple(dict.fromkeys(row["video_id"] for row in rows)),
    )


def msrvtt_json(spec: Spec, files: Files) -> Dataset:
    """MSR-VTT: `videos` with their split, and `sentences` with their video, in one object."""
    path = files.needed(".json")
    data = json_of(path)
    split = spec.options["split"]
    try:
        videos = [one["video_id"] for one in data["videos"] if one["split"] == split]
        captions: dict[str, list[str]] = {video: [] for video in videos}
        for one in data["sentences"]:
            if one["video_id"] in captions:
                captions[one["video_id"]].append(one["caption"])
    except (KeyError, TypeError) as error:
        raise EvaluationError(f"{path}: not the layout of MSR-VTT (no {error})") from None
    return described(captions, videos)


def msvd(spec: Spec, files: Files) -> Dataset:
    """MSVD: a list of test videos, and captions as pickled token lists or as lines of text."""
    videos = [line.strip() for _, line in lines_of(files.needed("test_list.txt"))]
    source = files.needed("raw-captions.pkl", "AllVideoDescriptions.txt")
    if source.suffix == ".pkl":
        known = safe_pickle(source)
        found = {v: [" ".join(words) for words in known.get(v, ())] for v in videos}
    else:
        names = {}
        mapping = files.one("youtube_mapping.txt")
        if mapping is not None:
            names = {line.split()[1]: line.split()[0] for _, line in lines_of(mapping)}
        lines: dict[str, list[str]] = defaultdict(list)
        for _, line in lines_of(source):
            if not line.startswith("#"):
                video, _, text = line.partition(" ")
                lines[video].append(text)
        found = {v: lines.get(v, lines.get(names.get(v, ""), [])) for v in videos}
    silent = [video for video in videos if not found[video]]
    if silent:
        raise EvaluationError(f"{source}: no caption of {len(silent)} videos, e.g. {silent[0]!r}")
    return described(found)


def msvd_zh(spec: Spec, files: Files) -> Dataset:
    """MSVD-CN: rows `id,video_id,sentence` of all videos, of which vid1301 to vid1970 are the test.

    They are the last 670 of `youtube_mapping.txt` (Venugopalan et al. 2015).
    """
    path = files.needed(".csv")
    captions: dict[str, list[str]] = defaultdict(list)
    for row in rows_of(path, ("video_id", "sentence")):
        video = row["video_id"].removesuffix(".mp4")
        if not re.fullmatch(r"vid[0-9]{1,4}", video):
            raise EvaluationError(f"{path}: video {video!r} is none of vid1 to vid1970")
        if int(video.removeprefix("vid")) > 1300:
            captions[video].append(row["sentence"])
    return described(captions)


def vatex(spec: Spec, files: Files) -> Dataset:
    """VATEX: objects `videoID`, `enCap`, `chCap`; a test list names the videos of the protocol."""
    language = spec.options["field"]
    path = files.needed("validation_v1.0.json", "test_english_v1.1.json")
    captions = {}
    for row in objects_of(path):
        if language not in row:
            raise EvaluationError(f"{path}: {row.get('videoID')!r} has no {language!r}")
        captions[row["videoID"]] = row[language]
    chosen = files.one("test_list.txt")
    notes: tuple[str, ...] = ()
    if chosen is None:
        notes = ("no test_list.txt: all videos of the file are the collection",)
    else:
        captions = {
            v: captions[v] for _, line in lines_of(chosen) if (v := line.strip()) in captions
        }
    return described(captions, notes=notes)


def lsmdc(spec: Spec, files: Files) -> Dataset:
    """LSMDC: lines clip, four times, sentence, by tabs and without a head."""
    path = files.needed("publictect.csv", "publictest.csv")
    captions = {}
    for number, line in lines_of(path):
        fields = line.split("\t")
        if len(fields) < 6:
            raise EvaluationError(
                f"{path}, line {number}: expected clip, four times and a sentence by tabs"
            )
        captions[fields[0]] = [fields[5]]
    return described(captions)


def didemo(spec: Spec, files: Files) -> Dataset:
    """DiDeMo: objects with description and marked stretches of 5 s; all of a video one paragraph.

    The retrieval protocol joins a video's sentences; moments belong to single sentences and are
    those that at least two people marked alike, else the first one's; for the authors' own
    measures they are what each person marked.
    """
    texts: dict[str, list[str]] = defaultdict(list)
    for row in objects_of(files.needed("_data.json")):
        texts[id_of(row["video"])].append(row["description"])
    if spec.options.get("protocol") == "paragraph":
        return described({video: [" ".join(own)] for video, own in texts.items()})
    queries, qrels, moments = {}, {}, {}
    for row in objects_of(files.needed("_data.json")):
        query, video = str(row["annotation_id"]), id_of(row["video"])
        queries[query], qrels[query] = row["description"], {video: 1}
        marks = [tuple(mark) for mark in row["times"]]
        if spec.options.get("protocol") == "people":
            moments[query] = [VideoMoment(video, a * 5.0, (b + 1) * 5.0) for a, b in marks]
            continue
        agreed = [mark for mark in dict.fromkeys(marks) if marks.count(mark) > 1] or marks[:1]
        moments[query] = [VideoMoment(video, a * 5.0, (b + 1) * 5.0) for a, b in agreed]
    return Dataset(queries, qrels, tuple(texts), moments=moments)


def activitynet(spec: Spec, files: Files) -> Dataset:
    """ActivityNet Captions: {video: {duration, timestamps, sentences}}; one paragraph a video."""
    path = files.needed("val_1.json", "val_2.json", "test.json")
    data = json_of(path)
    try:
        captions = {video: [" ".join(s.strip() for s in one["sentences"])]
                    for video, one in data.items()}  # fmt: skip
        moments = {
            video: [VideoMoment(video, float(a), float(b)) for a, b in one["timestamps"]]
            for video, one in data.items()
        }
    except (KeyError, TypeError, ValueError) as error:
        raise EvaluationError(f"{path}: not the layout of ActivityNet Captions ({error})") from None
    found = described(captions)
    return Dataset(found.queries, found.qrels, found.videos, moments=moments)


def queryd(spec: Spec, files: Files) -> Dataset:
    """QuerYD: test list, and captions as {video: token lists}; a video's captions are joined."""
    videos = [line.strip() for _, line in lines_of(files.needed("test_list.txt"))]
    source = files.needed("raw_captions_combined_filtered.pkl", ".json")
    known = safe_pickle(source) if source.suffix == ".pkl" else json_of(source)
    absent = [video for video in videos if video not in known]
    if absent:
        raise EvaluationError(f"{source}: no caption of {len(absent)} videos, e.g. {absent[0]!r}")
    return described({video: [" ".join(_words(known[video]))] for video in videos})


def _words(value: Any) -> list[str]:
    if isinstance(value, str):
        return value.split()
    return [word for part in value for word in _words(part)]


def condensed_movies(spec: Spec, files: Files) -> Dataset:
    """Condensed Movies: clips with a description, of the films of the split.

    As the authors do, descriptions that stand under several clips are left out.
    """
    split = spec.options["split"]
    films = {
        row["imdbid"]
        for row in rows_of(files.needed("split.csv"), ("imdbid", "split"))
        if row["split"] == split
    }
    clips = {row["videoid"] for row in rows_of(files.needed("clips.csv"), ("videoid",))}
    rows = rows_of(files.needed("descriptions.csv"), ("imdbid", "videoid", "description"))
    often: dict[str, int] = defaultdict(int)
    for row in rows:
        often[row["description"]] += 1
    kept = [
        row
        for row in rows
        if row["imdbid"] in films
        and row["videoid"] in clips
        and row["description"].strip()
        and often[row["description"]] == 1
    ]
    return described({row["videoid"]: [row["description"]] for row in kept})


def lovr(spec: Spec, files: Files) -> Dataset:
    """LoVR: objects with `path` or `vid` and a caption; clips or whole videos as the split says."""
    whole = spec.options["level"] == "video"
    path = files.needed("all_video.jsonl" if whole else "all_clip.jsonl")
    captions = {}
    for number, row in enumerate(objects_of(path), 1):
        name = row.get("vid") if whole else row.get("path")
        text = next((row[key] for key in ("cap", "caption", "text") if row.get(key)), None)
        if not name or not isinstance(text, str):
            raise EvaluationError(
                f"{path}, line {number}: needs an id and a caption, has {sorted(row)}"
            )
        captions[id_of(str(name).rsplit("/", 1)[-1].removesuffix(".mp4"))] = [text]
    return described(captions)


def languages(spec: Spec, files: Files) -> Dataset:
    """Captions in several languages of the same items: one file a language.

    XTD: `test_image_names.txt` and `test_1kcaptions_<language>.txt`, line by line alike. Lists of
    translated captions: `<anything>_<language>.caption.txt` with lines `video#anything text`, or
    `<anything>_<language>.csv` with columns `video_id,sentence`.
    """
    names = files.one("test_image_names.txt")
    order = [] if names is None else [line.strip() for _, line in lines_of(names)]
    queries: dict[str, str] = {}
    qrels: dict[str, dict[str, int]] = {}
    groups: dict[str, str] = {}
    for path in files.all():
        match = re.fullmatch(r".*(?:_|enc2)([a-z]{2})(?:\.caption)?\.(?:txt|csv)", path.name)
        if match is None:
            continue
        for number, (video, text) in enumerate(_captions_of(path, order)):
            query = f"{match[1]}-{number}"
            queries[query], qrels[query], groups[query] = text, {video: 1}, match[1]
    videos = order or list(dict.fromkeys(video for items in qrels.values() for video in items))
    return Dataset(queries, qrels, tuple(map(id_of, videos)), groups)


def _captions_of(path: Path, order: Sequence[str]) -> list[tuple[str, str]]:
    if path.suffix == ".csv":
        rows = rows_of(path, ("video_id", "sentence"))
        return [(id_of(row["video_id"]), row["sentence"]) for row in rows]
    lines = [line for _, line in lines_of(path)]
    if not path.name.endswith(".caption.txt"):
        if len(lines) != len(order):
            raise EvaluationError(f"{path}: {len(lines)} captions for {len(order)} items")
        return [(id_of(name), text) for name, text in zip(order, lines, strict=True)]
    found = []
    for number, line in enumerate(lines, 1):
        key, blank, text = line.partition(" ")
        if not blank or "#" not in key:
            raise EvaluationError(f"{path}, line {number}: expected `video#number caption`")
        found.append((id_of(key.split("#")[0]), text))
    return found


class _Plain(pickle.Unpickler):
    """Reads pickles of plain containers and refuses everything that could run."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in (("collections", "OrderedDict"), ("collections", "defaultdict")):
            return dict
        raise pickle.UnpicklingError(f"it wants {module}.{name}")


def safe_pickle(path: Path) -> dict[str, Any]:
    """Return a pickled dictionary of plain values. Raises EvaluationError for anything else."""
    try:
        value = _Plain(io.BytesIO(path.read_bytes()), encoding="utf-8").load()
    except Exception as error:  # noqa: BLE001  a damaged pickle may raise anything
        raise EvaluationError(f"{path}: not a pickle of plain values ({error})") from None
    if not isinstance(value, dict):
        raise EvaluationError(f"{path}: expected a dictionary, got {type(value).__name__}")
    return value
