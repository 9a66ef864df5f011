"""Which files of a repository are worth fetching: weights that run no code, and what they need."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

#: Small files that describe a model or its tokenizer.
_PLAIN = (".json", ".txt", ".model", ".jinja", ".spm", ".vocab", ".tiktoken")
#: Formats of weights that hold numbers and no code.
_NUMBERS = (".safetensors", ".onnx", ".gguf")
#: The one pickle that is fetched, where OpenCLIP offers nothing else: it is read by a reader that
#: knows tensors alone, and kept as safetensors.
PICKLED = "open_clip_pytorch_model.bin"
#: One of them beside `model.bin` tells a CTranslate2 model, whose format holds numbers only.
_VOCABULARIES = (
    "vocabulary.json",
    "vocabulary.txt",
    "shared_vocabulary.json",
    "shared_vocabulary.txt",
)
#: Folders that hold the same weights for other runtimes, or for training.
_LEFT_OUT = ("openvino", "coreml", "original", "flax", "runs", "tf", "eval", "examples", "assets")


def wanted(names: Iterable[str], part: str, code: bool, accelerated: bool) -> set[str]:
    """Return the files to fetch; an empty set where there are no weights that may be loaded.

    `part` is the one file that is asked for. With `code` the repository's Python files come too,
    which the caller allows for one repository at a time.
    """
    kept = [name for name in names if not _left_out(name)]
    if part:
        return {part} & {name for name in kept if name.endswith((*_PLAIN, *_NUMBERS))}
    weights = _weights(set(kept), accelerated)
    if not weights:
        return set()
    small = {name for name in kept if name.endswith(_PLAIN) and not name.startswith("onnx/")}
    return weights | small | ({name for name in kept if name.endswith(".py")} if code else set())


def _weights(names: set[str], accelerated: bool) -> set[str]:
    if PICKLED in names and not any(name.endswith(".safetensors") for name in names):
        return {PICKLED}
    if "model.bin" in names and names & set(_VOCABULARIES):
        return {"model.bin"}
    tensors = _safetensors(names)
    exports = _onnx(names)
    # An export ends at the pooling: what is projected after it comes with the tensors alone.
    if accelerated or not exports or any("_Dense/" in name for name in tensors):
        return tensors or exports
    return exports


def _safetensors(names: set[str]) -> set[str]:
    found = {name for name in names if name.endswith(".safetensors")}
    kept = set()
    for name in found:
        path = PurePosixPath(name)
        usual = str(path.parent / "model")
        # Beside weights under their usual name, others are the same in another layout.
        if path.name.startswith("model") or not any(one.startswith(usual) for one in found):
            kept.add(name)
    return kept


def _onnx(names: set[str]) -> set[str]:
    """Return one full export with its external data, not the many quantised ones."""
    for name in ("onnx/model.onnx", "model.onnx"):
        if name in names:
            return {one for one in names if one == name or one in (f"{name}_data", f"{name}.data")}
    return set()


def _left_out(name: str) -> bool:
    path = PurePosixPath(name)
    return path.parts[0] in _LEFT_OUT or any(piece.startswith(".") for piece in path.parts)
