"""`q2e methods` tells what can be chosen, and the reference page tells the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from q2e.cli import app
from q2e.errors import ConfigError
from q2e.plugins import registry


def said(*words: str) -> str:
    done = CliRunner().invoke(app, ["methods", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def answer(*words: str) -> Any:
    return json.loads(said(*words, "--json"))


def test_kinds_with_their_names() -> None:
    kinds = {one["kind"]: one["methods"] for one in answer()["kinds"]}
    assert kinds == {kind.name: list(registry().names(kind.name)) for kind in registry().kinds()}
    assert all(one in said() for one in ("rrf", "hyde", "nDCG", "msrvtt_1ka", "late_interaction"))


def test_a_kind_lists_names_with_parameters() -> None:
    assert "rrf(k=60.0)\n    Reciprocal ranks" in said("fuse")
    assert {one["name"] for one in answer("fuse")["methods"]} == set(registry().names("fuse"))


@pytest.mark.parametrize("words", [("rrf",), ("fuse", "rrf"), ("rrf(k=5)",)])
def test_one_method_with_all_there_is_to_know(words: tuple[str, ...]) -> None:
    text = said(*words)
    for part in ("Cormack", "k = 60.0", "from 0 to 1,000,000", "favours the first", "scale votes"):
        assert part in text
    (one,) = answer(*words)["methods"]
    assert (one["kind"], one["name"], one["parameters"][0]["default"]) == ("fuse", "rrf", 60.0)
    assert one["parameters"][0]["schema"]["maximum"] == 1e6 and one["facts"] == {"scale": "votes"}


def test_a_name_of_several_kinds_is_told_for_each() -> None:
    assert [one["kind"] for one in answer("max")["methods"]] == ["pool", "fuse"]
    assert [one["kind"] for one in answer("pool", "max")["methods"]] == ["pool"]


@pytest.mark.parametrize("kind", [kind.name for kind in registry().kinds()])
def test_every_kind_is_printed_and_is_json(kind: str) -> None:
    assert len(answer(kind)["methods"]) == len(registry().all(kind))


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("rff",), "did you mean rrf"),
        (("none",), "kinds: channel"),
        (("fuse", "hyde"), "unknown kind or method"),
        (("fuse", "rrf", "k"), "a kind and a name"),
    ],
)
def test_what_is_unknown_is_refused(words: tuple[str, ...], meant: str) -> None:
    with pytest.raises(ConfigError, match=meant):
        CliRunner().invoke(app, ["methods", *words], catch_exceptions=False)


def test_the_reference_has_every_method_and_parameter() -> None:
    page = Path(__file__).resolve().parent.parent / "docs" / "reference" / "methods.md"
    text = page.read_text("utf-8")
    for kind in registry().kinds():
        for one in registry().all(kind.name):
            assert f"### {kind.name}: {one.name}\n" in text
            for own in one.parameters.values():
                assert f"| `{own.name}` | `{own.default!r}` |" in text
