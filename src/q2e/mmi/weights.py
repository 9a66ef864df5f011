"""Keeps the weights of a head as a model source: `mmi.safetensors` beside `mmi.json`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from q2e.cache import write_whole
from q2e.errors import ConfigError, MissingDependency, ModelError
from q2e.mmi.reason import Head, HeadConfig

if TYPE_CHECKING:
    from q2e.mmi.tuned import Tuned
    from q2e.models.base import ModelInfo
    from q2e.settings import Settings

VERSION = 1
_TENSORS, _ABOUT = "mmi.safetensors", "mmi.json"


def save_head(head: Head, folder: Path, **facts: Any) -> None:
    """Write a head into `folder`; `facts` about its training are kept with it, as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    data = _safetensors().save({n: np.ascontiguousarray(v) for n, v in head.weights.items()})
    about = {
        "version": VERSION,
        "space": head.space,
        "config": asdict(head.config),
        "sha256": hashlib.sha256(data).hexdigest(),
        "facts": facts,
    }
    text = json.dumps(about, indent=2, ensure_ascii=False).encode() + b"\n"
    write_whole(folder / _TENSORS, lambda file: file.write(data))
    write_whole(folder / _ABOUT, lambda file: file.write(text))


def load_head(folder: Path) -> Head:
    """Return the head kept in `folder`.

    Raises ModelError where it is missing, damaged, or of another version.
    """
    about = about_head(folder)
    try:
        data = (folder / _TENSORS).read_bytes()
    except OSError as error:
        raise ModelError(f"{folder}: no weights of a head ({error.strerror})") from None
    if hashlib.sha256(data).hexdigest() != about.get("sha256"):
        raise ModelError(f"{folder / _TENSORS}: damaged; run  q2e mmi export  again")
    try:
        return Head(HeadConfig(**about["config"]), _safetensors().load(data), str(about["space"]))
    except (TypeError, KeyError, ConfigError) as error:
        raise ModelError(f"{folder}: no usable head: {error}") from None


def open_head(folder: Path, info: ModelInfo, settings: Settings) -> Head | Tuned:
    """Return the head, or the tuned model, of `file:folder`, as profiles name it under `mmi`."""
    if (folder / "tuned.json").is_file():
        from q2e.mmi.tuned import open_tuned

        return open_tuned(folder, info, settings)
    return load_head(folder)


def about_head(folder: Path) -> Mapping[str, Any]:
    """Return what `mmi.json` says: version, space, config, sha256 and facts of the training."""
    try:
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{folder}: holds no {_ABOUT}; make one with  q2e mmi export") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder / _ABOUT}: cannot be read ({error})") from None
    if not isinstance(about, dict) or about.get("version") != VERSION:
        found = about.get("version") if isinstance(about, dict) else None
        raise ModelError(f"{folder}: a head of version {found}; this Q2E reads {VERSION}")
    return about


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise MissingDependency("safetensors", "mmi", "a head with weights") from error
    return safetensors.numpy
