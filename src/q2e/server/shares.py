"""Links that show one tray to whoever has them: they expire, and are taken back at will.

Kept as digests beside the index, like tokens (`q2e.server.tokens`). A link of somebody whose token
was revoked shows nothing any more.
"""

from __future__ import annotations

import datetime
import json
import secrets
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from q2e.errors import ConfigError, StoreError
from q2e.server.tokens import digest, write_private

FILE_NAME = "shares.json"
#: Most links of one owner, and the longest one holds.
MOST, MOST_DAYS = 50, 365


@dataclass(frozen=True, slots=True)
class Share:
    """A link as it is kept."""

    id: str
    tray: str
    owner: str
    made: str
    until: str
    """Day and time (UTC) of its end, ISO 8601."""
    digest: str

    def shape(self) -> dict[str, Any]:
        return {"id": self.id, "made": self.made, "until": self.until}


class Shares:
    """The links of the collection in `directory`."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / FILE_NAME
        self._lock = threading.Lock()

    def of(self, owner: str, tray: str) -> list[Share]:
        """Return the links to a tray that still hold, the oldest first."""
        return [one for one in self._held() if (one.owner, one.tray) == (owner, tray)]

    def add(self, owner: str, tray: str, days: float) -> tuple[Share, str]:
        """Make a link; returns it and its secret, which cannot be shown again.

        Raises ConfigError where there are too many already.
        """
        with self._lock:
            held = self._held()
            if sum(one.owner == owner for one in held) >= MOST:
                raise ConfigError(f"{MOST} links are the most; take one back first")
            secret = secrets.token_urlsafe(24)
            now = datetime.datetime.now(datetime.UTC)
            until = now + datetime.timedelta(days=min(days, MOST_DAYS))
            made, ends = (time.isoformat(timespec="seconds") for time in (now, until))
            share = Share(secrets.token_hex(8), tray, owner, made, ends, digest(secret))
            self._write([*held, share])
        return share, secret

    def revoke(self, owner: str, tray: str, share: str | None = None) -> int:
        """Take back a link to a tray, or all; returns how many there were."""
        with self._lock:
            held = self._held()
            left = [
                one
                for one in held
                if (one.owner, one.tray) != (owner, tray) or share not in (None, one.id)
            ]
            if len(left) < len(held):
                self._write(left)
        return len(held) - len(left)

    def by_secret(self, secret: str) -> Share | None:
        """Return the link that holds this secret, None where it is over or never was."""
        key = digest(secret)
        return next((one for one in self._held() if one.digest == key), None)

    def _held(self) -> list[Share]:
        now = datetime.datetime.now(datetime.UTC)
        try:
            rows = [Share(**row) for row in json.loads(self.file.read_text("utf-8"))]
            return [one for one in rows if datetime.datetime.fromisoformat(one.until) > now]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError) as error:
            raise StoreError(
                f"{self.file}: cannot be read ({error}); remove it and make the links again"
            ) from None

    def _write(self, shares: list[Share]) -> None:
        text = json.dumps([asdict(one) for one in shares], indent=1, ensure_ascii=False) + "\n"
        write_private(self.file, text)
