"""Reads screen text with RapidOCR's PP-OCRv6 models: the one module that knows rapidocr.

Its recogniser knows Latin, Chinese and Japanese letters. Lines in other scripts come out empty
or with low confidence; they go to tesseract where that is installed, and are never guessed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from q2e.arrays import UInt8
from q2e.errors import MissingDependency, ModelError
from q2e.models.base import ModelInfo, TextBox
from q2e.models.local.tesseract import Tesseract, installed_packs
from q2e.registry import method

if TYPE_CHECKING:
    from q2e.models.registry import Models
    from q2e.settings import Settings


MAX_SIDE = 640
#: Letters the recogniser does not know leave it at 0.4 to 0.66; what it knows, above 0.9.
_CONFIDENT = 0.75
#: The detector's score from which an unread box is text; patterns taken for text stay below.
_SURELY_TEXT = 0.65
#: A picture whose grey hardly varies shows no text.
_FLAT = 2.0
_DETECTOR = "PP-OCRv6_det_small.onnx"
_RECOGNISER = "PP-OCRv6_rec_small.onnx"

_log = logging.getLogger("q2e")


class RapidOcr:
    """PP-OCRv6 small; `others` reads what it cannot, by default the installed tesseract.

    Each picture is read by one thread: two pictures by two take less than each by both.
    """

    info = ModelInfo(
        id="package:rapidocr",
        task="screen text",
        source="package:rapidocr",
        licence="Apache-2.0",
        languages="Latin script (without Vietnamese), Chinese, Japanese",
        size_bytes=31_163_977,
        citation="PaddleOCR, PP-OCRv6 small, converted by RapidOCR",
        note="other scripts through Debian's tesseract-ocr packs where installed",
    )

    def __init__(self, side_by_side: int = 1, others: Tesseract | None = None) -> None:
        if side_by_side < 1:
            raise ModelError(f"RapidOcr: side_by_side must be 1 or more, got {side_by_side}")
        if others is None and installed_packs():
            others = Tesseract()
        _check()
        self.side_by_side, self._others = side_by_side, others
        self._warned = False
        self._loading = Lock()
        self._loaded: Any = None

    @property
    def _engine(self) -> Any:
        """What reads, loaded with the first picture that can show text."""
        with self._loading:
            if self._loaded is None:
                self._loaded = _load()
            return self._loaded

    @property
    def version(self) -> str:
        """Changes whenever the same picture would give other lines."""
        return "pp-ocrv6-small/1" + (f"+{self._others.version}" if self._others else "")

    def read(self, image: UInt8) -> list[TextBox]:
        """Return the lines of an RGB picture in reading order."""
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ModelError(
                f"RapidOcr: needs RGB uint8 (height, width, 3), got {image.dtype} {image.shape}"
            )
        if min(image.shape[:2]) < 8 or image[::4, ::4].std(axis=(0, 1)).max() < _FLAT:
            return []
        picture = np.ascontiguousarray(image[:, :, ::-1])  # the models were trained on BGR
        detected = self._engine(picture)
        corners = detected.boxes
        if corners is None or not len(corners):
            return []
        crops = [_crop(picture, box) for box in corners]
        read = self._engine.recognize_txt(crops)
        lines: list[tuple[str, float] | None] = [
            (text, float(score)) if score >= _CONFIDENT and text.strip() else None
            for text, score in zip(read.txts, read.scores, strict=True)
        ]
        unread = [
            index
            for index, (line, score) in enumerate(zip(lines, detected.scores, strict=True))
            if line is None and score >= _SURELY_TEXT
        ]
        if unread:
            for index, other in zip(unread, self._read_others(crops, unread), strict=True):
                lines[index] = other
        height, width = image.shape[:2]
        return [
            TextBox(line[0].strip(), _bounds(box, width, height), line[1])
            for line, box in zip(lines, corners, strict=True)
            if line is not None
        ]

    def _read_others(self, crops: list[UInt8], unread: list[int]) -> list[tuple[str, float] | None]:
        if self._others is None:
            if not self._warned:
                self._warned = True
                _log.warning(
                    "text in a script that rapidocr does not read was left out; if it is "
                    "Cyrillic, Arabic, Korean, Hindi, Thai or the like, run  apt install "
                    "tesseract-ocr tesseract-ocr-rus  (or -ara, -kor, -hin, -tha)"
                )
            return [None] * len(unread)
        found = self._others.read_lines([crops[index][:, :, ::-1] for index in unread])
        return [None if line is None else (line.text, line.confidence) for line in found]


def _check() -> None:
    """Raise MissingDependency or ModelError where the package or its models are not there."""
    if any(find_spec(name) is None for name in ("rapidocr", "onnxruntime", "cv2")):
        raise MissingDependency("rapidocr", "local", "reading screen text")
    # Named outright, or a missing one would be downloaded.
    for name in (_DETECTOR, _RECOGNISER):
        if not (files("rapidocr") / "models" / name).is_file():
            raise ModelError(
                f"rapidocr lacks its model {name}: run  pip install --force-reinstall "
                '"rapidocr>=3.10,<4"'
            )


@contextmanager
def _read_once() -> Iterator[None]:
    """Let settings in YAML be read once: a list of all models there are takes half a second each
    of the two times that the package reads it."""
    from omegaconf import OmegaConf

    real = OmegaConf.load
    OmegaConf.load = staticmethod(cache(real))  # type: ignore[method-assign]
    try:
        yield
    finally:
        OmegaConf.load = staticmethod(real)  # type: ignore[method-assign]


def _load() -> Any:
    try:
        with _read_once():
            from rapidocr import RapidOCR
    except ImportError as error:
        raise MissingDependency("rapidocr", "local", "reading screen text") from error
    models = files("rapidocr") / "models"
    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "Global.use_rec": False,
            "Global.max_side_len": MAX_SIDE,
            "Det.model_path": str(models / _DETECTOR),
            "Det.limit_type": "max",
            "Det.limit_side_len": MAX_SIDE,
            "Rec.model_path": str(models / _RECOGNISER),
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )


def _crop(picture: UInt8, corners: Any) -> UInt8:
    """Return the box (4, 2) as an upright picture; tall boxes are turned to the left."""
    import cv2

    box = np.asarray(corners, dtype=np.float32)
    width = max(8, round(float(max(np.hypot(*(box[0] - box[1])), np.hypot(*(box[2] - box[3]))))))
    height = max(8, round(float(max(np.hypot(*(box[0] - box[3])), np.hypot(*(box[1] - box[2]))))))
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    crop = cv2.warpPerspective(
        picture,
        cv2.getPerspectiveTransform(box, target),
        (width, height),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.rot90(crop) if height >= 1.5 * width else crop


def _bounds(corners: Any, width: int, height: int) -> tuple[float, float, float, float]:
    box = np.clip(np.asarray(corners, dtype=np.float64) / (width, height), 0.0, 1.0)
    (left, top), (right, bottom) = box.min(axis=0), box.max(axis=0)
    return float(left), float(top), float(right), float(bottom)


@method(
    "encoder",
    "package:rapidocr",
    info=RapidOcr.info,
    packages=("rapidocr", "onnxruntime", "opencv-python-headless"),
)
def open_rapidocr(settings: Settings, models: Models) -> RapidOcr:
    """Screen text by PP-OCR."""
    return RapidOcr(side_by_side=settings.threads)
