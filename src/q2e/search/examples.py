"""Searches by example: a picture, a frame of a video, a clip or a sound, and a text to change it.

"Like this, but at night": methods of kind `compose` say how far the text changes the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from q2e.arrays import Float32, UInt8
from q2e.errors import MediaError, QueryError
from q2e.methods.calibrate.bank import scale_of
from q2e.methods.rows import Scale
from q2e.models.registry import Models
from q2e.registry import Choice
from q2e.store.base import Searched
from q2e.types import Example

#: Frames by which a clip is known.
FRAMES = 8
#: Longest sound that is listened to, in seconds.
LONGEST_S = 120.0
#: Labels that describe a picture, and their least probability.
_LABELS, _LEAST = 3, 0.05
#: Pictures of the collection among which likeness is measured.
_SAMPLED = 1500


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What an example shows as a vector (d,) of the image space, or says as a text."""

    vector: Float32 | None = None
    description: str = ""
    speech: str = ""


class Examples:
    """Reads examples for one store with one set of models."""

    def __init__(self, store: Searched, models: Models) -> None:
        self._store = store
        self._models = models
        self._scales: dict[tuple[int, str], Scale] = {}
        self._lock = Lock()

    def read(self, example: Example) -> Seen:
        """Return what an example shows or says. Raises QueryError where it cannot be used."""
        # Most questions have none, and start without what opens media.
        from q2e.decoding.doors import frames_at, probe, read_still
        from q2e.decoding.pool import STRANGE
        from q2e.media.scan import uniform_times

        if example.video:
            return self._of_video(example)
        path = Path(example.path)
        try:
            video = probe(path, allowance=STRANGE)
        except MediaError as error:
            try:
                return self._pictures([read_still(path, allowance=STRANGE)])
            except MediaError:
                # What is no picture either is a video that is broken.
                raise QueryError(f"the example cannot be used: {error}") from None
        if not video.has_video:
            return self._sound(path, video.duration_s)
        start_s = example.start_s or 0.0
        end_s = example.end_s or video.duration_s
        times_s = [start_s + t for t in uniform_times(end_s - start_s, FRAMES)]
        try:
            frames = frames_at(path, times_s, allowance=STRANGE)
        except MediaError as error:
            raise QueryError(f"the example cannot be used: {error}") from None
        return self._pictures([frame.image for frame in frames])

    def changed(self, shown: Seen, text: str, compose: Choice) -> Float32:
        """Return the vector (d,) of an example, changed as a text says where there is one."""
        if shown.vector is None:
            raise ValueError("what is only heard has no vector")
        if not text:
            return shown.vector
        told = shown.description or "a picture"
        before, after = self._models.image.encode_texts([told, f"{told}, {text}"])
        return np.asarray(compose.bound(shown.vector, before, after))

    def scale(self) -> Scale:
        """Return how alike pictures of different videos are here: the scale of likeness."""
        table, space = self._store.table(), self._models.image.space
        with self._lock:
            if (table.version, space) not in self._scales:
                rows, matrix = self._store.vectors(space)
                step = max(1, len(rows) // _SAMPLED)
                sample, owner = matrix[::step], table.video[rows[::step]]
                apart = owner[:, None] != owner[None, :]
                self._scales = {(table.version, space): scale_of((sample @ sample.T)[apart])}
            return self._scales[table.version, space]

    def _of_video(self, example: Example) -> Seen:
        """Return a frame as it is decoded now, or where the file is gone as it was indexed."""
        from q2e.decoding.doors import frames_at
        from q2e.decoding.pool import STRANGE

        video = self._store.video(example.video)
        if video is None:
            raise QueryError(f"{example.video!r} is not in the index")
        start_s, end_s = example.start_s, example.end_s
        if start_s is not None and start_s > video.duration_s:
            raise QueryError(
                f"{Path(video.path).name} has {video.duration_s:.1f} s, no frame at {start_s:g} s"
            )
        if start_s is not None and end_s is None and Path(video.path).is_file():
            try:
                frames = frames_at(video.path, [start_s], allowance=STRANGE)
            except MediaError as error:
                raise QueryError(f"the example cannot be used: {error}") from None
            return self._pictures([frame.image for frame in frames])
        return self._indexed(example.video, start_s, end_s)

    def _indexed(self, video_id: str, start_s: float | None, end_s: float | None) -> Seen:
        table, space = self._store.table(), self._models.image.space
        rows, matrix = self._store.vectors(space)
        last = end_s if end_s is not None else start_s
        own = table.video[rows] == table.video_ids.index(video_id)
        if start_s is not None and last is not None:
            own &= (table.start_s[rows] <= last) & (table.end_s[rows] >= start_s)
        if not own.any():
            raise QueryError("nothing is seen there; choose another frame or clip")
        frames = [one for one in self._store.evidence(rows[own].tolist()) if one.tags]
        labels = [tag.label for one in frames for tag in one.tags[:1]]
        told = ", ".join(list(dict.fromkeys(labels))[:_LABELS])
        return Seen(_unit(matrix[own].mean(axis=0)), told and f"a photo of {told}")

    def _pictures(self, images: list[UInt8]) -> Seen:
        encoder: Any = self._models.image
        vectors, tags = (
            encoder.read(images)
            if hasattr(encoder, "read")
            else (encoder.encode_images(images), [()] * len(images))
        )
        sure = [tag.label for named in tags for tag in named if tag.probability >= _LEAST]
        told = ", ".join(list(dict.fromkeys(sure))[:_LABELS])
        return Seen(_unit(vectors.mean(axis=0)), told and f"a photo of {told}")

    def _sound(self, path: Path, duration_s: float) -> Seen:
        from q2e.decoding.doors import read_audio

        audio = read_audio(path, 0.0, min(duration_s, LONGEST_S))
        heard = None if audio is None else self._models.speech.transcribe(audio)
        text = " ".join(line.text for line in heard.lines).strip() if heard else ""
        if not any(letter.isalnum() for letter in text):
            raise QueryError(
                f"nothing is said in {path.name}; sounds are searched by what is said in them, "
                "other sounds are not indexed"
            )
        return Seen(speech=text)


def _unit(vector: Float32) -> Float32:
    return np.asarray(vector / (float(np.linalg.norm(vector)) or 1.0), dtype=np.float32)
