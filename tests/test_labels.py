"""Labels made by hand: the file that the page and the terminal share, and what it measures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from q2e.errors import StoreError
from q2e.evaluate.labels import ENOUGH, FILE, Label, Labels, measure
from q2e.types import Decomposition, Hit, Moment, Query, Results, Video

QUESTIONS = {
    "zh": "桥 倒塌",
    "ja": "橋が崩れる",
    "ko": "다리 붕괴",
    "ar": "انهيار جسر",
    "ru": "мост рухнул",
    "hi": "पुल गिरा",
    "th": "สะพานถล่ม",
    "de": "Brücke stürzt ein",
    "en": "bridge falls",
}


def _answer(query: str, *videos: str) -> Results:
    hits = tuple(
        Hit(rank, Video(video, f"/{video}.mp4", duration_s=60.0), 1.0 / rank,
            (Moment(10.0, 20.0, 1.0, 15.0, ()),), ())
        for rank, video in enumerate(videos, 1)
    )  # fmt: skip
    return Results(Query(query), hits, Decomposition(query, "en"), {}, {})


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=list(QUESTIONS))
def test_labels_come_back_in_every_script(tmp_path: Path, question: str) -> None:
    made = Labels(tmp_path).put(Label(question, "v1", 0.0, 8.0, 2))
    assert Labels(tmp_path).all() == [made]


def test_a_later_label_replaces_and_takes_back(tmp_path: Path) -> None:
    one, two = Labels(tmp_path), Labels(tmp_path)
    first = one.put(Label("q", "v1", 0.0, None, 1))
    again = two.put(Label("q", "v1", 0.0, None, 3))
    assert first.id == again.id
    assert one.all() == [again]
    assert one.remove(first.id) and not two.remove(first.id)
    assert two.all() == []
    assert len((tmp_path / FILE).read_text("utf-8").splitlines()) == 3


def test_a_line_cut_short_is_left_out_and_does_not_swallow_the_next(tmp_path: Path) -> None:
    labels = Labels(tmp_path)
    labels.put(Label("q", "v1", 0.0, None, 1))
    with (tmp_path / FILE).open("a", encoding="utf-8") as file:
        file.write('{"query": "q", "vid')
    assert [one.video for one in Labels(tmp_path).all()] == ["v1"]
    labels.put(Label("q", "v2", 0.0, None, 1))
    assert [one.video for one in Labels(tmp_path).all()] == ["v1", "v2"]


@pytest.mark.parametrize("line", ["[]", '{"query": "q"}', "not json", '{"query": 1, "video": "v", '
                                  '"start": 0, "end": null, "relevance": 1}'])  # fmt: skip
def test_a_damaged_line_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / FILE).write_text(f"{line}\n", encoding="utf-8")
    with pytest.raises(StoreError, match="line 1"):
        Labels(tmp_path).all()


def test_measures_have_intervals_from_twenty_labels_on() -> None:
    labels, answers = [], {}
    for number in range(ENOUGH):
        query = f"question {number}"
        labels.append(Label(query, f"v{number}", 10.0, 20.0, 1))
        right = f"v{number}" if number % 2 else "other"
        answers[query] = _answer(query, right, f"v{number}x")
    few = measure(labels[:-1], answers)
    assert few["intervals"] == {}
    found = measure(labels, answers)
    assert found["measures"]["R@1"] == 0.5
    low, high = found["intervals"]["R@1"]
    assert low < 0.5 < high
    assert found["measures"]["judged@10"] == 0.25
    assert found["measures"]["moment R@1 IoU 0.5"] == 0.5
    assert json.loads(json.dumps(found)) == found


def test_no_label_measures_nothing() -> None:
    assert measure([], {})["measures"] == {}
