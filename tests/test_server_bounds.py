"""What one request may ask for at most: what is more is refused, not tried."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

_PARTS = " OR ".join(f"word{number}" for number in range(33))
_EVENT = {"kind": "current", "text": "dog"}


@pytest.fixture(scope="module")
def api(server: str) -> Any:
    with httpx.Client(base_url=f"{server}/v1", timeout=60) as client:
        yield client


@pytest.mark.parametrize(
    "given",
    [
        {"q": "x" * 4001},
        {"q": _PARTS},
        {"q": "dog", "top": 1001},
        {"q": "dog", "offset": 10_001},
        {"q": "dog", "top": True},
        {"q": "dog", "longest_s": False},
        {"q": "dog", "confidence": True},
        {"q": "dog", "rerank_depth": True},
        {"q": "dog", "moments_per_video": True},
        {"q": "dog", "moments_per_video": 101},
        {"q": "dog", "rerank_depth": 10**9},
        {"q": "dog", "channels": ["speech"] * 51},
        {"q": "dog", "languages": ["en"] * 51},
        {"q": "dog", "tags": ["news"] * 51},
        {"q": "dog", "tags": ["x" * 201]},
        {"q": "dog", "videos": ["x"] * 1001},
        {"q": "dog", "examples": ["x@1"] * 9},
        {"q": "dog", "like": ["x@1"] * 51},
        {"q": "dog", "dislike": ["x" * 301]},
        {"q": "dog", "decomposition": {"events": [_EVENT] * 61}},
        {"q": "dog", "decomposition": {"events": [_EVENT | {"text": "x" * 501}]}},
    ],
    ids=lambda given: "-".join(given),
)
def test_questions_are_bounded(api: httpx.Client, given: dict[str, Any]) -> None:
    for path in ("/search", "/export"):
        got = api.post(path, json=given)
        assert (got.status_code, got.json()["error"]["code"]) == (422, "invalid_request")
    assert len(got.text) < 1000, "the answer says the bound and does not repeat the question"


def test_a_stream_begins_only_where_the_question_can_be_asked(api: httpx.Client) -> None:
    got = api.post("/answer/events", json={"q": "dog", "since": "2023-02-31"})
    assert (got.status_code, got.json()["error"]["code"]) == (400, "bad_question")


@pytest.mark.parametrize("path", ["/search", "/export", "/facets", "/clarify"])
def test_every_way_to_ask_counts_parts(api: httpx.Client, path: str) -> None:
    got = api.get(path, params={"q": _PARTS})
    assert got.status_code == 422
    assert "33 parts; at most 32" in got.json()["error"]["message"]
    fewer = _PARTS.rpartition(" OR ")[0]
    assert api.get("/parse", params={"q": fewer}).json()["error"] is None


def test_a_label_is_no_way_around(api: httpx.Client) -> None:
    video = api.get("/videos").json()["videos"][0]["id"]
    got = api.post("/labels", json={"query": _PARTS, "video": video})
    assert (got.status_code, got.json()["error"]["code"]) == (422, "invalid_request")


@pytest.mark.parametrize(
    "asked",
    [
        "frame?w=1921",
        "frame?w=15",
        "frame?t=1e9",
        "frame?t=nan",
        "filmstrip?n=33",
        "filmstrip?w=481",
        "storyboard?n=25",
        "storyboard?w=1921",
        "clip?start=0&end=1e7",
    ],
)
def test_pictures_and_clips_are_bounded(api: httpx.Client, asked: str) -> None:
    video = api.get("/videos").json()["videos"][0]["id"]
    assert api.get(f"/videos/{video}/{asked}").status_code == 422


def test_lists_are_bounded(api: httpx.Client) -> None:
    assert api.get("/videos", params={"limit": 1001}).status_code == 422
    assert api.post("/jobs", json={"paths": ["x"] * 1001}).status_code == 422
    assert api.post("/jobs", json={"paths": ["x" * 4097]}).status_code == 422
