"""Where files live that can be made again: one folder of the user's cache, and results in it.

`$Q2E_CACHE`, else `$XDG_CACHE_HOME/q2e`, else `~/.cache/q2e`. A result is known by its
`Fingerprint`: what it was made of, by which method in which version, in which vector space. So
what is changed about a formula makes new results, and old ones are never taken for them.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import secrets
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from q2e.arrays import Float32

T = TypeVar("T")

#: Bytes that results of one kind may take, unless said otherwise.
_MOST_BYTES = 256 << 20
#: Results written between two looks at how much room all of their kind take.
_LOOK_EVERY = 200
#: Stands for all videos of a collection: what is made of them all is forgotten with any of them.
ALL = ("*",)
#: Folders of results of earlier versions, which do not say what they are about.
_UNSAID = ("expansions", "pictures", "ratings")
#: Folder of what is made of whole indexes; see `q2e.store.shelf`.
SHELVES = "columns"


def cache_dir() -> Path:
    """Return the cache folder; it is made when something is first written."""
    if own := os.environ.get("Q2E_CACHE"):
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "q2e"


def content_key(*parts: str) -> str:
    """Return 32 hexadecimal digits that stand for these texts, in this order."""
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    whole = b"".join([b"%d:%b" % (len(part), part) for part in encoded])
    return hashlib.sha256(whole).hexdigest()[:32]


def write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Let `write` fill a file that appears under its name only when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".q2e-{secrets.token_hex(8)}")
    try:
        with temporary.open("x+b") as file:
            write(file)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a result stands for; two results are the same where all four are."""

    parent: str
    """Digest of what the result was made of."""
    method: str
    """The method in its text form, such as `hyde(n=8, weight=0.5)`."""
    version: str
    """Of the method: its code, its prompt, the data that it reads."""
    space: str
    """The vector space, or the model, that the result depends on; empty where on none."""

    @property
    def key(self) -> str:
        """32 hexadecimal digits that stand for all of it."""
        return content_key(self.parent, self.method, self.version, self.space)


def fingerprint(*parent: str, method: str, version: str | int = "", space: str = "") -> Fingerprint:
    """Return the fingerprint of what `method` makes of the texts `parent`, in their order."""
    return Fingerprint(content_key(*parent), method, str(version), space)


@dataclass(frozen=True, slots=True)
class Codec(Generic[T]):
    """How results of a kind become bytes and come back; `load` raises ValueError and its like."""

    dump: Callable[[T], bytes]
    load: Callable[[bytes], T]


def as_json(load: Callable[[Any], T], dump: Callable[[T], Any] = lambda value: value) -> Codec[T]:
    """Return the codec of what `dump` turns into JSON's values and `load` makes of them again."""
    return Codec(
        lambda value: json.dumps(dump(value), ensure_ascii=False).encode("utf-8", "surrogatepass"),
        lambda data: load(json.loads(data)),
    )


def _array(data: bytes) -> Float32:
    import numpy as np

    stored: Float32 = np.load(io.BytesIO(data), allow_pickle=False)
    if stored.dtype != np.float32:
        raise ValueError(f"numbers of type {stored.dtype}")
    return stored


def _saved(value: Float32) -> bytes:
    import numpy as np

    file = io.BytesIO()
    np.save(file, np.ascontiguousarray(value, dtype=np.float32), allow_pickle=False)
    return file.getvalue()


#: Float32 arrays of any shape.
ARRAY: Codec[Float32] = Codec(_saved, _array)
#: Bytes as they are, such as those of a picture.
BYTES: Codec[bytes] = Codec(bytes, bytes)


@dataclass(slots=True)
class ResultCache(Generic[T]):
    """Results of one kind by fingerprint, a file each; those not asked for longest go first.

    What cannot be read, or is damaged, is made anew; a cache folder that cannot be written only
    costs time. Safe to share between threads and processes.
    """

    kind: str
    codec: Codec[T]
    folder: Path | None = None
    """Where they lie instead of in the user's cache."""
    most_bytes: int = _MOST_BYTES
    _written: int = 0
    _lock: Any = field(default_factory=threading.Lock)

    def get(self, which: Fingerprint) -> T | None:
        """Return the result, or None where it was not made before."""
        path = self._path(which)
        try:
            head, _, data = path.read_bytes().partition(b"\n")
            about = json.loads(head)
            if (about["method"], about["version"], about["space"]) != (
                which.method,
                which.version,
                which.space,
            ):
                return None
            value = self.codec.load(data)
        except (OSError, ValueError, TypeError, LookupError, EOFError):
            return None
        with suppress(OSError):
            path.touch()
        return value

    def put(self, which: Fingerprint, value: T, about: Collection[str] = ()) -> None:
        """Keep a result.

        `about` names the videos from whose evidence it was made, or is `ALL`; see `forget`.
        """
        head: Mapping[str, Any] = {
            "method": which.method,
            "version": which.version,
            "space": which.space,
            "about": list(about),
        }
        data = json.dumps(head).encode() + b"\n" + self.codec.dump(value)
        with suppress(OSError):
            write_whole(self._path(which), lambda file: file.write(data))
        with self._lock:
            self._written += 1
            if self._written % _LOOK_EVERY == 0:
                self.tidy()

    def of(self, which: Fingerprint, make: Callable[[], T], about: Collection[str] = ()) -> T:
        """Return the result, made and kept now where it was not before."""
        found = self.get(which)
        if found is None:
            found = make()
            self.put(which, found, about)
        return found

    def tidy(self) -> None:
        """Delete the results not asked for longest until a fifth of the room is free."""
        with suppress(OSError):
            found = [(file.stat(), file) for file in self._folder.glob("*/*")]
            total = sum(stat.st_size for stat, _ in found)
            if total <= self.most_bytes:
                return
            for stat, file in sorted(found, key=lambda one: one[0].st_mtime):
                file.unlink(missing_ok=True)
                total -= stat.st_size
                if total <= 0.8 * self.most_bytes:
                    return

    @property
    def _folder(self) -> Path:
        return (self.folder or cache_dir() / "results") / self.kind

    def _path(self, which: Fingerprint) -> Path:
        key = which.key
        return self._folder / key[:2] / key[2:]


def forget(videos: Collection[str], folder: Path | None = None) -> int:
    """Delete all results that are about any of `videos` (ids), and return how many there were.

    Those about whole collections go with any video. Results of earlier versions do not say what
    they are about, so all of theirs go, and so does what is kept of whole indexes.
    """
    import shutil

    gone = {*videos, *ALL} if videos else set()
    count = 0
    for path in _results(folder or cache_dir() / "results"):
        with suppress(OSError, ValueError, TypeError, LookupError):
            with path.open("rb") as file:
                about = json.loads(file.readline())["about"]
            if gone.intersection(about):
                path.unlink()
                count += 1
    for name in (*_UNSAID, SHELVES) if folder is None else ():
        shutil.rmtree(cache_dir() / name, ignore_errors=True)
    return count


def _results(folder: Path) -> Iterator[Path]:
    return (path for path in folder.glob("*/*/*") if path.is_file())
