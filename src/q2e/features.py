"""Makes cached features of real clips and pictures, as `q2e train` reads them.

Frames become vectors by the profile's picture model and texts by the same, in one space. For an
eye, frames become what the picture model sees before it names it, texts vectors of the text
model, and the vectors of both among labels stand beside them. For `q2e mmi tune`, frames become
what the vision tower of the model that is tuned makes of them. What was made of a file is kept, so
that a run that was stopped goes on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from q2e.arrays import Float32, Float64
from q2e.cache import ARRAY, Fingerprint, ResultCache, fingerprint
from q2e.decoding import doors
from q2e.errors import ConfigError, MediaError
from q2e.evaluate.datasets import load
from q2e.evaluate.datasets.own import judged
from q2e.heads.feature_files import dealt
from q2e.heads.features import FeatureSet
from q2e.heads.pairs import read_pairs
from q2e.index import Index
from q2e.media.scan import uniform_times
from q2e.models.local.eye import features_space
from q2e.models.registry import Models
from q2e.types import Video

if TYPE_CHECKING:
    from q2e.mmi.tuned import Tower

#: Frames of a clip, and texts of one, unless said otherwise.
FRAMES, MOST = 16, 5
#: Texts of an index that a clip is trained by: its title, and channels that tell what is in it.
OWN = ("title", "caption", "summary", "speech")
#: Suffixes of pictures, which are clips of one frame.
PICTURES = frozenset((".jpg", ".jpeg", ".png", ".webp", ".bmp"))
#: Bytes that features of files may take.
_MOST_BYTES = 4 << 30
_VERSION = 1

Watch = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Clip:
    """A file with its texts by id; `video` names it in an index."""

    id: str
    path: Path
    texts: Mapping[str, str]
    video: str = ""
    spans_s: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Which stretch each text tells of, where that is known of all."""


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """Features, and what could not be had: ids with the reason."""

    features: FeatureSet
    missing: Mapping[str, str]


def of_index(
    index: Index,
    *,
    questions: Path | None = None,
    own: Sequence[str] = OWN,
    eye: bool = False,
    tower: Tower | None = None,
    frames: int = FRAMES,
    most: int = MOST,
    watch: Watch | None = None,
) -> Made:
    """Return features of an index: its stored vectors of frames, against its own texts.

    `questions` is a table or lines of `query` and `video`, as of a data set of one's own, instead
    of the index's own texts, of which is known which stretch each tells of. Where `own` is empty,
    the mean of its frames stands for a text of each video, for trainings that look at none. For an
    `eye`, and for the `tower` of a model, the files are read again. Raises ConfigError where there
    is nothing to train on, EvaluationError for questions that cannot be read.
    """
    texts: dict[str, dict[str, str]] = {}
    spans_s: dict[str, dict[str, tuple[float, float]]] = {}
    silent = questions is None and not own and not eye and tower is None
    if questions is not None:
        data = judged(questions)
        for query, items in data.qrels.items():
            for name in (name for name, grade in items.items() if grade > 0):
                texts.setdefault(index.find(name).id, {})[f"{query}/{name}"] = data.queries[query]
    else:
        for video in index.each_video():
            told = list(_own(index, video, own, most))
            texts[video.id] = {key: text for key, text, _ in told}
            spans_s[video.id] = {key: span for key, _, span in told}
    clips = [
        Clip(video.id, Path(video.path), texts[video.id], video.id, spans_s.get(video.id, {}))
        for video in index.each_video()
        if (texts.get(video.id) or silent) and video.has_video
    ]
    if not clips:
        raise ConfigError(
            f"{index.directory}: no video with texts of {', '.join(own)}; describe them "
            "(q2e index --captions ...), or give --questions FILE with rows of query and video"
        )
    what = "judged questions" if questions is not None else f"texts of {', '.join(own)}"
    what = "its frames alone" if silent else what
    about = f"index {index.directory.name}, {what}"
    if eye or tower is not None:
        licence = "that of the videos"
        return _read(clips, index.models, eye, tower, frames, about, licence, watch)
    return _stored(index, clips, about)


