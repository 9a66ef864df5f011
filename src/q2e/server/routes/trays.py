"""Trays over HTTP: moments picked from any search, kept, put in order, noted, handed on."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi import Path as InPath
from starlette.background import BackgroundTask
from starlette.responses import JSONResponse, Response

from q2e import shape
from q2e.server.faults import Fault
from q2e.server.files import SentFile
from q2e.server.schemas import Form
from q2e.server.service import Service, TheService
from q2e.server.traying import (
    NewShare,
    NewTray,
    PutTray,
    ShareShape,
    TrayShape,
    TraysShape,
    Undone,
)
from q2e.trays import Changed, Picked, Tray, as_results

router = APIRouter(prefix="/v1/trays", tags=["trays"])

TrayId = Annotated[str, InPath(pattern="^[0-9a-f]{16}$", examples=["0123456789abcdef"])]
Made = Literal["mp4", "zip"]
_TYPES = {
    "csv": "text/csv",
    "json": "application/json",
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
    "m3u8": "audio/x-mpegurl",
    "edl": "text/plain",
    "otio": "application/json",
    "mp4": "video/mp4",
    "zip": "application/zip",
}
FILES: dict[int | str, dict[str, Any]] = {200: {"content": {key: {} for key in _TYPES.values()}}}


@router.get("", response_model=TraysShape, operation_id="trays")
def listed(request: Request, service: TheService) -> JSONResponse:
    """List one's own trays, the one changed last first."""
    held = service.trays.of(_owner(request))
    return JSONResponse({"trays": [told(service, tray) for tray in held]})


@router.post("", status_code=201, response_model=TrayShape, operation_id="make_tray")
def make(request: Request, service: TheService, body: NewTray) -> JSONResponse:
    """Begin a tray."""
    tray = service.trays.make(body.name, picked(body.moments), _owner(request))
    return JSONResponse(told(service, tray), 201)


@router.get("/{tray}", response_model=TrayShape, operation_id="tray")
def get(request: Request, service: TheService, tray: TrayId) -> JSONResponse:
    """Return a tray with its moments in order."""
    return JSONResponse(told(service, _held(request, service, tray)))


@router.put("/{tray}", response_model=TrayShape, operation_id="put_tray")
def put(request: Request, service: TheService, tray: TrayId, body: PutTray) -> JSONResponse:
    """Replace what a tray holds: order, stretches, notes, name; refused where it was changed."""
    try:
        given = picked(body.moments)
        held = service.trays.put(tray, body.version, body.name, given, _owner(request))
    except KeyError:
        raise _unknown(tray) from None
    except Changed as error:
        raise _changed(error.tray) from None
    return JSONResponse(told(service, held))


@router.post("/{tray}/undo", response_model=TrayShape, operation_id="undo_tray")
def undo(request: Request, service: TheService, tray: TrayId, body: Undone) -> JSONResponse:
    """Take the last change of a tray's moments back."""
    try:
        held = service.trays.undo(tray, body.version, _owner(request))
    except KeyError:
        raise _unknown(tray) from None
    except Changed as error:
        raise _changed(error.tray) from None
    return JSONResponse(told(service, held))


@router.delete("/{tray}", response_model=TrayShape, operation_id="remove_tray")
def remove(request: Request, service: TheService, tray: TrayId) -> JSONResponse:
    """Remove a tray with the links to it, and return what it was."""
    owner = _owner(request)
    held = _held(request, service, tray)
    service.shares.revoke(owner, tray)
    service.trays.remove(tray, owner)
    return JSONResponse(told(service, held))


@router.get("/{tray}/export", operation_id="export_tray", response_class=Response, responses=FILES)
async def export(
    request: Request,
    service: TheService,
    tray: TrayId,
    format: Annotated[Form | Made, Query(description="A list, `mp4` (one reel) or `zip`.")] = "csv",
) -> Response:
    """Return a tray as a table, subtitles, a playlist, an edit list, one reel or its clips."""
    return await written(request, service, _held(request, service, tray), format)


# -- links ----------------------------------------------------------------------------------------
@router.post(
    "/{tray}/shares", status_code=201, response_model=ShareShape, operation_id="share_tray"
)
def share(request: Request, service: TheService, tray: TrayId, body: NewShare) -> JSONResponse:
    """Make a link that shows this tray, and nothing else, to whoever has it until it expires."""
    held = _held(request, service, tray)
    made, secret = service.shares.add(_owner(request), held.id, body.days)
    return JSONResponse(made.shape() | {"secret": secret, "path": f"shared/{secret}"}, 201)


