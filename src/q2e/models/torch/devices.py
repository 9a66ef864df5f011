"""Where PyTorch models run, in which numbers, and how much at once; the only place that knows."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from q2e.errors import ConfigError, MissingDependency
from q2e.settings import Settings

_Item = TypeVar("_Item")
_Out = TypeVar("_Out")

#: Items encoded at once before anything is known of a model's memory, and at most ever.
_FIRST, _MOST = 4, 256
#: Share of the free memory that one batch may take.
_SHARE = 0.5


@dataclass(slots=True)
class Device:
    """A device with its number format, and the batch size found for what runs on it."""

    name: str
    dtype: Any
    _sizes: dict[str, int] = field(default_factory=dict)

    def in_batches(
        self, kind: str, items: Sequence[_Item], encode: Callable[[Sequence[_Item]], _Out]
    ) -> list[_Out]:
        """Return `encode` of batches of `items`; `kind` names what shares one batch size.

        The first batch is small; the memory it took says how many items the free memory holds.
        A batch that finds no room is halved and tried again.
        """
        found: list[_Out] = []
        start = 0
        while start < len(items):
            size = self._sizes.get(kind, _FIRST)
            batch = items[start : start + size]
            before = self._reset()
            try:
                found.append(encode(batch))
            except _out_of_memory():
                self._empty()
                if size == 1:
                    raise
                self._sizes[kind] = size // 2
                continue
            start += len(batch)
            if kind not in self._sizes:
                self._sizes[kind] = self._fitting(len(batch), before)
        return found

    def _reset(self) -> int:
        if self.name != "cuda":
            return 0
        import torch

        torch.cuda.reset_peak_memory_stats()
        return int(torch.cuda.memory_allocated())

    def _fitting(self, count: int, before: int) -> int:
        if self.name != "cuda":
            # Small batches are as quick as large ones on a CPU, and need little memory.
            return 8 if self.name == "cpu" else 32
        import torch

        used = max(1, int(torch.cuda.max_memory_allocated()) - before)
        free, _ = torch.cuda.mem_get_info()
        free += int(torch.cuda.memory_reserved()) - int(torch.cuda.memory_allocated())
        return max(1, min(_MOST, int(_SHARE * free / (used / count))))

    def _empty(self) -> None:
        if self.name == "cuda":
            import torch

            torch.cuda.empty_cache()


def choose(settings: Settings) -> Device:
    """Return the device and number format that the settings ask for.

    Raises ConfigError for a device that this machine lacks, MissingDependency without PyTorch.
    """
    torch = _torch()
    usable = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": _has_mps(torch)}
    name = settings.device
    if name == "auto":
        name = next(kind for kind in ("cuda", "mps", "cpu") if usable[kind])
    if not usable[name]:
        raise ConfigError(f"device = {name!r}: PyTorch finds none here; set it to `auto` or `cpu`")
    numbers = settings.precision
    if numbers == "auto":
        numbers = "fp32" if name == "cpu" else "fp16"
        if name == "cuda" and torch.cuda.is_bf16_supported():
            numbers = "bf16"
    if name == "cpu":
        torch.set_num_threads(settings.threads)
    dtype = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[numbers]
    return Device(name, dtype)


@cache
def accelerated() -> bool:
    """Return whether PyTorch is installed and finds a GPU."""
    try:
        torch = _torch()
    except MissingDependency:
        return False
    return bool(torch.cuda.is_available() or _has_mps(torch))


def _torch() -> Any:
    # Set before the libraries are imported: nothing they do may open a connection.
    os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        import torch
    except ImportError as error:
        raise MissingDependency("torch", "standard", "running a model of the hub") from error
    return torch


def _has_mps(torch: Any) -> bool:
    return bool(torch.backends.mps.is_available())


def _out_of_memory() -> type[BaseException]:
    import torch

    return torch.OutOfMemoryError  # type: ignore[no-any-return]
