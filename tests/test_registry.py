"""Methods are chosen by name and arguments, checked at once, and known by their code."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field

from q2e.errors import ConfigError
from q2e.plugins import registry
from q2e.registry import Kind, Registry, method
from q2e.written import parsed


@method("rule", "power", source="nobody", label="x")
def power(
    values: list[float],
    *,
    k: Annotated[float, Field(gt=0, description="The exponent.")] = 2.0,
    name: str = "a",
) -> list[float]:
    """Raise values.

    More words.
    """
    return [value**k for value in values]


@method("rule")
class Sized:
    """A class with a parameter."""

    def __init__(self, *, depth: int = 20) -> None:
        self.depth = depth


@pytest.fixture
def rules() -> Registry:
    found = Registry()
    found.kind(Kind("rule", "a rule"))
    found.kind(Kind("extra", "may be left out", optional=True))
    found.add(power)
    found.add(Sized)
    return found


def test_a_choice_is_its_text(rules: Registry) -> None:
    for text, same in (
        ("power", "power"),
        (" power(k=2) ", "power"),
        ("power(name=b, k=3)", "power(k=3.0, name='b')"),
        ("power(k=2.5)", "power(k=2.5)"),
    ):
        chosen = rules.one("rule", text)
        assert str(chosen) == same
        assert rules.one("rule", str(chosen)) == chosen
        assert hash(rules.one("rule", same)) == hash(chosen)
    assert rules.one("rule", "power(k=3)").bound([2.0]) == [8.0]
    assert rules.one("rule", "power(k=3)")["k"] == 3.0
    assert rules.one("rule", "test_registry(depth=5)").bound.depth == 5


def test_facts_come_from_the_code(rules: Registry) -> None:
    one = rules.get("rule", "power")
    assert (one.summary, one.source, one.facts["label"]) == ("Raise values.", "nobody", "x")
    assert list(one.parameters) == ["k", "name"]
    assert one.parameters["k"].description == "The exponent."
    assert one.parameters["k"].schema()["exclusiveMinimum"] == 0
    assert len(one.version) == 12


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("powr", "did you mean 'power'"),
        ("power(q=1)", "known: k, name"),
        ("power(k=-1)", "a number above 0"),
        ("power(k='much')", "a number above 0"),
        ("power(1)", "name(key=value"),
        ("power(k=__import__('os'))", "name(key=value"),
        ("power(**{})", "name(key=value"),
        ("power(", "name(key=value"),
        ("power(k=" + "(" * 400 + ")", "name(key=value"),
        ("none", "unknown rule"),
    ],
)
def test_what_does_not_exist_is_refused(rules: Registry, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        rules.choose("rule", text)
    assert said in str(refused.value)


def test_kinds(rules: Registry) -> None:
    assert rules.choose("extra", "none") is None
    assert rules.names("extra") == ("none",)
    with pytest.raises(ConfigError, match="unknown kind"):
        rules.names("rul")
    with pytest.raises(ConfigError, match="is no method"):
        rules.add(parsed)


def test_files_are_read_but_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rules: Registry
) -> None:
    package = tmp_path / "somerules" / "deeper"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").write_text("")
    head = 'from q2e.registry import method\n\n\n@method("rule")\n'
    body = head + "def f(x, *, a: int = {}):\n    return x + a\n"
    (package / "plus.py").write_text(body.format(1))
    (package / "helper.py").write_text("raise RuntimeError\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    rules.folder("rule", "somerules")
    assert "plus" in rules.names("rule")
    assert "somerules.deeper.plus" not in sys.modules
    first = rules.one("rule", "plus")
    assert first.bound(2) == 3
    before = first.fingerprint
    # An edited formula is another version.
    (package / "plus.py").write_text(body.format(2) + "# another\n")
    importlib.reload(sys.modules["somerules.deeper.plus"])
    again = Registry()
    again.kind(Kind("rule", "a rule"))
    again.folder("rule", "somerules")
    assert again.one("rule", "plus").fingerprint != before


def test_everything_offered_can_be_loaded() -> None:
    known = registry()
    for kind in known.kinds():
        assert known.names(kind.name), kind
        for one in known.all(kind.name):
            assert one.summary.endswith("."), one.name
            assert one.kind == kind.name


def test_facts_that_a_file_says_plainly_are_those_of_the_loaded_method() -> None:
    code = (
        "import sys\n"
        "from q2e.plugins import registry\n"
        "found = registry()\n"
        "print({one: dict(found.facts('channel', one)) for one in found.names('channel')})\n"
        "print([one for one in sys.modules if one.startswith('q2e.channels.')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    plainly, loaded = done.stdout.splitlines()
    known = registry()
    whole = {one: dict(known.get("channel", one).facts) for one in known.names("channel")}
    assert (plainly, loaded) == (str(whole), "[]")
    for kind in known.kinds():
        for one in known.all(kind.name):
            assert known.facts(kind.name, one.name) == one.facts


def test_a_broken_plugin_is_named_once_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    info = tmp_path / "broken-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: broken-thing\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[q2e]\nbroken = broken_thing\n")
    (tmp_path / "broken_thing.py").write_text("import a_module_that_is_not_there\n")
    code = (
        "from q2e.plugins import registry\n"
        "print('speech' in registry().names('channel'), registry() is registry())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    assert done.stdout.split() == ["True", "True"]
    assert done.stderr.count("broken-thing") == 2  # once named, once in the command