@router.delete("/{tray}/shares/{share}", response_model=TrayShape, operation_id="revoke_share")
def revoke(
    request: Request,
    service: TheService,
    tray: TrayId,
    share: Annotated[str, InPath(min_length=1, max_length=64)],
) -> JSONResponse:
    """Take a link back: it shows nothing from now on."""
    held = _held(request, service, tray)
    if not service.shares.revoke(_owner(request), tray, share):
        raise Fault(
            404, "not_found", f"there is no link {share[:40]!r}", f"GET /v1/trays/{tray} lists them"
        )
    return JSONResponse(told(service, held))


# -- inside ---------------------------------------------------------------------------------------
def _owner(request: Request) -> str:
    return str(request.scope["grant"].owner)


def _held(request: Request, service: Service, tray: str) -> Tray:
    try:
        return service.trays.get(tray, _owner(request))
    except KeyError:
        raise _unknown(tray) from None


def _unknown(tray: str) -> Fault:
    return Fault(404, "not_found", f"there is no tray {tray!r}", "GET /v1/trays lists yours")


def _changed(tray: Tray) -> Fault:
    return Fault(
        409,
        "changed",
        f"tray {tray.id} was changed meanwhile; it is at version {tray.version}",
        "read it again, and make the change of that",
    )


def picked(moments: Sequence[Any]) -> list[Picked]:
    """Return moments as they came in. Raises Fault for one that has no length."""
    for one in moments:
        if one.end <= one.start:
            raise Fault(
                400,
                "bad_setting",
                f"nothing lies between {one.start:g} s and {one.end:g} s",
                "give an end after the start",
            )
    return [Picked(one.video, one.start, one.end, one.note) for one in moments]


def moments(service: Service, tray: Tray) -> list[dict[str, Any]]:
    """Return the moments of a tray as JSON, each with what is known of its video."""
    found = []
    for one in tray.moments:
        video = service.index.store.video(one.video)
        known = {} if video is None else shape.video(video)
        about = {name: known[name] for name in ("title", "path", "duration", "has_video") if known}
        stretch = {"video": one.video, "start": one.start_s, "end": one.end_s, "note": one.note}
        found.append(stretch | {"missing": video is None} | about)
    return found


def told(service: Service, tray: Tray) -> dict[str, Any]:
    """Return a tray as JSON."""
    return {
        "id": tray.id,
        "name": tray.name,
        "changed": tray.changed,
        "version": tray.version,
        "undoable": len(tray.past),
        "moments": moments(service, tray),
        "shares": [one.shape() for one in service.shares.of(tray.owner, tray.id)],
    }


async def written(request: Request, service: Service, tray: Tray, form: str) -> Response:
    """Return a tray as a file of a format. Raises Fault where it holds nothing to write."""
    files = form in ("mp4", "zip")
    results = as_results(tray, service.index.store.video, files=files)
    if files and not results.hits:
        raise Fault(400, "bad_setting", "the tray holds no moment of a file", "pick some moments")
    length_s = sum(one.moments[0].end_s - one.moments[0].start_s for one in results.hits)
    most_s = service.limits.exact_clip_s if form == "mp4" else service.limits.clip_s
    if files and length_s > most_s:
        raise Fault(
            400,
            "too_large",
            f"the moments have {length_s:.0f} s together",
            f"shorten them to {most_s:g} s, or write them with  q2e tray --write reel.mp4",
        )

    def work() -> Path:
        from q2e.export import write

        with tempfile.NamedTemporaryFile(
            prefix="q2e-tray-", suffix=f".{form}", delete=False
        ) as file:
            out = Path(file.name)
        try:
            return write(results, out)
        except BaseException:
            out.unlink(missing_ok=True)
            raise

    queue = service.making if files else service.searching
    out = await queue.run(request, work)
    return SentFile(
        out,
        media_type=_TYPES[form],
        headers={"content-disposition": f'attachment; filename="tray.{form}"'},
        background=BackgroundTask(out.unlink, missing_ok=True),
    )


def shown(service: Service, secret: str) -> Tray:
    """Return the tray of a link. Raises Fault where the link is over, or its owner may no more."""
    share = service.shares.by_secret(secret)
    if share is not None and service.access.knows(share.owner):
        try:
            return replace(service.trays.get(share.tray, share.owner), past=())
        except KeyError:
            pass
    raise Fault(
        404, "not_found", "this link shows nothing, or no more", "ask for a new one"
    ) from None
