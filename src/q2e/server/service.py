"""What all routes share: the index, the queues, the jobs, the labels, the uploads, the numbers."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends, Request

from q2e.cache import ResultCache
from q2e.decoding.pool import pool
from q2e.errors import Q2EError
from q2e.evaluate.labels import Labels
from q2e.index import Index
from q2e.server.access import Access
from q2e.server.faults import Fault
from q2e.server.incoming import Incoming
from q2e.server.jobs import Jobs
from q2e.server.limits import Limits
from q2e.server.metrics import Metrics
from q2e.server.shares import Shares
from q2e.server.turns import FairQueue
from q2e.server.uploads import Uploads
from q2e.trays import Trays
from q2e.types import Video


@dataclass(slots=True)
class Service:
    """One running server."""

    index: Index
    limits: Limits
    searching: FairQueue
    drawing: FairQueue
    making: FairQueue
    """Reels, archives and stretches that are encoded, which take longer."""
    jobs: Jobs
    incoming: Incoming
    labels: Labels
    uploads: Uploads
    pictures: ResultCache[bytes]
    playable: ResultCache[bytes]
    trays: Trays
    shares: Shares
    metrics: Metrics
    access: Access
    ready: threading.Event = field(default_factory=threading.Event)
    problem: str = ""
    """Why the server cannot answer questions yet."""
    _warming: threading.Thread | None = None

    def video(self, video_id: str) -> Video:
        """Return an indexed video by its id. Raises Fault where there is none."""
        video = self.index.store.video(video_id)
        if video is None:
            raise Fault(
                404, "not_found", f"there is no video {video_id[:80]!r}", "GET /v1/videos lists all"
            )
        return video

    def close(self) -> None:
        """Stop all work and delete what was uploaded."""
        self.jobs.close()
        self.searching.close()
        self.drawing.close()
        self.making.close()
        self.uploads.close()

    def start(self) -> None:
        """Begin to load models and index, and go on with what an earlier server has left."""
        self.jobs.start()
        pool().prepare()
        self._warm()

    def _warm(self) -> None:
        self._warming = threading.Thread(target=self._warm_up, name="q2e-warm-up", daemon=True)
        self._warming.start()

    def warm_up_again(self) -> None:
        """Try once more where that failed, as before the first video was indexed."""
        if self._warming is not None and not self._warming.is_alive():
            self._warm()

    def _warm_up(self) -> None:
        """Load the models and the index's columns, so that the first question waits for neither."""
        try:
            self.index.search("warm", top=1)
        except Q2EError as error:
            self.problem = str(error)
        except Exception:
            self.problem = "unforeseen; the server's log tells what"
            raise
        else:
            self.problem = ""
            self.ready.set()


def _service(request: Request) -> Service:
    return cast(Service, request.app.state.service)


TheService = Annotated[Service, Depends(_service)]
