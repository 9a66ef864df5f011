"""An index in PostgreSQL behind the server and assistants' tools, and under another profile."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

import q2e
from postgres_server import PASSWORD, Server
from q2e.cli import app
from q2e.ingest.switch import current
from serving import serving
from test_engine_postgres import copy
from test_generations import profile, videos  # noqa: F401 - fixtures

pytestmark = pytest.mark.scale
mcp = pytest.importorskip("mcp", reason="needs the extra `mcp`")
QUESTION = "weasels have eaten the phone system"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = Server()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGPASSWORD", PASSWORD)
        try:
            server.start()
            yield server.database("served")
        finally:
            server.remove()


def test_a_server_goes_on_by_the_engine_that_was_built_meanwhile(
    address: str, sample_index: q2e.Index, tmp_path: Path
) -> None:
    where = tmp_path / "far.q2e"
    with q2e.open(where, store=address) as made, made._writing(0.0) as store:
        copy(sample_index.store, store)
    (where / "q2e.toml").write_text(f'store = "{address}"\n', "utf-8")
    wanted = [hit.video.id for hit in sample_index.search(QUESTION)]
    assert wanted
    with q2e.open(where) as index, serving(index) as url:

        def asked() -> dict[str, object]:
            answer = httpx.post(f"{url}/v1/search", json={"q": QUESTION}, timeout=600)
            assert answer.status_code == 200, answer.text
            assert [hit["video"] for hit in answer.json()["hits"]] == wanted
            return answer.json()

        def counted() -> dict[str, object]:
            answer = httpx.get(f"{url}/v1/facets", timeout=600)
            assert answer.status_code == 200, answer.text
            return answer.json()

        assert not asked()["index"]["candidates"]
        before, status = counted(), httpx.get(f"{url}/v1/status", timeout=600).json()
        done = CliRunner().invoke(app, ["engine", "rebuild", "--index", str(where)])
        assert done.exit_code == 0, done.output
        assert asked()["index"]["candidates"]["videos"] >= len(wanted)
        assert counted() == before
        after = httpx.get(f"{url}/v1/status", timeout=600).json()
        assert after["evidence"] == status["evidence"] and after["spaces"] == status["spaces"]
        total = httpx.get(f"{url}/v1/videos", timeout=600).json()["total"]
        assert total == status["videos"] == len(sample_index)
    assert _through_tools(where) == wanted


def _through_tools(where: Path) -> list[str]:
    command = mcp.StdioServerParameters(
        command=sys.executable,
        args=["-m", "q2e", "mcp", "--index", str(where)],
        env={"PGPASSWORD": PASSWORD},
    )

    async def main() -> list[str]:
        async with mcp.Client(command, read_timeout_seconds=300) as client:
            answer = await client.call_tool("search", {"question": QUESTION})
            assert not answer.is_error, answer.content
            return [hit["video"] for hit in json.loads(answer.content[0].text)["hits"]]

    return asyncio.run(main())


def test_the_old_generation_answers_until_the_new_one_is_whole(
    address: str,
    videos: Path,  # noqa: F811
    profile: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    where = tmp_path / "switched.q2e"
    with q2e.open(where, channels=("metadata",), store=address) as made:
        assert len(made.add(videos).indexed) == 2
    first, _ = sorted(videos.iterdir())
    with q2e.open(where) as index:
        expected = [(hit.video.id, hit.score) for hit in index.search("water", confidence=0)]
        with q2e.open(where, profile=str(profile)) as other:
            other.add(first)
            assert [one.waiting for one in other.status().generations if not one.current] == [1]
        assert current(where) == "local"
        during = [(hit.video.id, hit.score) for hit in index.search("water", confidence=0)]
        assert during == expected and index.status().videos == 2
    done = CliRunner().invoke(
        app, ["index", "--profile", str(profile), "-q", "--index", str(where)]
    )
    assert done.exit_code == 0, done.output
    assert current(where) == "other"
    with q2e.open(where) as after:
        assert len(after) == 2 and after.models.text.info.dimension == 16
        assert len(after.search("water", confidence=0, duplicates="keep")) == 2
        assert {one.name for one in where.glob("*.postgresql")} == {
            "index.postgresql",
            "index.other.postgresql",
        }
    done = CliRunner().invoke(app, ["remove", "--generation", "local", "--index", str(where)])
    assert done.exit_code == 0, done.output
    assert {one.name for one in where.glob("*.postgresql")} == {"index.other.postgresql"}
