"""Fetches models from a hub, resumable and checked; only `q2e models pull` comes here.

The hub's listing gives every file's size and hash: SHA-256 of the large ones, the hash of git of
the small ones. A file appears under its name when its bytes have that hash, and a folder counts
as pulled when its receipt is written, last of all.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from q2e.cache import write_whole
from q2e.errors import ConfigError, MissingDependency, ModelError
from q2e.models.fetch.choose import PICKLED, wanted
from q2e.models.fetch.sources import (
    RECEIPT,
    Source,
    endpoint,
    find,
    folder_of,
    receipt,
    resolved,
    safe,
    said,
)

if TYPE_CHECKING:
    import httpx

#: Called with a file's name, and the bytes there are of all files and should be.
Watcher = Callable[[str, int, int], None]

_CHUNK = 1 << 20
_TRIES = 5
_PAUSE_S = 1.0
_SILENCE_S = 30.0
_LARGEST_LISTING = 20_000_000


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of a repository; `sha256` of large files, `git` (a blob's SHA-1) of small ones."""

    name: str
    size: int
    sha256: str = ""
    git: str = ""


def pull(
    source: Source,
    *,
    code: bool = False,
    accelerated: bool = False,
    watch: Watcher | None = None,
    update: bool = False,
) -> Path:
    """Fetch what a source needs and return its folder; what is here already is not fetched.

    `code` also fetches the repository's Python files, `accelerated` says that weights for a GPU
    are preferred to ONNX exports, `update` resolves a branch anew. An interrupted pull goes on
    where it stopped. Raises ModelError where the hub refuses, does not answer or sends other
    bytes than it lists.
    """
    if source.kind != "hub":
        raise ConfigError(f"{source}: only hub: sources are pulled")
    known = None if update else find(source)
    if known is not None and not code:
        return known
    with _client() as client, _alone(folder_of(source)):
        commit, listed, licence = _listing(client, source if update else resolved(source))
        names = wanted([file.name for file in listed], source.part, code, accelerated)
        if not names:
            raise ModelError(
                f"{source} holds no weights as safetensors, ONNX, CTranslate2 or GGUF; pickled "
                "ones can run code of their own and are not loaded"
            )
        chosen = [file for file in listed if file.name in names]
        folder = folder_of(source) / commit
        _fetch_all(client, source, commit, folder, chosen, watch)
        chosen = [_plain(folder, file) if file.name == PICKLED else file for file in chosen]
        _note(source, commit, folder, chosen, licence)
    return folder / source.part if source.part else folder


def size_of(source: Source, accelerated: bool = False) -> int:
    """Return the bytes that pulling a source would fetch, as the hub lists them."""
    with _client() as client:
        _, listed, _ = _listing(client, source)
    names = wanted([file.name for file in listed], source.part, False, accelerated)
    return sum(file.size for file in listed if file.name in names)


