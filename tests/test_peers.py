"""Other engines get the same tasks as ours and agree; one that is missing is said to be."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from benchmarks import peers
from benchmarks.tables import TABLES

HEAVY = ("faiss", "usearch.index", "lancedb", "tantivy", "bm25s", "ranx")


def test_peers_agree_and_those_missing_are_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in HEAVY:
        monkeypatch.setitem(sys.modules, name, None)
    figures = {
        "vectors": peers.of_vectors(tmp_path, 300, 1),
        "words": peers.of_words(tmp_path, 2_000, 1),
        "evaluation": peers.of_runs(20, 1),
    }
    rows = {(part, row["name"]): row for part, own in figures.items() for row in own["rows"]}
    assert {name for (_, name), row in rows.items() if "not installed" not in row} == {
        *("Q2E", "Q2E, words for the first time", "SQLite FTS5", "pytrec_eval")
    }
    assert all(
        row["same"] == 1 for (_, name), row in rows.items() if name[0] == "Q" and "same" in row
    )
    assert 0.5 < rows["words", "SQLite FTS5"]["same"] < 1  # its weights are others
    assert rows["evaluation", "pytrec_eval"]["difference"] < 1e-12
    for part in figures:
        table = TABLES[f"peers {part}"]({"peers": figures})
        assert table.count("not installed") == sum(
            "not installed" in row for row in figures[part]["rows"]
        )
