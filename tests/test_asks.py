"""What is put as a question, with its mark or without, in eleven languages."""

from importlib import resources

import pytest

from q2e.query.asking import asks

LANGUAGES = ("ar", "de", "en", "es", "fr", "hi", "ja", "ko", "ru", "th", "zh")


def _read(name: str, language: str) -> list[str]:
    """Return the texts of a language in a table of those by which reading is measured."""
    place = resources.files("q2e") / "data" / "events" / "reading" / f"{name}.tsv"
    head, *lines = place.read_text("utf-8").splitlines()
    column = head.split("\t").index(language)
    return [text for line in lines if (text := line.split("\t")[column].strip())]


@pytest.mark.parametrize("language", LANGUAGES)
def test_most_questions_are_told_without_their_mark(language: str) -> None:
    texts = _read("asked", language)
    bare = [one.rstrip("?？؟। ").lstrip("¿ ") for one in texts]
    assert all(asks(one) for one in texts if one.endswith(("?", "？", "؟")))
    assert sum(map(asks, bare)) >= 0.75 * len(bare), [one for one in bare if not asks(one)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_of_events_and_things_ask_nothing(language: str) -> None:
    texts = [*_read("names", language), *_read("nouns", language)]
    assert not [one for one in texts if asks(one)]
    plain = _read("plain", language)
    assert sum(map(asks, plain)) <= 0.06 * len(plain)


def test_long_texts_are_read_in_time() -> None:
    assert not asks("wie " * 50_000)
    assert asks("ก" * 900 + "อะไร")
