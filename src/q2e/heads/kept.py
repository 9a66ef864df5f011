"""Keeps what a recipe has learnt: `head.npz`, and `head.json` with all that is known of it.

Numbers only, read without pickle; the sum of the file is in `head.json`.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from q2e.cache import write_whole
from q2e.errors import ConfigError, ModelError
from q2e.heads.features import FeatureSet
from q2e.heads.recipe import Learnt

VERSION = 1
_ARRAYS, _ABOUT = "head.npz", "head.json"
_SAID = ("kind", "recipe", "space", "data", "licence")


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """A head on disk: what it is, by which recipe (`xpool(seed=3)`), and its weights."""

    kind: str
    recipe: str
    space: str
    data: str
    licence: str
    facts: Mapping[str, Any]
    weights: Mapping[str, Any]


def save(folder: Path, kind: str, recipe: str, learnt: Learnt, features: FeatureSet) -> Kept:
    """Write what was learnt into `folder`, with the data it was learnt from and their licence."""
    file = io.BytesIO()
    arrays: dict[str, Any] = {name: np.asarray(value) for name, value in learnt.weights.items()}
    np.savez(file, **arrays)
    data = file.getvalue()
    facts = {
        "validation": round(learnt.best, 6),
        "best_step": learnt.best_step,
        "steps": learnt.steps,
        "stopped_early": learnt.stopped_early,
        "videos": sum(name == "train" for name in features.split),
    }
    if kind == "localise":
        # A longer video is looked at in windows of so many.
        facts["frames"] = int(np.median([len(one) for one in features.frames]))
    about = {
        "version": VERSION,
        "kind": kind,
        "recipe": recipe,
        "space": features.space,
        "data": features.data,
        "licence": features.licence,
        "sha256": hashlib.sha256(data).hexdigest(),
        "facts": facts,
    }
    text = json.dumps(about, indent=2, ensure_ascii=False).encode() + b"\n"
    write_whole(folder / _ARRAYS, lambda out: out.write(data))
    write_whole(folder / _ABOUT, lambda out: out.write(text))
    return Kept(
        kind, recipe, features.space, features.data, features.licence, facts, learnt.weights
    )


def load(folder: Path) -> Kept:
    """Return the head kept in `folder`.

    Raises ConfigError where there is none, ModelError where it is damaged or of another version.
    """
    try:
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        data = (folder / _ARRAYS).read_bytes()
    except FileNotFoundError:
        raise ConfigError(
            f"{folder}: holds no {_ABOUT} with {_ARRAYS}; make one with  q2e train"
        ) from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder / _ABOUT}: cannot be read ({error})") from None
    if not isinstance(about, dict) or about.get("version") != VERSION:
        found = about.get("version") if isinstance(about, dict) else None
        raise ModelError(f"{folder}: a head of version {found}; this Q2E reads {VERSION}")
    if hashlib.sha256(data).hexdigest() != about.get("sha256"):
        raise ModelError(f"{folder / _ARRAYS}: damaged; train again with  q2e train")
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            weights = dict(arrays)
        said = {name: str(about[name]) for name in _SAID}
        return Kept(facts=about["facts"], weights=weights, **said)
    except (KeyError, TypeError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise ModelError(f"{folder}: no usable head ({error!r})") from None
