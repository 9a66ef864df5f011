"""How requests are read before anything else: under a proxy's path, and HEAD as GET."""

from __future__ import annotations

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from q2e.errors import ConfigError


def checked_root(path: str) -> str:
    """Return the path under which a proxy shows the server. Raises ConfigError for no path."""
    if path and not re.fullmatch(r"(/[\w~-]([\w.~-]*[\w~-])?)+", path, re.ASCII):
        raise ConfigError(
            f"root path {path!r} is no path; it begins with / and ends without, such as /videos"
        )
    return path


class Rooted:
    """Says where the server lies, whether the proxy takes `root` from the paths or leaves it."""

    def __init__(self, app: ASGIApp, root: str) -> None:
        self.app = app
        self.root = root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["root_path"] = self.root
            if not f"{scope['path']}/".startswith(f"{self.root}/"):
                scope["path"] = self.root + scope["path"]
        await self.app(scope, receive, send)


class Headed:
    """Answers HEAD like GET wherever GET is answered; the server leaves the body out.

    The scope then says `head`, so that no large body is made in vain.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "HEAD":
            # A copy: the server looks at its own to know that no body is sent.
            scope = {**scope, "method": "GET", "head": True}
        await self.app(scope, receive, send)
