"""Who may ask: the token, and guards against other web pages that use a visitor's browser.

A page elsewhere may send requests to a server on this machine, by its address (cross-site
request) or by a name of its own that it lets point here (DNS rebinding). The first kind is known
by `Origin` and `Sec-Fetch-Site`, the second by a `Host` that is not ours.
"""

from __future__ import annotations

import hmac
import ipaddress
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from q2e.server.faults import Fault

COOKIE = "q2e_token"
#: Asked by programs that watch over servers, who have no token.
_OPEN_PATHS = ("/v1/health", "/v1/ready")

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

    Without `token` only requests to this machine's own names are answered; with one, every name
    is, since a page that has no token learns nothing.
    """

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self.app = app
        self.token = token

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

        answer: Response | None = self._signed_in(scope)
        if answer is None:
            try:
                self._check(scope)
            except Fault as fault:
                answer = fault.response()
        await (answer or self.app)(scope, receive, guarded)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        if self.token is None and not is_local(_name(headers.get("host", ""))):
            raise Fault(
                403,
                "wrong_host",
                f"this server is not known as {headers.get('host', '')[:200]!r}",
                "use http://localhost with the port that `q2e serve` printed",
            )
        self._check_site(scope, headers)
        if self.token is not None and scope["path"] not in _OPEN_PATHS and not self._knows(headers):
            raise Fault(
                401,
                "no_token",
                "this server demands a token",
                "open the address that `q2e serve` printed, or send  Authorization: Bearer TOKEN",
                {"WWW-Authenticate": 'Bearer realm="q2e"'},
            )

    def _check_site(self, scope: Scope, headers: Headers) -> None:
        origin = headers.get("origin")
        foreign = origin is not None and urlsplit(origin).netloc != headers.get("host", "")
        elsewhere = headers.get("sec-fetch-site") in ("cross-site", "same-site")
        # Following a link to the page is no request of another page's making.
        link = (
            scope["method"] == "GET"
            and headers.get("sec-fetch-mode") == "navigate"
            and not scope["path"].startswith("/v1/")
        )
        if foreign or (elsewhere and not link):
            raise Fault(
                403,
                "cross_site",
                f"requests of other pages ({(origin or 'unnamed')[:200]}) are not answered",
                "open the page of this server itself",
            )

    def _knows(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._fits(given.strip())
        return self._fits(cookie_parser(headers.get("cookie", "")).get(COOKIE, ""))

    def _fits(self, given: str) -> bool:
        return self.token is not None and hmac.compare_digest(
            given.encode("utf-8", "replace"), quote(self.token, safe="").encode()
        )

    def _signed_in(self, scope: Scope) -> RedirectResponse | None:
        """Answer `/?token=...` with a cookie, so that pictures and videos are sent it too.

        The cookie also comes with links from elsewhere to the page, but to nothing they change.
        """
        asked = parse_qs(scope["query_string"].decode("latin-1"))
        if scope["path"] != "/" or scope["method"] != "GET" or not asked.get("token"):
            return None
        given = quote(asked.pop("token")[0], safe="")
        if not self._fits(given):
            return None
        answer = RedirectResponse("/?" + urlencode(asked, doseq=True) if asked else "/", 303)
        secure = scope.get("scheme") == "https"
        answer.set_cookie(COOKIE, given, httponly=True, samesite="lax", secure=secure)
        return answer


def _name(host: str) -> str:
    """Return the name in a `Host` header, without port and brackets."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""
