"""The Python client is made of the server's document as it is, and works against the server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from q2e.client import Client
from q2e.errors import ServerError

ROOT = Path(__file__).resolve().parent.parent


def test_the_client_is_current() -> None:
    script = [sys.executable, str(ROOT / "scripts" / "genclient.py"), "--check"]
    done = subprocess.run(script, capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 0, done.stderr


def test_everything_a_program_does(server: str, samples: Path, tmp_path: Path) -> None:
    with Client(server) as client:
        assert client.health()["status"] == "ok"
        found = client.search("weasels and monkeys", top=3, channels=["speech"])
        best = found["hits"][0]["video"]
        events = [{"kind": "prequel", "text": "a telephone rings", "own": True}]
        own = client.ask(q="weasels", decomposition={"events": events}, top=2)
        assert own["query"]["decomposition"]["events"] == events
        assert client.parse(q='speech:"weasels"')["error"] is None
        assert client.export("weasels", format="csv").startswith("rank,")
        assert client.videos(limit=2)["total"] >= 20
        assert client.video(best)["video"]["id"] == best
        assert client.timeline(best)["evidence"]["speech"]
        assert client.transcript(best, format="vtt").startswith("WEBVTT")
        assert client.frame(best, t=1.0, w=160)[:2] == b"\xff\xd8"
        assert client.filmstrip(best, n=3)[:2] == b"\xff\xd8"
        assert client.storyboard(best, start=0, end=4)[:2] == b"\xff\xd8"
        assert len(client.clip(best, 0, 2)) > 1000
        assert client.media(best) == Path(client.video(best)["video"]["path"]).read_bytes()
        (tmp_path / "picture.jpg").write_bytes(client.frame(best, t=2.0, w=640))
        example = client.upload(tmp_path / "picture.jpg")
        assert example["kind"] == "image"
        alike = client.ask(q="phone", examples=[example["id"]], top=3, confidence=0)
        assert best in [hit["video"] for hit in alike["hits"]]
        label = client.put_label("weasels", best, end=8.0)
        assert label in client.labels(query="weasels")["labels"]
        assert client.measures(decompose="none")["queries"] >= 1
        assert label not in client.remove_label(label["id"])["labels"]
        assert client.status()["videos"] >= 20
        assert client.models()["profile"] == "local"
        assert "q2e_requests_total" in client.metrics()


def test_jobs_are_followed(server: str, tmp_path: Path) -> None:
    with Client(server) as client:
        job = client.submit([str(tmp_path / "nonesuch")])
        states = [event["state"] for event in client.job_events(job["id"])]
        assert states[-1] == "failed"
        assert client.job(job["id"])["error"]
        assert client.cancel(job["id"])["state"] == "failed"
        assert client.jobs()["jobs"][0]["id"] == job["id"]


def test_refusals_are_errors_with_code_and_next_step(server: str) -> None:
    with Client(server) as client:
        with pytest.raises(ServerError, match="no video") as missing:
            client.video("nonesuch")
        assert (missing.value.status, missing.value.code) == (404, "not_found")
        with pytest.raises(ServerError) as unknown:
            list(client.job_events("nonesuch"))
        assert unknown.value.code == "not_found"
    with Client("http://127.0.0.1:9", timeout_s=1) as nobody, pytest.raises(ServerError) as gone:
        nobody.health()
    assert gone.value.code == "unreachable"
