"""Named tokens of one collection, in a file of its folder that holds their digests alone."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import secrets
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from q2e.errors import ConfigError, StoreError

#: What a token allows, each more than the one before: to read, to label, to index.
Scope = Literal["read", "label", "index"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
FILE_NAME = "tokens.json"


def digest(secret: str) -> str:
    """Return what is kept and compared of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Named:
    """A token as it is kept."""

    name: str
    scope: Scope
    made: str
    """Day and time (UTC), ISO 8601."""
    digest: str


class Tokens:
    """The named tokens of the collection in `directory`; changes of the file are noticed."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / FILE_NAME
        self._stamp: tuple[int, int, int] | None = None
        self._held: dict[str, Named] = {}
        self._lock = threading.Lock()

    def all(self) -> list[Named]:
        """Return the tokens in order of name. Raises StoreError for a damaged file."""
        return sorted(self._current().values(), key=lambda one: one.name)

    def by_digest(self, key: str) -> Named | None:
        """Return the token with this digest, or None; with a damaged file nobody has one."""
        try:
            return self._current().get(key)
        except StoreError:
            return None

    def add(self, name: str, scope: str) -> str:
        """Make a token and return it; it cannot be shown again.

        Raises ConfigError for a name that is taken or cannot be one, and an unknown scope.
        """
        if scope not in SCOPES:
            raise ConfigError(f"scope {scope!r} is unknown; known: {', '.join(SCOPES)}")
        if not name.strip() or len(name) > 60 or not name.isprintable():
            raise ConfigError(f"{name!r} is no name; give 1 to 60 printable characters")
        held = self._current()
        if any(one.name == name for one in held.values()):
            raise ConfigError(f"there is a token {name!r}; revoke it first, or choose another name")
        token = secrets.token_urlsafe(24)
        made = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        self._write([*held.values(), Named(name, SCOPES[SCOPES.index(scope)], made, digest(token))])
        return token

    def revoke(self, name: str) -> None:
        """Forget a token; whoever holds it is let in no more. Raises ConfigError if unknown."""
        held = list(self._current().values())
        left = [one for one in held if one.name != name]
        if len(left) == len(held):
            known = ", ".join(one.name for one in held) or "none"
            raise ConfigError(f"there is no token {name!r}; known: {known}")
        self._write(left)

    def _current(self) -> dict[str, Named]:
        with self._lock:
            try:
                status = self.file.stat()
            except OSError:
                self._held, self._stamp = {}, None
                return self._held
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if stamp != self._stamp:
                self._held = {one.digest: one for one in self._read()}
                self._stamp = stamp
            return self._held

    def _read(self) -> list[Named]:
        try:
            rows = json.loads(self.file.read_text("utf-8"))
            found = [Named(**row) for row in rows]
            if any(one.scope not in SCOPES for one in found):
                raise ValueError("an unknown scope")
        except (OSError, ValueError, TypeError) as error:
            raise StoreError(
                f"{self.file}: cannot be read ({error}); remove it and make the tokens again"
            ) from None
        return found

    def _write(self, tokens: list[Named]) -> None:
        text = json.dumps([asdict(one) for one in tokens], indent=1, ensure_ascii=False) + "\n"
        write_private(self.file, text)


def write_private(path: Path, text: str) -> None:
    """Let a file that nobody else may read hold a text, or what it held before.

    Raises StoreError where it cannot be written.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Nobody else may read it, not even for a moment.
        file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as out:
            out.write(text)
        beside.replace(path)
    except OSError as error:
        raise StoreError(
            f"{path}: cannot be written ({error.strerror}); make its folder writable"
        ) from None
    finally:
        beside.unlink(missing_ok=True)
