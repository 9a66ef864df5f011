"""A language model in a GGUF file, run in this process by llama.cpp; the one user of xllamacpp."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

from q2e.errors import MissingDependency, ModelError
from q2e.models.base import ModelInfo

_MAGIC = b"GGUF"


class LlamaCpp:
    """Answers with the model in `path`; decoding is greedy, so equal prompts get equal answers.

    `context` bounds prompt and answer together, in tokens. Raises ModelError for a file that is
    no usable GGUF model, MissingDependency without the extra `llamacpp`.
    """

    def __init__(self, path: Path | str, *, threads: int = 2, context: int = 4096) -> None:
        self._path = Path(path).expanduser()
        self._threads = threads
        self._context = context
        self._lock = Lock()
        self._server: Any = None
        try:
            with self._path.open("rb") as file:
                magic = file.read(len(_MAGIC))
            size = self._path.stat().st_size
        except OSError as error:
            raise ModelError(f"{self._path}: cannot be read: {error.strerror}") from error
        if magic != _MAGIC:
            raise ModelError(f"{self._path}: not a GGUF file; give the path of a GGUF model")
        self.info = ModelInfo(
            id=f"file:{self._path.name}",
            task="language model",
            source=f"file:{self._path}",
            licence="see the file's origin",
            languages="see the file's origin",
            size_bytes=size,
        )

    def complete(
        self,
        prompt: str,
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 512,
        timeout_s: float = 30.0,
    ) -> str:
        """Return the answer to `prompt`, constrained to `schema` while it is decoded.

        Raises ModelError where the model fails, runs into `max_tokens` or `timeout_s`, or cannot
        follow the schema; the time of reading the prompt counts but is not interrupted.
        """
        deadline = time.monotonic() + timeout_s
        request: dict[str, Any] = {
            "messages": [{"role": "user", "content": prompt}],
            "max_tokens": max_tokens,
            "temperature": 0.0,
            "stream": True,
        }
        if schema is not None:
            request["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "strict": True, "schema": dict(schema)},
            }
        pieces: list[str] = []
        reasons: list[str] = []

        def collect(chunk: Mapping[str, Any]) -> bool:
            choice = (chunk.get("choices") or [{}])[0]
            pieces.append((choice.get("delta") or {}).get("content") or "")
            reasons.append(choice.get("finish_reason") or "")
            return time.monotonic() > deadline

        with self._lock:
            try:
                self._loaded().handle_chat_completions(request, collect)
            except (RuntimeError, ValueError) as error:
                raise ModelError(f"{self.info.id}: {error}") from error
        if "stop" not in reasons:
            limit = f"{max_tokens} tokens" if "length" in reasons else f"{timeout_s:g} s"
            raise ModelError(f"{self.info.id}: no complete answer within {limit}")
        return "".join(pieces)

    def _loaded(self) -> Any:
        if self._server is None:
            try:
                import xllamacpp
            except ImportError as error:
                raise MissingDependency("xllamacpp", "llamacpp", "a GGUF model") from error
            parameters = xllamacpp.CommonParams()
            parameters.model.path = str(self._path)
            parameters.n_ctx = self._context
            parameters.n_parallel = 1
            parameters.warmup = False
            parameters.verbosity = -1
            parameters.cpuparams.n_threads = self._threads
            parameters.cpuparams_batch.n_threads = self._threads
            # llama.cpp also listens on a local port; nobody is given the key to it.
            parameters.hostnames = ["127.0.0.1"]
            parameters.api_keys = [secrets.token_hex(16)]
            self._server = xllamacpp.Server(parameters)
        return self._server
