"""The HTTP API against a real index: search, videos, media, pictures, clips, jobs, labels."""

from __future__ import annotations

import csv
import io
import json
import shutil
import socket
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

import q2e
from q2e import shape
from q2e.store.generations import FIRST as STORE_NAME
from q2e.store.sqlite import SqliteStore


@pytest.fixture(scope="module")
def api(server: str) -> Any:
    with httpx.Client(base_url=f"{server}/v1", timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def video(api: httpx.Client) -> dict[str, Any]:
    """A video with pictures and speech."""
    found = api.get("/videos").json()["videos"]
    return next(one for one in found if one["path"].endswith("call-06.mp4"))


# -- search ---------------------------------------------------------------------------------------
def test_moments_of_all_videos_come_in_pages(api: httpx.Client) -> None:
    asked = {"q": "snow on a mountain", "confidence": 0.0, "top": 3}
    first = api.get("/moments", params=asked).json()["hits"]
    assert [hit["rank"] for hit in first] == [1, 2, 3]
    assert all(len(hit["moments"]) == 1 for hit in first)
    [last] = api.get("/moments", params=asked | {"top": 1, "offset": 2}).json()["hits"]
    assert last == first[2]


@pytest.mark.parametrize(
    "question",
    [
        "monkeys and weasels",
        "花",
        "地震",
        "지진",
        "فيضانات",
        "звонок",
        "चुनाव",
        "น้ำท่วม",
        "Wanderung im Wald",
    ],
)
def test_search_gives_what_the_index_gives(
    api: httpx.Client, served_index: q2e.Index, question: str
) -> None:
    got = api.get("/search", params={"q": question, "top": 3})
    assert got.status_code == 200
    wanted = shape.results(served_index.search(question, top=3))
    assert got.json()["hits"] == json.loads(json.dumps(wanted["hits"]))
    assert got.json()["query"]["text"] == question


def test_post_is_the_same_search(api: httpx.Client) -> None:
    got = api.get("/search", params={"q": "a phone call", "top": 4, "channels": ["speech"]}).json()
    posted = api.post("/search", json={"q": "a phone call", "top": 4, "channels": ["speech"]})
    assert posted.json()["hits"] == got["hits"]
    # The say of similar videos is a reason too, by no channel.
    channels = {reason["channel"] for hit in got["hits"] for reason in hit["why"]}
    assert channels <= {"speech", "collection"}


def test_settings_of_one_request_change_it_alone(api: httpx.Client) -> None:
    plain = api.get("/search", params={"q": "earthquake rescue"}).json()
    bare = api.get("/search", params={"q": "earthquake rescue", "decompose": "none"}).json()
    assert plain["query"]["decomposition"]["events"]
    assert not bare["query"]["decomposition"]["events"]
    assert api.get("/search", params={"q": "earthquake rescue"}).json()["hits"] == plain["hits"]


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({}, 422, "invalid_request"),
        ({"q": ""}, 422, "invalid_request"),
        ({"q": "?!"}, 400, "bad_question"),
        ({"q": "dog", "top": 0}, 422, "invalid_request"),
        ({"q": "dog", "channels": "smell"}, 400, "bad_question"),
        ({"q": "dog", "channels": "Two words"}, 422, "invalid_request"),
        ({"q": "dog", "since": "yesterday"}, 422, "invalid_request"),
        ({"q": "dog", "fuse": "magic"}, 422, "invalid_request"),
        ({"q": "dog", "videos": "nonesuch"}, 400, "bad_setting"),
        ({"q": "dog", "nonsense": "1"}, 422, "invalid_request"),
    ],
)
def test_refusals_say_what_to_do(
    api: httpx.Client, params: dict[str, Any], status: int, code: str
) -> None:
    got = api.get("/search", params=params)
    assert got.status_code == status
    error = got.json()["error"]
    assert error["code"] == code
    assert error["message"] and error["next"]


def test_unknown_addresses_and_methods_are_told_in_our_shape(api: httpx.Client) -> None:
    missing = api.get("/nonesuch")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")
    wrong = api.put("/search")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, "wrong_method")
    assert wrong.headers["allow"] == "GET, POST"


