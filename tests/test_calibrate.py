"""One scale for all channels: zero for questions at large, words by what they cover."""

from __future__ import annotations

import numpy as np
import pytest

import q2e
from q2e.methods.calibrate.bank import scale_of
from q2e.methods.calibrate.base import WORDS, Covering, by_words
from q2e.methods.calibrate.videos import by_videos
from q2e.methods.rows import Scale, ScoreRow, on_scale
from q2e.store.base import Table


def _row(video: list[float], scores: list[float]) -> ScoreRow:
    return ScoreRow(
        part="query",
        channel="speech",
        how="words",
        video=np.array(video),
        rows=np.arange(len(scores)),
        scores=np.array(scores, np.float32),
        texts=("question",),
        which=np.zeros(len(scores), np.int64),
    )


def _table(texts: int) -> Table:
    zeros = np.zeros(texts)
    return Table(
        version=1,
        evidence_id=np.arange(texts),
        video=np.arange(texts, dtype=np.int32),
        channel=np.zeros(texts, np.int16),
        start_s=zeros.astype(np.float32),
        end_s=zeros.astype(np.float32),
        length=np.full(texts, 10, np.int32),
        video_ids=tuple(map(str, range(texts))),
        channels=("speech",),
    )


def test_scale_is_mean_and_deviation_and_keeps_what_is_missing() -> None:
    scale = scale_of(np.array([[1.0, 3.0], [1.0, 3.0]], np.float32))
    assert (scale.mean, scale.deviation) == (2.0, 1.0)
    row = on_scale(_row([4.0, np.nan, 2.0], [4.0, 2.0]), scale)
    assert np.allclose(row.video, [2.0, np.nan, 0.0], equal_nan=True)
    assert np.allclose(row.scores, [2.0, 0.0])


@pytest.mark.parametrize("scores", [np.zeros((0, 3), np.float32), np.ones((4, 3), np.float32)])
def test_nothing_to_measure_divides_by_one(scores: np.ndarray) -> None:  # type: ignore[type-arg]
    assert scale_of(scores).deviation == 1.0


def test_by_videos_standardises_the_videos_present() -> None:
    row = by_videos(_row([1.0, np.nan, 3.0], [1.0, 3.0]))
    assert np.allclose(row.video, [-1.0, np.nan, 1.0], equal_nan=True)


def test_words_count_by_the_share_they_cover() -> None:
    table = _table(1000)
    rarest = np.log1p((1000 - 0.5) / 1.5)
    whole = 4 * rarest / 2.2
    row = by_words(_row([whole, whole / 4, 0.0], [whole]), ["a", "b", "c", "d"], table)
    assert np.allclose(row.video, [WORDS, WORDS / 4, 0.0])


def test_words_count_less_where_few_texts_speak_the_language() -> None:
    table = _table(1000)
    row = _row([5.0, 1.0, 0.0], [5.0])
    whole, fifth = by_words(row, ["a", "b"], table), by_words(row, ["a", "b"], table, 0.2)
    covered = whole.video / WORDS
    assert np.allclose(fifth.video, whole.video * (0.2 + 0.8 * covered**2))
    assert np.allclose(fifth.scores, fifth.video[:1])
    assert fifth.video[1] < 0.25 * whole.video[1], "a word of the question among others"
    assert list(np.argsort(-fifth.video)) == [0, 1, 2]


def test_a_text_with_all_words_counts_in_full_in_whatever_language() -> None:
    table = _table(1000)
    whole = 2 * np.log1p((1000 - 0.5) / 1.5) / 2.2
    row = by_words(_row([whole, 1.2 * whole], [whole]), ["a", "b"], table, 0.01)
    assert np.allclose(row.video, [WORDS, 1.2 * WORDS])


def test_share_counts_texts_not_known_to_speak_another_language(sample_index: q2e.Index) -> None:
    calibrator = Covering(sample_index.store)
    evidence = [
        one
        for video in sample_index.videos()
        for one in sample_index.store.evidence_of(video.id)
        if one.channel == "speech"
    ]
    german = sum(one.language in (None, "de") for one in evidence)
    assert calibrator.share("speech", "de") == pytest.approx(german / len(evidence))
    assert calibrator.share("speech", "th") < calibrator.share("speech", "de") < 1.0
    assert calibrator.share("speech", None) == 1.0


def test_a_word_of_every_text_covers_next_to_nothing() -> None:
    table = _table(100)
    common = float(np.log1p(0.5 / 100.5)) / 2.2
    row = by_words(_row([common], [common]), ["the"], table)
    assert row.video[0] < 0.01


def test_a_scale_does_not_change_the_order() -> None:
    row = _row([0.3, 0.9, 0.5], [0.3, 0.9, 0.5])
    moved = on_scale(row, Scale(0.4, 0.01))
    assert np.argsort(moved.video).tolist() == np.argsort(row.video).tolist()
