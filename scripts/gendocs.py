"""Writes docs/reference from the code, so that the reference cannot be wrong.

python scripts/gendocs.py            # write
python scripts/gendocs.py --check    # exit 1 and name the pages that are stale
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import inspect
import json
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args, get_type_hints

from typer.models import ArgumentInfo

import json_page as json_shapes
import models_page
import q2e
from q2e import builtin, choices, errors, recipes, renamed, settings, shape
from q2e.cli import app
from q2e.cli.later import functions
from q2e.papers import counted, papers
from q2e.registry import Registry

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"
MADE = "<!-- Written by scripts/gendocs.py from the code; changes made here are lost. -->\n\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, say what is stale")
    check = parser.parse_args().check
    stale = []
    for name, text in pages().items():
        path = REFERENCE / name
        if path.is_file() and path.read_text("utf-8") == text:
            continue
        stale.append(path)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    for path in stale:
        print(f"{path.relative_to(ROOT)}: {'stale' if check else 'written'}", file=sys.stderr)
    if check and stale:
        print("run  python scripts/gendocs.py  and commit the result", file=sys.stderr)
    return 1 if check and stale else 0


def pages() -> dict[str, str]:
    """Return the reference pages, file name to text."""
    made = {
        "cli.md": "# Command line\n\n" + "".join(cli_page()),
        "settings.md": "# Settings\n\n" + "".join(settings_page()),
        "json.md": "# JSON output\n\n" + "".join(json_page()),
        "python.md": "# Python API\n\n" + "".join(python_page()),
        "errors.md": "# Errors\n\n" + "".join(errors_page()),
        "models.md": "".join(models_page.page()),
        "methods.md": "# Methods\n\n" + "".join(methods_page()),
        "papers.md": "# Papers\n\n" + "".join(papers_page()),
    }
    return {name: MADE + text.rstrip() + "\n" for name, text in made.items()}


# --- command line ---------------------------------------------------------------------------


def cli_page() -> Iterator[str]:
    yield f"{app.info.help}\n\n"
    yield "Data goes to standard output, talk and progress to standard error. Exit codes: 0 done, "
    yield "1 done but some files failed or a check is not met, 2 wrong usage or an error.\n"
    for name, command in functions(app, "q2e"):
        yield f"\n## {name}\n\n{paragraph(command.__doc__)}\n\n"
        rows = [row_of(parameter) for parameter in parameters(command)]
        names = [used for used, *_ in rows if used]
        yield f"```\n{' '.join([name, '[OPTIONS]', *names])}\n```\n\n"
        yield "| | | default |\n|---|---|---|\n"
        for used, shown, text, default in rows:
            yield f"| {shown or f'`{used}`'} | {cell(text)} | {default} |\n"


def parameters(command: Callable[..., Any]) -> Iterator[tuple[str, Any, Any, Any]]:
    """Yield (name, type, typer's declaration, default) of a command's parameters."""
    hints = get_type_hints(command, include_extras=True)
    for parameter in inspect.signature(command).parameters.values():
        kind, declared, *_ = get_args(hints[parameter.name])
        if not getattr(declared, "hidden", False):
            yield parameter.name, kind, declared, parameter.default


def row_of(parameter: tuple[str, Any, Any, Any]) -> tuple[str, str, str, str]:
    """Return (usage of an argument, flags of an option, help, default); unfit ones are empty."""
    name, kind, declared, default = parameter
    required = default is inspect.Parameter.empty
    shown = "" if default in (None, False, "") or required else f"`{default}`"
    many = "list" in str(kind)
    if isinstance(declared, ArgumentInfo):
        used = declared.metavar or name.upper()
        used += "..." if many and not used.endswith("...") else ""
        return used if required else f"[{used}]", "", declared.help or "", shown
    # In Annotated[...], the first name given to typer.Option lies in its `default`.
    flags = [flag for flag in (declared.default, *(declared.param_decls or ())) if flag != ...]
    is_bool = bool in (kind, *get_args(kind))
    if not flags:
        dashed = name.replace("_", "-")
        flags = [f"--{dashed}", f"--no-{dashed}"] if is_bool else [f"--{dashed}"]
    value = "" if is_bool else f" {declared.metavar or (name if many else plain(kind)).upper()}"
    shown = "required" if required else shown
    return "", ", ".join(f"`{flag}`" for flag in flags) + value, declared.help or "", shown


def plain(kind: Any) -> str:
    """Return `int` for `int | None`, and `text` for `str`."""
    names = [inner.__name__ for inner in get_args(kind) or (kind,) if inner is not type(None)]
    return {"str": "text", "Path": "path"}.get(names[0], names[0])


# --- settings -------------------------------------------------------------------------------


def settings_page() -> Iterator[str]:
    yield f"{paragraph(settings.__doc__)}\n\n"
    yield "`q2e config` prints the values in force for an index.\n\n"
    default = recipes.read(recipes.DEFAULT).choices
    yield "| setting | kind | default | what it does |\n|---|---|---|---|\n"
    for name, field in settings.Settings.model_fields.items():
        kind = settings.Settings.__annotations__[name]
        value = "number of cores, at most 4" if name == "threads" else f"`{field.default!r}`"
        if name in choices.KINDS:
            value = f"the recipe's: `{default[name]!r}`"
        yield f"| `{name}` | `{cell(kind)}` | {cell(value)} | {cell(field.description)} |\n"
    yield "\nAs an environment variable: `Q2E_` and the name in capitals, such as `Q2E_TOP=5`.\n"
    yield "\n## Recipes\n\n"
    for name in recipes.names():
        recipe = recipes.read(name)
        own = {k: v for k, v in recipe.choices.items() if name == "default" or v != default[k]}
        said = "\n".join(f"{kind} = {_quoted(value)}" for kind, value in own.items())
        yield f"`{name}`: {recipe.summary}\n\n```toml\n{said}\n```\n\n"
    yield f"## Old settings\n\n{paragraph(renamed.__doc__)}\n\n| before | now |\n|---|---|\n"
    for name, (kind, parameter) in renamed.ARGUMENTS.items():
        yield f'| `{name} = X` | `{kind} = "METHOD({parameter}=X)"` |\n'
    for name, new in renamed.NAMES.items():
        yield f'| `{name} = "X"` | `{new} = "X"` |\n'
    for name, values in renamed.VALUES.items():
        for value, new in values.items():
            yield f'| `{name} = "{value}"` | `{name} = "{new}"` |\n'


def _quoted(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_quoted, value))}]"
    return f"'{value}'" if '"' in str(value) else f'"{value}"'


# --- JSON -----------------------------------------------------------------------------------


def json_page() -> Iterator[str]:
    yield f"{paragraph(shape.__doc__)}\n\nTimes are seconds from the start of the video. Every key "
    yield "that there may be is shown; `…` as a key stands for names that the data give.\n"
    yield "\n## q2e search, q2e moments\n\n"
    yield block(json_shapes.results())
    known = dict(json_shapes.shapes())
    for title, skeleton in sorted({**dict(skeletons()), **known}.items()):
        yield f"\n## {title}\n\n"
        yield block(skeleton)


def skeletons() -> Iterator[tuple[str, Any]]:
    """Yield (command, keys) of every dictionary that a command prints with `--json`."""
    names = {command.__name__: name for name, command in functions(app, "q2e")}
    for path in sorted((ROOT / "src" / "q2e" / "cli").glob("*.py")):
        for function in ast.parse(path.read_text("utf-8")).body:
            if not isinstance(function, ast.FunctionDef) or function.name not in names:
                continue
            for call in ast.walk(function):
                printed = isinstance(call, ast.Call) and getattr(call.func, "id", "")
                if printed == "print_json" and isinstance(call.args[0], ast.Dict):
                    yield names[function.name], {"version": shape.VERSION} | keys_of(call.args[0])


def keys_of(node: ast.expr) -> Any:
    if isinstance(node, ast.Dict):
        return {
            key.value: keys_of(value)
            for key, value in zip(node.keys, node.values, strict=True)
            if isinstance(key, ast.Constant)
        }
    if isinstance(node, ast.ListComp):
        return [keys_of(node.elt)]
    return "…"


# --- Python ---------------------------------------------------------------------------------


def python_page() -> Iterator[str]:
    text = inspect.cleandoc(q2e.__doc__ or "")
    head, _, code = text.partition("\n\n")
    yield f"{head}\n\n```python\n{code}\n```\n"
    yield "\nEverything below is imported from `q2e` itself.\n"
    for name in q2e.__all__:
        value = getattr(q2e, name)
        yield f"\n## {name}\n\n"
        if inspect.isclass(value):
            yield from class_of(value)
        else:
            (node,) = ast.parse(inspect.getsource(value)).body
            assert isinstance(node, ast.FunctionDef)
            yield from function_of(node)


def class_of(value: type) -> Iterator[str]:
    yield f"{paragraph(value.__doc__)}\n"
    (node,) = ast.parse(inspect.getsource(value)).body
    assert isinstance(node, ast.ClassDef)
    if dataclasses.is_dataclass(value):
        yield "\n| field | type | |\n|---|---|---|\n"
        for field, after in pairwise([*node.body, ast.Pass()]):
            if isinstance(field, ast.AnnAssign):
                kind, note = ast.unparse(field.annotation), note_of(after)
                yield f"| `{ast.unparse(field.target)}` | `{cell(kind)}` | {note} |\n"
    if value is q2e.Settings:
        yield "\nThe fields are in [Settings](settings.md).\n"
        return
    for member in members_of(value):
        yield f"\n### {value.__name__}.{member.name}\n\n"
        yield from function_of(member)


def members_of(value: type) -> Iterator[ast.FunctionDef]:
    """Yield the public functions of a class and of those of ours that it is made of."""
    seen = set()
    for one in value.__mro__:
        if one.__module__.startswith("q2e."):
            (node,) = ast.parse(inspect.getsource(one)).body
            assert isinstance(node, ast.ClassDef)
            for member in node.body:
                if isinstance(member, ast.FunctionDef) and not member.name.startswith("_"):
                    if member.name not in seen:
                        yield member
                    seen.add(member.name)


def note_of(node: ast.stmt) -> str:
    """Return the text that stands after a field, if there is one."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return cell(str(node.value.value))
    return ""


def function_of(node: ast.FunctionDef) -> Iterator[str]:
    if not any(ast.unparse(mark) == "property" for mark in node.decorator_list):
        arguments = ast.unparse(node.args).removeprefix("self").removeprefix(", ")
        returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
        yield f"```python\n{node.name}({arguments}){returns}\n```\n\n"
    yield f"{paragraph(ast.get_docstring(node))}\n"


# --- papers ---------------------------------------------------------------------------------


def papers_page() -> Iterator[str]:
    counts = ", ".join(f"{count} {state}" for state, count in counted().items())
    yield f"The systems of the papers that this project draws on: {counts}.\n"
    yield "A loader was tried on a small file of the published form alone. `q2e methods --papers`\n"
    yield "prints the same.\n\n"
    yield "| # | system | state | run it by | what is missing, or why |\n|---|---|---|---|---|\n"
    for one in papers():
        use = f"`{one.shown}`" if one.shown else ""
        yield f"| {one.number} | {one.system} | {one.state} | {use} | {one.note} |\n"


# --- methods --------------------------------------------------------------------------------


def methods_page() -> Iterator[str]:
    yield "Everything that is chosen by name, by kind. A method is written with those parameters "
    yield "that are not its defaults, as in `rrf(k=5)` or `hyde(n=8, weight=0.3)`, wherever its "
    yield "name is accepted: settings, command line, server, experiments. `none` leaves out a kind "
    yield "that may be left out. `q2e methods` lists these and what installed packages bring.\n"
    known = Registry()
    builtin.register(known)  # without what happens to be installed here
    for kind in known.kinds():
        optional = " It may be left out: `none`." if kind.optional else ""
        yield f"\n## {kind.name}\n\n{kind.summary[0].upper()}{kind.summary[1:]}.{optional}\n"
        for one in known.all(kind.name):
            yield f"\n### {kind.name}: {one.name}\n\n{one.summary}\n"
            if one.details:
                yield f"\n{one.details}\n"
            about = [f"Source: {one.source}."] if one.source else []
            about += [f"Needs: {', '.join(one.needs)}."] if one.needs else []
            about += [f"{name}: {value}." for name, value in one.told.items()]
            if about:
                yield f"\n{' '.join(about)}\n"
            if one.parameters:
                yield "\n| parameter | default | allowed | |\n|---|---|---|---|\n"
            for own in one.parameters.values():
                default = f"`{own.default!r}`"
                yield f"| `{own.name}` | {default} | {own.allowed} | {cell(own.description)} |\n"


# --- errors ---------------------------------------------------------------------------------


def errors_page() -> Iterator[str]:
    head, _, rest = inspect.cleandoc(errors.__doc__ or "").partition("\n\n")
    tree, _, tail = rest.partition("\n\n")
    yield f"{head}\n\n```\n{inspect.cleandoc(tree)}\n```\n\n{paragraph(tail)}\n\n"
    for name, value in vars(errors).items():
        if inspect.isclass(value) and value.__module__ == errors.__name__:
            yield f"- `{name}`: {paragraph(value.__doc__)}\n"


# --- text -----------------------------------------------------------------------------------


def paragraph(text: str | None) -> str:
    return inspect.cleandoc(text or "").strip()


def cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


def block(value: Any) -> str:
    return f"```json\n{json.dumps(value, ensure_ascii=False, indent=2)}\n```\n"


if __name__ == "__main__":
    raise SystemExit(main())