def test_the_longest_lists_fit_in_an_address(api: httpx.Client) -> None:
    asked = "q=dog" + f"&videos={'0' * 200}" * 1000
    head = f"GET /v1/search?{asked} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    with socket.create_connection((api.base_url.host, api.base_url.port or 80), 60) as sent:
        # In pieces, as over a network: what is not yet whole is what the server bounds.
        for first in range(0, len(head), 50_000):
            sent.sendall(head[first : first + 50_000].encode())
            time.sleep(0.1)
        answer = b"".join(iter(lambda: sent.recv(65_536), b""))
    # The server itself answers, in JSON: there is no such video.
    assert b"application/json" in answer and b"is not in the index" in answer


def test_facets_count_what_filters_leave(api: httpx.Client, served_index: q2e.Index) -> None:
    everything = api.get("/facets").json()
    assert everything == served_index.facets()
    assert set(everything) == {"language", "year", "tag", "channel", "duration"}
    spoken = api.get("/facets", params={"languages": "de"}).json()
    assert sum(spoken["duration"].values()) < sum(everything["duration"].values())
    assert sum(api.get("/facets", params={"q": "monkeys"}).json()["duration"].values()) > 0


@pytest.mark.parametrize(
    ("question", "position"), [('"a dog" then "a cat"', None), ("speech:(open", 7), ("THEN b", 0)]
)
def test_hints_as_one_types(api: httpx.Client, question: str, position: int | None) -> None:
    got = api.get("/parse", params={"q": question}).json()
    assert got["text"] == question
    if position is None:
        assert [one["text"] for one in got["clauses"]] == ["a dog", "then", "a cat"]
        assert got["clause"]["kind"] == "then" and got["error"] is None
        assert got["hint"] == ""
        assert "did you mean speech:" in api.get("/parse", params={"q": "speach:x"}).json()["hint"]
    else:
        assert got["error"]["position"] == position
        refused = api.get("/search", params={"q": question})
        assert (refused.status_code, refused.json()["error"]["position"]) == (400, position)


def test_answers_cite_at_once_and_step_by_step(api: httpx.Client) -> None:
    asked = {"q": "What have weasels eaten?"}
    got = api.post("/answer", json=asked).json()
    assert got["found"] and got["sentences"][0]["citations"][0]["path"].endswith("call-06.mp4")
    told = api.post("/answer/events", json=asked).text
    events = [part.splitlines() for part in told.strip().split("\n\n")]
    steps = [json.loads(data[6:])["step"] for name, data in events[:-1] if name == "event: step"]
    assert steps == ["plan", "collect", "filter", "write"]
    last, data = events[-1]
    final = json.loads(data.removeprefix("data: "))
    assert (last, final["sentences"]) == ("event: answer", got["sentences"])
    nothing = api.post("/answer", json={"q": "Who won the world cup?"}).json()
    assert not nothing["found"] and "nothing here answers" in nothing["notes"][0]
    refused = api.post("/answer/events", json=asked | {"how": "planned"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "bad_setting")
    assert "language model" in refused.text
    assert api.post("/answer", json=asked | {"how": "guess"}).status_code == 422


def test_questions_back(api: httpx.Client) -> None:
    got = api.get("/clarify", params={"q": "news"}).json()
    assert set(got) == {"question", "options", "bits"}
    assert (got["question"] is None) == (got["options"] == [])
    for option in got["options"]:
        assert api.get("/search", params={"q": option["text"]}).status_code == 200


def test_the_end_of_a_question_is_suggested(api: httpx.Client) -> None:
    got = api.get("/suggest", params={"q": "a gian", "limit": 3}).json()["suggestions"]
    assert {"text": "a giant panda", "phrase": "giant panda", "kind": "word"} in got
    assert len(got) <= 3
    assert api.get("/suggest").json() == {"suggestions": []}


def test_one_request_brings_all_a_page_shows(api: httpx.Client) -> None:
    asked = {"q": "an animal", "top": 20}
    got = api.post("/search", json=asked | {"facets": True, "clarify": True}).json()
    alone = api.post("/search", json=asked).json()
    assert [hit["video"] for hit in got["hits"]] == [hit["video"] for hit in alone["hits"]]
    assert got["facets"] == api.get("/facets", params={"q": "an animal"}).json()
    assert got["clarify"] == api.get("/clarify", params={"q": "an animal"}).json()
    assert "facets" not in alone and "clarify" not in alone


@pytest.mark.parametrize("form", ["csv", "json", "srt", "vtt", "m3u8", "edl", "otio"])
def test_export(api: httpx.Client, form: str) -> None:
    if form in ("edl", "otio"):
        pytest.importorskip("opentimelineio")
    got = api.get("/export", params={"q": "monkeys", "format": form, "confidence": 0})
    assert got.status_code == 200
    assert f'filename="q2e.{form}"' in got.headers["content-disposition"]
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(got.text)))
        assert rows and rows[0]["rank"] == "1"


