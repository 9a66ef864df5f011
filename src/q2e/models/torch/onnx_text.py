"""Text models exported to ONNX, run without PyTorch: sentence vectors, and scores of pairs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from q2e.arrays import Float32, Int64
from q2e.errors import MissingDependency, ModelError
from q2e.models.base import ModelInfo
from q2e.models.prompts import Prompts, encodable

_VERSION = 1
_BATCH = 8
_MOST_TOKENS = 512
_POOLING = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_lasttoken": "last",
}


def export_in(folder: Path) -> Path | None:
    """Return the ONNX export of a folder, None where there is none or not all of the model."""
    for name in ("onnx/model.onnx", "model.onnx"):
        if (folder / name).is_file() and not _more_than_pooling(folder):
            return folder / name
    return None


class _Session:
    """One export with its tokenizer."""

    def __init__(self, folder: Path, export: Path, info: ModelInfo, threads: int) -> None:
        try:
            import onnxruntime
            from tokenizers import Tokenizer
        except ImportError as error:
            raise MissingDependency("onnxruntime", "standard", f"the model {info.id}") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(export), options, providers=["CPUExecutionProvider"]
            )
            self._words = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:
            # Both raise whatever they like for a damaged file.
            raise ModelError(f"{info.id} cannot be loaded: {error}") from error
        self._words.enable_truncation(_token_limit(folder))
        self._words.no_padding()
        self._pad = _padding(folder, self._words)
        self._inputs = [one.name for one in self._session.get_inputs()]

    def run(self, texts: Sequence[Any]) -> tuple[Any, Int64]:
        """Return the first output for some texts or pairs, and their (n, t) mask."""
        encoded = self._words.encode_batch(list(texts))
        longest = max(len(one.ids) for one in encoded)
        columns = {"input_ids": self._pad, "attention_mask": 0, "token_type_ids": 0}
        given = {}
        for name, filler in columns.items():
            grid = np.full((len(encoded), longest), filler, np.int64)
            for row, one in enumerate(encoded):
                values = {"input_ids": one.ids, "token_type_ids": one.type_ids}
                grid[row, : len(one.ids)] = values.get(name, one.attention_mask)
            given[name] = grid
        fed = {name: given[name] for name in self._inputs if name in given}
        return self._session.run(None, fed)[0], given["attention_mask"]


class OnnxText:
    """Text vectors by ONNX Runtime; questions and passages in the model's own forms."""

    def __init__(
        self, folder: Path, export: Path, info: ModelInfo, prompts: Prompts, threads: int
    ) -> None:
        self._session = _Session(folder, export, info, threads)
        self._prompts = prompts
        self._pooling = _pooling(folder)
        self.info = info
        self.info = replace(info, dimension=self.encode_plain(["a"]).shape[1])
        self.space = f"{info.source}/text-{_VERSION}"

    def encode_queries(self, texts: Sequence[str]) -> Float32:
        """Return (n, d) unit vectors of questions."""
        return self.encode_plain([self._prompts.query + text for text in texts])

    def encode_passages(self, texts: Sequence[str]) -> Float32:
        """Return (n, d) unit vectors of passages."""
        return self.encode_plain([self._prompts.passage + text for text in texts])

    def encode_plain(self, texts: Sequence[str]) -> Float32:
        """Return (n, d) unit vectors of texts as they are."""
        if not texts:
            return np.zeros((0, self.info.dimension or 0), np.float32)
        # Texts of one length together: what is padded costs as much as what is said.
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        found: list[Float32 | None] = [None] * len(texts)
        for start in range(0, len(order), _BATCH):
            chosen = order[start : start + _BATCH]
            usable = [encodable(texts[index]) for index in chosen]
            for index, vector in zip(chosen, self._encode(usable), strict=True):
                found[index] = vector
        return np.stack([vector for vector in found if vector is not None])

    def _encode(self, texts: Sequence[str]) -> Float32:
        hidden, mask = self._session.run(texts)
        if hidden.ndim == 2:
            pooled = hidden
        elif self._pooling == "cls":
            pooled = hidden[:, 0]
        elif self._pooling == "last":
            pooled = hidden[np.arange(len(hidden)), mask.sum(axis=1) - 1]
        else:
            weight = mask[:, :, None].astype(np.float32)
            pooled = (hidden * weight).sum(axis=1) / weight.sum(axis=1)
        length = np.linalg.norm(pooled, axis=1, keepdims=True)
        if not np.isfinite(pooled).all() or not length.all():
            raise ModelError(f"{self.info.id} answered vectors without direction")
        return np.asarray(pooled / length, np.float32)


class OnnxPairs:
    """Scores of question and passage read together, by ONNX Runtime."""

    def __init__(self, folder: Path, export: Path, info: ModelInfo, threads: int) -> None:
        self._session = _Session(folder, export, info, threads)
        self.info = info

    def score(self, question: str, passages: Sequence[str]) -> Float32:
        """Return (n,) scores in (0, 1), the higher the better."""
        found = []
        for start in range(0, len(passages), _BATCH):
            pairs = [
                (encodable(question), encodable(one)) for one in passages[start : start + _BATCH]
            ]
            logits, _ = self._session.run(pairs)
            found.append(np.asarray(logits, np.float64).reshape(len(pairs), -1)[:, -1])
        if not found:
            return np.zeros(0, np.float32)
        return np.asarray(1 / (1 + np.exp(-np.concatenate(found))), np.float32)


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def _more_than_pooling(folder: Path) -> bool:
    """Return whether modules after pooling, such as a projection, are missing in an export."""
    modules = _json(folder / "modules.json") or []
    return any(str(module.get("type", "")).endswith(".Dense") for module in modules)


def _pooling(folder: Path) -> str:
    stated = _json(folder / "1_Pooling" / "config.json")
    if isinstance(stated.get("pooling_mode"), str):
        mode = str(stated["pooling_mode"])
        return "last" if mode == "lasttoken" else mode
    return next((name for key, name in _POOLING.items() if stated.get(key)), "mean")


def _token_limit(folder: Path) -> int:
    said = _json(folder / "sentence_bert_config.json").get("max_seq_length")
    told = _json(folder / "tokenizer_config.json").get("model_max_length")
    limits = [limit for limit in (said, told) if isinstance(limit, int) and 0 < limit < 1_000_000]
    return min([*limits, _MOST_TOKENS])


def _padding(folder: Path, words: Any) -> int:
    stated = _json(folder / "config.json").get("pad_token_id")
    return int(stated) if stated is not None else int(words.token_to_id("<pad>") or 0)
