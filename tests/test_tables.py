"""The docs' tables are those of the measured figures, and every marked one is known."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from benchmarks.tables import NEEDS, TABLES, markdown  # noqa: E402

import gentables  # noqa: E402


def test_tables_of_the_docs_are_not_stale() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "gentables.py"), "--check"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_table_stands_in_the_docs() -> None:
    marked = {
        match["name"]
        for page in gentables.pages()
        for match in gentables.MARKED.finditer(page.read_text("utf-8"))
    }
    assert marked == set(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_made_of_the_figures(name: str) -> None:
    figures = gentables.measured()
    if not NEEDS[name.split()[0]] <= set(figures):
        pytest.skip(f"{NEEDS[name.split()[0]]} not measured")
    lines = [line for line in TABLES[name](figures).splitlines() if line.startswith("|")]
    assert len(lines) > 2 and len({line.count("|") for line in lines}) == 1


def test_a_changed_figure_makes_its_page_stale() -> None:
    page = "a\n<!-- table: matrices tried -->\nold\n<!-- /table -->\nb\n"
    made = gentables.filled(page, {"matrices": {"tried and not kept": {"an idea": 47.06}}})
    assert "| an idea | 47.1 |" in made and "old" not in made
    assert made.startswith("a\n") and made.endswith("<!-- /table -->\nb\n")
    assert markdown(["x"], [["1"]]) == "| x |\n| --- |\n| 1 |\n"
