"""Language models that fill gaps, through transformers; with frames before the text, FrozenBiLM.

A folder holds a masked model of the hub (BERT, DeBERTa, ...). Where `frozenbilm.safetensors` lies
beside it, its weights are those that Yang et al. 2022 add to a frozen model, by the names of their
code: a linear map of frame vectors, whose outputs stand before the embedded words (section 3.1),
and adapters behind the attention and the feed-forward layer of every block (section 3.2):
h + W_up relu(W_down h). Norms that were trained with them may lie there as well.

An answer of several tokens has the mean of their embeddings, as in the paper's answer module
(section 3.4), so its logit is the mean of theirs. DeBERTa's enhanced mask decoder, which the
published weights were trained with, is no part of transformers: their figures cannot be expected.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from q2e.arrays import Float32
from q2e.errors import MissingDependency, ModelError
from q2e.models.base import MASK, ModelInfo
from q2e.models.prompts import encodable
from q2e.models.torch import devices
from q2e.models.torch.devices import Device
from q2e.models.torch.pictures import damaged, pretrained, processor_of
from q2e.settings import Settings

#: The file of what is added to the frozen model, and frames that it is shown.
ADDED, FRAMES = "frozenbilm.safetensors", 10
_VIDEO = "deberta.embeddings.linear_video"
_MOST_TOKENS = 512
_ADAPTER = (".adapter.down.weight", ".adapter.down.bias", ".adapter.up.weight", ".adapter.up.bias")


def open_masked(folder: Path, info: ModelInfo, settings: Settings) -> Masked:
    """Return the masked model of a folder, with what lies beside it for frames.

    Raises MissingDependency without transformers, ModelError where a file is damaged.
    """
    device = devices.choose(settings)
    try:
        from transformers import AutoModelForMaskedLM
    except ImportError as error:
        raise MissingDependency("transformers", "standard", f"the model {info.id}") from error
    model = pretrained(AutoModelForMaskedLM, folder, info, device)
    words = processor_of("AutoTokenizer", folder, info)
    if words.mask_token_id is None:
        raise damaged(info, "its tokenizer has no token for a gap")
    added = _added(folder / ADDED, info, device) if (folder / ADDED).is_file() else {}
    return Masked(model, words, info, device, added)


def _added(file: Path, info: ModelInfo, device: Device) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        found = load_file(file)
    except (OSError, ValueError, SafetensorError) as error:
        raise damaged(info, error) from error
    return {name: one.to(device.name, device.dtype) for name, one in found.items()}


class Masked:
    """Says how probable answers are at the gap of a text, one text at a time."""

    def __init__(
        self, model: Any, words: Any, info: ModelInfo, device: Device, added: dict[str, Any]
    ) -> None:
        self._model = model
        self._words = words
        self._device = device
        self._lock = Lock()
        self.info = info
        self.frames = FRAMES
        self.features: int | None = None
        self._video: Any = None
        places = int(getattr(model.config, "max_position_embeddings", 0) or _MOST_TOKENS)
        self._tokens = min(places, int(words.model_max_length), _MOST_TOKENS)
        if added:
            self._add(added)

    def _add(self, added: dict[str, Any]) -> None:
        import torch

        try:
            weight, bias = added.pop(f"{_VIDEO}.weight"), added.pop(f"{_VIDEO}.bias")
        except KeyError as error:
            raise damaged(self.info, f"{ADDED} lacks {error}") from error
        width = self._model.get_input_embeddings().weight.shape[1]
        if weight.ndim != 2 or weight.shape[0] != width or bias.shape != (width,):
            shown = tuple(weight.shape)
            raise damaged(self.info, f"{_VIDEO}.weight is {shown}, needs ({width}, numbers)")
        self._video = weight, bias
        self.features = int(weight.shape[1])
        blocks = {name[: -len(_ADAPTER[0])] for name in added if name.endswith(_ADAPTER[0])}
        modules = dict(self._model.named_modules())
        for block in sorted(blocks):
            dense = modules.get(f"{block}.dense")
            parts = [added.pop(block + one, None) for one in _ADAPTER]
            if dense is None or any(one is None for one in parts):
                raise damaged(self.info, f"{ADDED}: the adapter of {block} fits no layer")
            dense.register_forward_hook(_adapter(parts))
        own = dict(self._model.named_parameters())
        for name, value in added.items():
            if name not in own or own[name].shape != value.shape:
                raise damaged(self.info, f"{ADDED}: {name} fits nothing")
            with torch.no_grad():
                own[name].copy_(value)

    def fill(
        self, text: str, answers: Sequence[str], frames: Float32 | None = None
    ) -> tuple[float, ...]:
        """Return the probability of each answer at the gap of a text; they sum to 1.

        What is too long is cut behind, with the gap kept. Raises ModelError for a text without one
        gap, no answer, and frames of another size than the model was made for.
        """
        import torch

        text = encodable(text)
        if text.count(MASK) != 1 or not answers:
            raise ModelError(f"{self.info.id}: needs a text with one {MASK}, and answers")
        before = 0 if frames is None else len(frames[: self.frames])
        with self._lock, torch.inference_mode():
            ids = self._ids(text, self._tokens - before)
            gap = (ids[0] == self._words.mask_token_id).nonzero()
            if len(gap) != 1:
                raise ModelError(f"{self.info.id}: the text before the gap is too long")
            embedded = self._model.get_input_embeddings()(ids)
            if before and frames is not None:
                embedded = torch.cat([self._seen(frames[: self.frames])[None], embedded], dim=1)
            mask = torch.ones(embedded.shape[:2], dtype=torch.long, device=embedded.device)
            logits = self._model(inputs_embeds=embedded, attention_mask=mask).logits
            row = logits[0, before + int(gap[0, 0])].float()
            told = [self._answer(one) for one in answers]
            own = torch.stack([row[one].mean() for one in told])
            shares = torch.softmax(own, dim=0)
        return tuple(float(one) for one in shares)

    def _ids(self, text: str, most: int) -> Any:
        marked = text.replace(MASK, self._words.mask_token)
        coded = self._words(marked, truncation=True, max_length=most, return_tensors="pt")
        return coded["input_ids"].to(self._device.name)

    def _answer(self, answer: str) -> list[int]:
        found = self._words(f" {encodable(answer)}", add_special_tokens=False)["input_ids"]
        if not found:
            raise ModelError(f"{self.info.id}: no token for the answer {answer!r}")
        return list(found)

    def _seen(self, frames: Float32) -> Any:
        """Return the linear map of frame vectors: (n, features) to (n, width)."""
        import torch

        if self._video is None:
            raise ModelError(
                f"{self.info.id} is shown no frames; put {ADDED} into its folder, or ask without"
            )
        weight, bias = self._video
        if frames.shape[1] != self.features:
            raise ModelError(
                f"{self.info.id} reads frame vectors of {self.features} numbers, got "
                f"{frames.shape[1]}; index with the model that it was trained on"
            )
        vectors = torch.from_numpy(np.ascontiguousarray(frames)).to(weight)
        return vectors @ weight.T + bias


def _adapter(parts: Sequence[Any]) -> Any:
    """Return a hook that adds W_up relu(W_down h + b) + b to what a layer gives (section 3.2)."""
    down, down_bias, up, up_bias = parts

    def add(module: Any, given: Any, hidden: Any) -> Any:
        del module, given
        return hidden + (hidden @ down.T + down_bias).relu() @ up.T + up_bias

    return add
