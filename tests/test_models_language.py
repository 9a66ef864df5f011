"""Language models in this process and behind a server, with a real small model and real faults."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from q2e.errors import ModelError
from q2e.models.served.llamacpp import LlamaCpp
from q2e.models.served.openai_compatible import OpenAICompatible
from q2e.query import llm
from q2e.query.decompose import Cache, Decomposer, decompose
from q2e.query.llm import LanguageModelBackend
from q2e.types import Query

SCHEMA = {
    "type": "object",
    "properties": {"place": {"type": "string", "maxLength": 24}},
    "required": ["place"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def small(gguf: Path) -> LlamaCpp:
    return LlamaCpp(gguf, threads=1, context=1024)


def test_an_answer_in_process_follows_the_schema(small: LlamaCpp) -> None:
    said = small.complete("Flood in Lima.", schema=SCHEMA, max_tokens=64, timeout_s=60)
    assert set(json.loads(said)) == {"place"}


def test_tokens_and_seconds_are_bounded_in_process(small: LlamaCpp) -> None:
    with pytest.raises(ModelError, match="4 tokens"):
        small.complete("Tell a long story.", max_tokens=4, timeout_s=60)
    start = time.monotonic()
    with pytest.raises(ModelError, match=r"within 0\.2 s"):
        small.complete("Tell a long story.", max_tokens=800, timeout_s=0.2)
    assert time.monotonic() - start < 10


def test_a_schema_that_cannot_be_followed_is_refused(small: LlamaCpp) -> None:
    with pytest.raises(ModelError):
        small.complete("Flood.", schema={"type": "nonsense"}, max_tokens=8)


@pytest.mark.parametrize(
    ("question", "language"), [("2011 earthquake in Japan", "en"), ("水灾 云南", "zh")]
)
def test_the_small_model_fills_the_whole_schema_in_time(
    small: LlamaCpp, question: str, language: str
) -> None:
    filled: list[llm.Answer] = []

    class Watched:
        info = small.info

        def complete(self, prompt: str, **bounds: Any) -> str:
            said = small.complete(prompt, **bounds)
            if "prequel" in bounds["schema"]["properties"]:
                filled.append(llm.Answer.model_validate_json(said))
            return said

    start = time.monotonic()
    found = decompose(Query(question, language), [LanguageModelBackend(Watched())])
    assert filled, found.note
    assert time.monotonic() - start < 30
    assert found.query == question
    # What it says may be worthless, which is then said; it is never of another form.
    assert found.backend.startswith("llm:") or "only repeated the question" in found.note


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        LlamaCpp(tmp_path / "absent.gguf")
    (tmp_path / "text.gguf").write_text("no model")
    with pytest.raises(ModelError, match="not a GGUF"):
        LlamaCpp(tmp_path / "text.gguf")
    (tmp_path / "cut.gguf").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(ModelError):
        LlamaCpp(tmp_path / "cut.gguf").complete("x")


def test_a_real_server_answers_by_schema(gguf: Path) -> None:
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(gguf)
    parameters.n_ctx = 512
    parameters.n_parallel = 1
    parameters.warmup = False
    parameters.verbosity = -1
    parameters.cpuparams.n_threads = 1
    server = xllamacpp.Server(parameters)
    model = OpenAICompatible(f"{server.listening_address}/v1", "small")
    said = model.complete("Flood in Lima.", schema=SCHEMA, max_tokens=64, timeout_s=60)
    assert set(json.loads(said)) == {"place"}
    with pytest.raises(ModelError, match="cut off"):
        model.complete("Tell a long story.", max_tokens=3, timeout_s=60)


Answer = Callable[[BaseHTTPRequestHandler, int], None]


@contextmanager
def serving(answer: Answer) -> Iterator[tuple[OpenAICompatible, list[dict[str, Any]]]]:
    """Serve `answer(handler, number of the request)` on a local port."""
    requests: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            requests.append(json.loads(self.rfile.read(length)))
            answer(self, len(requests))

        def log_message(self, format: str, *arguments: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield OpenAICompatible(f"http://127.0.0.1:{server.server_port}/v1", "m"), requests
    finally:
        server.shutdown()
        server.server_close()


def send(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def completion(text: Any, reason: str = "stop") -> bytes:
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": reason}
    return json.dumps({"choices": [choice]}).encode()


def test_a_request_names_model_schema_and_bounds() -> None:
    with serving(lambda handler, _: send(handler, completion("ok"))) as (model, requests):
        assert model.complete("hello", schema=SCHEMA, max_tokens=7) == "ok"
    (request,) = requests
    assert (request["model"], request["max_tokens"], request["temperature"]) == ("m", 7, 0)
    assert request["response_format"]["json_schema"]["schema"] == SCHEMA


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"choices": []}',
        completion(None),
        completion(["x"]),
        b"[" * 100_000,
    ],
    ids=["empty", "page", "list", "object", "no choice", "null", "no text", "deep"],
)
def test_a_malformed_answer_is_refused(body: bytes) -> None:
    with serving(lambda handler, _: send(handler, body)) as (model, _), pytest.raises(ModelError):
        model.complete("hello")


def test_a_lone_surrogate_goes_neither_out_nor_in() -> None:
    with serving(lambda handler, _: send(handler, completion("a\ud800"))) as (model, requests):
        assert model.complete("b\ud800") == "a?"
    assert requests[0]["messages"][0]["content"] == "b?"


def test_an_answer_cut_off_is_refused() -> None:
    body = completion('{"place": "Li', "length")
    with (
        serving(lambda handler, _: send(handler, body)) as (model, _),
        pytest.raises(ModelError, match="cut off"),
    ):
        model.complete("hello")


def test_unconstrained_text_falls_back() -> None:
    body = completion("Certainly! Before the flood it rained.")
    with serving(lambda handler, _: send(handler, body)) as (model, requests):
        found = decompose(Query("flood", "en"), [LanguageModelBackend(model)])
    assert (found.backend, found.events) == ("none", ())
    assert "no valid answer" in found.note
    assert len(requests) == 2


def test_a_busy_server_is_asked_once_more() -> None:
    def answer(handler: BaseHTTPRequestHandler, number: int) -> None:
        send(handler, completion("ok"), 200 if number == 2 else 503)

    with serving(answer) as (model, requests):
        assert model.complete("hello") == "ok"
    assert len(requests) == 2


def test_a_refusal_is_not_repeated() -> None:
    with (
        serving(lambda handler, _: send(handler, b"no key", 401)) as (model, requests),
        pytest.raises(ModelError, match="status 401: no key"),
    ):
        model.complete("hello")
    assert len(requests) == 1


def test_a_slow_server_and_one_that_drips_are_left() -> None:
    def silent(handler: BaseHTTPRequestHandler, number: int) -> None:
        time.sleep(1.0)

    def dripping(handler: BaseHTTPRequestHandler, number: int) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(20):
            try:
                handler.wfile.write(b" ")
                handler.wfile.flush()
            except OSError:
                return
            time.sleep(0.1)

    for answer in (silent, dripping):
        with serving(answer) as (model, _):
            start = time.monotonic()
            with pytest.raises(ModelError, match=r"within 0\.3 s"):
                model.complete("hello", timeout_s=0.3)
            assert time.monotonic() - start < 3


def test_an_endless_answer_is_left() -> None:
    def endless(handler: BaseHTTPRequestHandler, number: int) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(100):
                handler.wfile.write(b" " * 100_000)
        except OSError:
            return

    with serving(endless) as (model, _), pytest.raises(ModelError, match="bytes"):
        model.complete("hello")


def test_no_server_is_said_and_an_address_is_checked() -> None:
    with pytest.raises(ModelError, match="no connection"):
        OpenAICompatible("http://127.0.0.1:9/v1", "m").complete("hello", timeout_s=5)
    with pytest.raises(ModelError, match="no address"):
        OpenAICompatible("ftp://host", "m")
    with pytest.raises(ModelError, match="cannot be asked"):
        OpenAICompatible("http://[::1", "m").complete("hello")


def test_many_questions_reach_a_server_together(tmp_path: Path) -> None:
    together = threading.Barrier(4, timeout=30)
    answer: dict[str, list[str]] = {name: [] for name in llm.Answer.model_fields}
    answer |= {"prequel": ["rain"]}

    def batched(handler: BaseHTTPRequestHandler, _: int) -> None:
        together.wait()
        send(handler, completion(json.dumps(answer)))

    queries = [Query(f"flood number {number}", "en") for number in range(8)]
    with serving(batched) as (model, requests):
        decomposer = Decomposer([LanguageModelBackend(model)], Cache(tmp_path))
        found = decomposer.decompose_many(queries, workers=4)
        assert len(requests) == 8
        assert decomposer.decompose(queries[5]) == found[5]
        assert len(requests) == 8
    assert [one.query for one in found] == [query.text for query in queries]
    assert all(one.events[0].text == "rain" for one in found)
