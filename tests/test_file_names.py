"""Names that are no text, titles that are no text, names as long as a system lets them be."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

import q2e
from media_files import write_video
from q2e.paths import exists, is_file, named_after, shown, told

COMMAND = Path(sys.executable).with_name("q2e")
LATIN = os.fsdecode(b"caf\xe9 zoo.mp4")
#: 253 bytes: `.info.json` fits behind none of it.
LONG = "장" * 83 + ".mp4"
LONGEST = "x" * 251 + ".mp4"
NAMES = (LATIN, LONG, LONGEST, "lone.mp4", "listed.mp4", "tab\tline\n.mp4")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> q2e.Index:
    """An index of such files, each of its own content, with descriptions that are no text."""
    folder = tmp_path_factory.mktemp("names") / "films"
    folder.mkdir()
    whole = write_video(folder / "made.mp4", (0.6,), tone_s=0.6)
    for number, name in enumerate(NAMES):
        shutil.copy(whole, folder / name)
        with (folder / name).open("ab") as file:
            file.write(bytes(8 + number))
    whole.unlink()
    lone = (
        r'{"title": "lone \ud83d title", "tags": ["\udc00", "zoo\ud83d"], "description": "\ud83d"}'
    )
    (folder / "lone.json").write_text(lone)
    row = r'{"path": "films/listed.mp4", "title": "\udcff listed"}'
    (folder.parent / "list.jsonl").write_text(row)
    index = q2e.open(folder.parent / "index", channels=("metadata", "speech", "screen_text"))
    report = index.add(folder, folder.parent / "list.jsonl")
    assert report.ok, report.failures
    assert len(report.indexed) == len(NAMES)
    return index


def video_of(index: q2e.Index, name: str) -> q2e.Video:
    (found,) = [video for video in index.videos() if Path(video.path).name == name]
    return found


def test_titles_are_text_and_paths_are_keys(index: q2e.Index) -> None:
    lone, listed = video_of(index, "lone.mp4"), video_of(index, "listed.mp4")
    assert (lone.title, lone.tags, lone.description) == ("lone  title", ("zoo",), "")
    assert listed.title == " listed"
    assert Path(video_of(index, LATIN).path).is_file()
    assert index.status().missing == ()
    assert index.add(Path(video_of(index, LATIN).path).parent).unchanged == len(NAMES)


@pytest.mark.parametrize("name", [LATIN, LONG])
def test_commands_show_find_and_cut_them(index: q2e.Index, name: str, tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        done = subprocess.run(
            [str(COMMAND), *arguments, "--index", str(index.directory)],
            capture_output=True,
            cwd=tmp_path,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.decode("utf-8") + done.stderr.decode("utf-8")

    path = video_of(index, name).path
    assert shown(name).split(".")[0][:9].split("\t")[0] in run("show", name)
    assert json.loads(run("show", path, "--json"))["video"]["path"] == shown(path)
    run("clip", path, "0", "0.4")
    run("storyboard", path)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.slow
def test_all_of_them_in_every_list(index: q2e.Index) -> None:
    for arguments in (["status"], ["search", "zoo"], ["search", "zoo", "--explain"]):
        for more in ([], ["--json"]):
            command = [str(COMMAND), *arguments, *more, "--index", str(index.directory)]
            done = subprocess.run(command, capture_output=True, timeout=120, check=False)
            assert done.returncode == 0, done.stderr
            if more:
                json.loads(done.stdout)
            else:
                done.stdout.decode("utf-8")


def test_the_server_shows_all_of_them(index: q2e.Index) -> None:
    pytest.importorskip("fastapi", reason="needs the extra `server`")
    from serving import serving

    with serving(index) as address, httpx.Client(base_url=address, timeout=60) as client:
        listed = client.get("/v1/videos").json()["videos"]
        assert {one["path"] for one in listed} == {shown(one.path) for one in index.videos()}
        assert client.get("/v1/status").json()["videos"] == len(NAMES)
        assert client.get("/v1/search", params={"q": "zoo", "confidence": 0}).status_code == 200
        for video in listed:
            for what in ("", "/timeline", "/transcript", "/frame?t=0.2", "/clip?start=0&end=0.4"):
                answer = client.get(f"/v1/videos/{video['id']}{what}")
                assert answer.status_code == 200, (video["path"], what, answer.text[:200])
        gone = client.post("/v1/jobs", json={"paths": ["/" + "x" * 4_000, f"/tmp/{'y' * 300}.mp4"]})
        assert gone.status_code in (202, 400, 403)


def test_a_name_too_long_for_any_file_is_not_there() -> None:
    for name in ("x" * 300, "/" + "장" * 2_000 + ".mp4"):
        assert not is_file(Path(name)) and not exists(Path(name))
        command = [str(COMMAND), "index", name, "--index", os.devnull + "/none"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 2
        assert "does not exist" in done.stderr or "/dev/null" in done.stderr
        assert "Traceback" not in done.stderr


def test_names_as_they_are_shown() -> None:
    assert shown(LATIN) == r"caf\xe9 zoo.mp4"
    assert shown("Музей 博物館.mp4") == "Музей 博物館.mp4"
    assert shown("a\ud83d") == r"a\ud83d"
    assert told({"a": ["\udce9", ("\ud83d", 1.5, None)]}) == {
        "a": [r"\xe9", [r"\ud83d", 1.5, None]]
    }
    assert named_after("films/talk.mp4", "_1-2.mkv") == "talk_1-2.mkv"
    for name in (LONG, LONGEST, LATIN):
        made = named_after(name, "_10-20.mp4")
        assert made.endswith("_10-20.mp4") and len(os.fsencode(made)) <= 200
        assert "�" not in made
