"""A LLaVA-class model with the adapters of `q2e mmi tune`, in the places the paper has it.

It makes h_T and h_v (eq. 8), judges pairs of skeletons (eq. 9, Enc), makes the vectors of questions
(eq. 4) and fills skeletons. A profile names it as `mmi = "file:FOLDER"`: `tuned.json` there says
which base model the adapters beside it belong to.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from q2e.arrays import Float32, UInt8
from q2e.cache import content_key, write_whole
from q2e.errors import MissingDependency, ModelError
from q2e.mmi.enc import Enc
from q2e.mmi.lora import ADAPTERS, LlavaObjective, LoraSettings
from q2e.models.torch.generate import Seeing, open_vision

if TYPE_CHECKING:
    from q2e.models.base import ModelInfo
    from q2e.settings import Settings

ABOUT = "tuned.json"
VERSION = 1
#: Pictures that go through the vision tower at a time.
_BLOCK = 16


class Tuned(Seeing):
    """The model with its adapters; `plain` is the same without them, table 3's first ablation."""

    def __init__(self, seeing: Seeing, language: Any, settings: LoraSettings, space: str) -> None:
        super().__init__(seeing._model, seeing._processor, seeing.info, seeing._device)
        self._language = language
        self._with_adapters = True
        self.space = space
        self._objective = LlavaObjective(
            seeing._model, self.numbers, settings, language=language
        ).eval()

    @property
    def plain(self) -> Tuned:
        """The model as it was before it was tuned."""
        view = object.__new__(Tuned)
        view.__dict__.update(self.__dict__)
        view._with_adapters = False
        view.space = f"{self.space} without adapters"
        return view

    @contextmanager
    def _tuned(self) -> Iterator[None]:
        """Hold the model in its state: with adapters, or as it was."""
        with self._lock, torch.inference_mode():
            if self._with_adapters:
                yield
            else:
                with self._language.disable_adapter():
                    yield

    def _answer(self, given: Any, max_tokens: int, timeout_s: float, words: Any) -> str:
        # The lock is held by whoever asks.
        if self._with_adapters:
            return super()._answer(given, max_tokens, timeout_s, words)
        with self._language.disable_adapter():
            return super()._answer(given, max_tokens, timeout_s, words)

    # -- vectors --------------------------------------------------------------------------------
    def pictures(self, images: Sequence[UInt8]) -> Float32:
        """Return (n, d) vectors of RGB pictures by the vision tower; see `tower_vectors`."""
        return tower_vectors(self, images)

    def text_vectors(self, texts: Sequence[str]) -> Float32:
        """Return the (n, d) unit vectors h_T of texts."""
        with self._tuned():
            return np.asarray(self._objective.of_texts(texts, self._device.name).numpy())

    def video_vector(self, frames: Float32) -> Float32:
        """Return the (d,) unit vector h_v of a video's frames (n, d) as the tower makes them."""
        with self._tuned():
            return np.asarray(self._objective.of_videos([frames], self._device.name)[0].numpy())

    def encode_passage_tokens(self, texts: Sequence[str]) -> list[Float32]:
        """Return the (tokens, d) unit states of the last layer for each text: h(w) of eq. 4."""
        with self._tuned():
            states = self._objective.of_tokens(texts, self._device.name)
            return [np.asarray(one.numpy()) for one in states]

    # -- Enc ------------------------------------------------------------------------------------
    def probability(
        self, prompt: str, options: Sequence[str], *, timeout_s: float = 30.0
    ) -> tuple[float, ...]:
        """Return the probability that the answer begins with each option; they sum to 1."""
        asked, first = self.chat_numbers(prompt), [self.first_number(one) for one in options]
        with self._tuned():
            numbers = torch.tensor([asked], device=self._device.name)
            logits = self._model(input_ids=numbers).logits[0, -1, first].float()
            return tuple(float(one) for one in logits.softmax(-1))


def enc_of(seeing: Seeing) -> Enc:
    """Return how a model is asked to compare skeletons while it is tuned."""
    return Enc(seeing.chat_numbers, seeing.first_number)


