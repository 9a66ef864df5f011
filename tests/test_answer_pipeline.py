"""Answers by pipelines that files declare, driven by a scripted server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import q2e
from answering import GOOD, QUESTION, kinds, wrote
from q2e.answer.strategies.pipeline import Declared, assembled, declared, names, parsed
from q2e.errors import ConfigError
from scripted_model import Asked, Said, refusing, scripted

SAID = {
    "ar": "افتتح رئيس البلدية الميناء عام 1995.",
    "de": "Der Bürgermeister eröffnete den Hafen 1995.",
    "es": "El alcalde abrió el puerto en 1995.",
    "fr": "Le maire a ouvert le port en 1995.",
    "hi": "महापौर ने 1995 में बंदरगाह खोला।",
    "ja": "市長は1995年に港を開いた。",
    "ko": "시장은 1995년에 항구를 열었다.",
    "ru": "Мэр открыл порт в 1995 году.",
    "th": "นายกเทศมนตรีเปิดท่าเรือในปี 1995",
    "zh": "市长于1995年开放了港口。",
}


@pytest.fixture(scope="module")
def talks(tmp_path_factory: pytest.TempPathFactory) -> q2e.Index:
    """The same sentence said in ten languages, a video each."""
    folder = tmp_path_factory.mktemp("talks")
    rows = [
        {"video": f"talk-{language}", "channel": "speech", "text": text, "language": language}
        | {"start": 0, "end": 5}
        for language, text in SAID.items()
    ]
    (folder / "talks.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    index = q2e.open(folder / "index")
    index.import_evidence(folder / "talks.jsonl")
    return index


TRANSLATED = "The mayor opened the harbour in 1995."


@pytest.mark.parametrize("language", SAID)
def test_what_is_said_is_translated_beside_the_original(talks: q2e.Index, language: str) -> None:
    with scripted(lambda asked: json.dumps({"texts": [TRANSLATED]})) as model:
        answer = talks.answer(
            "When did the mayor open the harbour?",
            how="pipeline(name=speech_translation)",
            video=f"talk-{language}",
            language_model=model.source,
        )
    (sentence,) = answer.sentences
    assert sentence.text == TRANSLATED and not sentence.quoted
    assert sentence.citations[0].quote == SAID[language]
    assert kinds(model.asked) == ["texts"] and answer.spent["calls"] == 1
    assert "code en" in model.asked[0].prompt


@pytest.mark.parametrize(
    ("texts", "note"),
    [
        (["The mayor opened it in 1996."], "number"),
        (["one", "two"], "2 translations of 1 lines"),
        ([], "0 translations"),
    ],
)
def test_a_translation_is_not_trusted(talks: q2e.Index, texts: list[str], note: str) -> None:
    with scripted(lambda asked: json.dumps({"texts": texts})) as model:
        answer = talks.answer(
            "When did the mayor open the harbour?",
            how="pipeline(name=speech_translation)",
            video="talk-de",
            language_model=model.source,
        )
    assert all(one.text == SAID["de"] and one.quoted for one in answer.sentences)
    assert any(note in one for one in answer.notes), answer.notes


def test_visual_answers_reword_search_describe_and_answer(sample_index: q2e.Index) -> None:
    phone = ("A telephone lies there.", "telephone", "a telephone")

    def said(asked: Asked) -> Said:
        fields = set((asked.schema or {}).get("properties", {}))
        if fields == {"texts"}:
            return json.dumps({"texts": ["weasels phone system"]})
        if asked.pictures:
            return "One sees a telephone."
        return wrote(asked, GOOD, phone)

    with scripted(said) as model:
        both: dict[str, Any] = {
            "language_model": model.source,
            "vision_model": model.source,
        }
        answer = sample_index.answer(QUESTION, how="pipeline", **both)
    order = kinds(model.asked)
    looked = order.count("look")
    assert order == ["texts"] + ["look"] * looked + ["sentences"] and 1 <= looked <= 4
    assert all(one.pictures == 4 for one in model.asked[1:-1])
    assert [one.text for one in answer.sentences] == [GOOD[0], phone[0]]
    assert "1 sentence resting on what a model says it sees in the pictures alone" in answer.notes


def test_spoken_answers_read_all_that_is_said(sample_index: q2e.Index) -> None:
    with scripted(lambda asked: wrote(asked, GOOD)) as model:
        how = "pipeline(name=speech_answer)"
        answer = sample_index.answer(QUESTION, how=how, language_model=model.source)
    assert [one.text for one in answer.sentences] == [GOOD[0]] and len(model.asked) == 1


@pytest.mark.parametrize("script", [lambda asked: refusing(400, "no")])
@pytest.mark.parametrize("name", ["speech_answer", "speech_translation"])
def test_models_of_no_use_leave_quotes(talks: q2e.Index, name: str, script: object) -> None:
    with scripted(script) as model:  # type: ignore[arg-type]
        both: dict[str, Any] = {
            "language_model": model.source,
            "vision_model": model.source,
        }
        answer = talks.answer(
            "Wann wurde der Hafen eröffnet?", how=f"pipeline(name={name})", **both
        )
    assert answer.notes
    assert all(one.citations[0].quote in SAID.values() for one in answer.sentences)


# -- declarations ---------------------------------------------------------------------------------
WRITE = '[[step]]\nuse = "quote"\n'
SEARCH = '[[step]]\nuse = "search"\n'
BAD = {
    "no toml": ("= 1", "not valid TOML"),
    "no such service": ('[[step]]\nuse = "sing"', "services are reword, search"),
    "no such parameter": (SEARCH + "loudly = true", "loudly"),
    "out of range": ('[[step]]\nuse = "speech"\nvideos = 0', "videos"),
    "empty": ("step = []", "step"),
}


@pytest.mark.parametrize(("text", "says"), BAD.values(), ids=BAD)
def test_a_declaration_that_is_wrong_is_refused(text: str, says: str) -> None:
    summary = "" if text == "= 1" else 'summary = "s"\n'
    with pytest.raises(ConfigError, match=says):
        parsed("mine", summary + text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (WRITE + SEARCH, "'search' belongs to 'collect' and stands behind 'write'"),
        (SEARCH, "no service for write"),
        (WRITE, "no service for collect"),
    ],
)
def test_a_pipeline_that_leads_nowhere_is_refused(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        assembled(parsed("mine", 'summary = "s"\n' + text))


def test_ones_own_pipelines_are_found_by_name(
    sample_index: q2e.Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    folder = tmp_path / "q2e" / "pipelines"
    folder.mkdir(parents=True)
    best = '[[step]]\nuse = "best"\nlines = 1\n'
    (folder / "mine.toml").write_text('summary = "s"\n' + SEARCH + best + WRITE, "utf-8")
    (folder / "bad.toml").write_bytes(b"\xff")
    assert names() == ("speech_answer", "speech_translation", "visual_answer", "bad", "mine")
    answer = sample_index.answer(QUESTION, how="pipeline(name=mine)")
    assert answer.sentences[0].text == GOOD[2] and len(answer.sentences) == 1
    for name, says in (("bad", "cannot be read"), ("none", "unknown pipeline")):
        with pytest.raises(ConfigError, match=says):
            sample_index.answer(QUESTION, how=f"pipeline(name={name})")


@pytest.mark.parametrize("name", ["speech_answer", "speech_translation", "visual_answer"])
def test_ours_assemble_and_say_what_they_lack(sample_index: q2e.Index, name: str) -> None:
    whole = declared(name)
    assert isinstance(whole, Declared) and list(assembled(whole))
    with pytest.raises(ConfigError, match=r"_model"):
        sample_index.answer(QUESTION, how=f"pipeline(name={name})")
