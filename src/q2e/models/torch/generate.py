"""Language models of the hub in this process, through transformers: with words, or with pictures.

A GGUF file is run by llama.cpp instead. Nothing here is constrained to a schema: callers validate.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from q2e.arrays import UInt8
from q2e.errors import MissingDependency, ModelError
from q2e.models.base import ModelInfo
from q2e.models.prompts import encodable
from q2e.models.torch import devices
from q2e.models.torch.devices import Device
from q2e.models.torch.pictures import damaged, pretrained, processor_of
from q2e.settings import Settings


def open_language(folder: Path, info: ModelInfo, settings: Settings) -> Any:
    """Return the language model of a folder, or of a GGUF file."""
    if folder.suffix == ".gguf":
        from q2e.models.served.llamacpp import LlamaCpp

        return LlamaCpp(str(folder), threads=settings.threads)
    device = devices.choose(settings)
    try:
        from transformers import AutoModelForCausalLM
    except ImportError as error:
        raise MissingDependency("transformers", "standard", f"the model {info.id}") from error
    model = pretrained(AutoModelForCausalLM, folder, info, device)
    return Generator(model, processor_of("AutoTokenizer", folder, info), info, device)


def open_vision(folder: Path, info: ModelInfo, settings: Settings) -> Any:
    """Return the model of a folder that answers about pictures.

    Raises ModelError for a model whose processor needs torchvision, which this project does not
    install: a matching build of it, or a server, runs those.
    """
    device = devices.choose(settings)
    try:
        from transformers import AutoModelForImageTextToText
    except ImportError as error:
        raise MissingDependency("transformers", "standard", f"the model {info.id}") from error
    processor = processor_of("AutoProcessor", folder, info)
    return Seeing(
        pretrained(AutoModelForImageTextToText, folder, info, device), processor, info, device
    )


class Generator:
    """Answers prompts one at a time, greedily."""

    def __init__(self, model: Any, words: Any, info: ModelInfo, device: Device) -> None:
        self._model = model
        self._words = words
        self._device = device
        self._lock = Lock()
        self.info = info

    def complete(
        self,
        prompt: str,
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 512,
        timeout_s: float = 30.0,
    ) -> str:
        """Return the answer; a `schema` is shown to the model, which may ignore it.

        Raises ModelError where the answer is not complete within `max_tokens` or `timeout_s`.
        """
        if schema is not None:
            prompt += f"\n\nAnswer with JSON of this schema alone:\n{json.dumps(dict(schema))}"
        with self._lock:
            given = self._words.apply_chat_template(
                [{"role": "user", "content": encodable(prompt)}],
                add_generation_prompt=True,
                return_tensors="pt",
                return_dict=True,
            )
            return self._answer(given, max_tokens, timeout_s, self._words)

    def _answer(self, given: Any, max_tokens: int, timeout_s: float, words: Any) -> str:
        import torch
        from transformers import StoppingCriteria, StoppingCriteriaList

        deadline = time.monotonic() + timeout_s
        late = False

        class Deadline(StoppingCriteria):  # type: ignore[misc]
            def __call__(self, ids: Any, scores: Any, **_: Any) -> Any:
                nonlocal late
                late = time.monotonic() > deadline
                return torch.full((len(ids),), late, device=ids.device)

        moved = {
            name: value.to(self._device.name, self._device.dtype)
            if torch.is_floating_point(value)
            else value.to(self._device.name)
            for name, value in given.items()
        }
        with torch.inference_mode():
            found = self._model.generate(
                **moved,
                max_new_tokens=max_tokens,
                do_sample=False,
                stopping_criteria=StoppingCriteriaList([Deadline()]),
                pad_token_id=_padding(words),
            )[0][moved["input_ids"].shape[1] :]
        if late:
            raise ModelError(f"{self.info.id}: no complete answer within {timeout_s:g} s")
        ends = self._model.generation_config.eos_token_id
        ends = set(ends if isinstance(ends, list) else [ends])
        if int(found[-1]) not in ends:
            raise ModelError(f"{self.info.id}: no complete answer within {max_tokens} tokens")
        return str(words.decode(found, skip_special_tokens=True)).strip()


class Seeing(Generator):
    """Answers prompts about pictures; without pictures it completes as others do."""

    def __init__(self, model: Any, processor: Any, info: ModelInfo, device: Device) -> None:
        super().__init__(model, processor.tokenizer, info, device)
        self._processor = processor

    def numbers(self, text: str) -> list[int]:
        """Return the numbers of a text's tokens."""
        return list(self._words(encodable(text))["input_ids"])

    def chat_numbers(self, prompt: str) -> list[int]:
        """Return the numbers of a prompt's tokens, as it is put in a chat."""
        given = self._words.apply_chat_template(
            [{"role": "user", "content": encodable(prompt)}],
            add_generation_prompt=True,
            return_dict=True,
        )
        return list(given["input_ids"])

    def first_number(self, answer: str) -> int:
        """Return the number of the first token of an answer."""
        return int(self._words(answer, add_special_tokens=False)["input_ids"][0])

    def describe(
        self, images: Sequence[UInt8], prompt: str, *, max_tokens: int = 256, timeout_s: float = 60
    ) -> str:
        """Return what the model says about RGB uint8 pictures, in their order.

        Raises ModelError where the answer is not complete within `max_tokens` or `timeout_s`.
        """
        from PIL import Image

        pictures = [Image.fromarray(np.ascontiguousarray(image)) for image in images]
        content: list[dict[str, Any]] = [{"type": "image"} for _ in pictures]
        content.append({"type": "text", "text": encodable(prompt)})
        with self._lock:
            try:
                text = self._processor.apply_chat_template(
                    [{"role": "user", "content": content}], add_generation_prompt=True
                )
                given = self._processor(text=[text], images=pictures or None, return_tensors="pt")
            except (ValueError, TypeError, KeyError) as error:
                raise damaged(self.info, error) from error
            return self._answer(given, max_tokens, timeout_s, self._words)


def _padding(words: Any) -> int | None:
    found: int | None = words.eos_token_id if words.pad_token_id is None else words.pad_token_id
    return found