def _client() -> httpx.Client:
    import httpx

    token = os.environ.get("HF_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    # Where a redirect leads to another host, httpx leaves the token out.
    return httpx.Client(headers=headers, follow_redirects=True, timeout=_SILENCE_S)


def _listing(client: httpx.Client, source: Source) -> tuple[str, list[HubFile], str]:
    """Return the commit, the files and the licence of a repository at a revision."""
    import httpx

    url = f"{endpoint()}/api/models/{source.name}/revision/{source.revision.replace('/', '%2F')}"
    try:
        answer = client.get(url, params={"blobs": "true"})
    except httpx.HTTPError as error:
        raise ModelError(f"{url}: no connection ({error}); try again, nothing is lost") from error
    _checked(answer.status_code, source, url)
    try:
        if len(answer.content) > _LARGEST_LISTING:
            raise ValueError("too long")
        told = answer.json()
        commit = str(told["sha"])
        files = [_listed(entry) for entry in told["siblings"]]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ModelError(f"{url}: the answer is no listing of a repository ({error!r})") from error
    licence = (told.get("cardData") or {}).get("license") or ""
    return commit, files, str(licence)


def _listed(entry: dict[str, Any]) -> HubFile:
    name, large = str(entry["rfilename"]), entry.get("lfs") or {}
    if not safe(name):
        raise ValueError(f"unsafe file name {name!r}")
    size = int(large.get("size") or entry.get("size") or 0)
    return HubFile(name, size, str(large.get("sha256") or ""), str(entry.get("blobId") or ""))


def _checked(status: int, source: Source, url: str) -> None:
    if status in (401, 403):
        raise ModelError(
            f"{source}: the hub refuses access ({status}). Where the model is gated, accept its "
            f"terms at {endpoint()}/{source.name} and set HF_TOKEN to a token of yours"
        )
    if status == 404:
        raise ModelError(f"{source}: the hub has no such repository or revision")
    if status >= 400:
        raise ModelError(f"{url}: status {status}; try again, nothing is lost")


def _fetch_all(
    client: httpx.Client,
    source: Source,
    commit: str,
    folder: Path,
    chosen: Collection[HubFile],
    watch: Watcher | None,
) -> None:
    total = sum(file.size for file in chosen)
    folder.mkdir(parents=True, exist_ok=True)
    here = {file.name for file in chosen if _right(folder / file.name, file)}
    done = sum(file.size for file in chosen if file.name in here)
    free = shutil.disk_usage(folder).free
    if total - done > free:
        raise ModelError(
            f"{source} needs {said(total - done)} more, {folder} has {said(free)} free; make "
            "room, or set Q2E_CACHE to a folder elsewhere"
        )
    for file in sorted(chosen, key=lambda one: one.size):
        if file.name in here:
            continue

        def progress(count: int, name: str = file.name, before: int = done) -> None:
            if watch is not None:
                watch(name, before + count, total)

        url = f"{endpoint()}/{source.name}/resolve/{commit}/{file.name}"
        _fetch(client, source, url, folder / file.name, file, progress)
        done += file.size


def _fetch(
    client: httpx.Client,
    source: Source,
    url: str,
    path: Path,
    file: HubFile,
    progress: Callable[[int], None],
) -> None:
    """Fetch one file, going on where an earlier try stopped."""
    import httpx

    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    problem = ""
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(_PAUSE_S * attempt)
        try:
            _stream(client, source, url, partial, file, progress)
        except httpx.HTTPError as error:
            problem = str(error) or type(error).__name__
            continue
        if partial.stat().st_size == file.size:
            break
        problem = f"{partial.stat().st_size} of {file.size} bytes came"
    else:
        raise ModelError(f"{url}: {problem}; run the same command again to go on from there")
    if not _right(partial, file):
        partial.unlink()
        raise ModelError(
            f"{url}: the bytes that came do not have the hash the hub lists; they were thrown "
            "away, run the same command again"
        )
    partial.replace(path)


def _stream(
    client: httpx.Client,
    source: Source,
    url: str,
    partial: Path,
    file: HubFile,
    progress: Callable[[int], None],
) -> None:
    have = partial.stat().st_size if partial.is_file() else 0
    if have > file.size:
        partial.unlink()
        have = 0
    if have == file.size and partial.is_file():
        return
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with client.stream("GET", url, headers=headers) as response:
        if response.status_code not in (200, 206):
            response.read()
        _checked(response.status_code, source, url)
        goes_on = response.status_code == 206 and response.headers.get(
            "Content-Range", ""
        ).startswith(f"bytes {have}-")
        have = have if goes_on else 0
        with partial.open("ab" if goes_on else "wb") as out:
            # Not in chunks of one size, which would lose what came before a break.
            for chunk in response.iter_raw():
                out.write(chunk)
                have += len(chunk)
                if have > file.size:
                    break
                progress(have)


def _right(path: Path, file: HubFile) -> bool:
    """Return whether a file holds the bytes that are listed."""
    if not path.is_file() or path.stat().st_size != file.size:
        return False
    if file.sha256:
        return _digest(path, hashlib.sha256()) == file.sha256
    return _digest(path, hashlib.sha1(f"blob {file.size}\0".encode())) == file.git


def _digest(path: Path, digest: Any) -> str:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return str(digest.hexdigest())


def _plain(folder: Path, file: HubFile) -> HubFile:
    """Turn a pickled checkpoint into safetensors, reading nothing of it but tensors."""
    from q2e.models.local.checkpoint import read_checkpoint

    try:
        from safetensors.numpy import save_file
    except ImportError as error:
        raise MissingDependency("safetensors", "standard", "keeping pickled weights") from error
    target = folder / file.name.replace("_pytorch_model.bin", "_model.safetensors")
    partial = target.with_name(target.name + ".part")
    save_file(read_checkpoint(folder / file.name), partial, metadata={"format": "pt"})
    partial.replace(target)
    (folder / file.name).unlink()
    return HubFile(target.name, target.stat().st_size, _digest(target, hashlib.sha256()))


def _note(
    source: Source, commit: str, folder: Path, chosen: Collection[HubFile], licence: str
) -> None:
    files = dict((receipt(folder) or {"files": {}})["files"])
    for file in chosen:
        digest = file.sha256 or _digest(folder / file.name, hashlib.sha256())
        files[file.name] = {"size": file.size, "sha256": digest}
    noted = {"source": f"hub:{source.name}@{commit}", "licence": licence, "files": files}
    text = json.dumps(noted, indent=1, sort_keys=True)
    write_whole(folder / RECEIPT, lambda out: out.write(text.encode()))
    if commit != source.revision:
        # What the branch stood for is kept: later pulls and runs go to this commit.
        reference = folder_of(source) / "refs" / source.revision.replace("/", "--")
        write_whole(reference, lambda out: out.write(commit.encode()))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a lock, so that two processes do not write the same file."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
