"""Answers from clips of videos, driven by a scripted server."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import q2e
from answering import GOOD, QUESTION, script, wrote
from q2e.answer.clips import Clip, likeness, unit_mean
from q2e.answer.strategies.corpus import ranked, relevant, spread
from q2e.answer.strategies.goldfish import nearest
from q2e.errors import ConfigError
from q2e.types import Video
from scripted_model import Asked, scripted

TALK = Video(id="talk", path="talk.mp4", duration_s=100.0)


def unit(*numbers: float) -> np.ndarray:
    return np.array(numbers, np.float32) / np.float32(np.linalg.norm(numbers))


def test_a_clip_is_as_near_as_the_better_of_its_vectors() -> None:
    asked = unit(1, 0)
    clips = [
        Clip(TALK, 0, 0, 30, described=unit(1, 1), said=unit(1, 2)),
        Clip(TALK, 1, 30, 60, said=unit(1, 0.1)),
        Clip(TALK, 2, 60, 90, described=unit(1, 0), said=unit(-1, 0)),
        Clip(TALK, 3, 90, 100),
    ]
    assert [clip.number for clip in nearest(clips, asked, 2)] == [2, 1]
    assert [clip.number for clip in nearest(clips, asked, 9)] == [2, 1, 0]
    assert likeness(asked, [None])[0] == -np.inf
    assert unit_mean([]) is None and unit_mean([unit(1, 0), unit(-1, 0)]) is None


@pytest.fixture(scope="module")
def talks(tmp_path_factory: pytest.TempPathFactory) -> q2e.Index:
    """Two talks of a hundred seconds, whose texts speak of another thing every twenty."""
    folder = tmp_path_factory.mktemp("talks")
    said = {
        "harbour": ["The mayor opened the harbour.", "It cost 40 million.", "Gulls sleep here."],
        "bread": ["Bread needs flour.", "Salt comes last.", "The oven is hot."],
    }
    rows: list[dict[str, object]] = []
    for video, texts in said.items():
        rows.append({"video": video, "channel": "metadata", "text": f"A talk of the {video}"})
        rows += [
            {"video": video, "channel": "speech", "text": text, "start": 20 * n, "end": 20 * n + 15}
            for n, text in enumerate(texts)
        ]
        rows.append({"video": video, "channel": "caption", "text": "a ship", "start": 0, "end": 9})
    (folder / "talks.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    index = q2e.open(folder / "index")
    index.import_evidence(folder / "talks.jsonl")
    return index


def test_goldfish_answers_from_whole_clips_in_one_call(talks: q2e.Index) -> None:
    cost = ("It cost 40 million.", "cost 40", "It cost 40 million.")
    with scripted(script(lambda asked: wrote(asked, cost))) as model:
        answer = talks.answer(
            "Who opened the harbour?",
            how="goldfish(neighbours=1, clip_s=54)",
            language_model=model.source,
        )
    assert [one.text for one in answer.sentences] == ["It cost 40 million."]
    assert answer.spent["calls"] == len(model.asked) == 1
    # The whole clip is shown, in order of time, what is described beside what is said; no other.
    shown = re.findall(r"\(\d+\) (.*?)(?= \(\d+\) |\n)", model.asked[0].prompt)
    assert set(shown) == {
        "The mayor opened the harbour.",
        "It cost 40 million.",
        "a ship",
        "Gulls sleep here.",
    }
    assert not any("flour" in one for one in shown)


def test_goldfish_over_real_videos(sample_index: q2e.Index) -> None:
    with scripted(script(lambda asked: wrote(asked, GOOD))) as model:
        answer = sample_index.answer(QUESTION, how="goldfish", language_model=model.source)
    assert [one.text for one in answer.sentences] == [GOOD[0]]
    assert answer.sentences[0].citations[0].video.path.endswith("call-06.mp4")


# -- videos by text and pictures ------------------------------------------------------------------
def test_videos_are_ranked_by_a_mix_of_standardised_cosines() -> None:
    told = {"a": 0.8, "b": 0.6, "c": 0.7}
    seen = {"a": 0.1, "b": 0.3}
    assert ranked(told, seen, 1.0) == ["a", "c", "b"]
    # Who has no picture is as far as the farthest.
    assert ranked(told, seen, 0.0) == ["b", "a", "c"]
    # z of a and b: text 1.22 and -1.22, pictures -1 and 1; they are equal at .45.
    assert ranked(told, seen, 0.5)[0] == "a" and ranked(told, seen, 0.4)[0] == "b"
    assert ranked({}, {}, 0.5) == []


def test_frames_are_one_a_centre_then_relevant_and_new() -> None:
    rng = np.random.default_rng(0)
    middles = np.eye(8, dtype=np.float32)
    many = np.repeat(middles, 20, axis=0) + rng.normal(0, 0.01, (160, 8)).astype(np.float32)
    some = spread(many, 8)
    assert sorted(at // 20 for at in some) == list(range(8))
    assert spread(many[:5], 8) == [0, 1, 2, 3, 4]
    near = np.stack([unit(1, 0.3, 0), unit(1, 0.31, 0), unit(1, -0.4, 0), unit(0, 0, 1)])
    # The second is nearly the first again, so that the third is better.
    assert relevant(near, unit(1, 0, 0), 2) == [0, 2]
    assert sorted(relevant(near, unit(1, 0, 0), 9)) == [0, 1, 2, 3]


def test_a_corpus_is_answered_from_in_one_call_with_frames(sample_index: q2e.Index) -> None:
    def said(asked: Asked) -> str:
        first = int(re.search(r"numbers (\d+) to (\d+)", asked.prompt)[1])  # type: ignore[index]
        lines = re.findall(r"\((\d+)\) (.*?)(?= \(\d+\) |\n)", asked.prompt)
        number = next(int(n) for n, line in lines if GOOD[2] in line)
        told = [
            {"text": GOOD[0], "cites": [{"line": number, "quote": GOOD[2]}]},
            {"text": "An animal sits there.", "cites": [{"line": first, "quote": "an animal"}]},
            {"text": "There are 12 of them.", "cites": [{"line": first, "quote": "animals"}]},
            {"text": "It is late.", "cites": [{"line": 290, "quote": "late"}]},
        ]
        return "Here it is: " + json.dumps({"sentences": told})

    with scripted(said) as model:
        answer = sample_index.answer(
            QUESTION, how="corpus(frames=9, text=1)", vision_model=model.source
        )
    (asked,) = model.asked
    assert answer.spent["calls"] == 1 and 3 <= asked.pictures <= 9
    assert [one.text for one in answer.sentences] == [GOOD[0], "An animal sits there."]
    looked = answer.sentences[1].citations[0]
    assert looked.channel == "caption" and 0 <= looked.start_s <= looked.video.duration_s
    assert "1 sentence resting on what a model says it sees in the pictures alone" in answer.notes
    assert sum("dropped 1" in note for note in answer.notes) == 2


def test_a_corpus_without_a_vision_model_says_how_to_give_one(talks: q2e.Index) -> None:
    with pytest.raises(ConfigError, match="vision_model"):
        talks.answer(QUESTION, how="corpus")
