"""Puts the server together: routes, limits, guards and the page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import Response

import q2e
from q2e.cache import BYTES, ResultCache
from q2e.evaluate.labels import Labels
from q2e.index import Index
from q2e.server import faults
from q2e.server.access import Access
from q2e.server.answers import Failure
from q2e.server.incoming import Incoming
from q2e.server.jobs import Jobs
from q2e.server.limits import Bounds, Limits
from q2e.server.metrics import Measured, Metrics
from q2e.server.pagefiles import PageFiles
from q2e.server.paths import Headed, Rooted, checked_root
from q2e.server.routes import (
    answer,
    incoming,
    jobs,
    labels,
    media,
    overview,
    search,
    session,
    shared,
    system,
    trays,
    videos,
)
from q2e.server.security import Guard
from q2e.server.service import Service
from q2e.server.shares import Shares
from q2e.server.signin import WEB
from q2e.server.tokens import Tokens
from q2e.server.turns import FairQueue
from q2e.server.uploads import Uploads
from q2e.trays import Trays

#: Every route may also answer with these.
_FAULTS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Failure, "description": "The request is refused."},
    "5XX": {"model": Failure, "description": "The server cannot answer it."},
}


def create_app(
    index: Index,
    *,
    token: str | None = None,
    made: bool = False,
    roots: Sequence[Path] | None = None,
    limits: Limits | None = None,
    root_path: str = "",
) -> FastAPI:
    """Return the server of one index.

    With `token` every request must carry it, or a named token of the index; without, only
    requests to this machine's own names are answered. `made` says that the token is no user's
    choice. `roots`, where given, are the only folders whose files may be indexed. `root_path` is
    where a proxy puts the server, such as `/videos`.

    Raises ConfigError for a token that is easily guessed and an impossible `root_path`.
    """
    limits = limits or Limits()
    access = Access(token, Tokens(index.directory), made=made)
    service = Service(
        index=index,
        limits=limits,
        searching=FairQueue("search", limits),
        drawing=FairQueue("draw", limits),
        making=FairQueue("make", replace(limits, work_s=limits.make_s, workers=1)),
        jobs=Jobs(index, roots),
        incoming=Incoming(
            index.directory, roots, limits.incoming_bytes, limits.incoming_room_bytes
        ),
        labels=Labels(index.directory),
        uploads=Uploads(),
        pictures=ResultCache("pictures", BYTES, most_bytes=limits.picture_bytes),
        playable=ResultCache("playable", BYTES, most_bytes=limits.playable_bytes),
        trays=Trays(index.directory),
        shares=Shares(index.directory),
        metrics=Metrics(),
        access=access,
    )

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        service.close()

    app = FastAPI(
        title="Q2E",
        version=q2e.__version__,
        summary="Find videos, and the moments inside them, from a short question in any language.",
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=running,
        responses=_FAULTS,
    )
    app.state.service = service
    faults.install(app)
    for theme in (
        search,
        overview,
        answer,
        media,
        videos,
        jobs,
        incoming,
        labels,
        trays,
        shared,
        system,
        session,
    ):
        app.include_router(theme.router)
    _serve_page(app)
    # The last one added sees a request first.
    app.add_middleware(Measured, metrics=service.metrics)
    app.add_middleware(Bounds, limits=limits)
    app.add_middleware(Headed)
    app.add_middleware(Guard, access=access)
    app.add_middleware(Rooted, root=checked_root(root_path))
    return app


def _serve_page(app: FastAPI) -> None:
    if not WEB.is_dir():
        return
    files = PageFiles(directory=WEB)
    app.mount("/static", files, name="static")

    @app.get("/", include_in_schema=False)
    async def page(request: Request) -> Response:
        return await files.get_response("index.html", request.scope)

    @app.get("/worker.js", include_in_schema=False)
    async def worker(request: Request) -> Response:
        # From here, since a worker sees only what lies below it.
        return await files.get_response("worker.js", request.scope)

    @app.get("/shared/{secret}", include_in_schema=False)
    async def shared_page(request: Request, secret: str) -> Response:
        return await files.get_response("shared.html", request.scope)
