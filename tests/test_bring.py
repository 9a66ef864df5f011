"""Evidence made elsewhere: what a line may hold, and that a bad one is told by its number."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import q2e
from q2e.errors import ConfigError
from q2e.ingest.bring import Line, read_evidence


def _read(folder: Path, text: str) -> list[Line]:
    file = folder / "evidence.jsonl"
    file.write_text(text, encoding="utf-8")
    return list(read_evidence(file, 2))


def _line(**values: Any) -> str:
    return json.dumps({"video": "v1", "channel": "speech", "text": "火事"} | values)


def test_a_line_is_evidence_over_its_time(tmp_path: Path) -> None:
    (line,) = _read(tmp_path, _line(start=1, end=2.5, language="ja") + "\n\n")
    one = line.evidence
    assert (one.video, one.channel, one.start_s, one.end_s) == ("v1", "speech", 1.0, 2.5)
    assert (one.text, one.language, one.origin) == ("火事", "ja", "import")
    assert line.vector is None


@pytest.mark.parametrize("size", [1e-300, 1e-30, 1.0, 1e300])
def test_a_vector_of_any_length_becomes_a_unit_vector(tmp_path: Path, size: float) -> None:
    (line,) = _read(tmp_path, _line(vector=[3 * size, -4 * size]))
    assert line.vector is not None and line.vector.dtype == np.float32
    np.testing.assert_allclose(line.vector, [0.6, -0.8], rtol=1e-6)


def test_what_cannot_be_stored_or_shown_is_left_out_of_a_text(tmp_path: Path) -> None:
    hostile = "a\ud800\0b\n\n\u202ec\u200c\td"
    (line,) = _read(tmp_path, _line(text=hostile))
    assert line.evidence.text == "ab\nc\u200c d"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        pytest.param("[" * 100_000, "not JSON", id="deep"),
        ("[1]", "must be a JSON object"),
        (_line(colour="red"), "unknown field 'colour'"),
        (_line(video="a b"), "no blanks"),
        (_line(video="a\ud800"), "no invisible"),
        (_line(channel="smell"), "unknown channel 'smell'"),
        (_line(start=2, end=1), "lies before start"),
        (_line(start=True), "must be seconds"),
        (_line(end=float("nan")), "must be seconds"),
        (_line(language="Klingon"), "language 'Klingon' is unknown"),
        (_line(language=7), "language must be a code"),
        (_line(vector=[1]), "makes 2"),
        (_line(vector=[0, 0]), "not all zero"),
        (_line(vector=[float("nan"), 1]), "finite"),
        (_line(vector=[10**400, 1]), "finite"),
        (_line(vector=["1", 1]), "a list of numbers"),
    ],
)
def test_a_bad_line_is_told_by_its_number(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=rf"line 2: .*{says}"):
        _read(tmp_path, _line() + "\n" + text)


def test_text_without_a_time_is_cut_into_longer_pieces(tmp_path: Path) -> None:
    text = " ".join(f"Sentence {number} tells of the flood." for number in range(15))
    lines = (_line(video="untimed", text=text), _line(video="timed", text=text, start=3, end=9))
    file = tmp_path / "evidence.jsonl"
    file.write_text("\n".join(lines), encoding="utf-8")
    with q2e.open(tmp_path / "index", chunk_words=30, untimed_words=100) as index:
        index.import_evidence(file)
        pieces = {name: len(index.show(name).evidence) for name in ("untimed", "timed")}
    assert pieces == {"untimed": 1, "timed": 3}
