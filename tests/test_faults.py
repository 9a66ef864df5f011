"""Every kind of fault that was met has tests that hold it, and they exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROWS = re.findall(
    r"^\| (\d+) \|.+?\| (.+) \|$", (ROOT / "docs/research/faults.md").read_text(), re.M
)


def test_every_kind_has_a_row() -> None:
    assert [int(number) for number, _ in ROWS] == list(range(31))


@pytest.mark.parametrize(("number", "named"), ROWS)
def test_the_tests_of_a_kind_exist(number: str, named: str) -> None:
    tests = re.findall(r"`(test_\w+\.py)::(test_\w+)`", named)
    assert len(tests) == named.count("`") // 2 > 0
    for file, name in tests:
        text = (ROOT / "tests" / file).read_text("utf-8")
        assert re.search(rf"^def {name}\(", text, re.MULTILINE), (number, file, name)
