"""A real browser for the tests of the page: Debian's Chromium, watched for what must not happen."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

#: Flags with which Chromium talks to nobody but the page's server.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--mute-audio",
)


def chromium() -> str:
    """Return the browser's program; the test is skipped, and says so, where there is none."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
    if not Path(found).is_file():
        pytest.skip("no Chromium (apt install chromium, or set CHROMIUM)")
    return found


@contextmanager
def browsing() -> Iterator[Any]:
    """Yield a running browser of Playwright."""
    api = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    program = chromium()
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield browser
        browser.close()


class Visit:
    """One visitor of the page: opens states of it, and remembers what went wrong."""

    def __init__(self, browser: Any, server: str, **options: Any) -> None:
        options.setdefault("viewport", {"width": 1280, "height": 900})
        self.server = server
        self.context = browser.new_context(reduced_motion="reduce", **options)
        self.context.set_default_timeout(60_000)
        self.page = self.context.new_page()
        self.wrong: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.context.on("request", self._asked)

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(f"{message.type}: {message.text} {message.location.get('url', '')}")

    def _asked(self, request: Any) -> None:
        where = urlsplit(request.url)
        own = urlsplit(self.server)
        if where.scheme not in ("data", "blob") and where[:2] != own[:2]:
            self.wrong.append(f"request to elsewhere: {request.url}")

    def open(self, *pairs: tuple[str, str], **state: str) -> Any:
        """Open the page in a state and return it."""
        query = urlencode([*state.items(), *pairs])
        self.page.goto(f"{self.server}/?{query}" if query else f"{self.server}/")
        return self.page

    def ask(self, question: str) -> None:
        """Type a question, and wait for its answer."""
        answers = lambda answer: answer.url.endswith("/v1/search")  # noqa: E731
        with self.page.expect_response(answers):
            self.page.fill("#q", question)
            self.page.keyboard.press("Enter")
        self.settle()

    def settle(self) -> None:
        """Wait until no search is running."""
        self.page.wait_for_selector("#results:not([aria-busy])")
        self.page.wait_for_selector("#results .resultbar")

    def until(self, expression: str) -> None:
        """Wait until an expression of JavaScript holds; the policy forbids to wait inside."""
        for _ in range(300):
            if self.page.evaluate(expression):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"never came true: {expression}")

    def titles(self) -> list[str]:
        """Return the titles of the hits, best first."""
        titles: list[str] = self.page.locator("#hits .hit h2").all_inner_texts()
        return titles

    def close(self) -> None:
        self.context.close()
