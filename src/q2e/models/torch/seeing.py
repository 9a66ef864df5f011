"""Opens encoders of what is seen: tells from the files of a folder which of ours fits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from q2e.errors import ModelError
from q2e.models.base import ModelInfo
from q2e.models.torch.openclip import configuration, load_openclip
from q2e.models.torch.pictures import CLIPS, FRAMES, ClipEncoder, FrameEncoder, loaded
from q2e.models.torch.sentences import open_multimodal
from q2e.settings import Settings


def open_pictures(folder: Path, info: ModelInfo, settings: Settings) -> Any:
    """Return the encoder of a folder: of pictures and clips, whichever it was trained on.

    Raises ModelError where the folder holds no model of a known kind, MissingDependency without
    PyTorch and transformers.
    """
    kind = _kind(folder)
    if kind not in FRAMES and configuration(folder, info) is not None:
        return load_openclip(folder, info, settings)
    if (folder / "modules.json").is_file():
        return open_multimodal(folder, info, settings)
    if kind in FRAMES:
        return FrameEncoder(*loaded(folder, info, settings))
    if kind in CLIPS:
        return ClipEncoder(*loaded(folder, info, settings))
    known = ", ".join(sorted(FRAMES | CLIPS | {"open_clip", "sentence-transformers"}))
    raise ModelError(
        f"{info.id}: models of the kind {kind or 'unknown'!r} have no adapter here; known: "
        f"{known}. Others come as plugins: see examples/plugin-encoder"
    )


def _kind(folder: Path) -> str:
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return ""
    return str(config.get("model_type", "")) if isinstance(config, dict) else ""
