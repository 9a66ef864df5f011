"""Videos that are sent over HTTP in pieces: gone on with after a break, bounded, looked at."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

import q2e
from media_files import write_video
from q2e.errors import MediaError
from q2e.server.tokens import Tokens

pytest.importorskip("fastapi", reason="needs the extra `server`")
from q2e.server.faults import Fault
from q2e.server.incoming import Incoming
from serving import serving

TOKEN = "a token that nobody guesses 123"


def _fine(file: Path) -> None:
    assert file.is_file()


@pytest.mark.parametrize(
    "name",
    [
        *("../../etc/passwd", "C:\\x\\..\\y.mp4", "/abs/olute.mov", ".hidden.mp4", "a\x00b.mp4"),
        *("x" * 4000 + ".mp4", "فيديو.mp4", "動画 新.mkv", "ビデオ", "\u202egnp.mp4", ".."),
    ],
)
def test_a_name_never_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    incoming = Incoming(tmp_path, None, 100, 1000)
    _, whole = incoming.take(name, 3, 0, b"abc", _fine)
    assert whole is not None and whole.parent == tmp_path / "uploads"
    assert whole.read_bytes() == b"abc" and not whole.name.startswith(".")
    assert whole.name.isprintable() and len(whole.name.encode()) < 200


def test_pieces_follow_one_another_and_a_break_is_gone_on_from(tmp_path: Path) -> None:
    incoming = Incoming(tmp_path, None, 100, 1000)
    assert incoming.take("a.mp4", 6, 0, b"abc", _fine) == (3, None)
    again = Incoming(tmp_path, None, 100, 1000)  # as after the server was started anew
    assert again.received("a.mp4", 6) == 3
    for offset, data in ((0, b"abc"), (4, b"ef"), (3, b"defg")):
        with pytest.raises(Fault, match=r"3 bytes of 6 are there"):
            again.take("a.mp4", 6, offset, data, _fine)
    there, whole = again.take("a.mp4", 6, 3, b"def", _fine)
    assert there == 6 and whole is not None and whole.read_bytes() == b"abcdef"
    assert again.take("a.mp4", 6, 5, b"f", _fine) == (6, whole)


def test_what_is_too_large_too_many_or_no_video_is_refused(tmp_path: Path) -> None:
    incoming = Incoming(tmp_path, None, 100, 150)
    with pytest.raises(Fault, match="the file has 101 bytes"):
        incoming.take("a.mp4", 101, 0, b"x", _fine)
    incoming.take("a.mp4", 90, 0, b"x" * 90, _fine)
    with pytest.raises(Fault, match="no room"):
        incoming.take("b.mp4", 90, 0, b"x", _fine)

    def refused(file: Path) -> None:
        raise MediaError(f"{file.name}: no video")

    with pytest.raises(MediaError):
        incoming.take("c.mp4", 3, 0, b"abc", refused)
    assert [one.name[:1] for one in (tmp_path / "uploads").iterdir()] == ["a"]
    for number in range(8):
        incoming.take(f"{number}.mp4", 2, 0, b"x", _fine)
    with pytest.raises(Fault, match="8 files are being sent"):
        incoming.take("x.mp4", 2, 0, b"x", _fine)
    with pytest.raises(Fault, match="may index no folder"):
        Incoming(tmp_path / "other", [], 100, 1000).take("a.mp4", 1, 0, b"x", _fine)
    inside = Incoming(tmp_path / "index", [tmp_path / "videos"], 100, 1000)
    assert inside.take("a.mp4", 1, 0, b"x", _fine)[1].parent == tmp_path / "videos" / "uploads"  # type: ignore[union-attr]


def test_a_video_that_is_sent_is_read_into_the_index(tmp_path: Path) -> None:
    data = write_video(tmp_path / "film.mp4", (1.0,)).read_bytes()
    index = q2e.open(tmp_path / "index", channels=("metadata",))
    index.add(write_video(tmp_path / "other.mp4", (2.0,)))
    reader = Tokens(index.directory).add("reader", "label")
    with serving(index, token=TOKEN) as address:
        path = f"{address}/v1/incoming"
        own = {"authorization": f"Bearer {TOKEN}"}
        about = {"name": "мой фильм.mp4", "size": len(data)}
        other = {"authorization": f"Bearer {reader}"}
        got = httpx.put(path, params=about, content=data[:10], headers=other)
        assert got.json()["error"]["code"] == "needs_scope"
        half = len(data) // 2
        first = httpx.put(path, params=about, content=data[:half], headers=own).json()
        assert first == {"received": half, "job": None}
        assert httpx.get(path, params=about, headers=own).json()["received"] == half
        rest = {**about, "offset": half}
        job = httpx.put(path, params=rest, content=data[half:], headers=own, timeout=60).json()
        until = time.monotonic() + 120
        while (now := httpx.get(f"{address}/v1/jobs/{job['job']['id']}", headers=own).json())[
            "state"
        ] not in ("done", "failed"):
            assert time.monotonic() < until, now
            time.sleep(0.1)
        assert now["report"]["failures"] == [] and len(now["report"]["indexed"]) == 1
        wrong = httpx.put(
            path, params={"name": "x.mp4", "size": 3}, content=b"abc", headers=own, timeout=60
        )
        assert wrong.json()["error"]["code"] == "unreadable_media"
    index.close()
