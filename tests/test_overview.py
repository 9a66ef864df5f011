"""The map of a collection: groups of vectors, where they lie, the words that tell them apart."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import q2e
from q2e.errors import StoreError
from q2e.search.clusters import around, grouped, laid_out, telling, unit
from q2e.text.tokens import tokens


def _planted(groups: int, each: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return unit vectors about `groups` centres, and the centre of each."""
    chance = np.random.default_rng(seed)
    centres = unit(chance.normal(size=(groups, 64)).astype(np.float32))
    own = np.repeat(np.arange(groups), each)
    noise = chance.normal(scale=0.05, size=(len(own), 64)).astype(np.float32)
    return unit(centres[own] + noise), own


@pytest.mark.parametrize(("groups", "each"), [(2, 30), (7, 40), (20, 25)])
def test_planted_groups_are_found(groups: int, each: int) -> None:
    vectors, own = _planted(groups, each)
    found, centres = grouped(vectors, groups)
    assert np.allclose(np.linalg.norm(centres, axis=1), 1.0, atol=1e-5)
    pairs = Counter(zip(own.tolist(), found.tolist(), strict=True))
    pure = sum(max(n for (one, _), n in pairs.items() if one == group) for group in range(groups))
    assert pure >= 0.9 * len(own)
    again, same = grouped(vectors, groups)
    assert np.array_equal(again, found) and np.array_equal(same, centres)


@pytest.mark.parametrize("vectors", [1, 2, 3, 5])
def test_few_and_equal_vectors_are_grouped_and_laid_out(vectors: int) -> None:
    one = np.zeros((vectors, 8), np.float32)
    one[:, 0] = 1.0
    own, centres = grouped(one, 4)
    assert own.tolist() == [0] * vectors and len(centres) == 1
    places = laid_out(centres)
    assert places.shape == (1, 2) and np.isfinite(around(one, own, centres, places)).all()


def test_groups_that_are_alike_lie_together() -> None:
    chance = np.random.default_rng(3)
    families = unit(chance.normal(size=(4, 64)).astype(np.float32))
    own = np.repeat(np.arange(4), 6)
    centres = unit(families[own] + chance.normal(scale=0.06, size=(24, 64)).astype(np.float32))
    places = laid_out(centres)
    assert places.min() >= 0.0 and places.max() <= 1.0
    far = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(far, np.inf)
    assert (own[far.argmin(axis=1)] == own).mean() >= 0.9


@pytest.mark.parametrize(
    ("mine", "others", "first"),
    [
        ("فيضانات في القاهرة", "في المدينة", "فيضانات"),
        ("Hochwasser in der Stadt", "Schnee in der Stadt", "hochwasser"),
        ("flood in the city", "snow in the city", "flood"),
        ("inundación en la ciudad", "nieve en la ciudad", "inundación"),
        ("inondation dans la ville", "neige dans la ville", "inondation"),
        ("शहर में बाढ़", "शहर में बर्फ", "बाढ़"),
        ("洪水 町", "雪 町", "洪水"),
        ("홍수 도시", "눈 도시", "홍수"),
        ("наводнение в городе", "снег в городе", "наводнение"),
        ("น้ำท่วม", "หิมะ", "น้ำ"),
        ("洪水 城市", "下雪 城市", "洪水"),
    ],
    ids=["ar", "de", "en", "es", "fr", "hi", "ja", "ko", "ru", "th", "zh"],
)
def test_words_that_tell_come_first_in_every_language(mine: str, others: str, first: str) -> None:
    counted = [Counter(tokens(mine)), Counter(tokens(others)), Counter(tokens(others))]
    shared = set(tokens(mine)) & set(tokens(others))
    words = telling(counted)[0]
    assert words[0] not in shared
    assert any(word in tokens(first) for word in words)


def test_the_samples_are_drawn_once(sample_index: q2e.Index, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("Q2E_CACHE", str(tmp_path / "cache"))
        found = sample_index.overview()
        assert sum(group.moments for group in found.groups) == found.moments
        assert 2 <= len(found.groups) <= 48
        ids = {one.id for one in sample_index.store.videos()}
        assert {one.video for group in found.groups for one in group.examples} <= ids
        assert any("panda" in word for group in found.groups for word in group.words)
        patch.setattr("q2e.search.overview._drawn", None)  # what is kept is not drawn again
        assert sample_index.overview() == found
    told = json.loads(json.dumps(found.shape()))
    assert told["groups"][0].keys() >= {"x", "y", "words", "examples", "moments"}


def test_an_index_without_vectors_has_no_map(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        q2e.open(tmp_path / "empty").overview()
