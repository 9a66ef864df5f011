"""A real Milvus for tests, of the wheel `milvus`: standalone, in a network of its own.

Milvus binds every address, so that it runs where there are none but the loopback; a relay brings
connections there from 127.0.0.1, by a socket in a folder.

    python milvus_server.py inside FOLDER    what runs in that network
    python milvus_server.py relay FOLDER     what runs beside the tests
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

#: Ways to a network without other addresses than the loopback: by right, as a user, by sudo.
ALONE = (["unshare", "-n"], ["unshare", "-rn"], ["sudo", "-n", "unshare", "-n"])
PORT = 19530
#: Segments without an index are then scanned: the rough one that stands in for it misses rows.
EXACT = "QUERYNODE_SEGCORE_INTERIMINDEX_ENABLEINDEX"


def alone() -> list[str]:
    """Return the words that run a command in a network of its own; skips visibly without any."""
    import pytest

    for words in ALONE:
        try:
            tried = subprocess.run([*words, "ip", "link", "set", "lo", "up"], capture_output=True)
        except OSError:
            continue
        if tried.returncode == 0:
            return words
    pytest.skip("Milvus binds every address, and no network of its own can be had (unshare -n)")


class Server:
    """Milvus 2.3 with its data in a folder, reached on a port of 127.0.0.1."""

    def __init__(self) -> None:
        import pytest

        if find_spec("milvus") is None:
            pytest.skip("needs a Milvus server: pip install milvus==2.3.5")
        if find_spec("pymilvus") is None:
            pytest.skip("needs the client of Milvus: pip install pymilvus")
        self._alone = alone()
        self.folder = Path(tempfile.mkdtemp(prefix="q2e-mv-"))
        self._inside: subprocess.Popen[bytes] | None = None
        self._relay = subprocess.Popen([sys.executable, __file__, "relay", str(self.folder)])
        while not (self.folder / "port").exists():
            assert self._relay.poll() is None
            time.sleep(0.05)
        self.port = int((self.folder / "port").read_text("utf-8"))

    @property
    def address(self) -> str:
        return f"milvus://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        for name in ("door", "pid", "listening"):
            (self.folder / name).unlink(missing_ok=True)
        words = [sys.executable, __file__, "inside", str(self.folder)]
        with (self.folder / "said").open("ab") as said:
            self._inside = subprocess.Popen(
                [*self._alone, "sh", "-c", 'ip link set lo up; exec "$@"', "sh", *words],
                stdout=said,
                stderr=subprocess.STDOUT,
                env={**os.environ, EXACT: "false"},
            )
        while not (self.folder / "door").exists():
            assert self._inside.poll() is None, self.said()
            time.sleep(0.1)

    def said(self) -> str:
        logs = [self.folder / "said", *sorted((self.folder / "data" / "logs").glob("*.log"))]
        return "\n".join(one.read_text("utf-8", "replace")[-3_000:] for one in logs)

    def listening(self) -> str:
        """Return what `ss` says inside its network, and outside of it."""
        inside = (self.folder / "listening").read_text("utf-8")
        command = ["ss", "-ltnH", f"sport = :{self.port} or sport = :{PORT}"]
        return inside + subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def kill(self) -> None:
        """End the server at once, as where the power fails."""
        assert self._inside is not None
        os.kill(int((self.folder / "pid").read_text()), signal.SIGKILL)
        self._inside.wait()
        self._inside = None

    def remove(self) -> None:
        if self._inside is not None:
            self.kill()
        self._relay.kill()
        self._relay.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


async def _both(
    one: asyncio.StreamReader,
    to_one: asyncio.StreamWriter,
    other: asyncio.StreamReader,
    to_other: asyncio.StreamWriter,
) -> None:
    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        except OSError:
            return
        finally:
            writer.close()

    await asyncio.gather(pass_on(one, to_other), pass_on(other, to_one))


def inside(folder: Path) -> None:
    """Run the server and the near end of the relay; ends with the server."""
    from milvus import MilvusServer

    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
    assert len(links.splitlines()) == 1 and ": lo:" in links, links
    server = MilvusServer()
    server.set_base_dir(str(folder / "data"))
    server.listen_port = PORT
    server.start()
    heard = subprocess.run(["ss", "-ltnH"], capture_output=True, text=True, check=True).stdout
    (folder / "listening").write_text(heard, "utf-8")
    (folder / "pid").write_text(str(server.server_proc.pid))

    async def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _both(reader, writer, *await asyncio.open_connection("127.0.0.1", PORT))

    async def serve() -> None:
        async with await asyncio.start_unix_server(taken, str(folder / "door")):
            while server.server_proc.poll() is None:
                await asyncio.sleep(0.2)

    asyncio.run(serve())


def relay(folder: Path) -> None:
    """Take connections on a port of 127.0.0.1, written down, to the socket in a folder."""

    async def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far = await asyncio.open_unix_connection(str(folder / "door"))
        except OSError:
            writer.close()
            return
        await _both(reader, writer, *far)

    async def serve() -> None:
        server = await asyncio.start_server(taken, "127.0.0.1", 0)
        (folder / "port.new").write_text(str(server.sockets[0].getsockname()[1]), "utf-8")
        (folder / "port.new").rename(folder / "port")
        await server.serve_forever()

    asyncio.run(serve())


if __name__ == "__main__":
    {"inside": inside, "relay": relay}[sys.argv[1]](Path(sys.argv[2]))
