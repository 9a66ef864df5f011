"""Answers that are chosen by a model's probabilities: scripted, or tiny, real and random."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import q2e
from answering import liar
from q2e.answer.choosing import words_in
from q2e.answer.strategies.frozen import gap
from q2e.answer.strategies.retrieving import averaged
from q2e.errors import ConfigError
from scripted_model import Asked, Said, scripted, weighed

ASK = "Which animal is in the tree?"


@pytest.fixture(autouse=True)
def _fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("Q2E_CACHE", str(tmp_path / "cache"))


def test_the_answer_is_that_of_the_greatest_mean() -> None:
    # The second wins no text and is best on average; the first is sure of one.
    assert averaged(np.array([[0.6, 0.4, 0.0], [0.0, 0.45, 0.55]])) == 1


@pytest.mark.parametrize(
    ("texts", "question", "language", "words"),
    [
        (
            ["a koala sleeps", "the koala", "a tree"],
            "what is in the tree?",
            "en",
            ["koala", "sleeps"],
        ),
        (["Ein Koala schläft", "Koala"], "Was schläft?", "de", ["Koala"]),
        (["Коала спит", "коала"], "Кто спит?", "ru", ["Коала"]),
        (["الكوالا نائم", "الكوالا"], "من هو نائم؟", "ar", ["الكوالا"]),
        (["कोआला सोता", "कोआला"], "कौन सोता?", "hi", ["कोआला"]),
        (["코알라 나무", "코알라"], "나무?", "ko", ["코알라"]),
    ],
)
def test_words_that_could_answer(
    texts: list[str], question: str, language: str, words: list[str]
) -> None:
    assert words_in(texts, question, language)[: len(words)] == words


def test_strangers_leave_no_second_gap() -> None:
    told = gap("What [MASK] runs?", ["the dog [MASK]", "runs"])
    assert told == "Question: What  runs? Answer: [MASK]. Subtitles: the dog  runs"
    assert gap("誰？", []) == "Question: 誰? Answer: [MASK]."


def test_retrieving_asks_once_a_text_and_averages(sample_index: q2e.Index) -> None:
    said = iter(
        [{"koala": 0.4, "bear": 0.6}, {"koala": 0.9, "bear": 0.1}, {"koala": 0.6, "bear": 0.4}]
    )
    with scripted(lambda asked: weighed(next(said))) as model:
        answer = sample_index.answer(
            ASK,
            how='retrieving(texts=3, options="bear|koala")',
            language_model=model.source,
        )
    assert len(model.asked) == answer.spent["calls"] == 3
    assert answer.confidence == pytest.approx((0.4 + 0.9 + 0.6) / 3)
    (sentence,) = answer.sentences
    assert sentence.text == "koala" and all(one.channel == "frame" for one in sentence.citations)
    # Cited are the two texts that spoke loudest for it, as what the video looks like.
    read = [re.search(r"<<data \w+>>\n(.*)\n<<end", one.prompt) for one in model.asked]
    texts = [one[1] for one in read if one]
    assert [one.quote for one in sentence.citations] == [texts[1], texts[2]]
    assert "1 sentence resting on what a model says it sees in the pictures alone" in answer.notes


def test_without_options_the_words_of_the_texts_are_weighed(sample_index: q2e.Index) -> None:
    def said(asked: Asked) -> Said:
        listed = re.search(r"nothing else: (.*)", asked.prompt)
        assert listed is not None
        words = listed[1].split(", ")
        assert 2 <= len(words) <= 20 and "animal" not in words and "tree" not in words
        return weighed({words[0]: 0.7, words[1]: 0.2})

    with scripted(said) as model:
        answer = sample_index.answer(ASK, how="retrieving(parts=2)", language_model=model.source)
    assert answer.sentences and len(model.asked) <= 10
    assert answer.sentences[0].text.casefold() in answer.sentences[0].citations[0].quote.casefold()


@pytest.mark.parametrize("script", [liar])
def test_a_model_without_probabilities_leaves_no_answer(
    sample_index: q2e.Index, script: Any
) -> None:
    with scripted(script) as model:
        answer = sample_index.answer(ASK, how="retrieving", language_model=model.source)
    assert not answer.sentences and any("write was left out" in one for one in answer.notes)


@pytest.mark.parametrize("how", ["retrieving", "frozen"])
def test_what_weighs_answers_must_be_named(sample_index: q2e.Index, how: str) -> None:
    with pytest.raises(ConfigError, match="masked_model"):
        sample_index.answer(ASK, how=how)


# -- a tiny real model that fills gaps ------------------------------------------------------------
@pytest.fixture(scope="module")
def masked(tmp_path_factory: pytest.TempPathFactory, sample_index: q2e.Index) -> dict[str, str]:
    """Sources of a tiny DeBERTa: plain, and with FrozenBiLM's weights for this index's frames."""
    pytest.importorskip("transformers", reason="needs the extra `standard`")
    from tiny_models import save_masked

    folder = tmp_path_factory.mktemp("deberta")
    numbers = sample_index.store.vectors(sample_index.models.image.space)[1].shape[1]
    sized = {"plain": None, "frozen": numbers, "other": 5}
    made = {name: save_masked(folder / name, features=size) for name, size in sized.items()}
    return {name: f"file:{path}" for name, path in made.items()}


@pytest.mark.parametrize(("which", "shown"), [("frozen", True), ("plain", False)])
def test_frozen_answers_by_what_is_likeliest_at_the_gap(
    sample_index: q2e.Index, masked: dict[str, str], which: str, shown: bool
) -> None:
    how = 'frozen(options="koala|panda|bear")'
    answer = sample_index.answer(ASK, how=how, masked_model=masked[which])
    (sentence,) = answer.sentences
    assert sentence.text in ("koala", "panda", "bear")
    assert 1 / 3 <= answer.confidence <= 1 and sentence.citations
    assert any("shown no frames" in one for one in answer.notes) is not shown
    open_ = sample_index.answer(
        "What have weasels eaten?", how="frozen", masked_model=masked[which]
    )
    (open_sentence,) = open_.sentences
    whole = " ".join(one.quote for one in open_sentence.citations)
    assert open_sentence.text.casefold() in whole.casefold()


@pytest.mark.slow
def test_frames_of_another_model_are_refused_and_said(
    sample_index: q2e.Index, masked: dict[str, str]
) -> None:
    answer = sample_index.answer(ASK, how="frozen", masked_model=masked["other"])
    assert any("reads frame vectors of 5 numbers" in one for one in answer.notes)


@pytest.mark.slow
def test_retrieving_by_a_model_that_fills_gaps_asks_no_server(
    sample_index: q2e.Index, masked: dict[str, str]
) -> None:
    how = 'retrieving(options="koala|bear")'
    answer = sample_index.answer(ASK, how=how, masked_model=masked["plain"])
    assert answer.sentences[0].text in ("koala", "bear") and answer.spent["calls"] == 10
