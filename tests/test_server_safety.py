"""The server against those who mean it no good: each kind of attack is tried on the real one."""

from __future__ import annotations

import gzip
import json
import os
import socket
import struct
import time
import zlib
from pathlib import Path
from typing import Any

import httpx
import pytest

import q2e
from media_files import write_video
from q2e.server.limits import Limits
from q2e.server.security import is_local
from serving import serving


@pytest.fixture(scope="module")
def api(server: str) -> Any:
    with httpx.Client(base_url=f"{server}/v1", timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def video(api: httpx.Client) -> str:
    found = api.get("/videos").json()["videos"]
    return str(next(one["id"] for one in found if one["path"].endswith("news-11.mp4")))


def code(got: httpx.Response) -> str:
    return str(got.json()["error"]["code"])


# -- paths ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "path",
    [
        "/static/../server/app.py",
        "/static/%2e%2e/server/app.py",
        "/static/..%2f..%2fserver%2fapp.py",
        "/static/%2fetc%2fpasswd",
        "/static//etc/passwd",
        "/v1/videos/..%2f..%2f..%2fetc%2fpasswd/media",
        "/v1/videos/%2fetc%2fpasswd/media",
        "/v1/videos/....//etc/passwd/media",
        "/v1/videos/%00/media",
        "/v1/jobs/..%2f..%2fstatus",
    ],
)
def test_no_path_leads_out(server: str, path: str) -> None:
    # Sent as it is: clients tidy paths up before they ask.
    answer = _raw(server, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    status = int(answer.split(b" ", 2)[1])
    assert status in (400, 404), answer[:200]
    assert b"root:" not in answer
    assert b"create_app" not in answer


def test_an_example_is_never_a_path(api: httpx.Client, samples: Path) -> None:
    file = samples / "clips" / "news-11.mp4"
    for name in (str(file), f"{file}@1", "../news-11.mp4", "http://localhost/x.mp4", "up-../x"):
        got = api.post("/search", json={"q": "news", "examples": [name]})
        assert got.status_code == 404, name


# -- requests to elsewhere ------------------------------------------------------------------------
@pytest.mark.parametrize(
    "path",
    [
        "http://127.0.0.1:{port}/clip.mp4",
        "https://example.org/a.mp4",
        "rtsp://127.0.0.1:{port}/live",
        "file:///etc/passwd",
        "concat://etc/passwd",
        "//server/share/a.mp4",
        "\\\\server\\share\\a.mp4",
    ],
)
def test_jobs_reach_no_other_machine(api: httpx.Client, path: str) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0.3)
        got = api.post("/jobs", json={"paths": [path.format(port=listener.getsockname()[1])]})
        assert (got.status_code, code(got)) == (400, "unsafe_path")
        with pytest.raises(TimeoutError):
            listener.accept()


def test_no_request_names_a_language_model(api: httpx.Client) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0.3)
        source = f"http://127.0.0.1:{listener.getsockname()[1]}/v1#model"
        body = {"q": "earthquake", "decompose": "llm", "language_model": source}
        assert api.post("/search", json=body).status_code == 422
        assert api.get("/search", params=body).status_code == 422
        with pytest.raises(TimeoutError):
            listener.accept()


def test_an_uploaded_playlist_opens_nothing(api: httpx.Client, tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0.3)
        port = listener.getsockname()[1]
        lists = (
            f"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:{port}/a.ts\n#EXT-X-ENDLIST\n",
            "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
            "ffconcat version 1.0\nfile '/etc/passwd'\n",
            f'<svg xmlns="http://www.w3.org/2000/svg"><image href="http://127.0.0.1:{port}/"/></svg>',
        )
        for text in lists:
            got = api.post("/examples", files={"file": ("list.m3u8", text.encode())})
            assert (got.status_code, code(got)) == (415, "unreadable_upload")
        with pytest.raises(TimeoutError):
            listener.accept()


# -- ranges ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("bytes=99999999-", 416),
        ("bytes=99999999-99999999", 416),
        ("bytes=-0", 416),
        ("bytes=" + "9" * 150 + "-", 416),
        ("bytes=5-2", 400),
        ("bytes=-", 400),
        ("bytes=a-b", 400),
        ("bytes=²-³", 400),
        ("seconds=0-1", 400),
        ("nonsense", 400),
        ("bytes=" + ",".join("0-" for _ in range(60)), 206),
        ("bytes=0-1,5-6", 206),
        ("bytes=" + "0-1," * 2000, 200),
    ],
)
def test_ranges_are_taken_or_refused_never_believed(
    api: httpx.Client, video: str, asked: str, status: int
) -> None:
    got = api.get(f"/videos/{video}/media", headers={"range": asked.encode("utf-8")})
    assert got.status_code == status
    if status >= 400:
        assert code(got) == "bad_range"
    if status == 416:
        assert got.headers["content-range"].startswith("bytes */")


