"""The page's own files: kept by browsers under a tag, and sent packed to who takes it so."""

from __future__ import annotations

import gzip
import os
from functools import lru_cache
from pathlib import Path

from fastapi.staticfiles import StaticFiles
from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.staticfiles import NotModifiedResponse
from starlette.types import Scope

_TEXTS = {".css", ".html", ".js", ".json", ".svg", ".webmanifest"}


class PageFiles(StaticFiles):
    """Files that browsers keep, and ask about by their tag each time: a new version is seen.

    Who takes gzip is sent texts so, under a tag of their own (RFC 9110, section 8.8.3.3).
    """

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        asked = Headers(scope=scope)
        text = Path(full_path).suffix in _TEXTS
        if text and takes_gzip(asked.get("accept-encoding", "")) and "range" not in asked:
            answer = self._packed(full_path, stat_result, asked, status_code)
        else:
            answer = super().file_response(full_path, stat_result, scope, status_code)
        answer.headers["cache-control"] = "no-cache"
        if text:
            answer.headers["vary"] = "accept-encoding"
        return answer

    def _packed(
        self, path: str | os.PathLike[str], about: os.stat_result, asked: Headers, status: int
    ) -> Response:
        plain = FileResponse(path, stat_result=about)
        tag = plain.headers["etag"].strip('"')
        headers = {
            "etag": f'"{tag}-gzip"',
            "last-modified": plain.headers["last-modified"],
            "content-encoding": "gzip",
        }
        packed = _gzipped(os.fspath(path), about.st_mtime_ns, about.st_size)
        answer = Response(packed, status, headers, media_type=plain.media_type)
        if self.is_not_modified(answer.headers, asked):
            return NotModifiedResponse(answer.headers)
        return answer


def takes_gzip(header: str) -> bool:
    """Return whether `Accept-Encoding` allows gzip; what it does not name it does not want."""
    weights = {}
    for one in header.lower().split(","):
        name, _, rest = one.partition(";")
        weights[name.strip()] = rest.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return weights.get("gzip", weights.get("*", False))


@lru_cache(maxsize=256)
def _gzipped(path: str, changed_ns: int, size: int) -> bytes:
    """Return a file packed; it is packed once for each time it changes."""
    return gzip.compress(Path(path).read_bytes(), mtime=0)
