"""`q2e methods`: everything that is chosen by name, with its parameters."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any

import typer

from q2e.cli.options import Json, print_json, talk

if TYPE_CHECKING:
    from q2e.registry import Kind, Method

_WIDTH = 100


def methods(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KIND] [NAME]",
            help="A kind, a method, or both where several kinds have a method of that name; all "
            "kinds without it.",
            show_default=False,
        ),
    ] = None,
    papers: Annotated[
        bool,
        typer.Option("--papers", help="The systems of the field's papers, and what runs each."),
    ] = False,
    json: Json = False,
) -> None:
    """List what can be chosen by name: kinds, methods of a kind, or one with its parameters.

    A method is written with those parameters that are not its defaults, as in  rrf(k=5)  or
    hyde(n=8, weight=0.3), wherever its name is accepted. Packages installed beside this one may
    bring more; see docs/how-to/extend.md.
    """
    from q2e.errors import ConfigError
    from q2e.plugins import registry
    from q2e.registry import NONE

    if papers:
        return _print_papers(json)
    known = registry()
    kinds = {one.name: one for one in known.kinds()}
    if not what and json:
        rows = [
            {"kind": kind.name, "summary": kind.summary, "methods": list(known.names(kind.name))}
            for kind in kinds.values()
        ]
        print_json({"kinds": rows})
    elif not what:
        for kind in kinds.values():
            _print_kind(kind, known.names(kind.name))
        talk("more about one:  q2e methods KIND  or  q2e methods NAME")
    elif len(what) > 2:
        raise ConfigError(f"q2e methods takes a kind and a name, got {' '.join(what)!r}")
    elif len(what) == 1 and what[0] in kinds:
        found = known.all(what[0])
        if json:
            print_json(_shapes(found))
        else:
            _print_lines(found)
    else:
        *given, name = (one.partition("(")[0].strip() for one in what)
        where = [kind for kind in given or kinds if name in known.names(kind) and name != NONE]
        if not where:
            every = {one for kind in given or kinds for one in known.names(kind)} - {NONE}
            near = get_close_matches(name, every, n=3)
            meant = f"; did you mean {' or '.join(near)}?" if near else ";"
            said = f"unknown kind or method {name[:60]!r}{meant} kinds: {', '.join(kinds)}"
            raise ConfigError(said)
        found = tuple(known.get(kind, name) for kind in where)
        if json:
            print_json(_shapes(found))
        for one in () if json else found:
            _print_method(one, kinds[one.kind])


def _print_papers(json: bool) -> None:
    from dataclasses import asdict

    from q2e.papers import counted, papers

    if json:
        return print_json({"counts": counted(), "papers": [asdict(one) for one in papers()]})
    for one in papers():
        print(f"{one.number:>4}  {one.system:27}  {one.state:12}  {one.shown or one.note}")
    talk(", ".join(f"{count} {state}" for state, count in counted().items()))


def _shapes(found: Sequence[Method]) -> dict[str, Any]:
    from q2e import shape

    return {"methods": [shape.method(one) for one in found]}


def _print_kind(kind: Kind, names: tuple[str, ...]) -> None:
    print(f"{kind.name:12} {kind.summary}")
    print(
        textwrap.fill(", ".join(names), _WIDTH, initial_indent=" " * 14, subsequent_indent=" " * 14)
    )


def _print_lines(found: Sequence[Method]) -> None:
    for one in found:
        given = ", ".join(f"{own.name}={own.default!r}" for own in one.parameters.values())
        print(f"{one.name}({given})" if given else one.name)
        print(f"    {one.summary}")


def _print_method(method: Method, kind: Kind) -> None:
    print(f"{method.name}: a method of the kind {kind.name}, {kind.summary}")
    for part in (method.summary, *method.details.split("\n\n")):
        if part:
            print(_indented(part))
    if method.source:
        print(_indented(f"Source: {method.source}"))
    if method.needs:
        print(_indented(f"Needs: {', '.join(method.needs)}"))
    if method.told:
        told = (f"{name} {value}" for name, value in method.told.items())
        print(_indented(f"Facts: {', '.join(told)}"))
    for one in method.parameters.values():
        print(f"  {one.name} = {one.default!r}    ({one.allowed})")
        if one.description:
            print(f"      {one.description}")


def _indented(text: str) -> str:
    if text.lstrip().startswith(("1.", "- ", "* ")):
        return textwrap.indent(text, "  ")  # a list keeps its lines
    return textwrap.fill(
        " ".join(text.split()), _WIDTH, initial_indent="  ", subsequent_indent="  "
    )
