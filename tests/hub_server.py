"""A hub on this machine: speaks as much of the Hugging Face hub's protocol as a pull needs.

It can break off, send other bytes than it lists, refuse, and answer without ranges, as real ones
do now and then. Large files are sent by way of a redirect, with a SHA-256 in the listing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar
from urllib.parse import unquote

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = 1_000


@dataclass
class Hub:
    """Repositories by name, each with its files, and what should go wrong."""

    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=lambda: {"main": COMMIT})
    licence: str = "apache-2.0"
    break_after: int | None = None
    """Bytes after which an answer breaks off; only the first `breaks` answers do."""
    breaks: int = 0
    corrupt: bool = False
    ranges: bool = True
    gated: bool = False
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and range of every request."""
    address: str = ""

    def add(self, name: str, folder: Path) -> None:
        """Offer all files of a folder as a repository."""
        self.repositories[name] = {
            str(file.relative_to(folder)): file.read_bytes()
            for file in sorted(folder.rglob("*"))
            if file.is_file()
        }

    def listing(self, name: str, revision: str) -> dict[str, Any]:
        entries = []
        for file, data in self.repositories[name].items():
            entry: dict[str, Any] = {"rfilename": file, "size": len(data)}
            blob = f"blob {len(data)}\0".encode() + data
            entry["blobId"] = hashlib.sha1(blob).hexdigest()
            if len(data) > LARGE:
                digest = hashlib.sha256(data).hexdigest()
                entry["lfs"] = {"sha256": digest, "size": len(data)}
            entries.append(entry)
        sha = self.branches.get(revision, revision)
        return {"sha": sha, "siblings": entries, "cardData": {"license": self.licence}}


class _Handler(BaseHTTPRequestHandler):
    hub: ClassVar[Hub]

    def do_GET(self) -> None:
        hub = self.hub
        path = unquote(self.path.partition("?")[0])
        hub.requests.append((path, self.headers.get("Range")))
        if hub.gated and self.headers.get("Authorization") != "Bearer good":
            return self._say(403, b"gated")
        if path.startswith("/api/models/"):
            name, _, revision = path.removeprefix("/api/models/").partition("/revision/")
            if name not in hub.repositories:
                return self._say(404, b"")
            return self._say(200, json.dumps(hub.listing(name, revision)).encode())
        name, _, rest = path.removeprefix("/").removeprefix("cdn/").partition("/resolve/")
        data = hub.repositories.get(name, {}).get(rest.partition("/")[2])
        if data is None:
            return self._say(404, b"")
        if len(data) > LARGE and not path.startswith("/cdn/"):
            self.send_response(302)
            self.send_header("Location", "/cdn" + path)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        return self._send(data)

    def _send(self, data: bytes) -> None:
        hub = self.hub
        if hub.corrupt and len(data) > LARGE:
            data = bytes([data[0] ^ 1]) + data[1:]
        start = 0
        asked = self.headers.get("Range")
        if asked and hub.ranges:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        body = data[start:]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if hub.break_after is not None and hub.breaks > 0 and len(body) > hub.break_after:
            hub.breaks -= 1
            self.wfile.write(body[: hub.break_after])
            self.close_connection = True
            return
        self.wfile.write(body)

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def running(hub: Hub) -> Iterator[Hub]:
    """Serve a hub on a free port of this machine."""
    handler = type("Handler", (_Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        hub.address = f"http://127.0.0.1:{server.server_port}"
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
