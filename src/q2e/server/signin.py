"""The page on which a browser without a session gives its token; programs are told in JSON."""

from __future__ import annotations

import html
import re
from functools import cache
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response
from starlette.types import Scope

import q2e
from q2e.server import tongues
from q2e.server.faults import Fault

WEB = Path(q2e.__file__).parent / "web"
#: Refusals that a token mends.
_WANTS_TOKEN = ("no_token", "wrong_token", "too_many_guesses")


def route_path(scope: Scope) -> str:
    """Return the path that is asked for, without the one the server lies under."""
    return str(scope["path"]).removeprefix(str(scope.get("root_path", "")))


def refusal(scope: Scope, fault: Fault) -> Response:
    """Return what is answered to a refused request: to somebody who looks, a page to sign in."""
    headers = Headers(scope=scope)
    looks = "text/html" in headers.get("accept", "") and not route_path(scope).startswith("/v1/")
    if looks and scope["method"] == "GET" and fault.code in _WANTS_TOKEN and _template():
        said = "" if fault.code == "no_token" else f"{fault.message}; {fault.next_step}"
        return page(scope, said, fault.status_code)
    return fault.response()


def page(scope: Scope, said: str = "", status: int = 200) -> HTMLResponse:
    """Return the page to sign in on, in the browser's language, which says `said`."""
    language = tongues.wished(Headers(scope=scope).get("accept-language", ""))
    values = {key: html.escape(text) for key, text in tongues.texts(language).items()}
    values["sign.where"] = values["sign.where"].replace("{command}", "<code>q2e serve</code>")
    values |= {
        "language": language,
        "direction": "rtl" if language in tongues.RIGHT_TO_LEFT else "ltr",
        "root": html.escape(str(scope.get("root_path", ""))),
        "said": html.escape(said),
    }
    text = re.sub(r"\{([\w.]+)\}", lambda slot: values[slot[1]], _template())
    return HTMLResponse(text, status, {"vary": "accept-language"})


@cache
def _template() -> str:
    file = WEB / "sign-in.html"
    return file.read_text("utf-8") if file.is_file() else ""