def of_dataset(
    name: str,
    folder: Path,
    videos: Path,
    models: Models,
    *,
    eye: bool = False,
    tower: Tower | None = None,
    frames: int = FRAMES,
    watch: Watch | None = None,
) -> Made:
    """Return features of a data set's videos or pictures, which lie somewhere under `videos`.

    Raises ConfigError where none is there, EvaluationError for a data set that cannot be read.
    """
    loaded = load(name, folder, check_hashes=False)
    data = loaded.dataset
    if data is None:
        lacks = "; ".join(one.text for one in loaded.findings if one.level == "problem")
        raise ConfigError(f"data set {name}: {lacks}")
    if not videos.is_dir():
        raise ConfigError(f"{videos}: no such folder; --videos names where the videos lie")
    files = {one.stem: one for one in sorted(videos.rglob("*")) if one.is_file()}
    files |= {one.name: one for one in files.values()}
    texts: dict[str, dict[str, str]] = {}
    for query, items in data.qrels.items():
        for video in (video for video, grade in items.items() if grade > 0):
            key = query if len(items) == 1 else f"{query}/{video}"
            texts.setdefault(video, {})[key] = data.queries[query]
    clips = [
        Clip(video, files[video], texts[video])
        for video in data.videos
        if video in files and video in texts
    ]
    if not clips:
        first = next(iter(data.videos), "none")
        raise ConfigError(
            f"{videos}: holds none of the {len(data.videos)} videos of {name}, such as {first}; "
            "files are found by their name, with any suffix"
        )
    absent = {one: "no such file" for one in data.videos if one not in files}
    spec = loaded.spec
    made = _read(clips, models, eye, tower, frames, spec.title, spec.licence, watch)
    return Made(made.features, absent | dict(made.missing))


def of_pairs(
    pictures: Path,
    captions: Sequence[Path],
    models: Models,
    *,
    most: int | None = None,
    each: int = 1,
    data: str = "",
    licence: str = "",
    watch: Watch | None = None,
) -> Made:
    """Return features for an eye of pictures in a folder, by files of their captions.

    `each` captions of a picture are taken from each file, and of more than `most` pictures those
    whose names have the lowest hashes. `data` and `licence` stand before what the files say.
    Raises ConfigError where no picture has a caption.
    """
    if not pictures.is_dir():
        raise ConfigError(f"{pictures}: no such folder of pictures")
    files = {one.name: one for one in sorted(pictures.rglob("*")) if one.is_file()}
    stems = {one.stem: one for one in files.values()}
    read = [read_pairs(file) for file in captions]
    texts: dict[str, dict[str, str]] = {}
    missing: dict[str, str] = {}
    for number, pairs in enumerate(read):
        for name, told in pairs.captions.items():
            file = files.get(Path(name).name) or stems.get(Path(name).name)
            if file is None:
                missing[name] = "no such picture"
                continue
            own = texts.setdefault(file.name, {})
            own |= {f"{file.name}/{number}/{n}": text for n, text in enumerate(told[:each])}
    if not texts:
        raise ConfigError(
            f"{pictures}: holds none of the pictures with captions, such as "
            f"{next(iter(missing), 'none')}; they are found by their name"
        )
    chosen = sorted(texts, key=lambda name: hashlib.sha1(name.encode()).digest())[:most]
    clips = [Clip(name, files[name], texts[name]) for name in sorted(chosen) if texts[name]]
    about = data or ", ".join(dict.fromkeys(one.data for one in read if one.data))
    said = licence or ", ".join(dict.fromkeys(one.licence for one in read if one.licence))
    names = ", ".join(file.name for file in captions)
    about = about or f"{pictures.name} with {names}"
    made = _read(clips, models, True, None, FRAMES, about, said, watch)
    return Made(made.features, missing | dict(made.missing))


# -- texts ------------------------------------------------------------------------------------


def _own(
    index: Index, video: Video, own: Sequence[str], most: int
) -> Iterable[tuple[str, str, tuple[float, float]]]:
    """Yield (id, text, span) of what an index says of a video itself, some of each channel."""
    if "title" in own and video.title.strip():
        yield f"{video.id}/title", video.title.strip(), (0.0, video.duration_s or 0.0)
    counts: dict[str, int] = {}
    for number, one in enumerate(index.store.evidence_of(video.id)):
        count = counts.get(one.channel, 0)
        if one.channel in own and one.text.strip() and count < most:
            counts[one.channel] = count + 1
            name = f"{video.id}/{one.channel}/{number}"
            yield name, one.text.strip(), (one.start_s, one.end_s)


# -- frames -----------------------------------------------------------------------------------


def _stored(index: Index, clips: Sequence[Clip], about: str) -> Made:
    """Return features of the vectors that an index holds already."""
    store, image = index.store, index.models.image
    table = store.table()
    rows, matrix = store.vectors(image.space)
    number = {name: place for place, name in enumerate(table.video_ids)}
    owner = table.video[rows]
    frames, times, missing = [], [], {}
    for clip in clips:
        own = np.flatnonzero(owner == number.get(clip.id, -1))
        if not len(own):
            missing[clip.id] = "no frame of it is in the index"
            continue
        shown = store.evidence(rows[own].tolist())
        when = [one.start_s if one.frame_s is None else one.frame_s for one in shown]
        order = np.argsort(when, kind="stable")
        frames.append(matrix[own[order]].astype(np.float32))
        times.append(np.asarray(when, np.float64)[order])
    kept = [clip for clip in clips if clip.id not in missing]
    if not kept:
        raise ConfigError(
            f"{index.directory}: holds no vectors of {image.space}; index with the channel frame"
        )
    return _set(kept, frames, times, index.models, None, about, "that of the videos", missing)


