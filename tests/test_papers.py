"""Every system of the papers has a row, and what a row names exists."""

from __future__ import annotations

from pathlib import Path

import pytest

from q2e.cli import app
from q2e.cli.later import table_of
from q2e.papers import STATES, Paper, counted, papers
from q2e.plugins import registry

TESTS = Path(__file__).parent


def test_all_are_listed_once_with_a_state() -> None:
    numbers = [paper.number for paper in papers()]
    assert sorted(numbers, key=str) == sorted(["S0", "S2", *map(str, range(1, 120))], key=str)
    assert {paper.state for paper in papers()} == set(STATES)
    assert sum(counted().values()) == 121


@pytest.mark.parametrize("paper", papers(), ids=lambda paper: paper.number)
def test_what_a_row_names_exists(paper: Paper) -> None:
    if paper.state in ("absent", "out of scope"):
        assert paper.note and not paper.use
        return
    assert paper.use and (paper.note or paper.state == "works")
    kind, _, name = paper.use.partition(" ")
    if kind == "command":
        assert name in table_of(app)
    else:
        assert registry().one(kind, name)
    file, _, function = paper.test.partition("::")
    if file:
        assert f"def {function}" in (TESTS / file).read_text("utf-8")
