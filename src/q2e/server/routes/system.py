"""The server about itself: health, readiness, status, models, numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import JSONResponse, Response

import q2e
from q2e import shape
from q2e.errors import StoreError
from q2e.server.answers import FailuresShape, HealthShape, ModelsShape, StatusShape
from q2e.server.faults import Fault
from q2e.server.service import TheService

router = APIRouter(tags=["system"])


@router.get("/v1/health", response_model=HealthShape, operation_id="health")
async def health() -> JSONResponse:
    """Say that the server runs."""
    return JSONResponse({"status": "ok", "version": q2e.__version__})


@router.get("/v1/ready", response_model=HealthShape, operation_id="ready")
async def ready(service: TheService) -> JSONResponse:
    """Say that models and index are loaded, so that questions are answered at once."""
    if not service.ready.is_set():
        service.warm_up_again()
        # Anybody may ask this: what is wrong is for those who may read the status.
        why = service.problem and "the collection cannot be searched"
        why = why or "the models are being loaded"
        raise Fault(503, "not_ready", why, "ask again in a few seconds", {"Retry-After": "2"})
    return JSONResponse({"status": "ready", "version": q2e.__version__})


@router.get("/v1/status", response_model=StatusShape, operation_id="status")
def status(
    service: TheService,
    files: Annotated[bool, Query(description="Look which files are gone.")] = True,
) -> JSONResponse:
    """Say what the index holds, which files failed and why, and which are gone.

    Without `files` no file is looked at, and `missing` is empty: that takes no longer for many.
    """
    return JSONResponse(shape.status(service.index.status(files)))


@router.get("/v1/failures", response_model=FailuresShape, operation_id="failures")
def failures(
    service: TheService,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> JSONResponse:
    """List which files failed and why, by pages."""
    store = service.index.store
    with store.snapshot():
        shown = [asdict(one) for one in islice(store.failures(), offset, offset + limit)]
        total = store.count_failures()
    return JSONResponse({"total": total, "offset": offset, "failures": shown})


@router.get("/v1/models", response_model=ModelsShape, operation_id="models")
def models(service: TheService) -> JSONResponse:
    """Name the profile's models, with size, licence and vector spaces."""
    from q2e.checks import model_rows

    profile = service.index.settings.profile
    rows: list[dict[str, Any]] = [row for row in model_rows() if row["profile"] == profile]
    return JSONResponse({"profile": profile, "models": rows})


@router.get(
    "/metrics",
    operation_id="metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(service: TheService) -> Response:
    """Return numbers for Prometheus."""
    numbers = service.metrics
    for name, queue in (("search", service.searching), ("draw", service.drawing)):
        numbers.working.labels(name).set(queue.working)
        numbers.waiting.labels(name).set(queue.waiting)
    states = Counter(job.state for job in service.jobs.all())
    for state in ("queued", "running", "done", "failed", "cancelled"):
        numbers.jobs.labels(state).set(states[state])
    try:
        table = service.index.store.table()
    except StoreError:
        pass
    else:
        numbers.videos.set(len(table.video_ids))
        numbers.evidence.set(len(table))
    return Response(numbers.text(), media_type="text/plain; version=1.0.0; charset=utf-8")