# -- size -----------------------------------------------------------------------------------------
def test_large_bodies_are_refused_before_they_are_read(api: httpx.Client) -> None:
    got = api.post("/search", content=b"x" * (2 << 20))
    assert (got.status_code, code(got)) == (413, "too_large")


def test_large_bodies_without_a_length_are_cut_off(api: httpx.Client) -> None:
    def endless() -> Any:
        for _ in range(200):
            yield b"x" * 65536

    got = api.post("/search", content=endless(), headers={"content-type": "application/json"})
    assert (got.status_code, code(got)) == (413, "too_large")


def test_a_huge_upload_is_refused(served_index: q2e.Index) -> None:
    with serving(served_index, limits=Limits(upload_bytes=1 << 20)) as address:
        got = httpx.post(f"{address}/v1/examples", files={"file": ("a.mp4", b"\0" * (2 << 20))})
        assert (got.status_code, code(got)) == (413, "too_large")


def test_deep_and_strange_json_is_refused(api: httpx.Client) -> None:
    headers = {"content-type": "application/json"}
    for body in (b"[" * 100_000, b'{"q": ' * 50_000, b"\xff\xfe", b'{"q": "a"} trailing', b"NaN"):
        got = api.post("/search", content=body, headers=headers)
        assert got.status_code in (400, 422), body[:20]
    for name in ("a\0b", "\n", ""):
        assert api.post("/search", json={"q": "dog", "videos": [name]}).status_code == 422
        assert api.get("/facets", params={"videos": name}).status_code == 422
    told = api.post("/search", content=b"{", headers=headers).json()["error"]["message"]
    assert told.startswith("the body is not JSON (")
    told = api.post("/search", json={"question": "dog"}).json()["error"]["message"]
    assert told == "question: there is no such field"
    many = {"q": "dog", "examples": ["a@1"] * 1000}
    assert api.post("/search", json=many).status_code == 422