def _read(
    clips: Sequence[Clip],
    models: Models,
    eye: bool,
    tower: Tower | None,
    count: int,
    about: str,
    licence: str,
    watch: Watch | None,
) -> Made:
    """Return features of files, each read once for all runs."""
    cache = ResultCache("features", ARRAY, most_bytes=_MOST_BYTES)
    image: Any = models.untrained_image if eye else models.image
    encode = _seeing(image, eye) if tower is None else tower.encode
    space = image.space if tower is None else f"{tower.space} {tower.key}"
    frames, times, missing = [], [], {}
    for number, clip in enumerate(clips, 1):
        which = _which(clip, space, eye, count)
        found = cache.get(which)
        if found is None:
            try:
                images, when = _pictures(clip.path, count)
                found = np.concatenate([encode(images), when[:, None]], axis=1).astype(np.float32)
                cache.put(which, found, (clip.video,) if clip.video else ())
            except MediaError as error:
                missing[clip.id] = str(error)
        if found is not None:
            frames.append(found[:, :-1])
            times.append(found[:, -1].astype(np.float64))
        if watch is not None:
            watch(number, len(clips))
    kept = [clip for clip in clips if clip.id not in missing]
    if not kept:
        first, reason = next(iter(missing.items()))
        raise ConfigError(f"no file could be read; {first}: {reason}")
    labels = None
    if eye and hasattr(image, "look"):
        # The last columns are what labels make of each frame.
        dimension = int(image.info.dimension or 0)
        labels = np.stack([_unit(one[:, -dimension:].mean(axis=0)) for one in frames])
        frames = [one[:, :-dimension] for one in frames]
    seen = (labels,) if eye else None
    return _set(kept, frames, times, models, seen, about, licence, missing, tower)


def _seeing(image: Any, eye: bool) -> Callable[[Sequence[Any]], Float32]:
    if eye and hasattr(image, "look"):
        return lambda images: np.concatenate(image.look(images), axis=1)
    encode: Callable[[Sequence[Any]], Float32] = image.encode_images
    return encode


def _pictures(path: Path, count: int) -> tuple[list[Any], Float64]:
    """Return frames of a video at even times, or the one of a picture, and when they are shown."""
    if path.suffix.lower() in PICTURES:
        return [doors.read_still(path)], np.zeros(1)
    video = doors.probe(path)
    if not video.has_video:
        raise MediaError("it has sound alone")
    shown = doors.frames_at(path, uniform_times(video.duration_s, count))
    return [one.image for one in shown], np.array([one.time_s for one in shown], np.float64)


def _which(clip: Clip, space: str, eye: bool, count: int) -> Fingerprint:
    stat = clip.path.stat()
    parent = (str(clip.path.resolve()), str(stat.st_size), str(stat.st_mtime_ns))
    method = f"features(frames={count}, eye={eye})"
    return fingerprint(*parent, method=method, version=_VERSION, space=space)


def _set(
    clips: Sequence[Clip],
    frames: Sequence[Float32],
    times: Sequence[Float64],
    models: Models,
    labels: tuple[Float32 | None] | None,
    about: str,
    licence: str,
    missing: Mapping[str, str],
    tower: Tower | None = None,
) -> Made:
    """Return the feature set; `labels` is given for an eye, holding vectors where there are any."""
    said = [
        (number, key, text) for number, clip in enumerate(clips) for key, text in clip.texts.items()
    ]
    silent = not said
    said = said or [(number, f"{clip.id}/frames", "") for number, clip in enumerate(clips)]
    texts = [text for _, _, text in said]
    eye = labels is not None
    more: dict[str, Any] = {}
    image: Any = models.untrained_image if eye else models.image
    # A tower has no space with texts: a model that is tuned reads their words.
    apart = eye or tower is not None
    if silent:
        tokens = np.stack([_unit(one.mean(axis=0)) for one in frames])
    else:
        tokens = models.text.encode_queries(texts) if apart else image.encode_texts(texts)
    if labels is not None and labels[0] is not None:
        more = {"labels": labels[0], "text_labels": image.among(tokens)}
    known = [clips[number].spans_s.get(key) for number, key, _ in said]
    if all(one is not None for one in known):
        more["spans_s"] = np.array(known, np.float64)
    space = features_space(image.space, models.text.space) if eye else image.space
    space = space if tower is None else tower.space
    ids = tuple(clip.id for clip in clips)
    features = FeatureSet(
        frames=tuple(frames),
        tokens=tuple(tokens[:, None].astype(np.float32)),
        video=np.array([number for number, _, _ in said], np.int64),
        video_ids=ids,
        text_ids=tuple(key for _, key, _ in said),
        split=dealt(ids),
        times_s=tuple(times),
        texts=() if silent else tuple(texts),
        space=space,
        data=about,
        licence=licence,
        **more,
    )
    return Made(features, missing)


def _unit(vector: Float32) -> Float32:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), np.float32)
