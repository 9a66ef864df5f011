"""Text models of the hub: sentence vectors, pairs, and one vector for each token.

An ONNX export in the folder is run by ONNX Runtime, without PyTorch; otherwise
sentence-transformers runs the safetensors.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from q2e.arrays import Float32, UInt8
from q2e.errors import MissingDependency, ModelError
from q2e.models.base import ModelInfo
from q2e.models.prompts import Prompts, encodable, prompts_of
from q2e.models.torch import devices
from q2e.models.torch.devices import Device
from q2e.models.torch.onnx_text import OnnxPairs, OnnxText, export_in
from q2e.models.torch.pictures import damaged, mean_of_clips, unit
from q2e.settings import Settings

_VERSION = 1


def open_text(folder: Path, info: ModelInfo, settings: Settings) -> Any:
    """Return the text encoder of a folder."""
    prompts = prompts_of(folder, info)
    export = export_in(folder)
    if export is not None:
        return OnnxText(folder, export, info, prompts, settings.threads)
    device = devices.choose(settings)
    model = _sentence_transformer("SentenceTransformer", folder, info, settings, device)
    return Sentences(model, info, prompts, device)


def open_multimodal(folder: Path, info: ModelInfo, settings: Settings) -> Any:
    """Return an encoder of pictures and text that sentence-transformers runs."""
    device = devices.choose(settings)
    model = _sentence_transformer("SentenceTransformer", folder, info, settings, device)
    return Multimodal(model, info, prompts_of(folder, info), device)


def open_reranker(folder: Path, info: ModelInfo, settings: Settings) -> Any:
    """Return the model of a folder that scores pairs of texts."""
    export = export_in(folder)
    if export is not None:
        return OnnxPairs(folder, export, info, settings.threads)
    device = devices.choose(settings)
    return Pairs(_sentence_transformer("CrossEncoder", folder, info, settings, device), info)


def open_tokens(folder: Path, info: ModelInfo, settings: Settings) -> Any:
    """Return the model of a folder that gives each token a vector, as ColBERT does.

    Checkpoints of PyLate, of ColBERT and of sentence-transformers are read alike.
    """
    device = devices.choose(settings)
    model = _sentence_transformer("MultiVectorEncoder", folder, info, settings, device)
    return Tokens(model, info, device)


class Sentences:
    """Text vectors by sentence-transformers; questions and passages in the model's own forms."""

    def __init__(self, model: Any, info: ModelInfo, prompts: Prompts, device: Device) -> None:
        self._model = model
        self._prompts = prompts
        self._device = device
        self.info = replace(info, dimension=int(model.get_embedding_dimension()))
        self.space = f"{info.source}/text-{_VERSION}"

    def encode_queries(self, texts: Sequence[str]) -> Float32:
        """Return (n, d) unit vectors of questions."""
        return self._encode([self._prompts.query + encodable(text) for text in texts])

    def encode_passages(self, texts: Sequence[str]) -> Float32:
        """Return (n, d) unit vectors of passages."""
        return self._encode([self._prompts.passage + encodable(text) for text in texts])

    def encode_plain(self, texts: Sequence[str]) -> Float32:
        """Return (n, d) unit vectors of texts as they are, for a space shared with pictures."""
        return self._encode([encodable(text) for text in texts])

    def _encode(self, texts: Sequence[Any]) -> Float32:
        def encode(batch: Sequence[Any]) -> Float32:
            found: Float32 = self._model.encode(
                list(batch),
                prompt="",
                batch_size=len(batch),
                convert_to_numpy=True,
                show_progress_bar=False,
            )
            return unit(np.asarray(found, np.float32), self.info.id)

        batches = self._device.in_batches("texts", texts, encode)
        if not batches:
            return np.zeros((0, self.info.dimension or 0), np.float32)
        return np.concatenate(batches)


