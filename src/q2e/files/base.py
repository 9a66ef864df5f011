"""What every place for files does, and which place an address names.

An address is a path, `file:///PATH`, `s3://BUCKET/KEY` or `gs://BUCKET/KEY`. It never holds
credentials: those come from the environment or from the files that the storage's own tools use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.request import url2pathname

from q2e.errors import ConfigError, MediaError
from q2e.paths import is_address, shown

_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,221}")
#: How a path looks that was an address before two slashes were made one.
_COLLAPSED = re.compile(r"(s3|gs|file):/(?!/)")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a file without reading it."""

    size_bytes: int
    version: str
    """What changes when the content does: on object storage its ETag."""


class Absent(MediaError):
    """Nothing is there under this name."""


class Files(Protocol):
    """A place for files, each named by a text that holds `/` between folders.

    Every method raises MediaError where the place cannot be reached or refuses; `stat`, `read` and
    `copy_to` also where the file is not there.
    """

    def exists(self, name: str) -> bool: ...

    def stat(self, name: str) -> Facts: ...

    def listed(self, folder: str) -> Iterator[tuple[str, Facts]]:
        """Yield the files below a folder, at any depth, in order of name."""
        ...

    def beginning(self, start: str) -> Iterator[tuple[str, Facts]]:
        """Yield the files whose name begins so and goes on, in order of name."""
        ...

    def read(self, name: str, start: int = 0, end: int | None = None) -> bytes:
        """Return the bytes from `start` up to `end`, or to the end of the file."""
        ...

    def copy_to(self, name: str, path: Path) -> None:
        """Write a whole file to the local disk."""
        ...

    def put_if_absent(self, name: str, data: bytes) -> bool:
        """Write a file at once and whole; False, and nothing written, where there is one."""
        ...

    def remove(self, name: str) -> None:
        """Take a file away, where it is there."""
        ...


def address_of(given: str | Path) -> str | None:
    """Return what was given as an address of object storage, or None where it is a local path.

    Raises ConfigError for an address that cannot be one, or holds credentials.
    """
    text = str(given)
    if _COLLAPSED.match(text) and isinstance(given, Path) and not given.exists():
        text = text.replace(":/", "://", 1)
    if not is_address(text):
        return None
    split(text)
    return text


def local_path(given: str | Path) -> Path:
    """Return a local path, also of a `file:` address."""
    text = str(given)
    if isinstance(given, Path) and _COLLAPSED.match(text):
        text = text.replace(":/", ":///", 1)
    if not text.lower().startswith("file://"):
        return Path(given)
    return Path(url2pathname("/" + text[len("file://") :].partition("/")[2]))


def split(address: str) -> tuple[str, str, str]:
    """Return scheme, bucket and key of an address. Raises ConfigError where it is none."""
    scheme, _, rest = address.partition("://")
    bucket, _, key = rest.partition("/")
    if "@" in bucket or ":" in bucket:
        # Not repeated: it may hold a secret.
        raise ConfigError(
            f"an address of {scheme}:// holds no credentials; set them in the environment, as "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    if not _BUCKET.fullmatch(bucket) or any(part in (".", "..") for part in key.split("/")):
        raise ConfigError(f"{shown(address)!r} is no address; it is written  {scheme}://BUCKET/KEY")
    return scheme, bucket, key


def place(address: str | Path) -> tuple[Files, str]:
    """Return the place an address lies in, and its name there.

    Raises ConfigError where it is no address, MissingDependency where the extra `s3` is wanted.
    """
    remote = address_of(address)
    if remote is None:
        from q2e.files.local import LocalFiles

        return LocalFiles(), str(local_path(address))
    from q2e.files.objects import bucket_of

    scheme, bucket, key = split(remote)
    return bucket_of(scheme, bucket), key
