"""What the documentation says to type is understood: commands, their options, and code."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

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


def test_the_example_of_a_frame_finds_what_is_asked(sample_index: q2e.Index) -> None:
    page = (ROOT / "docs/how-to/asking.md").read_text("utf-8")
    ((frame, change),) = re.findall(r'--example (\S+@\S+) "(.+)"', page)
    found = sample_index.search(change, examples=[frame], top=2)
    assert "reel-01.mp4" in [Path(hit.video.path).name for hit in found]
