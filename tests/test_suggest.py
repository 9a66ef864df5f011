"""Suggestions: how a question may go on, by what the collection says, in eleven languages."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from q2e.search.suggest import Phrases, Suggestions, frequent, phrases_of
from q2e.store.memory import MemoryStore
from q2e.types import Video

SAID = {
    "ar": (["فيضان في القاهرة", "فيضان كبير"], "فيضان"),
    "de": (["Hochwasser in Köln", "das Hochwasser steigt"], "Hochwasser"),
    "en": (["a giant panda eats", "the panda sleeps"], "panda"),
    "es": (["huelga de museos", "la huelga sigue"], "huelga"),
    "fr": (["grève des musées", "la grève continue"], "grève"),
    "hi": (["बारिश की चेतावनी", "तेज बारिश"], "बारिश"),
    "ja": (["地震のニュース", "大きな地震"], "地震"),
    "ko": (["단풍 축제", "가을 단풍"], "단풍"),
    "ru": (["снегопад в Сибири", "сильный снегопад"], "снегопад"),
    "th": (["วัดพระแก้ว", "เที่ยววัด"], "วัด"),
    "zh": (["长城大雪", "北京大雪"], "大雪"),
}


@pytest.mark.parametrize("language", SAID)
def test_frequent_words_are_those_said_most(language: str) -> None:
    texts, word = SAID[language]
    words = frequent(texts)
    assert words[word] == 2
    assert words.most_common(1)[0][1] == 2


def test_words_said_once_are_let_go_where_there_are_very_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("q2e.search.suggest._HELD", 20)
    words = frequent([f"heron number{n:04d}" for n in range(100)])
    assert words["heron"] == 100 and len(words) <= 20


class Held(MemoryStore):
    """A collection of which only the videos' own titles and tags are known."""

    def __init__(self, videos: Sequence[Video]) -> None:
        super().__init__()
        for one in videos:
            self.put_video(one)


def test_the_end_of_a_question_is_written_out() -> None:
    videos = [
        Video(id="1", path="/a.mp4", title="Snow in Mexico City", tags=("snow", "weather")),
        Video(id="2", path="/b.mp4", title="花火大会", tags=("festival",)),
    ]
    store = Held(videos)
    suggestions = Suggestions()

    def told(text: str) -> list[tuple[str, str]]:
        return [(one.text, one.kind) for one in suggestions.of(store, text)]

    assert ("Mexico", "place") in told("mex")
    assert ("a film about snow", "tag") in told("a film about sn")
    assert told("Mexico C")[0] == ("Mexico City", "place")
    assert told("festival") == [] and told("") == [] and told("nonesuch") == []
    assert told("花")[0][0].startswith("花火")
    assert len(suggestions.of(store, "s", limit=1)) == 1


def test_phrases_are_read_again_only_when_something_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[int] = []

    def counted(store: MemoryStore) -> Phrases:
        made.append(store.table().version)
        return phrases_of(store)

    monkeypatch.setattr("q2e.search.suggest.phrases_of", counted)
    store = Held([Video(id="1", path="/a.mp4", title="Heron")])
    suggestions = Suggestions()
    for _ in range(3):
        suggestions.of(store, "he")
    assert len(made) == 1
