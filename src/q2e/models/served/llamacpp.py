"""A language model in a GGUF file, run in this process by llama.cpp; the one user of xllamacpp."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from q2e.errors import MissingDependency, ModelError
from q2e.models.base import ModelInfo
from q2e.models.options import option_shares
from q2e.models.prompts import encodable

_MAGIC = b"GGUF"
#: Likeliest first tokens in which options are looked for.
_BEGINNINGS = 100


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
        request: dict[str, Any] = {"max_tokens": max_tokens}
        if schema is not None:
            request["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "strict": True, "schema": dict(schema)},
            }
        choices = self._choices(prompt, request, timeout_s)
        reasons = {choice.get("finish_reason") for choice in choices}
        if "stop" not in reasons:
            limit = f"{max_tokens} tokens" if "length" in reasons else f"{timeout_s:g} s"
            raise ModelError(f"{self.info.id}: no complete answer within {limit}")
        return "".join((choice.get("delta") or {}).get("content") or "" for choice in choices)

    def probability(
        self, prompt: str, options: Sequence[str], *, timeout_s: float = 30.0
    ) -> tuple[float, ...]:
        """Return how probable it is that the answer begins with each option; they sum to 1.

        Read from the first token alone. Raises ModelError where none of the options is among
        the hundred likeliest beginnings.
        """
        request = {"max_tokens": 1, "logprobs": True, "top_logprobs": _BEGINNINGS}
        choices = self._choices(prompt, request, timeout_s)
        return option_shares(self.info.id, _tokens(choices), options)

    def likelihood(self, prompt: str, answer: str, *, timeout_s: float = 30.0) -> float:
        """Return the mean log probability a token of `answer` after `prompt`.

        A grammar that allows nothing else makes the model say `answer`; probabilities are those
        before the grammar. Tokens are the ones the model would cut the text into as it speaks.
        """
        said = encodable(answer).strip()
        if not said:
            raise ModelError(f"{self.info.id}: an empty answer has no likelihood")
        request = {
            "max_tokens": len(said.encode()) + 1,
            "logprobs": True,
            "top_logprobs": 1,
            "grammar": f"root ::= {_literal(said)}",
        }
        found = _tokens(self._choices(prompt, request, timeout_s))
        spoken = b"".join(bytes(token["bytes"]) for token in found)
        if spoken.decode("utf-8", "replace").strip() != said:
            raise ModelError(f"{self.info.id}: could not weigh {said[:60]!r}, said {spoken[:60]!r}")
        return float(np.mean([token["logprob"] for token in found if token["bytes"]]))

    def _choices(
        self, prompt: str, request: Mapping[str, Any], timeout_s: float
    ) -> list[Mapping[str, Any]]:
        """Return what came, piece by piece, until the end or `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        choices: list[Mapping[str, Any]] = []

        def collect(chunk: Mapping[str, Any]) -> bool:
            choices.append((chunk.get("choices") or [{}])[0])
            return time.monotonic() > deadline

        asked = {
            "messages": [{"role": "user", "content": encodable(prompt)}],
            "temperature": 0.0,
            "stream": True,
        }
        with self._lock:
            try:
                self._loaded().handle_chat_completions(asked | dict(request), collect)
            except (RuntimeError, ValueError) as error:
                raise ModelError(f"{self.info.id}: {error}") from error
        return choices

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


def _tokens(choices: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [
        token for choice in choices for token in (choice.get("logprobs") or {}).get("content") or ()
    ]


def _literal(text: str) -> str:
    """Return a text as a literal of llama.cpp's grammar form."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + '"'
