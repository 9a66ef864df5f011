"""The OpenAPI document holds what it promises: schemathesis tries all of it on the real server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

import q2e
from serving import serving

CONFIG = Path(__file__).parent / "data" / "schemathesis.toml"


@pytest.mark.slow
def test_schemathesis_finds_nothing(served_index: q2e.Index, tmp_path: Path) -> None:
    pytest.importorskip("schemathesis")
    with serving(served_index, roots=[tmp_path]) as address:
        command = [sys.executable, "-m", "schemathesis.cli", f"--config-file={CONFIG}", "run"]
        options = [f"{address}/v1/openapi.json", "--max-examples=3", "--no-color", "--seed=1"]
        options += ["--request-timeout=60"]
        done = subprocess.run(
            [*command, *options], capture_output=True, text=True, cwd=tmp_path, timeout=500
        )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]


def test_the_document_says_what_every_request_is_for(server: str) -> None:
    document = httpx.get(f"{server}/v1/openapi.json").json()
    names = []
    for path, methods in document["paths"].items():
        assert path.startswith("/v1/") or path == "/metrics"
        for operation in methods.values():
            names.append(operation["operationId"])
            assert operation["description"].strip()
            assert {"4XX", "5XX"} <= set(operation["responses"])
    assert len(names) == len(set(names)) >= 28
    codes = document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]
    assert {"busy", "cross_site", "no_token", "unsafe_path"} <= set(codes)