# -- videos and media -----------------------------------------------------------------------------
def test_an_export_holds_what_the_same_search_finds(api: httpx.Client, samples: Path) -> None:
    found = api.post("/search", json={"q": "an animal", "top": 5}).json()["hits"]
    liked = f"{found[-1]['video']}@{found[-1]['moments'][0]['frame']}"
    with (samples / "clips" / "reel-01.mp4").open("rb") as file:
        example = api.post("/examples", files={"file": file}).json()["id"]
    struck = {"events": [{"kind": "prequel", "text": "a keeper opens the gate"}]}
    for given in (
        {"q": "an animal", "decomposition": struck},
        {"q": "an animal", "like": [liked], "dislike": [f"{found[0]['video']}@1"]},
        {"q": "", "examples": [example]},
    ):
        body = given | {"top": 5, "confidence": 0}
        hits = api.post("/search", json=body).json()["hits"]
        assert hits
        got = api.post("/export", json=body | {"format": "csv"})
        assert got.headers["content-disposition"] == 'attachment; filename="q2e.csv"'
        rows = csv.DictReader(io.StringIO(got.text))
        assert list(dict.fromkeys(row["video"] for row in rows)) == [hit["video"] for hit in hits]


def test_the_page_is_kept_and_asked_about_again(server: str) -> None:
    for path in ("/", "/static/js/app.js", "/static/css/base.css"):
        first = httpx.get(server + path)
        assert (first.status_code, first.headers["cache-control"]) == (200, "no-cache")
        again = httpx.get(server + path, headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        other = httpx.get(server + path, headers={"if-none-match": '"older"'})
        assert other.content == first.content
    assert httpx.get(f"{server}/v1/status").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/static/js/app.js", "/static/css/base.css"])
def test_the_page_is_sent_packed_to_who_takes_it_so(server: str, path: str) -> None:
    found = {}
    for accepted in ("gzip", "br, *;q=0.5", "identity", "gzip;q=0", "deflate"):
        asked = {"accept-encoding": accepted}
        got = found[accepted] = httpx.get(server + path, headers=asked)
        packed = accepted in ("gzip", "br, *;q=0.5")
        assert (got.headers.get("content-encoding") == "gzip") is packed
        assert got.headers["vary"] == "accept-encoding"
        assert got.content == found["gzip"].content
        again = asked | {"if-none-match": got.headers["etag"]}
        assert httpx.get(server + path, headers=again).status_code == 304
    plain, packed_tag = found["identity"].headers["etag"], found["gzip"].headers["etag"]
    assert plain != packed_tag and plain == found["deflate"].headers["etag"]
    # A tag of the one form says nothing of the other.
    other = {"accept-encoding": "gzip", "if-none-match": plain}
    assert httpx.get(server + path, headers=other).status_code == 200
    sizes = [int(found[one].headers["content-length"]) for one in ("gzip", "identity")]
    assert sizes[0] < 0.6 * sizes[1]
    some = httpx.get(server + path, headers={"accept-encoding": "gzip", "range": "bytes=0-9"})
    assert (some.status_code, some.content) == (206, found["identity"].content[:10])
    head = httpx.head(server + path, headers={"accept-encoding": "gzip"})
    assert head.content == b"" and head.headers["etag"] == packed_tag


def test_videos_are_listed_in_pages(api: httpx.Client, served_index: q2e.Index) -> None:
    first = api.get("/videos", params={"limit": 5}).json()
    second = api.get("/videos", params={"offset": 5, "limit": 5}).json()
    ids = [one["id"] for one in first["videos"] + second["videos"]]
    assert ids == [one.id for one in served_index.videos()[:10]]
    assert first["total"] == len(served_index)


def test_one_video(api: httpx.Client, video: dict[str, Any]) -> None:
    got = api.get(f"/videos/{video['id']}").json()
    assert got["video"] == video
    assert got["segments"][0]["start"] == 0
    timeline = api.get(f"/videos/{video['id']}/timeline").json()
    counts = {name: len(items) for name, items in timeline["evidence"].items()}
    assert counts == got["evidence"]
    assert timeline["duration"] == pytest.approx(video["duration"], abs=1e-3)
    cut = api.get(f"/videos/{video['id']}/chapters", params={"how": "texttiling(above=1)"}).json()
    assert (cut["how"], cut["chapters"][0]["start"]) == ("texttiling(above=1.0)", 0.0)
    refused = api.get(f"/videos/{video['id']}/chapters", params={"how": "no"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "invalid_request")


def test_transcript_in_three_forms(api: httpx.Client, video: dict[str, Any]) -> None:
    address = f"/videos/{video['id']}/transcript"
    lines = api.get(address).json()
    assert "monkeys" in " ".join(line["text"] for line in lines)
    assert api.get(address, params={"format": "vtt"}).text.startswith("WEBVTT")
    assert " --> " in api.get(address, params={"format": "srt"}).text


def test_the_whole_file_and_any_range_of_it(api: httpx.Client, video: dict[str, Any]) -> None:
    raw = Path(video["path"]).read_bytes()
    address = f"/videos/{video['id']}/media"
    whole = api.get(address)
    assert (whole.status_code, whole.content) == (200, raw)
    assert whole.headers["content-type"] == "video/mp4"
    for asked, begin, end in (
        ("bytes=0-0", 0, 0),
        ("bytes=100-299", 100, 299),
        (f"bytes={len(raw) - 7}-", len(raw) - 7, len(raw) - 1),
        ("bytes=-9", len(raw) - 9, len(raw) - 1),
        ("bytes=10-999999999999", 10, len(raw) - 1),
        (f"bytes=-{len(raw) * 9}", 0, len(raw) - 1),
    ):
        part = api.get(address, headers={"range": asked})
        assert part.status_code == 206, asked
        assert part.headers["content-range"] == f"bytes {begin}-{end}/{len(raw)}"
        assert part.content == raw[begin : end + 1]
    other = api.get(address, headers={"range": "bytes=0-9", "if-range": '"another"'})
    assert (other.status_code, len(other.content)) == (200, len(raw))


@pytest.mark.parametrize(
    "path",
    [
        "media",
        "frame?t=1",
        "filmstrip?n=3",
        "storyboard",
        "clip?start=0&end=1",
        "timeline",
        "chapters",
    ],
)
def test_head_is_answered_like_get_without_the_body(
    api: httpx.Client, video: dict[str, Any], path: str
) -> None:
    address = f"/videos/{video['id']}/{path}"
    whole, head = api.get(address), api.head(address)
    assert head.status_code == whole.status_code == 200
    assert head.content == b""
    kept = {"content-type", "etag", "accept-ranges", "cache-control", "content-security-policy"}
    kept |= set() if path.startswith("clip") else {"content-length"}
    assert {k: v for k, v in head.headers.items() if k in kept} == {
        k: v for k, v in whole.headers.items() if k in kept
    }


@pytest.mark.parametrize("path", ["media", "frame?t=1", "filmstrip?n=3", "storyboard"])
def test_what_one_has_is_not_sent_again(
    api: httpx.Client, video: dict[str, Any], path: str
) -> None:
    address = f"/videos/{video['id']}/{path}"
    tag = api.get(address).headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        got = api.get(address, headers={"if-none-match": known})
        assert (got.status_code, got.content, got.headers["etag"]) == (304, b"", tag)
    assert api.get(address, headers={"if-none-match": '"other"'}).status_code == 200
    assert api.head(address, headers={"if-none-match": tag}).status_code == 304


def test_a_name_with_a_slash_is_a_name(api: httpx.Client, served_index: q2e.Index) -> None:
    with SqliteStore(served_index.directory / STORE_NAME) as store:
        known = served_index.videos()[0]
        store.put_video(replace(known, id="a/b c/ü%2F?#"))
    name = quote("a/b c/ü%2F?#", safe="")
    try:
        assert api.get(f"/videos/{name}").json()["video"]["id"] == "a/b c/ü%2F?#"
        assert api.get(f"/videos/{name}/timeline").json()["video"] == "a/b c/ü%2F?#"
        assert api.get(f"/videos/{name}/frame?t=0").status_code == 200
        assert api.get(f"/videos/{name}/media").status_code == 200
    finally:
        served_index.remove("a/b c/ü%2F?#")


def test_pictures_are_made_once(api: httpx.Client, video: dict[str, Any]) -> None:
    for what, params in (
        ("frame", {"t": 1.5, "w": 200}),
        ("filmstrip", {"n": 5, "w": 96}),
        ("storyboard", {"start": 0, "end": 6}),
    ):
        address = f"/videos/{video['id']}/{what}"
        first, again = api.get(address, params=params), api.get(address, params=params)
        assert first.headers["content-type"] == "image/jpeg"
        assert first.content[:2] == b"\xff\xd8"
        assert first.content == again.content
        assert "immutable" in first.headers["cache-control"]


def test_a_time_behind_the_end_shows_the_last_picture(
    api: httpx.Client, video: dict[str, Any]
) -> None:
    assert api.get(f"/videos/{video['id']}/frame", params={"t": 1e5}).status_code == 200


@pytest.mark.parametrize("exact", [False, True])
def test_clips(api: httpx.Client, video: dict[str, Any], tmp_path: Path, exact: bool) -> None:
    from q2e.media.probe import probe

    asked = {"start": 1, "end": 3, "exact": exact}
    got = api.get(f"/videos/{video['id']}/clip", params=asked)
    assert got.status_code == 200
    assert "attachment" in got.headers["content-disposition"]
    file = tmp_path / "clip.mp4"
    file.write_bytes(got.content)
    # A clip that is copied begins at the key frame before.
    assert probe(file).duration_s == pytest.approx(2.0, abs=0.2 if exact else 2.0)
    backwards = api.get(f"/videos/{video['id']}/clip", params={"start": 3, "end": 1})
    assert (backwards.status_code, backwards.json()["error"]["code"]) == (400, "bad_setting")


def test_a_clip_of_a_gif_is_a_film(
    api: httpx.Client, served_index: q2e.Index, tmp_path: Path
) -> None:
    from q2e.media.probe import probe

    gif = next(one for one in served_index.videos() if one.path.endswith(".gif"))
    got = api.get(f"/videos/{gif.id}/clip", params={"start": 0.5, "end": 1.5})
    assert (got.status_code, got.headers["content-type"]) == (200, "video/mp4"), got.text[:200]
    (tmp_path / "clip.mp4").write_bytes(got.content)
    assert probe(tmp_path / "clip.mp4").duration_s == pytest.approx(1.0, abs=0.1)


def test_sound_alone_has_no_frame(api: httpx.Client) -> None:
    found = api.get("/videos").json()["videos"]
    sound = next(one for one in found if not one["has_video"])
    got = api.get(f"/videos/{sound['id']}/frame")
    assert (got.status_code, got.json()["error"]["code"]) == (404, "not_found")


# -- jobs -----------------------------------------------------------------------------------------
def test_a_job_from_submission_to_search(
    api: httpx.Client, samples: Path, tmp_path: Path, served_index: q2e.Index
) -> None:
    from media_files import write_video

    folder = tmp_path / "new"
    folder.mkdir()
    write_video(folder / "tartan.mp4", (1.0, 1.0), metadata={"title": "Zebrafinken am See"})
    (folder / "broken.mp4").write_bytes(b"not a video at all")
    job = api.post("/jobs", json={"paths": [str(folder)]})
    assert job.status_code == 202
    events = []
    with api.stream("GET", f"/jobs/{job.json()['id']}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            if line.startswith("data: "):
                events.append(json.loads(line.removeprefix("data: ")))
    assert events[-1]["state"] == "done"
    assert events[-1]["files"] == {"total": 2, "done": 2}
    assert [Path(path).name for path in events[-1]["report"]["indexed"]] == ["tartan.mp4"]
    failures = api.get("/status").json()["failures"]
    assert "not a video" in next(f["reason"] for f in failures if "broken" in f["path"])
    hits = api.get("/search", params={"q": "Zebrafinken"}).json()["hits"]
    assert hits[0]["path"].endswith("tartan.mp4")

    shutil.copy(samples / "clips" / "reel-01.mp4", folder / "broken.mp4")
    again = api.post("/retry").json()
    assert _ended(api, again["id"])["state"] == "done"
    assert not any("broken" in f["path"] for f in api.get("/status").json()["failures"])


def test_a_job_is_cancelled(api: httpx.Client, samples: Path, tmp_path: Path) -> None:
    from media_files import write_video

    for number in range(6):
        write_video(tmp_path / f"{number}.mp4", (1.0 + number / 10,))
    first = api.post("/jobs", json={"paths": [str(tmp_path)]}).json()
    second = api.post("/jobs", json={"paths": [str(tmp_path)]}).json()
    assert api.delete(f"/jobs/{second['id']}").json()["state"] == "cancelled"
    assert api.delete(f"/jobs/{first['id']}").status_code == 200
    assert _ended(api, first["id"])["state"] == "cancelled"
    # Cancelled once more, nothing happens.
    assert api.delete(f"/jobs/{first['id']}").json()["state"] == "cancelled"
    listed = [job["id"] for job in api.get("/jobs").json()["jobs"]]
    assert listed[:2] == [second["id"], first["id"]]


def test_a_job_for_nothing_fails_with_the_reason(api: httpx.Client, tmp_path: Path) -> None:
    job = api.post("/jobs", json={"paths": [str(tmp_path / "nonesuch")]}).json()
    ended = _ended(api, job["id"])
    assert ended["state"] == "failed"
    assert "does not exist" in ended["error"]
    assert api.get("/jobs/nonesuch").status_code == 404


def _ended(api: httpx.Client, job_id: str) -> dict[str, Any]:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        job: dict[str, Any] = api.get(f"/jobs/{job_id}").json()
        if job["state"] in ("done", "failed", "cancelled"):
            return job
        time.sleep(0.1)
    raise AssertionError(f"job {job_id} does not end")


# -- labels ---------------------------------------------------------------------------------------
def test_labels_and_their_measures(
    api: httpx.Client, video: dict[str, Any], served_index: q2e.Index
) -> None:
    question = "monkeys have eaten the phone system"
    # The first sentence; more is said after it.
    said = {"query": question, "video": video["id"], "start": 0.5, "end": 3.5}
    made = api.post("/labels", json=said)
    assert made.status_code == 201
    again = api.post("/labels", json=said | {"relevance": 3})
    assert again.json()["id"] == made.json()["id"]
    assert [label["relevance"] for label in api.get("/labels").json()["labels"]] == [3]
    # They outlive the server.
    from q2e.evaluate.labels import Labels

    assert Labels(served_index.directory).all()[0].query == question
    measured = api.get("/labels/measures").json()
    assert measured["measures"]["nDCG@10"] == 1.0
    assert measured["measures"]["moment R@1 IoU 0.5"] == 1.0
    assert measured["by_query"][0]["query"] == question
    assert api.get("/labels/measures", params={"fuse": "nonesuch"}).status_code == 422
    left = api.delete("/labels", params={"id": made.json()["id"]})
    assert left.json()["labels"] == []
    assert api.delete("/labels", params={"id": made.json()["id"]}).status_code == 404
    assert api.get("/labels/measures").json()["queries"] == 0


def test_a_label_needs_a_known_video(api: httpx.Client) -> None:
    got = api.post("/labels", json={"query": "x", "video": "nonesuch"})
    assert (got.status_code, got.json()["error"]["code"]) == (404, "not_found")


# -- the server about itself ----------------------------------------------------------------------
def test_status_models_and_health(api: httpx.Client, served_index: q2e.Index) -> None:
    status = api.get("/status").json()
    assert status["videos"] == len(served_index)
    assert api.get("/status?files=false").json() == status | {"missing": []}
    assert api.get("/health").json() == {"status": "ok", "version": q2e.__version__}
    tasks = {row["task"] for row in api.get("/models").json()["models"]}
    assert {"text", "image", "speech", "reader"} <= tasks


def test_numbers_for_prometheus(api: httpx.Client, server: str) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    api.get("/search", params={"q": "dog"})
    api.get("/videos/nonesuch")
    got = httpx.get(f"{server}/metrics")
    samples = [
        sample for family in text_string_to_metric_families(got.text) for sample in family.samples
    ]
    counted = {
        (sample.labels["route"], sample.labels["status"]): sample.value
        for sample in samples
        if sample.name == "q2e_requests_total"
    }
    assert counted["/v1/search", "200"] >= 1
    assert counted["/v1/videos/{video}", "404"] >= 1
    evidence = next(sample.value for sample in samples if sample.name == "q2e_evidence")
    assert evidence > 100
