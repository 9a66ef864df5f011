"""How probable models say answers are: a real small model, and servers that do and do not say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from q2e.errors import ModelError
from q2e.models.options import option_shares
from q2e.models.served.llamacpp import LlamaCpp
from scripted_model import Reply, echoed, scripted, weighed


@pytest.fixture(scope="module")
def small(gguf: Path) -> LlamaCpp:
    return LlamaCpp(str(gguf), threads=1, context=1024)


def token(text: str, logprob: float) -> dict[str, Any]:
    return {"token": text, "logprob": logprob}


def test_tokens_count_for_the_one_option_they_begin() -> None:
    found = [{"top_logprobs": [token(" Yes", -0.7), token("yes", -3.0), token("N", -1.0)]}]
    yes, no = option_shares("m", found, ["Yes", "No"])
    assert yes + no == pytest.approx(1.0)
    assert yes > no > 0
    # A space alone, or a letter that begins both, speaks for neither.
    found[0]["top_logprobs"] = [token(" ", -0.1), token("n", -0.1), token("no", -0.5)]
    assert option_shares("m", found, ["no", "never"]) == (1.0, 0.0)


@pytest.mark.parametrize("found", [[], [{}], [{"top_logprobs": [token("Perhaps", -0.1)]}]])
def test_an_answer_that_is_no_option_is_an_error(found: list[dict[str, Any]]) -> None:
    with pytest.raises(ModelError, match="none of Yes, No"):
        option_shares("m", found, ["Yes", "No"])


@pytest.mark.parametrize("options", [["Yes", "yes"], ["Yes", " "]])
def test_options_must_be_different_words(options: list[str]) -> None:
    with pytest.raises(ModelError, match="different words"):
        option_shares("m", [], options)


def test_a_small_model_weighs_its_options(small: LlamaCpp) -> None:
    shares = small.probability("Is Paris in France? Answer Yes or No.", ["Yes", "No"])
    assert sum(shares) == pytest.approx(1.0)
    assert min(shares) > 0
    assert shares == small.probability("Is Paris in France? Answer Yes or No.", ["Yes", "No"])


def test_a_small_model_finds_sense_likelier_than_nonsense(small: LlamaCpp) -> None:
    prompt = "Complete the sentence: The sun rises in the"
    assert small.likelihood(prompt, "The sun rises in the east.") > small.likelihood(
        prompt, "Purple idea seven lamp the of."
    )


@pytest.mark.parametrize(
    "answer",
    ['他说："你好"', "地震の後", "지진 발생", "زلزال في المغرب", "землетрясение", "भूकंप", "แผ่นดินไหว",
     "Überschwemmung", 'a "b" \\ c\nd'],
)  # fmt: skip
def test_text_of_every_script_has_a_likelihood(small: LlamaCpp, answer: str) -> None:
    assert -20 < small.likelihood("Say something.", answer) < 0


def test_an_empty_answer_has_no_likelihood(small: LlamaCpp) -> None:
    with pytest.raises(ModelError, match="empty answer"):
        small.likelihood("Say something.", " ")


def test_a_server_that_gives_probabilities_is_read() -> None:
    with scripted(lambda _: weighed({"Yes": 0.905, "No": 0.0907})) as server:
        yes, _ = server.model.probability("A flood?", ["Yes", "No"])
    assert yes == pytest.approx(0.909, abs=0.01)
    assert (server.asked[0].path, server.asked[0].body["logprobs"]) == (
        "/v1/chat/completions",
        True,
    )


def test_a_server_that_echoes_gives_likelihoods() -> None:
    worth = {"a": -2.0, "flood": -4.0}
    with scripted(lambda asked: echoed(asked.prompt, lambda word: worth[word])) as server:
        assert server.model.likelihood("text", "a flood") == -3.0
    assert server.asked[0].path == "/v1/completions"
    assert server.asked[0].prompt == "text\na flood"


@pytest.mark.parametrize("body", [[], {}, {"choices": [{"logprobs": None}]}])
def test_a_server_that_gives_none_is_said(body: object) -> None:
    with scripted(lambda _: Reply(json.dumps(body).encode())) as server:
        with pytest.raises(ModelError, match="no probabilities"):
            server.model.probability("A flood?", ["Yes", "No"])
        with pytest.raises(ModelError, match="does not echo"):
            server.model.likelihood("text", "a flood")
