"""Every answer that is not a success: a status, a code for programs, a sentence, the next step."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from q2e import errors
from q2e.stopping import Stopped


class Fault(HTTPException):
    """A request that is refused or cannot be answered; told to the client as it is."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        next_step: str,
        headers: dict[str, str] | None = None,
        position: int | None = None,
    ) -> None:
        super().__init__(status, message, headers)
        self.code, self.message, self.next_step = code, message, next_step
        self.position = position

    def shape(self) -> dict[str, Any]:
        error: dict[str, Any] = {"code": self.code, "message": self.message, "next": self.next_step}
        if self.position is not None:
            error["position"] = self.position
        return {"error": error}

    def response(self) -> JSONResponse:
        return JSONResponse(self.shape(), self.status_code, self.headers)


#: Status, code and usual next step of our own errors, the most special first.
_OURS: tuple[tuple[type[errors.Q2EError], int, str, str], ...] = (
    (Stopped, 499, "gone", "ask again"),
    (errors.QueryError, 400, "bad_question", "change the question"),
    (errors.ConfigError, 400, "bad_setting", "correct the named value"),
    (errors.MissingDependency, 501, "missing_package", "install the named package"),
    (errors.MediaError, 422, "unreadable_media", "try another file or time"),
    (errors.IndexLocked, 409, "index_locked", "wait until the other process has finished"),
    (errors.IndexMismatch, 409, "index_mismatch", "index the files again"),
    (errors.StoreError, 503, "no_index", "index a folder of videos first"),
    (errors.ModelError, 503, "model_unusable", "run  q2e doctor"),
    (errors.Q2EError, 400, "refused", "change the request"),
)

_BY_STATUS = {
    401: ("no_token", "send the token that `q2e serve` was started with"),
    403: ("forbidden", "use the address that `q2e serve` printed"),
    404: ("not_found", "/v1/openapi.json lists what there is"),
    405: ("wrong_method", "use a method named in the header Allow"),
    413: ("too_large", "send less at once"),
    415: ("wrong_type", "send JSON with Content-Type: application/json"),
}

#: Every code a client may meet, for the OpenAPI document.
CODES = (
    *(code for _, _, code, _ in _OURS),
    *(code for code, _ in _BY_STATUS.values()),
    "invalid_request",
    "bad_range",
    "wrong_host",
    "cross_site",
    "wrong_token",
    "too_many_guesses",
    "needs_scope",
    "changed",
    "too_slow",
    "busy",
    "not_ready",
    "unsafe_path",
    "unreadable_upload",
    "internal",
)


def of(error: errors.Q2EError) -> Fault:
    """Return the fault that tells one of our errors; what follows its last `;` is the next step."""
    status, code, usual = next(
        (status, code, usual) for kind, status, code, usual in _OURS if isinstance(error, kind)
    )
    # A question's error goes on with a picture of the place, which `position` says better.
    told = str(error).partition("\n")[0]
    message, mark, step = told.rpartition("; ")
    if step.startswith("known: "):  # what is allowed belongs to the message
        mark = ""
    position = getattr(error, "start", None)
    return Fault(status, code, message if mark else told, step if mark else usual, None, position)


def install(app: FastAPI) -> None:
    """Let the application tell every failure in our shape."""

    @app.exception_handler(Fault)
    async def _fault(request: Request, error: Fault) -> JSONResponse:
        return error.response()

    @app.exception_handler(errors.Q2EError)
    async def _ours(request: Request, error: errors.Q2EError) -> JSONResponse:
        return of(error).response()

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:]) or "request"
        if first["type"] == "json_invalid":
            why = first.get("ctx", {}).get("error", "damaged")
            said = f"the body is not JSON ({why} at character {where})"
            return Fault(422, "invalid_request", said, "send a JSON object").response()
        unheard_of = first["type"] == "extra_forbidden"
        message = f"{where}: {'there is no such field' if unheard_of else first['msg']}"
        return Fault(422, "invalid_request", message, f"correct {where}").response()

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        code, step = _BY_STATUS.get(error.status_code, ("refused", "change the request"))
        headers = dict(error.headers or {})
        if error.status_code == 405:
            # The router names the methods of the first fitting route alone.
            headers["Allow"] = ", ".join(_methods(app, request))
        return Fault(error.status_code, code, str(error.detail), step, headers).response()


def _methods(app: FastAPI, request: Request) -> list[str]:
    """Return the methods an address knows, by the OpenAPI document."""
    route = getattr(request.scope.get("route"), "path_format", request.scope["path"])
    known = app.openapi()["paths"].get(route, {"get": {}})
    return sorted(name.upper() for name in known)


def unforeseen() -> Fault:
    """Return what is told of a failure nobody foresaw; the server's log has the rest."""
    step = "read the server's log, and report the fault if it comes again"
    return Fault(500, "internal", "the server failed on this request", step)