@dataclass(frozen=True, slots=True)
class Tower:
    """The vision tower of a LLaVA-class model: what it makes of pictures, and its space."""

    seeing: Seeing
    space: str
    key: str
    """Tells its weights from others."""

    def encode(self, images: Sequence[UInt8]) -> Float32:
        """Return (n, d) vectors of RGB pictures."""
        return tower_vectors(self.seeing, images)


def tower(folder: Path, settings: Settings) -> Tower:
    """Return the vision tower of a model's folder. Raises ModelError for another kind of model."""
    files = sorted(one for one in folder.glob("*") if one.is_file())
    facts = (f"{one.name} {one.stat().st_size} {one.stat().st_mtime_ns}" for one in files)
    return Tower(opened(folder, settings), f"{folder.name}/vision tower", content_key(*facts))


def tower_vectors(seeing: Seeing, images: Sequence[UInt8]) -> Float32:
    """Return (n, d) vectors of RGB pictures by a vision tower, the mean over their patches."""
    from PIL import Image

    model, device = seeing._model, seeing._device
    layer = model.config.vision_feature_layer
    parts = []
    with torch.inference_mode():
        for first in range(0, len(images), _BLOCK):
            some = [Image.fromarray(np.ascontiguousarray(one)) for one in images[first:][:_BLOCK]]
            given = seeing._processor.image_processor(images=some, return_tensors="pt")
            pixels = given["pixel_values"].to(device.name, device.dtype)
            states = model.model.vision_tower(pixels, output_hidden_states=True).hidden_states
            parts.append(states[layer][:, 1:].mean(dim=1).float().cpu().numpy())
    return np.concatenate(parts).astype(np.float32)


def opened(folder: Path, settings: Settings) -> Seeing:
    """Return a LLaVA-class model of a folder, as it is. Raises ModelError for another kind."""
    from q2e.models.base import ModelInfo

    info = ModelInfo(folder.name, "vision", f"file:{folder}", "its own", "its own")
    seeing: Seeing = open_vision(folder, info, settings)
    inner = getattr(seeing._model, "model", None)
    parts = ("vision_tower", "multi_modal_projector", "language_model")
    if not all(hasattr(inner, part) for part in parts):
        raise ModelError(f"{folder}: no model of the LLaVA kind: it needs {', '.join(parts)}")
    return seeing


def save_tuned(folder: Path, base: Path, settings: LoraSettings, space: str, **facts: Any) -> None:
    """Write what `open_tuned` needs beside the adapters of a training in `folder`."""
    about = {"version": VERSION, "base": str(base.resolve()), "space": space,
             "settings": asdict(settings), "facts": facts}  # fmt: skip
    text = json.dumps(about, indent=2, ensure_ascii=False).encode() + b"\n"
    write_whole(folder / ABOUT, lambda file: file.write(text))


def open_tuned(folder: Path, info: ModelInfo, settings: Settings) -> Tuned:
    """Return the tuned model of a folder.

    Raises ModelError where it or its base is missing or of another version, MissingDependency
    without peft or transformers.
    """
    try:
        from peft import PeftModel
    except ImportError as error:
        raise MissingDependency("peft", "lora", f"the model {info.id}") from error
    about = _about(folder)
    base = Path(about["base"])
    if not base.is_dir():
        raise ModelError(f"{folder}: its base model {base} is gone; put it back or tune again")
    seeing = opened(base, settings)
    seeing.info = info
    try:
        made = LoraSettings(**{**about["settings"], "layers": tuple(about["settings"]["layers"])})
        with warnings.catch_warnings():
            # peft asks transformers in a way that transformers no longer likes.
            warnings.simplefilter("ignore", FutureWarning)
            inner = seeing._model.model.language_model
            language = PeftModel.from_pretrained(inner, str(folder / ADAPTERS)).eval()
    except (OSError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise ModelError(f"{folder}: no usable adapters: {str(error)[:200]}") from error
    return Tuned(seeing, language, made, str(about["space"]))


def _about(folder: Path) -> Mapping[str, Any]:
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        if about["version"] != VERSION:
            raise ModelError(f"{folder}: of version {about['version']}; this Q2E reads {VERSION}")
        if not isinstance(about["base"], str) or not isinstance(about["settings"]["layers"], list):
            raise ValueError("base or settings of another form")
        return dict(about)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{folder / ABOUT}: cannot be read ({error!r})") from None
