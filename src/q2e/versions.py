"""Versions of code: digits that change with what a result was made by."""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from pathlib import Path

#: What answers are made by, and what only shows them.
_CODE = (".py", ".j2", ".toml", ".json", ".npz")
_SHOWING = ("cli", "server", "web", "client.py")


@cache
def code_version() -> str:
    """Return 12 hexadecimal digits that change with any code or data that answers come from.

    What only shows answers, the command line, server and page, is left out.
    """
    root = Path(__file__).parent
    digest = hashlib.sha256()
    for file in sorted(root.rglob("*")):
        own = file.relative_to(root)
        if file.suffix in _CODE and own.parts[0] not in _SHOWING:
            digest.update(f"{own.as_posix()}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:12]


def files_of(module: str) -> list[Path]:
    """Return the files of a module and of those of its folder that it takes from, sorted."""
    folder = module.rpartition(".")[0]
    todo, found = [module], dict[str, Path]()
    while todo:
        name = todo.pop()
        loaded = sys.modules.get(name)
        if name in found or loaded is None or not getattr(loaded, "__file__", None):
            continue
        found[name] = Path(str(loaded.__file__))
        taken = {getattr(one, "__module__", None) or "" for one in vars(loaded).values()}
        todo += [one for one in taken if folder and one.rpartition(".")[0] == folder]
    return sorted(found.values())
