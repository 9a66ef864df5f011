"""Hears what is no speech with a YAMNet-shaped ONNX file: sound in, a score of each class out.

YAMNet (Plakal and Ellis, https://github.com/tensorflow/models/tree/master/research/audioset/yamnet,
Apache-2.0) takes sound at 16 kHz and scores the 521 classes of AudioSet (Gemmeke et al., 2017;
names CC BY 4.0) in windows of 0.96 s, one each 0.48 s; a second output of as many rows is an
embedding. A file `*class_map*.csv` beside the graph names other classes.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from q2e.arrays import Float32
from q2e.errors import MissingDependency, ModelError
from q2e.models.base import Heard, ModelInfo
from q2e.types import Audio

if TYPE_CHECKING:
    from q2e.settings import Settings

RATE_HZ = 16_000
HOP_S, WINDOW_S = 0.48, 0.96
#: Windows scored at once, which bounds memory: a minute of sound.
_AT_ONCE = 125


class YamNet:
    """One graph, its classes, and the space of its embedding where it has one."""

    def __init__(self, graph: bytes, labels: Sequence[str], info: ModelInfo) -> None:
        self.info, self.labels = info, tuple(labels)
        digest = hashlib.sha256(graph)
        digest.update("\n".join(self.labels).encode())
        self.version = f"yamnet-1/{digest.hexdigest()[:12]}"
        self._session = _session(graph, info)
        (given,) = self._inputs()
        self._name, self._rank = given.name, len(given.shape)
        self._scores, self._embedding = self._found()
        self.space = None if self._embedding is None else f"{self.version}/embedding"

    def hear(self, audio: Audio) -> Heard:
        """Return the scores of all windows that begin in `audio`.

        Raises ModelError for sound at another rate, and where the graph answers no such scores.
        """
        if audio.rate_hz != RATE_HZ:
            raise ModelError(f"{self.info.id} hears {RATE_HZ} samples a second: {audio.rate_hz}")
        hop, window = round(HOP_S * RATE_HZ), round(WINDOW_S * RATE_HZ)
        count = max(1, -(-(len(audio.samples) - window) // hop) + 1)
        scores, embeddings = [], []
        for first in range(0, count, _AT_ONCE):
            many = min(_AT_ONCE, count - first)
            piece = audio.samples[first * hop : (first + many - 1) * hop + window]
            short = (many - 1) * hop + window - len(piece)
            answers = self._run(np.pad(piece, (0, max(0, short))).astype(np.float32))
            rows = _rows(answers[self._scores], len(self.labels))
            if len(rows) < many or not np.isfinite(rows[:many]).all():
                raise ModelError(
                    f"{self.info.id} answered {len(rows)} usable windows of {many}; a "
                    f"YAMNet-shaped graph gives one each {HOP_S} s"
                )
            scores.append(np.clip(rows[:many], 0, 1))
            if self._embedding is not None:
                made = answers[self._embedding]
                embeddings.append(_rows(made, made.shape[-1])[:many])
        found = np.concatenate(embeddings).astype(np.float32) if embeddings else None
        return Heard(np.concatenate(scores).astype(np.float32), found, HOP_S, WINDOW_S)

    def _run(self, samples: Float32) -> list[Any]:
        given = samples if self._rank == 1 else samples[None]
        try:
            answers: list[Any] = self._session.run(None, {self._name: given})
        except Exception as error:
            raise ModelError(f"{self.info.id}: {type(error).__name__}: {error}") from error
        return answers

    def _inputs(self) -> Any:
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or len(inputs[0].shape) not in (1, 2):
            raise ModelError(
                f"{self.info.id} is not YAMNet-shaped: it takes {[i.shape for i in inputs]}, and "
                "should take the samples of one sound, (n,) or (1, n)"
            )
        return inputs

    def _found(self) -> tuple[int, int | None]:
        """Return which output holds scores and which an embedding, by the shapes of an answer."""
        answers = self._run(np.zeros(round((WINDOW_S + 3 * HOP_S) * RATE_HZ), np.float32))
        shapes = [np.shape(one) for one in answers]
        scores = [n for n, shape in enumerate(shapes) if shape and shape[-1] == len(self.labels)]
        if not scores:
            raise ModelError(
                f"{self.info.id} is not YAMNet-shaped: it gives {shapes}, and no score of each of "
                f"{len(self.labels)} classes; a *class_map*.csv beside it names other classes"
            )
        count = shapes[scores[0]][-2] if len(shapes[scores[0]]) > 1 else 0
        other = [
            n
            for n, shape in enumerate(shapes)
            if n != scores[0] and len(shape) > 1 and shape[-2] == count and shape[-1] > 1
        ]
        return scores[0], other[0] if other else None


def open_sound(path: Path, info: ModelInfo, settings: Settings) -> YamNet:
    """Return the model of an ONNX file, or of a folder with one.

    Raises ModelError where there is none, or it is not of this shape.
    """
    found = [path] if path.is_file() else sorted(path.glob("*.onnx"))
    if len(found) != 1 or found[0].suffix != ".onnx":
        raise ModelError(f"{path}: name one .onnx file, or a folder that holds one")
    return YamNet(found[0].read_bytes(), labels_beside(found[0]), info)


def labels_beside(graph: Path) -> list[str]:
    """Return the classes that a map beside a graph names, else those of AudioSet."""
    maps = sorted(graph.parent.glob("*class_map*.csv"))
    if not maps:
        return audioset()
    try:
        with maps[0].open(encoding="utf-8", newline="") as file:
            return [row["display_name"].strip() for row in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, KeyError, AttributeError) as error:
        raise ModelError(f"{maps[0]}: no column display_name ({error!r})") from None


def audioset() -> list[str]:
    """Return the 521 classes that YAMNet knows, in its order."""
    return (files("q2e") / "data" / "sounds.txt").read_text(encoding="utf-8").splitlines()


def _rows(answer: Any, width: int) -> Float32:
    return np.asarray(answer, np.float32).reshape(-1, width)


def _session(graph: bytes, info: ModelInfo) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingDependency("onnxruntime", "local", "hearing sounds") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        # From bytes, so that a graph cannot name other files to read.
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(f"{info.id}: no usable ONNX graph ({type(error).__name__})") from error
