"""A scripted OpenAI-compatible server: it proves plumbing, never quality.

It answers deterministically, keeps what it was asked, serves text, pictures and probabilities, and
can misbehave. A script is a function of what was asked, or a mapping from patterns of the prompt
to answers; without one, answers are the least that the asked schema allows.
"""

from __future__ import annotations

import json
import math
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from q2e.models.served.openai_compatible import OpenAICompatible


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: its path, its body, all text in it, how many pictures, and which it is."""

    path: str
    body: dict[str, Any]
    prompt: str
    pictures: int
    number: int

    @property
    def schema(self) -> dict[str, Any] | None:
        """The JSON schema that the answer is meant to have."""
        wanted = self.body.get("response_format", {}).get("json_schema", {})
        return wanted.get("schema") if isinstance(wanted, dict) else None


@dataclass(frozen=True, slots=True)
class Reply:
    """Bytes as they go out; `pause_s` goes before, `drip_s` between ten bytes each."""

    body: bytes
    status: int = 200
    pause_s: float = 0.0
    drip_s: float = 0.0


Said = str | Reply | None
Script = Callable[[Asked], Said] | Mapping[str, str]


def completion(text: object, reason: str = "stop") -> Reply:
    """Return a chat completion of a text, or of what is no text."""
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": reason}
    return Reply(json.dumps({"choices": [choice]}).encode())


def weighed(weights: Mapping[str, float]) -> Reply:
    """Return a completion with the log-probabilities of its first token."""
    tokens = [{"token": word, "logprob": math.log(share)} for word, share in weights.items()]
    logprobs = {"content": [{"top_logprobs": tokens}]}
    message = {"role": "assistant", "content": next(iter(weights))}
    choice = {"message": message, "finish_reason": "stop", "logprobs": logprobs}
    return Reply(json.dumps({"choices": [choice]}).encode())


def echoed(prompt: str, logprob: Callable[[str], float] = lambda word: -len(word) / 4) -> Reply:
    """Return an echo of a prompt with a log-probability for each of its words."""
    words = list(re.finditer(r"\S+", prompt))
    logprobs = {
        "text_offset": [word.start() for word in words],
        "token_logprobs": [None, *(logprob(word[0]) for word in words[1:])],
    }
    return Reply(json.dumps({"choices": [{"text": prompt, "logprobs": logprobs}]}).encode())


def silent(pause_s: float = 1.0) -> Reply:
    """Return an answer that comes too late."""
    return Reply(completion("late").body, pause_s=pause_s)


def dripping(drip_s: float = 0.1) -> Reply:
    """Return an answer that comes drop by drop."""
    return Reply(b" " * 200, drip_s=drip_s)


def endless() -> Reply:
    """Return an answer of ten million blanks."""
    return Reply(b" " * 10_000_000)


def refusing(status: int = 401, text: str = "no key") -> Reply:
    """Return a refusal."""
    return Reply(text.encode(), status)


def filled(schema: Mapping[str, Any], word: str = "something") -> Any:
    """Return the least that a JSON schema allows; texts are `word`."""
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "string")
    if kind == "object":
        own = schema.get("properties", {})
        return {name: filled(own[name], word) for name in schema.get("required", own)}
    if kind == "array":
        return [filled(schema.get("items", {}), word)] * schema.get("minItems", 0)
    plain = {"integer": 0, "number": 0.0, "boolean": False, "null": None}
    return plain.get(kind, word)


@dataclass(slots=True)
class Scripted:
    """A running server: where it is, and what it was asked."""

    url: str
    asked: list[Asked] = field(default_factory=list)

    @property
    def source(self) -> str:
        """The server as the source of a model."""
        return f"{self.url}#m"

    @property
    def model(self) -> OpenAICompatible:
        return OpenAICompatible(self.url, "m")


@contextmanager
def scripted(script: Script | None = None) -> Iterator[Scripted]:
    """Serve a script on a free port of this machine."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                one = _asked(self.path, body, len(running.asked) + 1)
                running.asked.append(one)
            _send(self, _reply(one, script))

        def log_message(self, format: str, *arguments: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running = Scripted(f"http://127.0.0.1:{server.server_port}/v1")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()


def _asked(path: str, body: dict[str, Any], number: int) -> Asked:
    texts, pictures = [str(body.get("prompt", ""))], 0
    for message in body.get("messages", ()):
        content = message["content"]
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        texts += [part["text"] for part in parts if part["type"] == "text"]
        pictures += sum(part["type"] == "image_url" for part in parts)
    return Asked(path, body, "\n".join(filter(None, texts)), pictures, number)


def _reply(asked: Asked, script: Script | None) -> Reply:
    said: Said = None
    if callable(script):
        said = script(asked)
        if said is None:
            return refusing(400, "nothing to say")
    elif script is not None:
        fitting = (text for pattern, text in script.items() if re.search(pattern, asked.prompt))
        said = next(fitting, None)
    if isinstance(said, Reply):
        return said
    if said is None and asked.path.endswith("/completions") and asked.body.get("echo"):
        return echoed(asked.prompt)
    if said is None and asked.body.get("logprobs"):
        return weighed({"Yes": 0.6, "No": 0.4})
    if said is None:
        said = "something" if asked.schema is None else json.dumps(filled(asked.schema))
    return completion(said)


def _send(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
    time.sleep(reply.pause_s)
    step = 10 if reply.drip_s else len(reply.body) or 1
    try:
        handler.send_response(reply.status)
        handler.send_header("Content-Length", str(len(reply.body)))
        handler.end_headers()
        for start in range(0, len(reply.body), step):
            handler.wfile.write(reply.body[start : start + step])
            handler.wfile.flush()
            time.sleep(reply.drip_s)
    except OSError:
        return  # Whoever asked has gone, as is meant.
