"""Signing in and out in a browser, and what the one who asks may do."""

from __future__ import annotations

from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, RedirectResponse, Response

from q2e.server.answers import SessionShape
from q2e.server.faults import Fault
from q2e.server.security import address_of, cookie_name, home, keep
from q2e.server.service import TheService
from q2e.server.signin import page

router = APIRouter(tags=["system"])


@router.get("/v1/session", response_model=SessionShape, operation_id="session")
def session(request: Request, service: TheService) -> JSONResponse:
    """Say who asks by the name of the token, and what it allows."""
    grant = request.scope["grant"]
    told = {"name": grant.name, "scope": grant.scope, "demanded": service.access.demanded}
    return JSONResponse(told)


@router.get("/sign-in", include_in_schema=False)
def sign_in_page(request: Request, service: TheService) -> Response:
    """Show the page on which a token is given."""
    if not service.access.demanded:
        return RedirectResponse(home(request.scope), 303)
    return page(request.scope)


@router.post("/sign-in", include_in_schema=False)
async def sign_in(request: Request, service: TheService) -> Response:
    """Begin a session for the token that the page sends."""
    form = parse_qs((await request.body()).decode("utf-8", "replace"))
    try:
        given = form.get("token", [""])[0].strip()
        grant = service.access.by_token(given, address_of(request.scope))
    except Fault as fault:
        return page(request.scope, f"{fault.message}; {fault.next_step}", fault.status_code)
    answer = RedirectResponse(home(request.scope), 303)
    keep(answer, request.scope, service.access.begin(grant))
    return answer


@router.post("/sign-out", include_in_schema=False)
def sign_out(request: Request, service: TheService) -> Response:
    """End the session of this browser."""
    name = cookie_name(request.scope)
    service.access.end(cookie_parser(request.headers.get("cookie", "")).get(name, ""))
    answer = RedirectResponse(home(request.scope) + "sign-in", 303)
    answer.delete_cookie(name, path=home(request.scope), httponly=True, samesite="lax")
    return answer
