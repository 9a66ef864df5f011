"""The repository itself: what is in it, how big, and that each module says its purpose."""

from __future__ import annotations

import ast
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULE_LINES = 400
#: Written by a script, as long as the server's document is.
GENERATED = {"src/q2e/client.py"}
FILE_BYTES = 2_000_000
EXPECTED = (
    "LICENSE",
    "NOTICE",
    "README.md",
    "CITATION.cff",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "CODE_OF_CONDUCT.md",
    "Dockerfile",
    "compose.yaml",
    "constraints.txt",
    ".github/workflows/test.yml",
    "src/q2e/py.typed",
)
#: Where a function that nothing of the product calls would be a formula that nobody gets.
FORMULAS = {("methods",), ("mmi",), ("search",), ("query",), ("heads",), ("store",)}
#: Paths that exist on one machine only must not be written down.
LOCAL_PATHS = re.compile(r"(?<![\w./])/(?:work|root|home/\w+)/[\w.]")


def files() -> list[Path]:
    """Return the files that git tracks and that are there; skips outside a checkout."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def test_what_people_expect_is_there_and_not_empty() -> None:
    for name in EXPECTED:
        assert (ROOT / name).is_file(), name
    for name in EXPECTED[:-1]:
        assert (ROOT / name).stat().st_size > 300, name


def test_no_file_is_big() -> None:
    big = [f"{path.relative_to(ROOT)}" for path in files() if path.stat().st_size > FILE_BYTES]
    assert not big


@pytest.mark.parametrize("folder", ["src", "tests", "scripts", "benchmarks"])
def test_every_module_says_its_purpose(folder: str) -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path.stat().st_size and not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]
    assert not silent


def test_no_formula_is_there_for_tests_alone() -> None:
    source = {path: path.read_text("utf-8") for path in (ROOT / "src").rglob("*.py")}
    words = Counter(word for text in source.values() for word in re.findall(r"\w+", text))
    unused = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path, text in source.items()
        if path.parent.relative_to(ROOT / "src" / "q2e").parts[:1] in FORMULAS
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef) and not node.decorator_list and words[node.name] == 1
    ]
    assert not unused


def test_modules_stay_short() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines())
        for path in (ROOT / "src").rglob("*.py")
    }
    long = {name for name, lines in lengths.items() if lines > MODULE_LINES}
    assert long <= GENERATED


def test_the_drawing_of_the_house_has_every_room() -> None:
    drawn = set(re.findall(r"[a-z_]+", (ROOT / "docs" / "architecture.md").read_text("utf-8")))
    house = ROOT / "src" / "q2e"
    rooms = {path.parent.name for path in house.glob("*/__init__.py")}
    rooms |= {path.stem for path in house.glob("*.py") if not path.stem.startswith("__")}
    assert rooms - drawn == set()


def test_no_path_of_one_machine_is_written_down() -> None:
    found = []
    for path in files():
        if path == Path(__file__):
            continue
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in LOCAL_PATHS.finditer(text)]
    assert not found


def test_changelog_and_citation_name_the_version() -> None:
    import q2e

    assert f"version: {q2e.__version__}" in (ROOT / "CITATION.cff").read_text("utf-8")
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert "## Unreleased" in changes or f"## {q2e.__version__}" in changes