class Multimodal(Sentences):
    """Pictures and text by one multimodal model, such as Qwen3-VL-Embedding."""

    def __init__(self, model: Any, info: ModelInfo, prompts: Prompts, device: Device) -> None:
        super().__init__(model, info, prompts, device)
        if not model.supports("image"):
            raise ModelError(f"{info.id} reads no pictures; it is a model for the task  text")
        self.space = f"{info.source}/pictures-{_VERSION}"

    def encode_images(self, images: Sequence[UInt8]) -> Float32:
        """Return (n, d) unit vectors of RGB uint8 pictures of shape (h, w, 3)."""
        from PIL import Image

        return self._encode([Image.fromarray(np.ascontiguousarray(image)) for image in images])

    def encode_clips(self, clips: Sequence[Sequence[UInt8]]) -> Float32:
        """Return (n, d) unit vectors of clips: the mean of their frames."""
        frames = self.encode_images([image for clip in clips for image in clip])
        return mean_of_clips(frames, [len(clip) for clip in clips], self.info.id)

    def encode_texts(self, texts: Sequence[str]) -> Float32:
        """Return (n, d) unit vectors of questions or descriptions."""
        return self.encode_queries(texts)


class Pairs:
    """Scores of question and passage read together, by a cross-encoder."""

    def __init__(self, model: Any, info: ModelInfo) -> None:
        self._model = model
        self.info = info

    def score(self, question: str, passages: Sequence[str]) -> Float32:
        """Return (n,) scores, the higher the better; only those of one call are compared."""
        if not passages:
            return np.zeros(0, np.float32)
        found = self._model.predict(
            [(encodable(question), encodable(passage)) for passage in passages],
            batch_size=8,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return np.asarray(found, np.float32).reshape(len(passages), -1)[:, -1]


class Tokens:
    """One unit vector a token, for late interaction."""

    def __init__(self, model: Any, info: ModelInfo, device: Device) -> None:
        self._model = model
        self._device = device
        self.info = replace(info, dimension=int(model.get_embedding_dimension()))

    def encode_query_tokens(self, texts: Sequence[str]) -> list[Float32]:
        """Return (tokens, d) unit vectors of each question."""
        return self._encode("query", self._model.encode_query, texts)

    def encode_passage_tokens(self, texts: Sequence[str]) -> list[Float32]:
        """Return (tokens, d) unit vectors of each passage."""
        return self._encode("passage", self._model.encode_document, texts)

    def _encode(self, form: str, encode: Any, texts: Sequence[str]) -> list[Float32]:
        def batch_of(batch: Sequence[str]) -> list[Float32]:
            found = encode(
                [encodable(text) for text in batch],
                batch_size=len(batch),
                convert_to_numpy=True,
                show_progress_bar=False,
            )
            return [unit(np.asarray(one, np.float32), self.info.id) for one in found]

        return [one for part in self._device.in_batches(form, texts, batch_of) for one in part]


def _sentence_transformer(
    kind: str, folder: Path, info: ModelInfo, settings: Settings, device: Device
) -> Any:
    try:
        import sentence_transformers
    except ImportError as error:
        raise MissingDependency(
            "sentence-transformers", "standard", f"the model {info.id}"
        ) from error
    name = info.id.removeprefix("hub:")
    allowed = name in settings.remote_code
    if not allowed and _own_modules(folder):
        raise _runs_code(name, info)
    try:
        return getattr(sentence_transformers, kind)(
            str(folder),
            device=device.name,
            local_files_only=True,
            trust_remote_code=allowed,
            model_kwargs={"dtype": device.dtype, "use_safetensors": True},
        )
    except Exception as error:
        # Three libraries read files here, and each raises what it likes.
        if not allowed and "trust_remote_code" in str(error):
            raise _runs_code(name, info) from None
        raise damaged(info, error) from error


def _own_modules(folder: Path) -> bool:
    """Return whether `modules.json` names classes of the repository.

    sentence-transformers imports those of a local folder without asking.
    """
    try:
        modules = json.loads((folder / "modules.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    known = ("sentence_transformers.", "pylate.")
    return any(not str(module.get("type", "")).startswith(known) for module in modules)


def _runs_code(name: str, info: ModelInfo) -> ModelError:
    return ModelError(
        f"{info.id} runs Python code of its own repository; where you trust it, name it in the "
        f'setting  remote_code = ["{name}"]  and fetch the code with  '
        f"q2e models pull {info.source} --with-code"
    )
