"""What the documentation says to type is understood: commands, their options, and code."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from benchmarks.events import CAPTIONS
from benchmarks.quality import PARTS
from typer.testing import CliRunner

import q2e
from q2e.cli import app

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    *(page for page in sorted((ROOT / "docs").rglob("*.md")) if page.parent.name != "reference"),
]
COMMAND = typer.main.get_command(app)
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
#: What ends a command of the shell.
_ENDS = {"|", "||", "&&", ">", ";", "&"}


def _lines() -> Iterator[Any]:
    """Yield the command lines of the pages that are meant to be typed."""
    for page in PAGES:
        text = page.read_text("utf-8")
        blocks = [body for kind, body in _BLOCK.findall(text) if kind in ("sh", "bash")]
        lines = [line for body in blocks for line in body.replace("\\\n", " ").splitlines()]
        for line in filter(re.compile(r"\s*q2e ").match, lines):
            yield pytest.param(line.strip(), id=f"{page.stem}: {line.strip()[:60]}")


def _mentions() -> Iterator[Any]:
    """Yield what sentences call a command, which may leave out what it needs."""
    for page in PAGES:
        for span in re.findall(r"`(q2e [^`\n]+)`", _BLOCK.sub("", page.read_text("utf-8"))):
            yield pytest.param(span, id=f"{page.stem}: {span[:60]}")


def _blocks(kind: str) -> Iterator[Any]:
    for page in PAGES:
        for number, (found, body) in enumerate(_BLOCK.findall(page.read_text("utf-8"))):
            if found == kind:
                yield pytest.param(body, id=f"{page.stem}: {number}")


def _named(line: str) -> tuple[Any, list[str]]:
    """Return the command that a line names, and the words after it."""
    words = shlex.split(line, comments=True)[1:]
    end = next((place for place, word in enumerate(words) if word in _ENDS), len(words))
    words, command = words[:end], COMMAND
    while words and hasattr(command, "commands"):
        assert words[0] in command.commands, f"{words[0]} is no command"
        command = command.commands[words.pop(0)]
    return command, words


@pytest.mark.parametrize("line", [*_lines()])
def test_lines_are_understood(line: str) -> None:
    command, words = _named(line)
    command.make_context(command.name, words)


@pytest.mark.parametrize("span", [*_mentions()])
def test_mentions_name_what_there_is(span: str) -> None:
    command, words = _named(span)
    known = {"--help", *(name for option in command.params for name in option.opts)}
    assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_install_lines_work_without_a_package_index(page: Path) -> None:
    text = page.read_text("utf-8")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for what in re.findall(r"pip install (?!-)(\S+)", text):
        path, wanted = re.fullmatch(r'"?(\./q2e[\w/-]*)(?:\[(.+)\])?"?[`,]*', what).groups()
        assert (ROOT / path.removeprefix("./q2e").lstrip("/") / "pyproject.toml").is_file()
        assert {*filter(None, (wanted or "").split(","))} <= extras["optional-dependencies"].keys()
    for address in re.findall(r"git clone (.+)", text):
        assert address == "<address of this repository> q2e"


@pytest.mark.parametrize("body", [*_blocks("python")])
def test_python_is_python(body: str) -> None:
    compile(body, "<page>", "exec")


@pytest.mark.parametrize(
    ("body", "read"),
    [
        *(pytest.param(*one.values, json.loads, id=one.id) for one in _blocks("json")),
        *(pytest.param(*one.values, tomllib.loads, id=one.id) for one in _blocks("toml")),
    ],
)
def test_data_is_data(body: str, read: Callable[[str], Any]) -> None:
    assert read(body)


def test_the_layout_that_benchmarks_read_is_on_the_page() -> None:
    page = (ROOT / "docs/how-to/evaluation.md").read_text("utf-8")
    (tree,) = re.findall(r"^```text\nFOLDER/\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    shown = {line.split()[0].rstrip("/") for line in tree.splitlines()}
    readers = ("captions", "events", "matrices", "reading", "released")
    sources = [(ROOT / "benchmarks" / f"{name}.py").read_text("utf-8") for name in readers]
    read = {
        name
        for source in sources
        for found in re.findall(r'\b(?:dev_data|data|folder)((?: / "[^"]+")+)', source)
        for name in re.findall(r'"([^"]+)"', found)
    }
    for file in (ROOT / "benchmarks/experiments").glob("*.toml"):
        plan = tomllib.loads(file.read_text("utf-8"))
        paths = [plan.get("data", {}).get("folder", ""), *plan.get("matrices", {}).values()]
        read |= {name for path in paths for name in Path(path).parts}
    read |= {f"{name}.json" for name in CAPTIONS}
    assert read - {"samples"} == shown  # the samples come with the clone
    parts = set(re.findall(r"^\| `(\w+)` \|", page.split("| `--only` |")[1], re.MULTILINE))
    assert parts == PARTS.keys()


def test_the_example_of_a_frame_finds_what_is_asked(sample_index: q2e.Index) -> None:
    page = (ROOT / "docs/how-to/asking.md").read_text("utf-8")
    ((frame, change),) = re.findall(r'--example (\S+@\S+) "(.+)"', page)
    found = sample_index.search(change, examples=[frame], top=2)
    assert "reel-01.mp4" in [Path(hit.video.path).name for hit in found]


def _sections() -> dict[str, Any]:
    text = (ROOT / "docs/reference/json.md").read_text("utf-8")
    found = re.findall(r"^## (.+?)\n+```json\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return {name: json.loads(body) for names, body in found for name in names.split(", ")}


def _unknown(printed: Any, shown: Any, where: str = "") -> Iterator[str]:
    """Yield the keys that are printed and not shown; `…` stands for any key, and any value."""
    if isinstance(printed, dict) and shown is not None and shown != "…":
        for key, value in printed.items():
            if key in shown or "…" in shown:
                yield from _unknown(value, shown.get(key, shown.get("…")), f"{where}.{key}")
            else:
                yield f"{where}.{key}"
    elif isinstance(printed, list) and isinstance(shown, list):
        for one in printed:
            yield from _unknown(one, shown[0] if shown else None, f"{where}[]")


def _with_json(command: Any, name: str = "q2e") -> Iterator[str]:
    for word, inner in getattr(command, "commands", {}).items():
        yield from _with_json(inner, f"{name} {word}")
    if any("--json" in option.opts for option in command.params):
        yield name


@pytest.mark.parametrize("name", [*_with_json(COMMAND)])
def test_each_command_with_json_has_its_keys_on_the_page(name: str) -> None:
    assert name in _sections()


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("q2e search", ["search", "polar bear"]),
        ("q2e search", ["search", '"panda" or speech:"telephone"']),
        ("q2e search --facets", ["search", "--facets"]),
        ("q2e ask", ["ask", "animal"]),
        ("q2e show", ["show", "call-06.mp4"]),
        ("q2e status", ["status"]),
        ("q2e config", ["config"]),
        ("q2e methods", ["methods"]),
        ("q2e methods NAME", ["methods", "rrf"]),
        ("q2e methods KIND", ["methods", "pool"]),
        ("q2e methods --papers", ["methods", "--papers"]),
        ("q2e doctor", ["doctor"]),
        ("q2e models list", ["models", "list"]),
        ("q2e eval datasets", ["eval", "datasets"]),
        ("q2e eval datasets NAME", ["eval", "datasets", "wikivideo"]),
        ("q2e eval datasets NAME --folder DIR", ["eval", "datasets", "own", "--folder", "samples"]),
        ("q2e eval labels", ["eval", "labels"]),
        ("q2e eval matrix", ["eval", "matrix", "scores.npy"]),
        ("q2e eval run", ["eval", "run", "a.run", "--qrels", "qrels.txt", "--per-query"]),
        ("q2e eval compare", ["eval", "compare", "a.run", "a.run", "--qrels", "qrels.txt"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_printed_keys_are_on_the_page(
    sample_index: q2e.Index,
    section: str,
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("Q2E_INDEX", str(sample_index.directory))
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples/queries.csv").write_text("query,video\na dog,one.mp4\n", "utf-8")
    (tmp_path / "a.run").write_text("q1 Q0 one 1 0.9 x\nq1 Q0 two 2 0.5 x\n", "utf-8")
    (tmp_path / "qrels.txt").write_text("q1 0 one 1\n", "utf-8")
    np.save(tmp_path / "scores.npy", np.random.default_rng(1).normal(size=(4, 4)))
    done = CliRunner().invoke(app, [*words, "--json"])
    printed = json.loads(done.stdout)
    shown = _sections()[section]
    assert [*_unknown(printed, shown)] == []
    if isinstance(shown, dict) and "…" not in shown:
        assert shown.keys() - printed.keys() <= {"groups"}  # which --by alone adds
    if section == "q2e search":
        # What q2e moments alone says is left out.
        assert shown["index"].keys() - {"…", "more"} == printed["index"].keys()
