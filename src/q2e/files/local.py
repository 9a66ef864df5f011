"""Files on the disks of this machine."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from q2e.errors import MediaError
from q2e.files.base import Absent, Facts
from q2e.paths import shown_name


class LocalFiles:
    """Files by absolute or relative path; see `q2e.files.base.Files`."""

    def exists(self, name: str) -> bool:
        with _told(name):
            return Path(name).exists()

    def stat(self, name: str) -> Facts:
        with _told(name):
            status = Path(name).stat()
        return Facts(status.st_size, f"{status.st_size}-{status.st_mtime_ns}")

    def listed(self, folder: str) -> Iterator[tuple[str, Facts]]:
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                yield str(path), self.stat(str(path))

    def beginning(self, start: str) -> Iterator[tuple[str, Facts]]:
        for path in sorted(Path(start).parent.iterdir()):
            if str(path).startswith(start) and str(path) != start and path.is_file():
                yield str(path), self.stat(str(path))

    def read(self, name: str, start: int = 0, end: int | None = None) -> bytes:
        with _told(name), Path(name).open("rb") as file:
            file.seek(start)
            return file.read() if end is None else file.read(max(0, end - start))

    def copy_to(self, name: str, path: Path) -> None:
        with _told(name):
            shutil.copyfile(name, path)

    def put_if_absent(self, name: str, data: bytes) -> bool:
        target = Path(name)
        with _told(name):
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, whole = tempfile.mkstemp(prefix=".", dir=target.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                # A link is made or refused at once, and by one only.
                os.link(whole, target)
            except FileExistsError:
                return False
            finally:
                Path(whole).unlink()
        return True

    def remove(self, name: str) -> None:
        with _told(name), suppress(FileNotFoundError):
            Path(name).unlink()


@contextmanager
def _told(name: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise Absent(f"{shown_name(name)}: is not there; check the path") from None
    except OSError as error:
        reason = (error.strerror or "cannot be used").lower()
        raise MediaError(f"{shown_name(name)}: {reason}") from None
