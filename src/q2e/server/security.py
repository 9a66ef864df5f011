"""Who may ask: the token, and guards against other web pages that use a visitor's browser.

A page elsewhere may send requests to a server on this machine, by its address (cross-site
request) or by a name of its own that it lets point here (DNS rebinding). The first kind is known
by `Origin` and `Sec-Fetch-Site`, the second by a `Host` that is not ours.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from q2e.server.access import EVERYBODY, Access, Grant
from q2e.server.faults import Fault
from q2e.server.signin import refusal, route_path
from q2e.server.tokens import Scope as TokenScope

#: Asked by programs that watch over servers, who have no token, and by those who sign in.
_OPEN_PATHS = ("/v1/health", "/v1/ready", "/sign-in", "/sign-out")
#: What the link to a tray shows, which holds a secret of its own; and the files of the page, which
#: everybody may have from elsewhere and which say nothing of the collection.
_SHARED = ("/shared/", "/v1/shared/", "/static/")
#: Requests that change nothing though they have a body.
_ASKED_BY_POST = ("/v1/search", "/v1/export", "/v1/examples", "/sign-in", "/sign-out")

#: The page has no inline script or style and loads nothing from elsewhere.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "font-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


def is_local(host: str) -> bool:
    """Say whether only programs on this machine reach a server bound to `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Guard:
    """Lets a request through to `app`, or refuses it; adds the security headers to every answer.

    Where no token is demanded only requests to this machine's own names are answered; with one,
    every name is, since a page that has no token learns nothing. What was granted stands in the
    scope as `grant`.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app = app
        self.access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        answer: Response | None = None
        try:
            answer = self._begun(scope)
            if answer is None:
                scope["grant"] = self._granted(scope)
        except Fault as fault:
            answer = refusal(scope, fault)
        await (answer or self.app)(scope, receive, guarded)

    def _granted(self, scope: Scope) -> Grant | None:
        """Return what the sender may do. Raises Fault where that is not what is asked."""
        headers = Headers(scope=scope)
        if not self.access.demanded and not is_local(_name(headers.get("host", ""))):
            raise Fault(
                403,
                "wrong_host",
                f"this server is not known as {headers.get('host', '')[:200]!r}",
                "use http://localhost with the port that `q2e serve` printed",
            )
        _check_site(scope, headers)
        grant = self._grant(scope, headers) if self.access.demanded else EVERYBODY
        path, needed = route_path(scope), _needed(scope)
        if path in _OPEN_PATHS or path.startswith(_SHARED):
            return grant
        if grant is not None and grant.allows(needed):
            return grant
        if grant is None:
            raise Fault(
                401,
                "no_token",
                "this server demands a token",
                "open the address that `q2e serve` printed, or send  Authorization: Bearer TOKEN",
                {"WWW-Authenticate": 'Bearer realm="q2e"'},
            )
        raise Fault(
            403,
            "needs_scope",
            f"the token {grant.name!r} has the scope {grant.scope!r}; this needs {needed!r}",
            f"ask for a token made with  q2e token add NAME --scope {needed}",
        )

    def _grant(self, scope: Scope, headers: Headers) -> Grant | None:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and (given := given.strip()):
            # Headers come as Latin-1; a program that sends other letters means UTF-8.
            sent = given.encode("latin-1").decode("utf-8", "replace")
            return self.access.by_token(sent, address_of(scope))
        secret = cookie_parser(headers.get("cookie", "")).get(cookie_name(scope), "")
        return self.access.by_session(secret) if secret else None

    def _begun(self, scope: Scope) -> Response | None:
        """Answer `/?token=...`, the start link, with a session, so that pictures get it too."""
        asked = parse_qs(scope["query_string"].decode("latin-1"))
        page = route_path(scope) == "/" and scope["method"] == "GET"
        if not page or not asked.get("token") or not self.access.demanded:
            return None
        grant = self.access.by_token(asked.pop("token")[0], address_of(scope))
        left = "?" + urlencode(asked, doseq=True) if asked else ""
        answer = RedirectResponse(home(scope) + left, 303)
        keep(answer, scope, self.access.begin(grant))
        return answer


def _check_site(scope: Scope, headers: Headers) -> None:
    origin = headers.get("origin")
    foreign = origin is not None and urlsplit(origin).netloc != headers.get("host", "")
    elsewhere = headers.get("sec-fetch-site") in ("cross-site", "same-site")
    # Following a link to the page is no request of another page's making.
    link = (
        scope["method"] == "GET"
        and headers.get("sec-fetch-mode") == "navigate"
        and not route_path(scope).startswith("/v1/")
    )
    if foreign or (elsewhere and not link):
        raise Fault(
            403,
            "cross_site",
            f"requests of other pages ({(origin or 'unnamed')[:200]}) are not answered",
            "open the page of this server itself; behind a proxy, let it pass on the header Host",
        )


def _needed(scope: Scope) -> TokenScope:
    """Return the scope that a request needs: what is not known to be harmless needs most."""
    path = route_path(scope)
    if scope["method"] in ("GET", "HEAD") or path in _ASKED_BY_POST:
        return "read"
    if path == "/v1/trays" or path.startswith("/v1/trays/"):
        # One's own are for oneself; a link shows them to others.
        return "label" if "/shares" in path else "read"
    return "label" if path == "/v1/labels" else "index"


def address_of(scope: Scope) -> str:
    """Return the address that asks; of IPv6 the network, whose addresses one machine may have."""
    host = str(scope["client"][0]) if scope.get("client") else "nowhere"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.version == 6 and not address.is_loopback:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return host


def home(scope: Scope) -> str:
    """Return the path of the page."""
    return str(scope.get("root_path", "")) + "/"


def cookie_name(scope: Scope) -> str:
    """Return the name of the session's cookie: browsers give cookies to all ports of a host."""
    port = scope["server"][1] if scope.get("server") else None
    return f"q2e_session_{port or 0}"


def keep(answer: Response, scope: Scope, secret: str) -> None:
    """Let a browser keep a session until it is closed.

    The cookie also comes with links from elsewhere to the page, but to nothing they change.
    """
    answer.set_cookie(
        cookie_name(scope),
        secret,
        path=home(scope),
        httponly=True,
        samesite="lax",
        secure=scope.get("scheme") == "https",
    )


def _name(host: str) -> str:
    """Return the name in a `Host` header, without port and brackets."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""
