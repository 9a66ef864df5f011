"""A model behind an OpenAI-compatible server, for text or pictures: vLLM, llama.cpp, Ollama, ..."""

from __future__ import annotations

import base64
import json
import math
import os
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

from q2e.arrays import UInt8
from q2e.errors import ModelError
from q2e.models.base import ModelInfo, Weighed
from q2e.models.options import option_shares
from q2e.models.prompts import encodable

#: Longest answer read, in bytes; a server that sends more is not answering our question.
MAX_ANSWER_BYTES = 1_000_000
_RETRIED_STATUS = frozenset({429, 500, 502, 503, 504})
_PAUSE_S = 0.5
#: What reading an answer of another form raises.
_MALFORMED = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


class OpenAICompatible:
    """Answers through `POST {url}/chat/completions`; `url` usually ends in `/v1`.

    The key is read from the environment variable `Q2E_API_KEY` and sent only there. One more
    try follows a broken connection or a status that says "busy", within the time allowed. Calls,
    also of several threads, share one client and its connections.
    """

    def __init__(self, url: str, model: str) -> None:
        if not url.startswith(("http://", "https://")):
            raise ModelError(f"{url!r} is no address of a server; it starts with http(s)://")
        self._url = url.rstrip("/")
        self._model = model
        self._lock = threading.Lock()
        self._client: Any = None
        self._closing: Any = None
        self.info = ModelInfo(
            id=f"{self._url}#{model}",
            task="language model",
            source=self._url,
            licence="see the server's operator",
            languages="see the model",
        )

    def close(self) -> None:
        """Close the connections kept open; a call after that opens new ones."""
        with self._lock:
            if self._closing is not None:
                self._closing()
            self._client = self._closing = None

    def _connected(self) -> Any:
        """Return the one client of this model, whose connections all threads share."""
        import httpx

        with self._lock:
            if self._client is None:
                self._client = httpx.Client()
                # Closes with the model, or with the process.
                self._closing = weakref.finalize(self, self._client.close)
            return self._client

    def complete(
        self,
        prompt: str,
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 512,
        timeout_s: float = 30.0,
    ) -> str:
        """Return the text of the first choice.

        A server may ignore `schema` and still say 200, so callers validate. Raises ModelError
        for no connection, no answer within `timeout_s` in all, a status other than 200, an
        answer cut off at `max_tokens`, or one of another form.
        """
        request: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": "user", "content": encodable(prompt)}],
            "max_tokens": max_tokens,
            "temperature": 0.0,
            "stream": False,
        }
        if schema is not None:
            request["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "strict": True, "schema": dict(schema)},
            }
        return self._text(self._post("chat/completions", request, timeout_s))

    def describe(
        self,
        images: Sequence[UInt8],
        prompt: str,
        *,
        max_tokens: int = 256,
        timeout_s: float = 60,
    ) -> str:
        """Return the answer to `prompt` about RGB uint8 pictures, sent as JPEG in the request.

        Raises ModelError like `complete`.
        """
        request = self._seeing(images, prompt, max_tokens)
        return self._text(self._post("chat/completions", request, timeout_s))

    def weighed(
        self,
        images: Sequence[UInt8],
        prompt: str,
        *,
        max_tokens: int = 64,
        timeout_s: float = 60,
    ) -> Weighed:
        """Return the answer to `prompt` about pictures with the probability of its tokens.

        Raises ModelError like `complete`; a server may answer without probabilities.
        """
        request = self._seeing(images, prompt, max_tokens) | {"logprobs": True}
        body = self._post("chat/completions", request, timeout_s)
        text = self._text(body)
        try:
            tokens = json.loads(body)["choices"][0]["logprobs"]["content"]
            values = [min(0.0, float(one["logprob"])) for one in tokens]
            return Weighed(text, math.exp(sum(values) / len(values)))
        except (*_MALFORMED, ZeroDivisionError):
            return Weighed(text, None)

    def _seeing(self, images: Sequence[UInt8], prompt: str, max_tokens: int) -> dict[str, Any]:
        from q2e.media.frames import jpeg

        content: list[dict[str, Any]] = [{"type": "text", "text": encodable(prompt)}]
        for image in images:
            data = base64.b64encode(jpeg(image)).decode("ascii")
            url = f"data:image/jpeg;base64,{data}"
            content.append({"type": "image_url", "image_url": {"url": url}})
        return {
            "model": self._model,
            "messages": [{"role": "user", "content": content}],
            "max_tokens": max_tokens,
            "temperature": 0.0,
            "stream": False,
        }

    def probability(
        self, prompt: str, options: Sequence[str], *, timeout_s: float = 30.0
    ) -> tuple[float, ...]:
        """Return how probable it is that the answer begins with each option; they sum to 1.

        Raises ModelError like `complete`, and where the server gives no probabilities or none of
        the options is among the likeliest beginnings.
        """
        request = {
            "model": self._model,
            "messages": [{"role": "user", "content": encodable(prompt)}],
            "max_tokens": 1,
            "temperature": 0.0,
            "logprobs": True,
            "top_logprobs": 20,
        }
        body = self._post("chat/completions", request, timeout_s)
        try:
            tokens = json.loads(body)["choices"][0]["logprobs"]["content"]
            return option_shares(self.info.id, tokens, options)
        except _MALFORMED as error:
            raise ModelError(f"{self._url}: the answer holds no probabilities") from error

    def likelihood(self, prompt: str, answer: str, *, timeout_s: float = 30.0) -> float:
        """Return the mean log probability a token of `answer` after `prompt`.

        Needs a server that echoes prompts with their probabilities at `POST {url}/completions`,
        as vLLM does. Raises ModelError like `complete`, and where the server does not.
        """
        start, answer = f"{encodable(prompt)}\n", encodable(answer)
        request = {
            "model": self._model,
            "prompt": start + answer,
            "max_tokens": 1,
            "temperature": 0.0,
            "logprobs": 1,
            "echo": True,
        }
        body = self._post("completions", request, timeout_s)
        try:
            found = json.loads(body)["choices"][0]["logprobs"]
            places, values = found["text_offset"], found["token_logprobs"]
            end = len(start) + len(answer)
            own = [
                float(value)
                for place, value in zip(places, values, strict=True)
                if len(start) <= place < end
            ]
            return sum(own) / len(own)
        except (*_MALFORMED, ZeroDivisionError) as error:
            raise ModelError(
                f"{self._url}: the server does not echo prompts with probabilities; choose "
                "another way of reranking, or a server that does, such as vLLM"
            ) from error

    def _post(self, path: str, request: Mapping[str, Any], timeout_s: float) -> bytes:
        import httpx

        key = os.environ.get("Q2E_API_KEY")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        deadline = time.monotonic() + timeout_s
        url = f"{self._url}/{path}"
        for last in (False, True):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            body = bytearray()
            try:
                with self._connected().stream(
                    "POST", url, json=request, headers=headers, timeout=left
                ) as response:
                    for chunk in response.iter_bytes():
                        body += chunk
                        if len(body) > MAX_ANSWER_BYTES:
                            raise ModelError(f"{url}: more than {MAX_ANSWER_BYTES} bytes")
                        if time.monotonic() > deadline:
                            raise ModelError(f"{url}: no complete answer within {timeout_s:g} s")
            except httpx.TimeoutException:
                break
            except httpx.TransportError as error:
                if last:
                    raise ModelError(f"{url}: no connection: {error}") from error
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise ModelError(f"{url}: cannot be asked: {error}") from error
            else:
                if response.status_code == 200:
                    return bytes(body)
                if last or response.status_code not in _RETRIED_STATUS:
                    said = bytes(body[:200]).decode("utf-8", "replace")
                    raise ModelError(f"{url}: status {response.status_code}: {said}")
            time.sleep(min(_PAUSE_S, max(0.0, deadline - time.monotonic())))
        raise ModelError(f"{url}: no complete answer within {timeout_s:g} s")

    def _text(self, body: bytes) -> str:
        try:
            choice = json.loads(body)["choices"][0]
            text, reason = choice["message"]["content"], choice.get("finish_reason")
        except _MALFORMED as error:
            raise ModelError(f"{self._url}: the answer is no chat completion: {error!r}") from error
        if not isinstance(text, str):
            raise ModelError(f"{self._url}: the answer holds no text")
        if reason == "length":
            raise ModelError(f"{self._url}: the answer was cut off; raise max_tokens")
        return encodable(text)