# -- bombs ----------------------------------------------------------------------------------------
def _png(width: int, height: int) -> bytes:
    """Return a small PNG that unpacks to width x height white pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    packer = zlib.compressobj(9)
    row = b"\0" + b"\xff" * ((width + 7) // 8)
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_a_picture_that_unpacks_to_gigabytes_is_refused(api: httpx.Client) -> None:
    bomb = _png(40_000, 40_000)
    assert len(bomb) < 1 << 20
    began = time.monotonic()
    got = api.post("/examples", files={"file": ("bomb.png", bomb)})
    assert (got.status_code, code(got)) == (415, "unreadable_upload")
    assert time.monotonic() - began < 40


def test_a_picture_is_kept_as_our_own_copy(
    api: httpx.Client, server: str, samples: Path, tmp_path: Path
) -> None:
    # A picture with a page behind it: what is kept is drawn anew.
    picture = _png(64, 48) + b"<script>alert(1)</script>"
    got = api.post("/examples", files={"file": ("<script>.png", picture, "text/html")})
    assert got.status_code == 201
    assert got.json()["kind"] == "image"
    from q2e.server.uploads import look

    raw, kept = tmp_path / "raw", tmp_path / "kept"
    raw.write_bytes(picture)
    assert look(raw, kept)["kind"] == "image"
    assert kept.read_bytes()[:3] == b"\xff\xd8\xff"
    assert b"script" not in kept.read_bytes()


def test_packed_requests_are_not_unpacked(api: httpx.Client) -> None:
    body = gzip.compress(json.dumps({"q": "dog " * 1000}).encode())
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    assert api.post("/search", content=body, headers=headers).status_code in (400, 415, 422)


# -- slow clients ---------------------------------------------------------------------------------
def test_slow_clients_are_dropped_and_hold_nobody_up(
    served_index: q2e.Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    from q2e.server.connections import PatientHttp

    monkeypatch.setattr(PatientHttp, "HEADERS_S", 1.0)
    limits = Limits(receive_s=1.0, send_s=1.0)
    with serving(served_index, limits=limits) as address:
        port = int(address.rsplit(":", 1)[1])
        silent = socket.create_connection(("127.0.0.1", port))
        drip = socket.create_connection(("127.0.0.1", port))
        drip.sendall(b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\n")
        half = socket.create_connection(("127.0.0.1", port))
        half.sendall(
            b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n"
            b"Content-Type: application/json\r\n\r\n{"
        )
        began = time.monotonic()
        assert httpx.get(f"{address}/v1/health").status_code == 200
        assert time.monotonic() - began < 1
        for one in (silent, drip, half):
            one.settimeout(10)
            answer = b""
            while piece := one.recv(4096):
                answer += piece
            assert answer == b"" if one is not half else b"408" in answer
            one.close()


def test_clients_that_take_nothing_are_dropped(
    served_index: q2e.Index, samples: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from q2e.store.generations import FIRST as STORE_NAME
    from q2e.store.sqlite import SqliteStore
    from q2e.types import Video

    file = tmp_path / "big.mp4"
    file.write_bytes((samples / "clips" / "reel-01.mp4").read_bytes() + bytes(64 << 20))
    with SqliteStore(served_index.directory / STORE_NAME) as store:
        store.put_video(Video(id="big", path=str(file), duration_s=1.0))
    try:
        with serving(served_index, limits=Limits(send_s=0.5)) as address:
            port = int(address.rsplit(":", 1)[1])
            with socket.create_connection(("127.0.0.1", port)) as lazy:
                lazy.sendall(b"GET /v1/videos/big/media HTTP/1.1\r\nHost: localhost\r\n\r\n")
                time.sleep(2)
                lazy.settimeout(10)
                taken = 0
                try:
                    while piece := lazy.recv(1 << 20):
                        taken += len(piece)
                except ConnectionResetError:
                    pass
                assert 0 < taken < 64 << 20
            # One that takes all in its own time is served.
            assert len(httpx.get(f"{address}/v1/videos/big/media").content) > 64 << 20
        assert "Traceback" not in capfd.readouterr().err
    finally:
        served_index.remove("big")


def test_devices_and_pipes_are_no_files(api: httpx.Client, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    for path in ("/dev/zero", str(tmp_path / "pipe.mp4")):
        job = api.post("/jobs", json={"paths": [path]}).json()
        until = time.monotonic() + 30
        while (job := api.get(f"/jobs/{job['id']}").json())["state"] in ("queued", "running"):
            assert time.monotonic() < until, path
            time.sleep(0.1)
        assert "not a regular file" in job["report"]["failures"][0]["reason"]


# -- other pages ----------------------------------------------------------------------------------
def test_other_names_for_this_machine_are_not_answered(server: str) -> None:
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "["):
        got = httpx.get(f"{server}/v1/status", headers={"host": host})
        assert got.status_code in (400, 403), host
        assert "videos" not in got.text
    for host in ("localhost", "LOCALHOST:80", "127.0.0.1:9", "[::1]:8077"):
        assert httpx.get(f"{server}/v1/health", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://localhost:1"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
    ],
)
def test_requests_of_other_pages_are_refused(
    server: str, api: httpx.Client, headers: dict[str, str]
) -> None:
    before = len(api.get("/jobs").json()["jobs"])
    for got in (
        api.post("/jobs", json={"paths": ["/tmp"]}, headers=headers),
        api.post("/retry", headers=headers),
        api.get("/search", params={"q": "dog"}, headers=headers),
    ):
        assert (got.status_code, code(got)) == (403, "cross_site")
        assert "access-control-allow-origin" not in got.headers
    assert len(api.get("/jobs").json()["jobs"]) == before


def test_forms_of_other_pages_carry_no_json(api: httpx.Client) -> None:
    # Old browsers send neither Origin nor Sec-Fetch; a form can only send these types.
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        got = api.post("/jobs", content=b'{"paths": ["/tmp"]}', headers={"content-type": kind})
        assert got.status_code == 422


def test_the_page_itself_may_ask(server: str, api: httpx.Client) -> None:
    own = {"origin": server, "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}
    assert api.post("/search", json={"q": "dog"}, headers=own).status_code == 200


def test_every_answer_carries_the_guards(server: str, api: httpx.Client) -> None:
    for got in (api.get("/health"), api.get("/nonesuch"), api.put("/search"), httpx.get(server)):
        policy = got.headers["content-security-policy"]
        assert "script-src 'self'" in policy and "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert got.headers["x-content-type-options"] == "nosniff"


# -- script in what videos say --------------------------------------------------------------------
def test_script_in_titles_and_speech_stays_text(
    api: httpx.Client, served_index: q2e.Index, tmp_path: Path
) -> None:
    attack = "<script>alert(1)</script><img src=x onerror=alert(2)> --> zwiebelfisch"
    line = {"video": "hostile", "channel": "speech", "text": attack, "start": 0, "end": 5}
    (tmp_path / "evidence.jsonl").write_text(json.dumps(line), encoding="utf-8")
    served_index.import_evidence(tmp_path / "evidence.jsonl")
    try:
        got = api.get("/search", params={"q": "zwiebelfisch", "confidence": 0})
        assert got.headers["content-type"] == "application/json"
        assert any(attack in hit_text for hit_text in _texts(got.json()))
        for form in ("srt", "vtt"):
            text = api.get("/videos/hostile/transcript", params={"format": form}).text
            assert "<script" not in text and "<img" not in text
            assert text.count("-->") == 1
        # It was imported without its file, so there is none to send.
        assert api.get("/videos/hostile/media").status_code == 404
    finally:
        served_index.remove("hostile")


def _texts(results: dict[str, Any]) -> list[str]:
    return [
        item["text"]
        for hit in results["hits"]
        for moment in hit["moments"]
        for item in moment["evidence"]
    ]


# -- folders --------------------------------------------------------------------------------------
def _ended(address: str, job: dict[str, Any]) -> dict[str, Any]:
    until = time.monotonic() + 120
    while job["state"] in ("queued", "running"):
        assert time.monotonic() < until
        time.sleep(0.1)
        job = httpx.get(f"{address}/v1/jobs/{job['id']}").json()
    return job


def test_only_allowed_folders_are_indexed(
    served_index: q2e.Index, samples: Path, tmp_path: Path
) -> None:
    allowed, secret = tmp_path / "allowed", tmp_path / "secret"
    allowed.mkdir()
    secret.mkdir()
    write_video(secret / "diary.mp4", (1.0,))
    write_video(allowed / "fine.mp4", (1.1,))
    (allowed / "link.mp4").symlink_to(secret / "diary.mp4")
    (allowed / "folder").symlink_to(secret)
    (allowed / "list.csv").write_text(f"path\nfine.mp4\n{secret / 'diary.mp4'}\n")
    # What lies beside a video may be a link as well.
    (secret / "shadow").write_text('{"title": "the password is zwiebelfisch"}')
    (secret / "said").write_text("1\n00:00:00,000 --> 00:00:01,000\nhunter zwiebelfisch\n")
    (allowed / "fine.info.json").symlink_to(secret / "shadow")
    (allowed / "fine.srt").symlink_to(secret / "said")
    (allowed / "fine.en.srt").symlink_to(secret / "said")
    with serving(served_index, roots=[allowed]) as address:
        for path in ("/etc", str(samples), f"{allowed}/../..", "~", f"{allowed}-not"):
            got = httpx.post(f"{address}/v1/jobs", json={"paths": [path]})
            assert (got.status_code, code(got)) == (403, "unsafe_path"), path
        try:
            for path in (allowed, allowed / "list.csv"):
                got = httpx.post(f"{address}/v1/jobs", json={"paths": [str(path)]})
                job = _ended(address, got.json())
                assert job["state"] == "done", job
                assert "diary" not in json.dumps(job) or path.suffix == ".csv"
                failed = {one["path"]: one["reason"] for one in job["report"]["failures"]}
                assert all("leads out of the folders" in reason for reason in failed.values())
                assert str(allowed / "link.mp4") in failed or path.suffix == ".csv"
            known = [one.path for one in served_index.videos()]
            assert str(allowed / "fine.mp4") in known
            assert not any("diary" in path for path in known)
            video = served_index.find(str(allowed / "fine.mp4"))
            told = f"{served_index.show(video.id).evidence} {video}"
            assert "zwiebelfisch" not in told and "hunter" not in told
        finally:
            served_index.remove(str(allowed / "fine.mp4"))


def test_retrying_reads_nothing_outside_the_folders(
    served_index: q2e.Index, tmp_path: Path
) -> None:
    broken = tmp_path / "elsewhere.mp4"
    broken.write_bytes(b"no video")
    assert served_index.add(broken).failures
    write_video(broken, (1.2,))
    with serving(served_index, roots=[tmp_path / "allowed"]) as address:
        job = _ended(address, httpx.post(f"{address}/v1/retry").json())
    assert job["report"]["failures"][0]["reason"].startswith("leads out of")
    assert not any("elsewhere" in one.path for one in served_index.videos())
    served_index.add(broken)
    served_index.remove(str(broken))


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.7", False),
        ("localhost.example", False),
    ],
)
def test_what_counts_as_this_machine(host: str, local: bool) -> None:
    assert is_local(host) == local


def _raw(server: str, request: str) -> bytes:
    port = int(server.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request.encode())
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer
