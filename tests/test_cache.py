"""Results are kept by what they were made of and how; what changes makes new ones."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from q2e import cache
from q2e.cache import ARRAY, BYTES, ResultCache, as_json, fingerprint
from q2e.models.remembered import remembered

WORDS = as_json(tuple)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("Q2E_CACHE", str(tmp_path))
    return tmp_path


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "changed",
    [
        {"parent": ("wer", "wo?")},
        {"parent": ("wer wo?",)},
        {"parent": ("wo?", "wer")},
        {"method": "hyde(n=9)"},
        {"version": 2},
        {"space": "e5/2"},
    ],
)
def test_each_of_the_four_makes_another_result(changed: dict[str, object]) -> None:
    values: dict[str, object] = {"method": "hyde(n=8)", "version": 1, "space": "e5/1"}
    parent = ("wer", "wo")
    first = fingerprint(*parent, **values)  # type: ignore[arg-type]
    assert first == fingerprint(*parent, **values)  # type: ignore[arg-type]
    values |= changed
    second = fingerprint(*values.pop("parent", parent), **values)  # type: ignore[arg-type, misc]
    kept = ResultCache("words", WORDS)
    made = []

    def make(said: str) -> tuple[str, ...]:
        made.append(said)
        return (said, "地震")

    assert kept.of(first, lambda: make("one")) == ("one", "地震")
    assert kept.of(second, lambda: make("two")) == ("two", "地震")
    assert kept.of(first, lambda: make("three")) == ("one", "地震")
    assert ResultCache("words", WORDS).get(second) == ("two", "地震")
    assert made == ["one", "two"]


def test_a_formula_that_is_edited_is_seen() -> None:
    """As a method does it: its version is part of what its results are known by."""
    kept = ResultCache("sums", ARRAY)

    def weighed(x: np.ndarray, version: int, k: float) -> np.ndarray:
        which = fingerprint(x.tobytes().hex(), method="weighed", version=version)
        return kept.of(which, lambda: (k * x).astype(np.float32))

    x = np.arange(3, dtype=np.float32)
    assert weighed(x, 1, 2.0).tolist() == [0, 2, 4]
    assert weighed(x, 2, 3.0).tolist() == [0, 3, 6]


@pytest.mark.parametrize(
    ("codec", "value", "damage"),
    [
        (WORDS, ("a", "\udc80"), b"{"),
        (WORDS, ("a",), b"7"),
        (ARRAY, np.ones((2, 3), np.float32), b"\x93NUMPY"),
        (ARRAY, np.ones(3, np.float32), b""),
    ],
)
def test_what_is_damaged_is_made_anew(
    codec: cache.Codec[Any], value: Any, damage: bytes, folder: Path
) -> None:
    kept = ResultCache("any", codec)
    which = fingerprint("x", method="m")
    kept.put(which, value)
    (file,) = files(folder)
    head = file.read_bytes().partition(b"\n")[0]
    for data in (head + b"\n" + damage, b"", b"[]\n", b"{}\n", b"\xff\xfe\n"):
        file.write_bytes(data)
        assert kept.get(which) is None
    assert np.array_equal(kept.of(which, lambda: value), value)
    found = kept.get(which)
    assert found is not None and np.array_equal(found, value)


def test_a_folder_that_cannot_be_written_only_costs_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "file").touch()
    monkeypatch.setenv("Q2E_CACHE", str(folder / "file"))
    kept = ResultCache("words", WORDS)
    assert [kept.of(fingerprint("x", method="m"), lambda: ("x",)) for _ in range(2)] == [("x",)] * 2


def test_what_is_not_asked_for_longest_goes_first(folder: Path) -> None:
    kept = ResultCache("pictures", BYTES, most_bytes=5_000)
    keys = [fingerprint(str(number), method="jpeg") for number in range(6)]
    for number, key in enumerate(keys):
        kept.put(key, bytes(1_000))
        os.utime(kept._path(key), (number, number))
    assert kept.get(keys[0]) == bytes(1_000)
    kept.tidy()
    assert [kept.get(key) is not None for key in keys] == [True, False, False, False, True, True]


def test_what_is_about_a_video_can_be_forgotten(folder: Path) -> None:
    kept = ResultCache("lamer", WORDS)
    keys = {about: fingerprint(about, method="lamer") for about in ("", "a", "b", "ab", *cache.ALL)}
    for about, key in keys.items():
        kept.put(key, (about,), tuple(about))
    old = folder / "expansions" / "00" / "11.json"
    old.parent.mkdir(parents=True)
    old.write_text("words of a video")
    assert cache.forget([]) == 0
    assert cache.forget(["b", "c"]) == 3
    assert {about for about, key in keys.items() if kept.get(key)} == {"", "a"}
    assert not old.exists()


def test_fixed_texts_are_encoded_once_for_each_space_and_form() -> None:
    asked: list[tuple[str, ...]] = []

    def encode(texts: list[str]) -> Any:
        asked.append(tuple(texts))
        return np.full((len(texts), 2), len(asked), np.float32)

    for space, form in (("a", "query"), ("a", "query"), ("b", "query"), ("a", "passage")):
        remembered(space, form, ["火", "fire"], encode)
    assert remembered("a", "query", ["火", "fire"], encode).tolist() == [[1, 1], [1, 1]]
    assert len(asked) == 3
