"""Language models in this process and behind a server, with a real small model and real faults."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from q2e.errors import ModelError
from q2e.methods.decompose import llm
from q2e.methods.decompose.base import Decomposer, decompose
from q2e.methods.decompose.llm import LanguageModelBackend
from q2e.models.served.llamacpp import LlamaCpp
from q2e.models.served.openai_compatible import OpenAICompatible
from q2e.plugins import registry
from q2e.types import Query
from scripted_model import (
    Asked,
    Reply,
    completion,
    dripping,
    endless,
    refusing,
    scripted,
    silent,
)

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
    ("question", "language"),
    [
        pytest.param("2011 earthquake in Japan", "en", marks=pytest.mark.slow),
        ("水灾 云南", "zh"),
    ],
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

    start = time.process_time()
    found = decompose(Query(question, language), [LanguageModelBackend(Watched())])
    assert filled, found.note
    assert time.process_time() - start < 60
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


def test_a_request_names_model_schema_and_bounds() -> None:
    with scripted(lambda _: "ok") as server:
        assert server.model.complete("hello", schema=SCHEMA, max_tokens=7) == "ok"
    request = server.asked[0].body
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
        completion(None).body,
        completion(["x"]).body,
        b"[" * 100_000,
    ],
    ids=["empty", "page", "list", "object", "no choice", "null", "no text", "deep"],
)
def test_a_malformed_answer_is_refused(body: bytes) -> None:
    with scripted(lambda _: Reply(body)) as server, pytest.raises(ModelError):
        server.model.complete("hello")


def test_a_lone_surrogate_goes_neither_out_nor_in() -> None:
    with scripted(lambda _: "a\ud800") as server:
        assert server.model.complete("b\ud800") == "a?"
    assert server.asked[0].prompt == "b?"


def test_an_answer_cut_off_is_refused() -> None:
    cut = completion('{"place": "Li', "length")
    with scripted(lambda _: cut) as server, pytest.raises(ModelError, match="cut off"):
        server.model.complete("hello")


def test_unconstrained_text_falls_back() -> None:
    with scripted({"": "Certainly! Before the flood it rained."}) as server:
        found = decompose(Query("flood", "en"), [LanguageModelBackend(server.model)])
    assert (found.backend, found.events) == ("none", ())
    assert "no valid answer" in found.note
    assert len(server.asked) == 2


def test_a_busy_server_is_asked_once_more() -> None:
    def answer(asked: Asked) -> str | Reply:
        return "ok" if asked.number == 2 else refusing(503)

    with scripted(answer) as server:
        assert server.model.complete("hello") == "ok"
    assert len(server.asked) == 2


def test_a_refusal_is_not_repeated() -> None:
    with (
        scripted(lambda _: refusing()) as server,
        pytest.raises(ModelError, match="status 401: no key"),
    ):
        server.model.complete("hello")
    assert len(server.asked) == 1


@pytest.mark.parametrize("late", [silent(), dripping()], ids=["silent", "dripping"])
def test_a_slow_server_and_one_that_drips_are_left(late: Reply) -> None:
    with scripted(lambda _: late) as server:
        start = time.monotonic()
        with pytest.raises(ModelError, match=r"within 0\.3 s"):
            server.model.complete("hello", timeout_s=0.3)
        assert time.monotonic() - start < 3


def test_an_endless_answer_is_left() -> None:
    with scripted(lambda _: endless()) as server, pytest.raises(ModelError, match="bytes"):
        server.model.complete("hello")


def test_no_server_is_said_and_an_address_is_checked() -> None:
    with pytest.raises(ModelError, match="no connection"):
        OpenAICompatible("http://127.0.0.1:9/v1", "m").complete("hello", timeout_s=5)
    with pytest.raises(ModelError, match="no address"):
        OpenAICompatible("ftp://host", "m")
    with pytest.raises(ModelError, match="cannot be asked"):
        OpenAICompatible("http://[::1", "m").complete("hello")


def test_many_questions_reach_a_server_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("Q2E_CACHE", str(tmp_path))
    together = threading.Barrier(4, timeout=30)
    answer: dict[str, list[str]] = {name: [] for name in llm.Answer.model_fields}
    answer |= {"prequel": ["rain"]}

    def batched(_: Asked) -> str:
        together.wait()
        return json.dumps(answer)

    queries = [Query(f"flood number {number}", "en") for number in range(8)]
    with scripted(batched) as server:
        decomposer = Decomposer(
            [LanguageModelBackend(server.model)], registry().one("decompose", "llm")
        )
        found = decomposer.decompose_many(queries, workers=4)
        assert len(server.asked) == 8
        assert decomposer.decompose(queries[5]) == found[5]
        assert len(server.asked) == 8
    assert [one.query for one in found] == [query.text for query in queries]
    assert all(one.events[0].text == "rain" for one in found)
