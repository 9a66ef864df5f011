"""Questions for what is said about something: what is searched for, and what only asks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import q2e
from q2e.answer.collect import unsaid
from q2e.answer.topic import about, topic
from q2e.cli import app

#: By language: what is said about what, the same asked of somebody, and of something else.
ASKED = {
    "ar": ("ماذا قيل عن الحرب؟", "الحرب", "ماذا قال الوزير عن الحرب؟", "الوزير", "ماذا حدث؟"),
    "de": ("Was wird über Lawinen gesagt?", "Lawinen", "Was sagt die Frau über Lawinen?",
           "die Frau", "Was wurde gestohlen?"),
    "en": ("What is said about the launch?", "the launch",
           "What did the minister say about the launch?", "the minister", "What did he say?"),
    "es": ("¿Qué se dice del templo?", "templo", "¿Qué dijo la jefa sobre el templo?",
           "la jefa", "¿Qué pasa con el templo?"),
    "fr": ("Qu’est-ce qu’on dit du Brexit ?", "Brexit", "Que dit la voix à propos du Brexit ?",
           "la voix", "Que dit le numéro ?"),
    "hi": ("बाढ़ के बारे में क्या कहा गया?", "बाढ़", None, "", "बाढ़ में क्या हुआ?"),
    "ja": ("ダリアについて何と言っていますか？", "ダリア", None, "", "何が生まれましたか？"),
    "ko": ("단풍 축제에 대해 뭐라고 했나요?", "단풍 축제", None, "", "무슨 일이 있었나요?"),
    "ru": ("Что говорят про снег?", "снег", "Что сказала мэр о снеге?", "мэр", "Что нажать?"),
    "th": ("มีการพูดถึงน้ำท่วมว่าอย่างไร", "น้ำท่วม", None, "", "เกิดอะไรขึ้น?"),
    "zh": ("关于长城说了什么？", "长城", None, "", "长城为什么关闭？"),
}  # fmt: skip


@pytest.mark.parametrize("known", [True, False], ids=["language known", "not known"])
@pytest.mark.parametrize("language", ASKED)
def test_what_is_said_about_something_is_told_from_other_questions(
    language: str, known: bool
) -> None:
    said, about, of_somebody, who, other = ASKED[language]
    own = language if known else None
    found = topic(str(said), own)
    assert found is not None and (found.about, found.who) == (about, "")
    assert topic(str(other), own) is None
    if of_somebody is not None:
        asked = topic(of_somebody, own)
        assert asked is not None and asked.who == who and asked.about


@pytest.mark.parametrize(
    ("language", "question", "told", "missing"),
    [
        ("ar", "ماذا قيل عن القمر؟", "الشمس", {"القمر"}),
        ("de", "Wie viele Boote sind gesunken?", "Drei Boote", {"gesunken"}),
        ("en", "How many boats sank, and what was said about it?", "Three boats", {"sank"}),
        ("es", "¿Qué se dice sobre cuántos barcos?", "el sol", {"barcos"}),
        ("fr", "Combien de bateaux a-t-il dit ?", "le soleil", {"bateaux"}),
        ("hi", "कितने जहाज कहा गया?", "सूरज", {"जहाज"}),
        ("ko", "무엇을 배가 했나요?", "태양", {"배가"}),
        ("ru", "Сколько лодок сказано?", "солнце", {"лодок"}),
    ],
)
def test_words_that_only_ask_are_never_missing(
    language: str, question: str, told: str, missing: set[str]
) -> None:
    assert missing == set(unsaid(question, language, [(told, language)]))


@pytest.mark.parametrize(
    ("language", "question", "words"),
    [
        ("ar", "متى وقع الزلزال؟", ["وقع", "الزلزال"]),
        ("de", "In welcher Stadt brannte die Mühle?", ["brannte", "Mühle"]),
        ("en", "Which city was hit by the storm?", ["hit", "storm"]),
        ("es", "¿Cuántos barcos se hundieron?", ["barcos", "hundieron"]),
        ("fr", "Quand le pont a-t-il ouvert ?", ["pont", "ouvert"]),
        ("hi", "तूफान कब आया?", ["तूफान", "आया"]),
        ("ja", "動物園はどこですか？", ["動物園"]),
        ("ko", "코리아오픈에서 누가 우승했나요?", ["코리아오픈", "우승"]),
        ("ru", "Сколько человек погибло?", ["человек", "погибло"]),
        ("th", "ใครชนะการเลือกตั้ง", ["ชนะ", "เลือกตั้ง"]),
        ("zh", "长沙大楼有多高？", ["长沙大楼"]),
    ],
)
def test_an_answer_need_not_repeat_how_it_was_asked_for(
    language: str, question: str, words: list[str]
) -> None:
    assert about(question, language) == words


@pytest.mark.parametrize(
    ("question", "says", "unsaid"),
    [
        ("What did the announcer say about the launch?", "LAUNCH DELAYED", ("announcer",)),
        ("Que dit la voix sur le numéro ?", "n'accepte pas", ("voix",)),
        ("Was wird über Lawinen gesagt?", "Lawinengefahr", ()),
        ("ダリアについて何と言っていますか？", "一番大きな花", ()),
    ],
)
def test_what_is_said_about_a_thing_is_quoted(
    sample_index: q2e.Index, question: str, says: str, unsaid: tuple[str, ...]
) -> None:
    answer = sample_index.answer(question)
    assert answer.found and says in answer.sentences[0].text
    assert answer.not_found == unsaid


def test_a_number_that_nothing_says_is_told_of(sample_index: q2e.Index) -> None:
    told = "a number is asked for, and no sentence here holds one"
    answer = sample_index.answer("How many monkeys carried the weasels away?")
    assert answer.found and told in answer.notes and answer.not_found == ()
    assert told not in sample_index.answer("In how many years was the image released?").notes


def test_what_is_only_seen_is_pointed_at(sample_index: q2e.Index) -> None:
    told = sample_index.answer("Where is the koala?").notes
    assert "it may be seen in reel-01.mp4 at 3.0 s, where no words answer" in told
    assert not any("seen" in one for one in sample_index.answer("Who won the world cup?").notes)


def test_a_cited_moment_is_cut_out_by_its_number(
    sample_index: q2e.Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("Q2E_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("Q2E_INDEX", str(sample_index.directory))
    done = CliRunner().invoke(app, ["answer", "Who carried the weasels away?"])
    assert done.exit_code == 0, done.output
    line = next(one for one in done.stdout.splitlines() if one.startswith("  1. "))
    assert line.startswith("  1. call-06.mp4  0:0") and line.endswith("  speech")
    out = tmp_path / "cited.mp4"
    cut = CliRunner().invoke(app, ["clip", "--hit", "1", "--exact", "--out", str(out), "--json"])
    cited = sample_index.answer("Who carried the weasels away?").sentences[0].citations[0]
    assert json.loads(cut.stdout)["start"] == cited.start_s and out.is_file()
    none = CliRunner().invoke(app, ["answer", "Who won the world cup?"])
    assert none.exit_code == 1 and none.stdout == "nothing here answers\n"
    assert "note: no line supports an answer" in none.stderr
