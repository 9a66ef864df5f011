"""Filters in the store and facets: SQL leaves what plain loops leave."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import q2e
from q2e.errors import QueryError
from q2e.search.facets import facets
from q2e.settings import changed
from q2e.store.base import Item, StageKey, Store
from q2e.store.memory import MemoryStore
from q2e.store.sqlite import SqliteStore
from q2e.types import Evidence, Filters, Query, Video

VIDEOS = (
    Video("a", "a.mp4", 30.0, date="2020-05-01", language="ar", tags=("sport", "news")),
    Video("b", "b.mp4", 300.0, date="2021-01-01", language=None, tags=("news",)),
    Video("c", "c.mp4", 4000.0, tags=("two words",)),
)
EVIDENCE = (
    ("a", "speech", None),
    ("a", "screen_text", "en"),
    ("b", "speech", "en"),
    ("b", "frame", None),
    ("c", "speech", "ru"),
)
CASES = (
    Filters(shortest_s=30.0),
    Filters(shortest_s=30.5),
    Filters(longest_s=300.0),
    Filters(shortest_s=31.0, longest_s=299.5),
    Filters(without_tags=("sport",)),
    Filters(without_tags=("news", "two words")),
    Filters(without_languages=("en",)),
    Filters(without_languages=("ar", "ru")),
    Filters(without_channels=("speech",)),
    Filters(languages=("en",), without_channels=("speech",)),
)


def _fill(store: Store) -> None:
    for video in VIDEOS:
        store.put_video(video)
    for video_id, channel, language in EVIDENCE:
        one = Evidence(video_id, channel, 0.0, 1.0, text="words", language=language)
        store.put_part(StageKey(video_id, channel, 0), "key", [Item(one, ("words",))])


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Store]]:
    with SqliteStore(tmp_path_factory.mktemp("filters") / "index.sqlite") as quick:
        slow = MemoryStore()
        _fill(quick)
        _fill(slow)
        yield quick, slow


@pytest.mark.parametrize("filters", CASES, ids=str)
def test_sql_filters_like_loops(stores: tuple[Store, Store], filters: Filters) -> None:
    quick, slow = (store.rows(filters) for store in stores)
    assert quick is not None and slow is not None
    assert quick.tolist() == slow.tolist()


def test_facets_count_videos(stores: tuple[Store, Store]) -> None:
    for store in stores:
        assert facets(store, Filters()) == {
            "language": {"en": 2, "ar": 1, "ru": 1},
            "year": {"2020": 1, "2021": 1},
            "tag": {"news": 2, "sport": 1, "two words": 1},
            "channel": {"frame": 1, "speech": 3, "screen_text": 1},
            "duration": {"<1m": 1, "5m-20m": 1, ">1h": 1},
        }
        assert facets(store, Filters(), ["a"])["tag"] == {"news": 1, "sport": 1}
        assert facets(store, Filters(tags=("news",)), ["a", "c"])["channel"] == {
            "speech": 1,
            "screen_text": 1,
        }


def test_facets_follow_what_is_told_of_a_video(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "index.sqlite") as store:
        _fill(store)
        assert facets(store, Filters())["tag"]["news"] == 2
        # No evidence changes with it, and so no row.
        store.put_video(replace(VIDEOS[1], tags=("weather",), date="2022-03-01", language="fr"))
        found = facets(store, Filters())
        assert found["tag"] == {"news": 1, "sport": 1, "two words": 1, "weather": 1}
        assert found["year"] == {"2020": 1, "2022": 1}
        assert found["language"] == {"en": 2, "ar": 1, "fr": 1, "ru": 1}
        assert store.remove_video("a")
        assert facets(store, Filters())["language"] == {"en": 1, "fr": 1, "ru": 1}


def test_one_call_tells_what_three_do(sample_index: q2e.Index) -> None:
    questions: dict[str, dict[str, Any]] = {
        "an animal": {},
        "speech:monkeys": {},
        "news": {"languages": ("en",)},
        "panda THEN koala": {"top": 3},
    }
    for question, more in questions.items():
        page = sample_index.search_page(question, **more)
        alone = sample_index.search(question, **more)
        assert [hit.video.id for hit in page.results] == [hit.video.id for hit in alone]
        assert [hit.score for hit in page.results] == [hit.score for hit in alone]
        assert page.facets == sample_index.facets(question, **more)
        assert set(page.results.timings_s) - set(alone.timings_s) == {"facets", "clarify"}
    back, asked = sample_index.clarify("news"), sample_index.search_page("news", top=20).back
    assert (back and back.question) == (asked and asked.question)


def test_filters_meet() -> None:
    for one, other in itertools.permutations(CASES[:9], 2):
        assert (one & other).without_channels == one.without_channels or other.without_channels
    both = Filters(since="2020", languages=("ar", "fr"), longest_s=10.0) & Filters(
        since="2021", languages=("fr",), longest_s=20.0, tags=("x",)
    )
    assert both == Filters(since="2021", languages=("fr",), longest_s=10.0, tags=("x",))
    with pytest.raises(ValueError, match="both lang:ar and lang:fr"):
        Filters(languages=("ar",)) & Filters(languages=("fr",))


def test_filters_of_the_question_and_of_the_call_are_one(sample_index: q2e.Index) -> None:
    written = sample_index.search("please wait lang:es")
    given = sample_index.search("please wait", languages=["es"])
    assert written.hits == given.hits
    assert written.hits
    narrowed = sample_index.search("please wait lang:es", channels=["speech"])
    assert {row.channel for hit in narrowed for row in hit.why} <= {"speech", "collection"}
    with pytest.raises(QueryError, match="both"):
        sample_index.search("please wait lang:es", languages=["fr"])
    named = sample_index.search("please wait video:call-06.mp4")
    assert [Path(hit.video.path).name for hit in named] == ["call-06.mp4"]


def test_filters_alone_are_no_question(sample_index: q2e.Index) -> None:
    with pytest.raises(QueryError, match="what for"):
        sample_index.search("lang:es")
    assert sum(sample_index.facets("lang:es")["duration"].values()) == 2


def test_facets_of_a_question(sample_index: q2e.Index) -> None:
    everything = sample_index.facets()
    assert sum(everything["duration"].values()) == len(sample_index)
    found = sample_index.facets("speech:monkeys")
    assert sum(found["duration"].values()) < len(sample_index)


def test_what_is_found_has_no_limit(sample_index: q2e.Index) -> None:
    settings = changed(sample_index.settings, {"top": 1, "confidence": 0.0})
    found = sample_index._searching().found(Query("monkeys"), settings)
    assert len(found) == len(sample_index), "facets count all videos, however many"
