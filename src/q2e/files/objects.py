"""Files on object storage: S3 and what speaks like it, and Google Cloud Storage.

What the storage says of an error is never repeated: answers to a wrong signature hold the key.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from q2e.errors import MediaError, MissingDependency
from q2e.files.base import Absent, Facts
from q2e.paths import shown

#: Bytes that a copy to disk holds in memory at once.
_CHUNK_BYTES = 8 << 20
_TIMEOUT_S = 60
#: Variables that name the address of a storage that is not Amazon's own.
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")

#: Where credentials come from, and what else a storage is reached by, by the start of an address.
_TOLD_BY = {
    "s3": "credentials (environment or ~/.aws) and AWS_ENDPOINT_URL",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
}


@cache
def bucket_of(scheme: str, bucket: str) -> Bucket:
    """Return a bucket, with one client for the whole process."""
    return Bucket(scheme, bucket)


class Bucket:
    """The objects of one bucket by key; see `q2e.files.base.Files`."""

    def __init__(self, scheme: str, bucket: str) -> None:
        try:
            from obstore.store import GCSStore, S3Store
        except ImportError:
            raise MissingDependency("obstore", "s3", f"files at {scheme}://") from None
        self._where = f"{scheme}://{bucket}"
        options: dict[str, Any] = {"timeout": timedelta(seconds=_TIMEOUT_S)}
        retry = {"max_retries": 4, "retry_timeout": timedelta(seconds=_TIMEOUT_S)}
        with self._told(""):
            if scheme == "gs":
                self._store: Any = GCSStore(bucket, client_options=options, retry_config=retry)
                return
            given = credentials(os.environ)
            if str(given.get("endpoint", "")).startswith("http://"):
                options["allow_http"] = True
            self._store = S3Store(bucket, client_options=options, retry_config=retry, **given)

    def exists(self, name: str) -> bool:
        try:
            self.stat(name)
        except Absent:
            return False
        return True

    def stat(self, name: str) -> Facts:
        with self._told(name):
            return _facts(self._store.head(name))

    def listed(self, folder: str) -> Iterator[tuple[str, Facts]]:
        prefix = folder.rstrip("/") + "/" if folder.rstrip("/") else ""
        found = []
        with self._told(folder):
            for page in self._store.list(prefix or None):
                found += [(str(one["path"]), _facts(one)) for one in page]
        yield from sorted(found)

    def beginning(self, start: str) -> Iterator[tuple[str, Facts]]:
        folder = start.rpartition("/")[0]
        with self._told(start):
            # Names come in order: those that begin so follow on what is asked for.
            for page in self._store.list(folder or None, offset=start):
                for one in page:
                    if not str(one["path"]).startswith(start):
                        return
                    yield str(one["path"]), _facts(one)

    def read(self, name: str, start: int = 0, end: int | None = None) -> bytes:
        with self._told(name):
            if start == 0 and end is None:
                return bytes(self._store.get(name).bytes())
            last = int(self._store.head(name)["size"])
            stop = last if end is None else min(end, last)
            return (
                bytes(self._store.get_range(name, start=start, end=stop)) if stop > start else b""
            )

    def copy_to(self, name: str, path: Path) -> None:
        with self._told(name), path.open("wb") as file:
            for piece in self._store.get(name).stream(min_chunk_size=_CHUNK_BYTES):
                file.write(piece)

    def put_if_absent(self, name: str, data: bytes) -> bool:
        from obstore.exceptions import AlreadyExistsError

        with self._told(name):
            try:
                self._store.put(name, data, mode="create", use_multipart=False)
            except AlreadyExistsError:
                return False
        return True

    def remove(self, name: str) -> None:
        with self._told(name), suppress(FileNotFoundError):
            self._store.delete(name)

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

        where = shown(f"{self._where}/{name}" if name else self._where)
        try:
            yield
        except FileNotFoundError:
            raise Absent(f"{where}: is not there; check the address") from None
        except (PermissionDeniedError, UnauthenticatedError, PermissionError):
            raise MediaError(
                f"{where}: the storage refuses these credentials; look at "
                f"{_TOLD_BY[self._where[:2]]}"
            ) from None
        except OSError as error:
            raise MediaError(f"{where}: {(error.strerror or 'cannot be read').lower()}") from None
        except (BaseError, ValueError) as error:
            raise MediaError(
                f"{where}: the storage cannot be used ({type(error).__name__}); check the address "
                f"and {_TOLD_BY[self._where[:2]]}, and run the command again"
            ) from None


def credentials(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what S3 is reached with, from the environment, else from the files in `~/.aws`.

    Empty where neither has any: then a machine's own role is asked for.
    """
    found = {}
    endpoint = next((environment[one] for one in _ENDPOINTS if environment.get(one)), "")
    if endpoint:
        found["endpoint"] = endpoint
    profile = environment.get("AWS_PROFILE", "default")
    home = Path(environment.get("HOME", "~")).expanduser() / ".aws"
    secrets = _section(
        environment.get("AWS_SHARED_CREDENTIALS_FILE", home / "credentials"), profile
    )
    named = profile if profile == "default" else f"profile {profile}"
    settings = _section(environment.get("AWS_CONFIG_FILE", home / "config"), named)
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    if region or settings.get("region"):
        found["region"] = region or settings["region"]
    if "endpoint" not in found and settings.get("endpoint_url"):
        found["endpoint"] = settings["endpoint_url"]
    names = ("access_key_id", "secret_access_key", "session_token")
    if not environment.get("AWS_ACCESS_KEY_ID"):
        known = {name: secrets.get(f"aws_{name}") or settings.get(f"aws_{name}") for name in names}
        found |= {name: value for name, value in known.items() if value}
    else:
        known = {name: environment.get(f"AWS_{name.upper()}") for name in names}
        found |= {name: value for name, value in known.items() if value}
    return found


def _section(file: str | Path, name: str) -> Mapping[str, str]:
    read = configparser.ConfigParser(interpolation=None)
    try:
        read.read(file, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        raise MediaError(f"{file} is not written as credentials are; mend it") from None
    return read[name] if read.has_section(name) else {}


def _facts(found: Mapping[str, Any]) -> Facts:
    version = found.get("e_tag") or f"{found['size']}-{found['last_modified']}"
    return Facts(int(found["size"]), str(version).strip('"'))
