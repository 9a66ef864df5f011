"""The HTTP API as Python functions, written by scripts/genclient.py from the document."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypedDict, Unpack
from urllib.parse import quote

import httpx

from q2e.errors import ServerError

Json = dict[str, Any]


class Settings(TypedDict, total=False):
    """Settings of the collection, changed for one request."""

    recipe: Literal["default", "mmi", "q2e", "q2e-live"] | None
    decompose: str | None
    expand: list[str] | None
    pool: list[str] | None
    calibrate: str | None
    fuse: str | None
    feedback: str | None
    rerank: list[str] | None
    localise: str | None
    compose: str | None
    likes: str | None
    confidence: float | None
    confident: bool | None
    false_alarms: float | None
    must_not: float | None
    moments_per_video: int | None
    duplicates: Literal["merge", "keep"] | None
    temperature: float | None
    event_weight: float | None
    refine: Literal["fold", "llm"] | None
    expand_weight: float | None
    rerank_depth: float | None
    change_image: float | None
    change_text: float | None
    change_share: float | None
    like_weight: float | None
    dislike_weight: float | None
    drift: float | None
    normalise: str | None


class Search(Settings, total=False):
    """What narrows a search, and its settings."""

    channels: list[str] | None
    languages: list[str] | None
    since: str | None
    until: str | None
    tags: list[str] | None
    videos: list[str] | None
    shortest_s: float | None
    longest_s: float | None
    without_channels: list[str] | None
    without_languages: list[str] | None
    without_tags: list[str] | None


class Client:
    """Asks a server that `q2e serve` runs; raises ServerError where it refuses.

    `token` is the one the server printed or `q2e token add` did; by default that in the variable
    Q2E_TOKEN, if any. Arguments left as None are not sent.
    """

    def __init__(
        self,
        address: str = "http://localhost:8077",
        *,
        token: str | None = None,
        timeout_s: float = 120.0,
    ) -> None:
        token = token or os.environ.get("Q2E_TOKEN")
        headers = {} if token is None else {"authorization": f"Bearer {_sendable(token)}"}
        self._http = httpx.Client(base_url=address, headers=headers, timeout=timeout_s)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _send(self, method: str, path: str, query: Json, **content: Any) -> httpx.Response:
        given = {name: value for name, value in query.items() if value is not None}
        try:
            return _checked(self._http.request(method, path, params=given, **content))
        except httpx.TransportError as error:
            told = f"{self._http.base_url} does not answer ({error})"
            raise ServerError(0, "unreachable", told, "is  q2e serve  running there?") from None

    def _lines(self, path: str, method: str = "GET", **content: Any) -> Iterator[Json]:
        with self._http.stream(method, path, timeout=None, **content) as answer:
            if answer.is_error:
                answer.read()
            for line in _checked(answer).iter_lines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))

    def search(
        self,
        q: str,
        *,
        top: int | None = None,
        offset: int | None = None,
        moments: bool | None = None,
        **options: Unpack[Search],
    ) -> Json:
        """Find videos and the moments inside them."""
        answer: Json = self._send(
            "GET",
            "/v1/search",
            {"q": q, "top": top, "offset": offset, "moments": moments, **options},
        ).json()
        return answer

    def ask(
        self,
        *,
        q: str | None = None,
        top: int | None = None,
        offset: int | None = None,
        moments: bool | None = None,
        decomposition: Json | None = None,
        examples: list[str] | None = None,
        like: list[str] | None = None,
        dislike: list[str] | None = None,
        facets: bool | None = None,
        clarify: bool | None = None,
        curve: bool | None = None,
        **options: Unpack[Search],
    ) -> Json:
        """Find videos and moments with sub-events, examples, likes and dislikes of one's own.
        With `facets`, `clarify` and `curve` the answer holds these too, of the same one
        search.
        """
        answer: Json = self._send(
            "POST",
            "/v1/search",
            {},
            json=_given(
                {
                    "q": q,
                    "top": top,
                    "offset": offset,
                    "moments": moments,
                    "decomposition": decomposition,
                    "examples": examples,
                    "like": like,
                    "dislike": dislike,
                    "facets": facets,
                    "clarify": clarify,
                    "curve": curve,
                    **options,
                }
            ),
        ).json()
        return answer

    def moments(
        self,
        q: str,
        *,
        top: int | None = None,
        offset: int | None = None,
        **options: Unpack[Search],
    ) -> Json:
        """Find moments, best first, whatever video they lie in: hits that hold one moment
        each.
        """
        answer: Json = self._send(
            "GET", "/v1/moments", {"q": q, "top": top, "offset": offset, **options}
        ).json()
        return answer

    def upload(self, file: Path) -> Json:
        """Hand in a picture, clip or sound to search by; it is forgotten when the server
        stops.
        """
        answer: Json = self._send(
            "POST", "/v1/examples", {}, files={"file": file.read_bytes()}
        ).json()
        return answer

    def parse(self, *, q: str | None = None) -> Json:
        """Say how a question is understood, or where it is not; for hints as one types."""
        answer: Json = self._send("GET", "/v1/parse", {"q": q}).json()
        return answer

    def facets(
        self,
        *,
        channels: list[str] | None = None,
        languages: list[str] | None = None,
        since: str | None = None,
        until: str | None = None,
        tags: list[str] | None = None,
        videos: list[str] | None = None,
        shortest_s: float | None = None,
        longest_s: float | None = None,
        without_channels: list[str] | None = None,
        without_languages: list[str] | None = None,
        without_tags: list[str] | None = None,
        q: str | None = None,
    ) -> Json:
        """Count videos by language, year, tag, channel and length, for choosing filters."""
        answer: Json = self._send(
            "GET",
            "/v1/facets",
            {
                "channels": channels,
                "languages": languages,
                "since": since,
                "until": until,
                "tags": tags,
                "videos": videos,
                "shortest_s": shortest_s,
                "longest_s": longest_s,
                "without_channels": without_channels,
                "without_languages": without_languages,
                "without_tags": without_tags,
                "q": q,
            },
        ).json()
        return answer

    def clarify(
        self,
        q: str,
        *,
        top: int | None = None,
        offset: int | None = None,
        moments: bool | None = None,
        **options: Unpack[Search],
    ) -> Json:
        """Ask back what tells the best hits apart; `question` is null where nothing does."""
        answer: Json = self._send(
            "GET",
            "/v1/clarify",
            {"q": q, "top": top, "offset": offset, "moments": moments, **options},
        ).json()
        return answer

    def export(
        self,
        q: str,
        *,
        top: int | None = None,
        offset: int | None = None,
        moments: bool | None = None,
        format: Literal["csv", "json", "srt", "vtt", "m3u8", "edl", "otio"] | None = None,
        **options: Unpack[Search],
    ) -> str:
        """Return the moments found as a table, subtitles, a playlist or an edit list."""
        return self._send(
            "GET",
            "/v1/export",
            {"q": q, "top": top, "offset": offset, "moments": moments, "format": format, **options},
        ).text

    def export_asked(
        self,
        *,
        q: str | None = None,
        top: int | None = None,
        offset: int | None = None,
        moments: bool | None = None,
        decomposition: Json | None = None,
        examples: list[str] | None = None,
        like: list[str] | None = None,
        dislike: list[str] | None = None,
        facets: bool | None = None,
        clarify: bool | None = None,
        curve: bool | None = None,
        format: Literal["csv", "json", "srt", "vtt", "m3u8", "edl", "otio"] | None = None,
        **options: Unpack[Search],
    ) -> str:
        """Return as a file what `POST /v1/search` finds for the same body."""
        return self._send(
            "POST",
            "/v1/export",
            {},
            json=_given(
                {
                    "q": q,
                    "top": top,
                    "offset": offset,
                    "moments": moments,
                    "decomposition": decomposition,
                    "examples": examples,
                    "like": like,
                    "dislike": dislike,
                    "facets": facets,
                    "clarify": clarify,
                    "curve": curve,
                    "format": format,
                    **options,
                }
            ),
        ).text

    def suggest(self, *, q: str | None = None, limit: int | None = None) -> Json:
        """Write out the end of a question from titles, tags, places, events and frequent
        words.
        """
        answer: Json = self._send("GET", "/v1/suggest", {"q": q, "limit": limit}).json()
        return answer

    def overview(self) -> Json:
        """Return a map of the collection: groups of like moments with words; drawn once, then
        kept.
        """
        answer: Json = self._send("GET", "/v1/map", {}).json()
        return answer

    def places(self) -> Json:
        """Say where videos were recorded, and what places their names, titles and tags name."""
        answer: Json = self._send("GET", "/v1/places", {}).json()
        return answer

    def answer(self, q: str, *, how: str | None = None, **options: Unpack[Search]) -> Json:
        """Answer a question in sentences that cite what videos say; none where nothing
        answers.
        """
        answer: Json = self._send(
            "POST", "/v1/answer", {}, json=_given({"q": q, "how": how, **options})
        ).json()
        return answer

    def answer_ways(self) -> Json:
        """Name the strategies that can answer, and what each may spend; nothing is asked."""
        answer: Json = self._send("GET", "/v1/answer/ways", {}).json()
        return answer

    def answer_events(
        self, q: str, *, how: str | None = None, **options: Unpack[Search]
    ) -> Iterator[Json]:
        """Answer step by step: events `step` name those that are done, `answer` or `error`
        ends it.
        """
        return self._lines(
            "/v1/answer/events", "POST", json=_given({"q": q, "how": how, **options})
        )

    def media(self, video: str) -> bytes:
        """Send the media file, or the range of its bytes that is asked for."""
        return self._send("GET", f"/v1/videos/{quote(video, safe='')}/media", {}).content

    def frame(self, video: str, *, t: float | None = None, w: int | None = None) -> bytes:
        """Send the picture on screen at second `t` as JPEG, about `w` pixels wide."""
        return self._send(
            "GET", f"/v1/videos/{quote(video, safe='')}/frame", {"t": t, "w": w}
        ).content

    def filmstrip(
        self,
        video: str,
        *,
        start: float | None = None,
        end: float | None = None,
        n: int | None = None,
        w: int | None = None,
    ) -> bytes:
        """Send `n` pictures of a stretch side by side as one JPEG, each about `w` pixels wide."""
        return self._send(
            "GET",
            f"/v1/videos/{quote(video, safe='')}/filmstrip",
            {"start": start, "end": end, "n": n, "w": w},
        ).content

    def storyboard(
        self,
        video: str,
        *,
        start: float | None = None,
        end: float | None = None,
        n: int | None = None,
        w: int | None = None,
    ) -> bytes:
        """Send a sheet of pictures of a stretch, each with its time, as one JPEG."""
        return self._send(
            "GET",
            f"/v1/videos/{quote(video, safe='')}/storyboard",
            {"start": start, "end": end, "n": n, "w": w},
        ).content

    def clip(self, video: str, start: float, end: float, *, exact: bool | None = None) -> bytes:
        """Send a stretch as a file of its own: copied from a key frame on, or `exact` but
        encoded.
        """
        return self._send(
            "GET",
            f"/v1/videos/{quote(video, safe='')}/clip",
            {"start": start, "end": end, "exact": exact},
        ).content

    def playable(
        self, video: str, *, start: float | None = None, form: Literal["mp4", "webm"] | None = None
    ) -> bytes:
        """Send half a minute from `start` on as browsers play it, small."""
        return self._send(
            "GET", f"/v1/videos/{quote(video, safe='')}/playable", {"start": start, "form": form}
        ).content

    def videos(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        find: str | None = None,
        folder: str | None = None,
        sort: Literal["path", "title", "date", "length"] | None = None,
    ) -> Json:
        """List the indexed videos, all of them or those that have some words or lie in a
        folder.
        """
        answer: Json = self._send(
            "GET",
            "/v1/videos",
            {"offset": offset, "limit": limit, "find": find, "folder": folder, "sort": sort},
        ).json()
        return answer

    def folders(self) -> Json:
        """Count the videos of each folder, those in folders below it included."""
        answer: Json = self._send("GET", "/v1/folders", {}).json()
        return answer

    def timeline(self, video: str) -> Json:
        """Return the segments and all evidence of one video, by channel."""
        answer: Json = self._send("GET", f"/v1/videos/{quote(video, safe='')}/timeline", {}).json()
        return answer

    def transcript(self, video: str, *, format: Literal["json", "srt", "vtt"] | None = None) -> str:
        """Return what is said in one video, as timed lines or subtitles."""
        return self._send(
            "GET", f"/v1/videos/{quote(video, safe='')}/transcript", {"format": format}
        ).text

    def chapters(self, video: str, *, how: str | None = None) -> Json:
        """Return the chapters of one video: its own, or those found in what is said and seen."""
        answer: Json = self._send(
            "GET", f"/v1/videos/{quote(video, safe='')}/chapters", {"how": how}
        ).json()
        return answer

    def video(self, video: str) -> Json:
        """Return what is known about one video; its evidence is in the timeline."""
        answer: Json = self._send("GET", f"/v1/videos/{quote(video, safe='')}", {}).json()
        return answer

    def jobs(self) -> Json:
        """List the jobs, newest first."""
        answer: Json = self._send("GET", "/v1/jobs", {}).json()
        return answer

    def submit(self, paths: list[str]) -> Json:
        """Read files, folders, patterns or manifests on the server's disk into the index."""
        answer: Json = self._send("POST", "/v1/jobs", {}, json=_given({"paths": paths})).json()
        return answer

    def retry(self) -> Json:
        """Read again all files that failed before."""
        answer: Json = self._send("POST", "/v1/retry", {}).json()
        return answer

    def job(self, job: str) -> Json:
        """Return one job as it stands."""
        answer: Json = self._send("GET", f"/v1/jobs/{quote(job, safe='')}", {}).json()
        return answer

    def cancel(self, job: str) -> Json:
        """Stop a job at its next step; what it has read stays in the index."""
        answer: Json = self._send("DELETE", f"/v1/jobs/{quote(job, safe='')}", {}).json()
        return answer

    def job_events(self, job: str) -> Iterator[Json]:
        """Send the job as a server-sent event `job` each time it changes, until it is over."""
        return self._lines(f"/v1/jobs/{quote(job, safe='')}/events")

    def received(self, name: str, size: int) -> Json:
        """Say how much of a file of this name and size is there."""
        answer: Json = self._send("GET", "/v1/incoming", {"name": name, "size": size}).json()
        return answer

    def labels(self, *, query: str | None = None) -> Json:
        """List the labels, of one question or all."""
        answer: Json = self._send("GET", "/v1/labels", {"query": query}).json()
        return answer

    def put_label(
        self,
        query: str,
        video: str,
        *,
        start: float | None = None,
        end: float | None = None,
        relevance: int | None = None,
    ) -> Json:
        """Say that a stretch of a video answers a question, or how little; replaces an older
        label.
        """
        answer: Json = self._send(
            "POST",
            "/v1/labels",
            {},
            json=_given(
                {"query": query, "video": video, "start": start, "end": end, "relevance": relevance}
            ),
        ).json()
        return answer

    def remove_label(self, id: str) -> Json:
        """Forget a label; returns those that are left."""
        answer: Json = self._send("DELETE", "/v1/labels", {"id": id}).json()
        return answer

    def measures(self, **options: Unpack[Settings]) -> Json:
        """Measure the search, with these settings, on all labelled questions.  Lists are not
        cut by confidence, and each question takes its turn among other requests.
        """
        answer: Json = self._send("GET", "/v1/labels/measures", {**options}).json()
        return answer

    def trays(self) -> Json:
        """List one's own trays, the one changed last first."""
        answer: Json = self._send("GET", "/v1/trays", {}).json()
        return answer

    def make_tray(self, *, name: str | None = None, moments: list[Json] | None = None) -> Json:
        """Begin a tray."""
        answer: Json = self._send(
            "POST", "/v1/trays", {}, json=_given({"name": name, "moments": moments})
        ).json()
        return answer

    def tray(self, tray: str) -> Json:
        """Return a tray with its moments in order."""
        answer: Json = self._send("GET", f"/v1/trays/{quote(tray, safe='')}", {}).json()
        return answer

    def put_tray(self, tray: str, version: int, name: str, moments: list[Json]) -> Json:
        """Replace what a tray holds: order, stretches, notes, name; refused where it was
        changed.
        """
        answer: Json = self._send(
            "PUT",
            f"/v1/trays/{quote(tray, safe='')}",
            {},
            json=_given({"version": version, "name": name, "moments": moments}),
        ).json()
        return answer

    def remove_tray(self, tray: str) -> Json:
        """Remove a tray with the links to it, and return what it was."""
        answer: Json = self._send("DELETE", f"/v1/trays/{quote(tray, safe='')}", {}).json()
        return answer

    def undo_tray(self, tray: str, version: int) -> Json:
        """Take the last change of a tray's moments back."""
        answer: Json = self._send(
            "POST", f"/v1/trays/{quote(tray, safe='')}/undo", {}, json=_given({"version": version})
        ).json()
        return answer

    def export_tray(
        self,
        tray: str,
        *,
        format: Literal["csv", "json", "srt", "vtt", "m3u8", "edl", "otio"] | None = None,
    ) -> str:
        """Return a tray as a table, subtitles, a playlist, an edit list, one reel or its
        clips.
        """
        return self._send(
            "GET", f"/v1/trays/{quote(tray, safe='')}/export", {"format": format}
        ).text

    def share_tray(self, tray: str, *, days: float | None = None) -> Json:
        """Make a link that shows this tray, and nothing else, to whoever has it until it
        expires.
        """
        answer: Json = self._send(
            "POST", f"/v1/trays/{quote(tray, safe='')}/shares", {}, json=_given({"days": days})
        ).json()
        return answer

    def revoke_share(self, tray: str, share: str) -> Json:
        """Take a link back: it shows nothing from now on."""
        answer: Json = self._send(
            "DELETE", f"/v1/trays/{quote(tray, safe='')}/shares/{quote(share, safe='')}", {}
        ).json()
        return answer

    def shared(self, secret: str) -> Json:
        """Return the tray that a link shows; of the videos no path and no id."""
        answer: Json = self._send("GET", f"/v1/shared/{quote(secret, safe='')}", {}).json()
        return answer

    def shared_frame(self, secret: str, number: str, *, w: int | None = None) -> bytes:
        """Send the picture in the middle of a moment of the tray."""
        return self._send(
            "GET", f"/v1/shared/{quote(secret, safe='')}/frame/{quote(number, safe='')}", {"w": w}
        ).content

    def shared_clip(self, secret: str, number: str) -> bytes:
        """Send a moment of the tray as a clip that every browser plays."""
        return self._send(
            "GET", f"/v1/shared/{quote(secret, safe='')}/clip/{quote(number, safe='')}", {}
        ).content

    def shared_export(self, secret: str, *, format: Literal["mp4", "zip"] | None = None) -> str:
        """Return the tray as one reel or as its clips; lists would name the server's files."""
        return self._send(
            "GET", f"/v1/shared/{quote(secret, safe='')}/export", {"format": format}
        ).text

    def health(self) -> Json:
        """Say that the server runs."""
        answer: Json = self._send("GET", "/v1/health", {}).json()
        return answer

    def ready(self) -> Json:
        """Say that models and index are loaded, so that questions are answered at once."""
        answer: Json = self._send("GET", "/v1/ready", {}).json()
        return answer

    def status(self, *, files: bool | None = None) -> Json:
        """Say what the index holds, which files failed and why, and which are gone.  Without
        `files` no file is looked at, and `missing` is empty: that takes no longer for many.
        """
        answer: Json = self._send("GET", "/v1/status", {"files": files}).json()
        return answer

    def failures(self, *, offset: int | None = None, limit: int | None = None) -> Json:
        """List which files failed and why, by pages."""
        answer: Json = self._send("GET", "/v1/failures", {"offset": offset, "limit": limit}).json()
        return answer

    def models(self) -> Json:
        """Name the profile's models, with size, licence and vector spaces."""
        answer: Json = self._send("GET", "/v1/models", {}).json()
        return answer

    def metrics(self) -> str:
        """Return numbers for Prometheus."""
        return self._send("GET", "/metrics", {}).text

    def session(self) -> Json:
        """Say who asks by the name of the token, and what it allows."""
        answer: Json = self._send("GET", "/v1/session", {}).json()
        return answer


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.is_error:
        try:
            error = answer.json()["error"]
            told = (error["code"], error["message"], error["next"])
        except (ValueError, KeyError, TypeError):
            told = ("unknown", answer.text[:200], "is this the address of a q2e server?")
        raise ServerError(answer.status_code, *told)
    return answer


def _sendable(token: str) -> str:
    # What does not fit into a header is sent percent-encoded; the server knows both forms.
    return token if re.fullmatch(r"[A-Za-z0-9._~+/=-]+", token) else quote(token, safe="")


def _given(body: Json) -> Json:
    return {name: value for name, value in body.items() if value is not None}
