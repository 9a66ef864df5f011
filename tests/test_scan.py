"""Scanning: short cuts give what the plain way would."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import q2e
from q2e.methods.calibrate.bank import Bank
from q2e.methods.questions import Form, Questions
from q2e.methods.rows import Folded, Vectors
from q2e.search.scan import Scanner, _best_of, _lay_out
from q2e.store.base import Item, StageKey, Table
from q2e.store.sqlite import SqliteStore
from q2e.types import Evidence, Video


@given(st.integers(1, 6), st.integers(0, 40), st.integers(0, 2**32 - 1))
def test_the_best_text_is_the_first_of_equal_ones(texts: int, n: int, seed: int) -> None:
    scores = np.random.default_rng(seed).integers(-2, 3, (texts, n)).astype(np.float32)
    best, which = _best_of(scores)
    assert (best == scores.max(axis=0)).all()
    assert (which == scores.argmax(axis=0)).all()


@given(st.integers(1, 60), st.booleans(), st.integers(0, 2**32 - 1))
def test_evidence_lies_by_video_and_time(n: int, in_order: bool, seed: int) -> None:
    random = np.random.default_rng(seed)
    video, start_s = random.integers(0, 5, n), random.integers(0, 4, n).astype(np.float32)
    if in_order:
        sort = np.lexsort((start_s, video))
        video, start_s = video[sort], start_s[sort]
    none = np.zeros(n, np.int32)
    numbers = np.arange(n)
    channel = none.astype(np.int16)
    ids = ("v",) * 5
    owner = video.astype(np.int32)
    table = Table(1, numbers, owner, channel, start_s, start_s, none, ids, ("frame",))
    laid = _lay_out(table, numbers, numbers[::2])
    expected = sorted(numbers[::2].tolist(), key=lambda row: (video[row], start_s[row], row))
    assert laid.take.tolist() == laid.rows.tolist() == expected
    assert laid.videos.tolist() == sorted(set(video[::2].tolist()))


def test_phrases_told_as_sums_score_as_their_vectors_do(sample_index: q2e.Index) -> None:
    store, text = sample_index.store, sample_index.models.text
    questions, scanner = Questions(text), Scanner(store)
    bank, phrases = Bank().on(store, questions), ["rivers rise", "people leave their homes"]
    for language, question in (
        ("en", "flood in Pakistan"),
        ("ko", "파키스탄 홍수"),
        (None, "مظاهرات"),
    ):
        form = Form(language, event=True)
        asked = text.encode_queries([question])
        matrix = questions.phrases(phrases) + asked[0]
        share = 1.0 / np.linalg.norm(matrix, axis=1, keepdims=True)
        folded = bank.folded(phrases, share, form)
        assert folded is not None
        own, corrected = bank.corrected(asked, form), bank.corrected(matrix * share, form)
        told = folded.weights @ folded.fixed + folded.own[:, None] * own[0]
        assert told == pytest.approx(corrected, abs=1e-6)
        first = Vectors("query", (question,), own)
        plain = [first, Vectors("prequel", ("a", "b"), corrected)]
        quick = [first, Vectors("prequel", ("a", "b"), corrected, folded=folded)]
        for _ in range(2):
            for ours, theirs in zip(
                scanner.dense(text.space, "meaning", quick),
                scanner.dense(text.space, "meaning", plain),
                strict=True,
            ):
                assert (ours.part, ours.channel) == (theirs.part, theirs.channel)
                assert ours.scores == pytest.approx(theirs.scores, abs=1e-5)
                assert ours.video == pytest.approx(theirs.video, abs=1e-5, nan_ok=True)


def test_products_with_fixed_vectors_grow_with_the_store_and_are_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(0)
    with SqliteStore(tmp_path / "s.sqlite") as store:
        scanner = Scanner(store)
        for number in range(4):
            name = f"v{number}"
            store.put_video(Video(name, f"{name}.mp4"))
            drawn = random.standard_normal((3, 8)).astype(np.float32)
            said = [Evidence(name, "speech", n, n + 1, vectors={"s": drawn[n]}) for n in range(3)]
            store.put_part(StageKey(name, "speech", 0), "v1", [Item(one) for one in said])
            if number == 2:
                store.remove_video("v0")
            matrix = random.standard_normal((3, 8)).astype(np.float32)
            for fixed in ("one", "other"):
                value = np.full((1, 8), len(fixed), np.float32)
                weights, own = np.array([[0.5]], np.float32), np.array([2.0], np.float32)
                folded = Folded(fixed, value, weights, own)
                both = 0.5 * value + 2.0 * matrix[:1]
                parts = [
                    Vectors("query", ("q",), matrix[:1]),
                    Vectors("prequel", ("p",), both, folded=folded),
                ]
                found = scanner.dense("s", "meaning", parts)[1]
                assert found.scores == pytest.approx(store.vectors("s")[1] @ both[0], abs=1e-4)
        assert len(scanner._folded) == 2
        monkeypatch.setattr("q2e.search.scan._PRODUCTS", 1)
        monkeypatch.setattr("q2e.search.scan._SHARE", 0)
        scanner.dense("s", "meaning", parts)
        assert [name for _, name in scanner._folded] == ["other"]
