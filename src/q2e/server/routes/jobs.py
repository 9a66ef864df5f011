"""Index jobs over HTTP: submit, watch, cancel, retry."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import JSONResponse, StreamingResponse

from q2e.server.answers import JobShape, JobsShape
from q2e.server.jobs import Jobs
from q2e.server.schemas import Paths
from q2e.server.service import TheService

router = APIRouter(prefix="/v1", tags=["jobs"])

JobId = Annotated[str, Path(min_length=1, max_length=64)]
_LOOK_S = 0.2
_HEARTBEAT_S = 15.0


@router.post("/jobs", status_code=202, response_model=JobShape, operation_id="submit")
def submit(service: TheService, body: Paths) -> JSONResponse:
    """Read files, folders, patterns or manifests on the server's disk into the index."""
    return JSONResponse(service.jobs.submit(body.paths).shape(), 202)


@router.post("/retry", status_code=202, response_model=JobShape, operation_id="retry")
def retry(service: TheService) -> JSONResponse:
    """Read again all files that failed before."""
    return JSONResponse(service.jobs.retry().shape(), 202)


@router.get("/jobs", response_model=JobsShape, operation_id="jobs")
def jobs(service: TheService) -> JSONResponse:
    """List the jobs, newest first."""
    return JSONResponse({"jobs": [job.shape() for job in service.jobs.all()]})


@router.get("/jobs/{job}", response_model=JobShape, operation_id="job")
def job(service: TheService, job: JobId) -> JSONResponse:
    """Return one job as it stands."""
    return JSONResponse(service.jobs.job(job).shape())


@router.delete("/jobs/{job}", response_model=JobShape, operation_id="cancel")
def cancel(service: TheService, job: JobId) -> JSONResponse:
    """Stop a job at its next step; what it has read stays in the index."""
    return JSONResponse(service.jobs.cancel(job).shape())


@router.get(
    "/jobs/{job}/events",
    operation_id="job_events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "object"}}}}},
)
async def events(service: TheService, job: JobId) -> StreamingResponse:
    """Send the job as a server-sent event `job` each time it changes, until it is over."""
    service.jobs.job(job)
    return StreamingResponse(_events(service.jobs, job), media_type="text/event-stream")


async def _events(jobs: Jobs, job_id: str) -> AsyncIterator[str]:
    told, silent_s = -1, 0.0
    while True:
        job = jobs.job(job_id)
        if job.change != told:
            told, silent_s = job.change, 0.0
            data = json.dumps(job.shape(), ensure_ascii=False)
            yield f"event: job\nid: {job.change}\ndata: {data}\n\n"
        elif silent_s >= _HEARTBEAT_S:
            silent_s = 0.0
            yield ": still here\n\n"
        if job.over:
            return
        await asyncio.sleep(_LOOK_S)
        silent_s += _LOOK_S
