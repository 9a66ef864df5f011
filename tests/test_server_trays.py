"""Trays over HTTP and on the command line: kept, ordered, undone, exported, shared, taken back."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import q2e
from q2e.decoding.doors import probe
from q2e.erase import erase
from q2e.errors import ConfigError
from q2e.server.shares import Shares
from q2e.server.tokens import Tokens
from q2e.trays import MOST_MOMENTS, MOST_PAST, MOST_TRAYS, Changed, Picked, Trays

pytest.importorskip("fastapi", reason="needs the extra `server`")
from serving import serving

TOKEN = "a token that nobody guesses 123"
NOTES = (
    *("ملاحظة", "Notiz", "note", "nota", "note très", "नोट", "メモ", "메모", "заметка"),
    *("หมายเหตุ", "备注", "=1+1", "<script>alert(1)</script> --> \u202egnp"),
)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, sample_index: q2e.Index) -> q2e.Index:
    folder = tmp_path_factory.mktemp("trays") / "index"
    shutil.copytree(sample_index.directory, folder)
    return q2e.open(folder)


@pytest.fixture(scope="module")
def named(index: q2e.Index) -> dict[str, str]:
    """Tokens by name."""
    tokens = Tokens(index.directory)
    return {name: tokens.add(name, scope) for name, scope in (("ann", "label"), ("bob", "read"))}


@pytest.fixture(scope="module")
def address(
    index: q2e.Index, named: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("Q2E_CACHE", str(tmp_path_factory.mktemp("cache")))
        with serving(index, token=TOKEN) as running:
            yield running


def _client(address: str, token: str) -> httpx.Client:
    return httpx.Client(
        base_url=f"{address}/v1", headers={"authorization": f"Bearer {token}"}, timeout=120
    )


@pytest.fixture
def api(address: str) -> Iterator[httpx.Client]:
    with _client(address, TOKEN) as client:
        yield client


@pytest.fixture(scope="module")
def clips(index: q2e.Index) -> list[dict[str, Any]]:
    """Short moments of two videos with pictures."""
    found = [one for one in index.store.videos() if one.has_video and one.duration_s > 3][:2]
    return [{"video": one.id, "start": 0.5, "end": 1.5, "note": ""} for one in found]


def test_a_tray_is_kept_changed_and_undone(
    api: httpx.Client, index: q2e.Index, clips: list[dict[str, Any]]
) -> None:
    made = api.post("/trays", json={"name": "für Montag"}).json()
    assert (made["version"], made["undoable"], made["moments"]) == (1, 0, [])
    path = f"/trays/{made['id']}"
    noted = [clips[0] | {"note": note} for note in NOTES]
    body = {"version": 1, "name": "für Montag", "moments": noted}
    put = api.put(path, json=body).json()
    assert [one["note"] for one in put["moments"]] == list(NOTES)
    assert api.put(path, json=body).json()["error"]["code"] == "changed"
    body = {"version": 2, "name": "Tuesday", "moments": noted[::-1][:3]}
    assert api.put(path, json=body).json()["name"] == "Tuesday"
    # Another server finds it as it is.
    again = Trays(index.directory).get(made["id"])
    assert [one.note for one in again.moments] == list(NOTES)[::-1][:3]
    undone = api.post(f"{path}/undo", json={"version": 3}).json()
    assert [one["note"] for one in undone["moments"]] == list(NOTES)
    assert undone["undoable"] == 1
    assert api.get("/trays").json()["trays"][0]["id"] == made["id"]
    assert api.delete(path).json()["id"] == made["id"]
    assert api.get(path).status_code == 404
    assert not list(index.directory.glob(f"tray-{made['id']}*"))


@pytest.mark.parametrize(
    ("moment", "status"),
    [
        ({"start": 2.0, "end": 2.0}, 400),
        ({"start": -1.0, "end": 2.0}, 422),
        ({"start": 0.0, "end": 1e9}, 422),
        ({"start": 0.0, "end": 1e6}, 201),
        ({"start": 0.0, "end": 1.0, "video": ""}, 422),
        ({"start": 0.0, "end": 1.0, "note": "x" * 501}, 422),
        ({"start": True, "end": 2.0}, 422),
    ],
)
def test_what_is_no_moment_is_refused_and_the_longest_is_kept(
    api: httpx.Client, moment: dict[str, Any], status: int
) -> None:
    got = api.post("/trays", json={"name": "x", "moments": [{"video": "abc", **moment}]})
    assert got.status_code == status, got.text


def test_what_is_gone_is_said(api: httpx.Client, clips: list[dict[str, Any]]) -> None:
    held = [clips[0], {"video": "f" * 32, "start": 0, "end": 1, "note": ""}]
    made = api.post("/trays", json={"name": "x", "moments": held}).json()
    assert [one["missing"] for one in made["moments"]] == [False, True]
    rows = api.get(f"/trays/{made['id']}/export", params={"format": "csv"}).text.splitlines()
    assert len(rows) == 2
    api.delete(f"/trays/{made['id']}")


def test_a_tray_is_written_as_any_search_is(
    api: httpx.Client, clips: list[dict[str, Any]], tmp_path: Path
) -> None:
    noted = [one | {"note": note} for one, note in zip(clips, ("=1+1", "zwei"), strict=True)]
    made = api.post("/trays", json={"name": "reel", "moments": noted}).json()

    def got(form: str) -> httpx.Response:
        answer = api.get(f"/trays/{made['id']}/export", params={"format": form})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-disposition"].endswith(f'"tray.{form}"')
        return answer

    assert "'=1+1" in got("csv").text and "zwei" in got("srt").text
    assert got("edl").text.startswith("TITLE: reel")
    assert len(json.loads(got("otio").text)["tracks"]["children"][0]["children"]) == 2
    (tmp_path / "reel.mp4").write_bytes(got("mp4").content)
    assert probe(tmp_path / "reel.mp4").duration_s == pytest.approx(2.0, abs=0.2)
    archive = zipfile.ZipFile(io.BytesIO(got("zip").content))
    assert archive.testzip() is None
    assert [name[:3] for name in archive.namelist()] == ["001", "002"]
    api.delete(f"/trays/{made['id']}")


def test_everybody_has_trays_of_their_own(
    address: str, named: dict[str, str], api: httpx.Client, clips: list[dict[str, Any]]
) -> None:
    own = api.post("/trays", json={"name": "own", "moments": clips}).json()["id"]
    with _client(address, named["ann"]) as ann, _client(address, named["bob"]) as bob:
        other = bob.post("/trays", json={"name": "bob's", "moments": clips}).json()["id"]
        assert [one["id"] for one in bob.get("/trays").json()["trays"]] == [other]
        for method, path, body in (
            ("GET", f"/trays/{own}", None),
            ("PUT", f"/trays/{own}", {"version": 1, "name": "x", "moments": []}),
            ("POST", f"/trays/{own}/undo", {"version": 1}),
            ("GET", f"/trays/{own}/export", None),
            ("DELETE", f"/trays/{own}", None),
        ):
            assert bob.request(method, path, json=body).status_code == 404, path
        # A link shows more people what is here: reading is not enough for that.
        assert bob.post(f"/trays/{other}/shares", json={}).json()["error"]["code"] == "needs_scope"
        assert ann.post(f"/trays/{own}/shares", json={}).status_code == 404
    assert api.delete(f"/trays/{own}").status_code == 200


def test_a_link_shows_one_tray_and_nothing_else(
    api: httpx.Client, address: str, index: q2e.Index, clips: list[dict[str, Any]]
) -> None:
    made = api.post("/trays", json={"name": "shown", "moments": clips}).json()
    link = api.post(f"/trays/{made['id']}/shares", json={"days": 2}).json()
    kept = (index.directory / "shares.json").read_text()
    assert link["secret"] not in kept and link["id"] in kept
    secret = link["secret"]
    seen = httpx.get(f"{address}/v1/shared/{secret}")
    assert [one["end"] for one in seen.json()["moments"]] == [1.5, 1.5]
    for told in (clips[0]["video"], str(index.store.video(clips[0]["video"]).path)):
        assert told not in seen.text
    assert httpx.get(f"{address}/{link['path']}").status_code == 200
    frame = httpx.get(f"{address}/v1/shared/{secret}/frame/1", timeout=60)
    assert frame.headers["content-type"] == "image/jpeg"
    clip = f"{address}/v1/shared/{secret}/clip/0"
    part = httpx.get(clip, headers={"range": "bytes=0-99"}, timeout=120)
    assert (part.status_code, len(part.content), part.headers["content-type"]) == (
        206,
        100,
        "video/mp4",
    )
    whole = httpx.get(clip, timeout=120)
    assert part.headers["content-range"] == f"bytes 0-99/{len(whole.content)}"
    assert whole.content[:100] == part.content
    assert httpx.get(clip, headers={"range": "bytes=99999999-"}).status_code == 416
    assert httpx.get(f"{address}/v1/shared/{secret}/clip/2").status_code == 404
    # The secret is no token.
    for headers in ({"authorization": f"Bearer {secret}"}, {}):
        got = httpx.get(f"{address}/v1/videos", headers=headers)
        assert got.status_code == 401
    listed = api.get(f"/trays/{made['id']}").json()["shares"]
    assert [one["id"] for one in listed] == [link["id"]]
    assert api.delete(f"/trays/{made['id']}/shares/{link['id']}").json()["shares"] == []
    for path in ("", "/frame/0", "/clip/0", "/export"):
        assert httpx.get(f"{address}/v1/shared/{secret}{path}").status_code == 404
    api.delete(f"/trays/{made['id']}")


def test_links_end_with_their_time_their_tray_and_their_owner(
    address: str, index: q2e.Index, api: httpx.Client, clips: list[dict[str, Any]]
) -> None:
    def seen(secret: str) -> int:
        return httpx.get(f"{address}/v1/shared/{secret}").status_code

    tokens = Tokens(index.directory)
    with _client(address, tokens.add("cleo", "label")) as cleo:
        tray = cleo.post("/trays", json={"name": "x", "moments": clips}).json()["id"]
        secret = cleo.post(f"/trays/{tray}/shares", json={}).json()["secret"]
        short = cleo.post(f"/trays/{tray}/shares", json={"days": 1e-9}).json()["secret"]
    assert (seen(secret), seen(short)) == (200, 404)
    tokens.revoke("cleo")
    assert seen(secret) == 404
    own = api.post("/trays", json={"name": "x", "moments": clips}).json()["id"]
    secret = api.post(f"/trays/{own}/shares", json={}).json()["secret"]
    assert seen(secret) == 200
    api.delete(f"/trays/{own}")
    assert seen(secret) == 404
    assert Shares(index.directory).of("", own) == []


def test_a_stretch_is_made_playable_once(
    api: httpx.Client, clips: list[dict[str, Any]], tmp_path: Path
) -> None:
    path = f"/videos/{clips[0]['video']}/playable"
    first = api.get(path, params={"start": 1.0})
    assert first.status_code == 200, first.text
    (tmp_path / "x.mp4").write_bytes(first.content)
    made = probe(tmp_path / "x.mp4")
    assert max(made.width, made.height) <= 854 and made.duration_s > 0.5
    tag = {"if-none-match": first.headers["etag"]}
    assert api.get(path, params={"start": 1.0}, headers=tag).status_code == 304
    assert api.get(path, params={"start": 1.0}).content == first.content
    assert api.get(path, params={"start": 99999}).status_code == 400
    # A browser may have no decoder for H.264, as Debian's Firefox has none by itself.
    free = api.get(path, params={"start": 1.0, "form": "webm"})
    assert free.headers["content-type"] == "video/webm"
    assert free.headers["etag"] != first.headers["etag"]
    (tmp_path / "x.webm").write_bytes(free.content)
    again = probe(tmp_path / "x.webm")
    assert (again.width, again.height, again.has_audio) == (made.width, made.height, True)
    assert again.duration_s == pytest.approx(made.duration_s, abs=0.2)


def test_the_command_shows_and_writes_a_tray(
    index: q2e.Index, clips: list[dict[str, Any]], tmp_path: Path
) -> None:
    from typer.testing import CliRunner

    from q2e.cli import app

    shutil.copytree(index.directory, tmp_path / "index")
    own = ["tray", "--index", str(tmp_path / "index")]
    picked = [Picked(one["video"], 0.5, 1.5, "=1+1\x1b[31m") for one in clips]
    Trays(tmp_path / "index").make("Montag", picked)
    runner = CliRunner()
    shown = runner.invoke(app, [*own, "Montag"])
    assert shown.exit_code == 0 and "\x1b" not in shown.output
    assert [line[:3] for line in shown.stdout.splitlines()] == ["  1", "  2"]
    assert len(json.loads(runner.invoke(app, [*own, "--json"]).stdout)["moments"]) == 2
    reel = tmp_path / "reel.mp4"
    runner.invoke(app, [*own, "--write", str(reel)], catch_exceptions=False)
    assert probe(reel).duration_s == pytest.approx(2.0, abs=0.2)
    with pytest.raises(ConfigError, match="write over it: --force"):
        runner.invoke(app, [*own, "--write", str(reel)], catch_exceptions=False)
    with pytest.raises(ConfigError, match=r"known: (.*, )?'Montag'"):
        runner.invoke(app, [*own, "nothing"], catch_exceptions=False)


def test_trays_are_bounded_and_damage_costs_one(tmp_path: Path) -> None:
    trays = Trays(tmp_path)
    one = Picked("v", 0.0, 1.0)
    with pytest.raises(ConfigError, match=f"at most {MOST_MOMENTS}"):
        trays.make("x", [one] * (MOST_MOMENTS + 1))
    made = trays.make("x")
    for version in range(1, MOST_PAST + 5):
        made = trays.put(made.id, version, "x", [one] * version)
    assert len(trays.get(made.id).past) == MOST_PAST
    with pytest.raises(Changed):
        trays.undo(made.id, 1)
    for number in range(MOST_TRAYS - 1):
        last = trays.make(str(number))
    with pytest.raises(ConfigError, match=f"{MOST_TRAYS} trays are the most"):
        trays.make("one more")
    (tmp_path / f"tray-{last.id}.jsonl").write_text("{")
    assert len(trays.of()) == MOST_TRAYS - 1
    for wrong in ("../tokens", "0" * 16, last.id):
        with pytest.raises(KeyError):
            trays.get(wrong)


def test_erasing_a_video_takes_its_moments_alone(tmp_path: Path, index: q2e.Index) -> None:
    shutil.copytree(index.directory, tmp_path / "index")
    first, second = list(index.store.videos())[:2]
    trays = Trays(tmp_path / "index")
    made = trays.make("x", [Picked(first.id, 0, 1), Picked(second.id, 0, 1)])
    trays.put(made.id, 1, "x", [Picked(first.id, 1, 2), Picked(second.id, 1, 2)])
    erase(tmp_path / "index", [first])
    left = trays.get(made.id)
    assert [one.video for one in (*left.moments, *left.past[0])] == [second.id] * 2
