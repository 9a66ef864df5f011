"""Takes files that clients hand in as examples: bounded, looked at in another process, forgotten.

What comes in is hostile. It is written to a file whose name we choose, and a process with little
memory and time of its own looks at it (`q2e.server.probing`). Of a picture only our own new JPEG
of it is kept.
"""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from q2e.server.faults import Fault

#: Examples kept at once; the oldest goes first.
_KEPT = 64
#: Seconds after which the looking process is taken for hung.
_LIMIT_S = 40.0


@dataclass(frozen=True, slots=True)
class Upload:
    """An example that was handed in and looked at."""

    id: str
    kind: Literal["image", "video", "sound"]
    path: Path
    duration_s: float
    width: int
    height: int

    def shape(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind,
            "duration": round(self.duration_s, 3),
            "width": self.width,
            "height": self.height,
        }


class Uploads:
    """The examples of one server, in a folder that goes when the server does."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._kept: OrderedDict[str, Upload] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, file: IO[bytes], most_bytes: int) -> Upload:
        """Keep a file as an example. Raises Fault where it is no picture, clip or sound."""
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="q2e-examples-"))
        name = "up-" + secrets.token_hex(12)
        raw, kept = self._folder / f"{name}.raw", self._folder / f"{name}.example"
        try:
            with raw.open("xb") as out:
                while piece := file.read(1 << 20):
                    if out.tell() + len(piece) > most_bytes:
                        raise Fault(
                            413,
                            "too_large",
                            f"the file has more than {most_bytes} bytes",
                            "send a shorter or smaller one",
                        )
                    out.write(piece)
            seen = look(raw, kept)
        finally:
            raw.unlink(missing_ok=True)
        upload = Upload(name, seen["kind"], kept, seen["duration_s"], seen["width"], seen["height"])
        with self._lock:
            self._kept[name] = upload
            while len(self._kept) > _KEPT:
                _, old = self._kept.popitem(last=False)
                old.path.unlink(missing_ok=True)
        return upload

    def path(self, name: str) -> Path:
        """Return the file of an example. Raises Fault for an id that is not known (any more)."""
        with self._lock:
            upload = self._kept.get(name)
        if upload is None:
            raise Fault(
                404,
                "not_found",
                f"there is no example {name[:40]!r}",
                "upload it again with POST /v1/examples",
            )
        return upload.path

    def close(self) -> None:
        """Delete all examples."""
        with self._lock:
            self._kept.clear()
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder = None


def look(raw: Path, kept: Path) -> dict[str, Any]:
    """Let another process find out what a file is, and write to `kept` what is safe to use.

    Raises Fault where it is nothing to search by, or the process needed too much.
    """
    command = [sys.executable, "-m", "q2e.server.probing", str(raw), str(kept)]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            timeout=_LIMIT_S,
            env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PATH": ""},
            check=False,
        )
        answer: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        answer = {}
    if "kind" in answer:
        return answer
    kept.unlink(missing_ok=True)
    raise Fault(
        415,
        "unreadable_upload",
        answer.get("problem", "the file needs more memory or time than an example may"),
        "send a JPEG, PNG or WebP picture, or a clip or sound of at most ten minutes",
    )
