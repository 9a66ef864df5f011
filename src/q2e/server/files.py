"""Files and pictures as answers: by ranges, and not again to those who have them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.types import Message, Receive, Scope, Send

from q2e.paths import is_file
from q2e.server.faults import Fault
from q2e.types import Video

_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")

#: What an answer that says "not modified" repeats of the one it stands for.
_REPEATED = (
    "cache-control",
    "content-location",
    "date",
    "etag",
    "expires",
    "last-modified",
    "vary",
)


def unchanged(request: Request, headers: Mapping[str, str]) -> Response | None:
    """Return the answer to one who has what these headers describe, or None where he has not.

    That is told by `If-None-Match` and the header `etag` (RFC 9110, section 13.1.2).
    """
    known = request.headers.get("if-none-match")
    tags = [one.strip().removeprefix("W/") for one in (known or "").split(",")]
    if known is None or not (known.strip() == "*" or headers["etag"] in tags):
        return None
    repeated = {name: value for name, value in headers.items() if name.lower() in _REPEATED}
    return Response(status_code=304, headers=repeated)


class SentFile(FileResponse):
    """A file by the ranges that are asked for; what is refused is told as everywhere else."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused: dict[str, str] | None = None

        async def told(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] in (400, 416):
                sent = {name.decode(): value.decode() for name, value in message["headers"]}
                refused = {name: v for name, v in sent.items() if name == "content-range"}
            if refused is None:
                await send(message)

        if scope.get("head"):
            scope = {**scope, "method": "HEAD"}  # then the file is not read
        await super().__call__(scope, receive, told)
        if refused is not None:
            fault = Fault(
                416 if refused else 400,
                "bad_range",
                "the range that is asked for is none of this file's",
                "ask for a range of bytes inside the file, such as  bytes=0-999",
                refused,
            )
            await fault.response()(scope, receive, send)


def file_of(video: Video) -> Path:
    """Return the file of a video, which the index alone names, never the request.

    Raises Fault where there is none, or no more.
    """
    if not video.path:
        raise Fault(
            404,
            "not_found",
            f"video {video.id[:80]} was imported without its file",
            "index the file to see it",
        )
    path = Path(video.path)
    if not is_file(path):
        raise Fault(
            404,
            "not_found",
            f"the file of video {video.id[:80]} is gone",
            "put it back, or remove it with  q2e remove --missing",
        )
    return path


def ranged(request: Request, data: bytes, headers: Mapping[str, str], kind: str) -> Response:
    """Return bytes, or the one range of them that is asked for (RFC 9110, section 14).

    Raises Fault for a range that lies outside; several ranges at once are answered with all.
    """
    told = dict(headers) | {"accept-ranges": "bytes"}
    asked = _RANGE.fullmatch(request.headers.get("range", ""))
    if asked is None or not (asked[1] or asked[2]):
        return Response(data, headers=told, media_type=kind)
    if asked[1]:
        first, last = int(asked[1]), min(int(asked[2] or len(data)), len(data) - 1)
    else:
        first, last = max(0, len(data) - int(asked[2])), len(data) - 1
    if first > last:
        raise Fault(
            416,
            "bad_range",
            "the range that is asked for is none of this file's",
            f"it has {len(data)} bytes",
            {"content-range": f"bytes */{len(data)}"},
        )
    told["content-range"] = f"bytes {first}-{last}/{len(data)}"
    return Response(data[first : last + 1], 206, told, media_type=kind)
