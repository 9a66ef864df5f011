"""What lasts beyond a server, and what it notices: jobs, and an index folder that is replaced."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

import q2e
from media_files import write_video
from q2e.backup import restore
from q2e.server.jobs import Jobs
from q2e.server.keptjobs import KeptJobs
from serving import serving
from test_server_command import started


def _wait(what: Any, told: str) -> None:
    until = time.monotonic() + 120
    while not what():
        assert time.monotonic() < until, told
        time.sleep(0.1)


@pytest.mark.slow
def test_a_job_goes_on_after_the_server_was_killed(tmp_path: Path) -> None:
    media, index = tmp_path / "media", tmp_path / "index"
    media.mkdir()
    for number in range(3):
        write_video(media / f"{number}.mp4", (1.0 + number / 10,))
    options = ("--index", str(index), "--no-token", "--port", "0")
    with started(*options) as (process, said):
        address = f"http://localhost:{said.split('localhost:')[1].split('/')[0]}/v1"
        job = httpx.post(f"{address}/jobs", json={"paths": [str(media)]}).json()
        later = httpx.post(f"{address}/jobs", json={"paths": [str(media / "0.mp4")]}).json()
        _wait(
            lambda: httpx.get(f"{address}/jobs/{job['id']}").json()["state"] == "running",
            "the job does not begin",
        )
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
    kept = {one["id"]: one["state"] for one in json.loads((index / "jobs.json").read_text())}
    assert kept == {job["id"]: "running", later["id"]: "queued"}
    with started(*options) as (_, said):
        address = f"http://localhost:{said.split('localhost:')[1].split('/')[0]}/v1"
        for one in (job, later):
            _wait(
                lambda one=one: httpx.get(f"{address}/jobs/{one['id']}").json()["state"] == "done",
                "the job is not done",
            )
        assert len(httpx.get(f"{address}/jobs").json()["jobs"]) == 2
        assert httpx.get(f"{address}/videos").json()["total"] == 3


def test_jobs_that_bring_the_server_down_are_given_up(tmp_path: Path) -> None:
    row = {"id": "a", "kind": "index", "paths": [str(tmp_path)], "made": "", "state": "running"}
    (tmp_path / "jobs.json").write_text(json.dumps([row | {"begun": 3}]))
    jobs = Jobs(q2e.open(tmp_path), None)
    jobs.start()
    _wait(lambda: jobs.job("a").over, "the job is not given up")
    assert jobs.job("a").state == "failed"
    assert "ended in the midst of it 3 times" in str(jobs.job("a").error)
    jobs.close()


def test_a_server_that_stops_in_order_leaves_its_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = q2e.open(tmp_path)

    def endless(*paths: str, watch: Any, **options: Any) -> None:
        from q2e.ingest.messages import Progress

        while True:
            watch(Path("a.mp4"), 0, 1, Progress("shots", 0.0, 1.0))
            time.sleep(0.01)

    monkeypatch.setattr(index, "add", endless)
    jobs = Jobs(index, None)
    one = jobs.submit(["a.mp4"])
    _wait(lambda: jobs.job(one.id).state == "running", "the job does not begin")
    other = Jobs(index, None)
    other.start()
    assert other.all() == [], "a second server leaves the jobs of the first alone"
    jobs.close()
    (row,) = json.loads((tmp_path / "jobs.json").read_text())
    assert (row["state"], row["begun"]) == ("queued", 0)


@pytest.mark.parametrize("text", ["{", "[1]", '[{"id": 1}]', "null", '[{"paths": "/etc"}]'])
def test_a_damaged_file_of_jobs_is_told_and_forgotten(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "jobs.json").write_text(text)
    kept = KeptJobs(tmp_path)
    assert kept.load() == []
    assert "its jobs are forgotten" in caplog.text
    kept.close()


@pytest.mark.slow
def test_a_replaced_folder_is_noticed(sample_index: q2e.Index, tmp_path: Path) -> None:
    folder, other = tmp_path / "index", tmp_path / "other"
    shutil.copytree(sample_index.directory, folder)
    write_video(tmp_path / "new.mp4", (1.0,), metadata={"title": "Uhrmacherei im Schwarzwald"})
    q2e.open(other).add(tmp_path / "new.mp4")
    sample_index.back_up(tmp_path / "copy")
    with q2e.open(folder) as index, serving(index) as address:
        before = httpx.get(f"{address}/v1/videos").json()["total"]
        assert before >= 20
        folder.rename(tmp_path / "old")
        assert httpx.get(f"{address}/v1/videos").json()["error"]["code"] == "no_index"
        other.rename(folder)
        assert httpx.get(f"{address}/v1/videos").json()["total"] == 1
        got = httpx.get(f"{address}/v1/search", params={"q": "Uhr", "confidence": 0}, timeout=60)
        assert [hit["path"].rpartition("/")[2] for hit in got.json()["hits"]] == ["new.mp4"]
        job = httpx.post(f"{address}/v1/jobs", json={"paths": [str(tmp_path / "new.mp4")]}).json()
        _wait(
            lambda: httpx.get(f"{address}/v1/jobs/{job['id']}").json()["state"] == "done",
            "the job is not done",
        )
        job = httpx.get(f"{address}/v1/jobs/{job['id']}").json()
        assert job["report"]["unchanged"] == 1, "what is written lies beside what is read"
        restore(tmp_path / "copy", folder, replace=True)
        assert httpx.get(f"{address}/v1/videos").json()["total"] == before
        got = httpx.get(f"{address}/v1/search", params={"q": "phone call"}, timeout=60)
        first = [Path(hit["path"]).name for hit in got.json()["hits"][:2]]
        assert "call-06.mp4" in first, "the restored one answers"
