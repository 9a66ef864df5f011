"""A real browser for the tests of the page: Debian's Chromium, watched for what must not happen.

Tests of the page wait for what it shows, never for time: `expect` looks until what is expected is
there, `until` until an expression holds, `quiet` until nothing is asked or changed any more.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

api = pytest.importorskip("playwright.sync_api", reason="no playwright (pip install playwright)")

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
#: How long a state may take on a machine that has much else to do.
PATIENCE_S = 90
#: How often is looked, and how many looks in a row find a page that is quiet.
_LOOK_MS = 50
_SAME = 3
#: Counts what is drawn, and keeps the notices that go by, where the page's own scripts do not see
#: it. The time of a player that plays changes styles and classes only.
_COUNT = """
  window.changesSeen = 0;
  window.noticesSeen = [];
  new MutationObserver((changes) => {
    window.changesSeen += 1;
    for (const change of changes)
      for (const node of change.addedNodes)
        if (node.className === "notice") window.noticesSeen.push(node.textContent);
  }).observe(document, {
    subtree: true, childList: true, characterData: true,
    attributeFilter: ["hidden", "open", "disabled", "aria-busy", "aria-pressed"] });
"""

expect: Callable[[Any], Any] = api.expect
api.expect.set_options(timeout=1000 * PATIENCE_S)


def chromium() -> str:
    """Return the browser's program; the test is skipped, and says so, where there is none."""
    named = os.environ.get("CHROMIUM")
    found = named or shutil.which("chromium") or shutil.which("google-chrome")
    if not found or not Path(found).is_file():
        pytest.skip("no Chromium (apt install chromium, or set CHROMIUM)")
    return found


@contextmanager
def browsing(program: str) -> Iterator[Any]:
    """Yield a running browser of Playwright."""
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=list(FLAGS), timeout=1000 * PATIENCE_S
        )
        yield browser
        browser.close()


class Visit:
    """One visitor of the page: opens states of it, and remembers what went wrong."""

    def __init__(self, browser: Any, server: str, **options: Any) -> None:
        options.setdefault("viewport", {"width": 1280, "height": 900})
        self.server = server
        self.context = browser.new_context(reduced_motion="reduce", **options)
        self.context.set_default_timeout(1000 * PATIENCE_S)
        self.context.add_init_script(_COUNT)
        self.page = self.context.new_page()
        self.wrong: list[str] = []
        self._asking: set[Any] = set()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.context.on("request", self._asked)
        self.context.on("requestfinished", self._answered)
        self.context.on("requestfailed", self._answered)

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(f"{message.type}: {message.text} {message.location.get('url', '')}")

    def _asked(self, request: Any) -> None:
        where = urlsplit(request.url)
        # What a player streams, and what a job tells, ends when it likes.
        if request.resource_type not in ("media", "eventsource"):
            self._asking.add(request)
        own = urlsplit(self.server)
        if where.scheme not in ("data", "blob") and where[:2] != own[:2]:
            self.wrong.append(f"request to elsewhere: {request.url}")

    def _answered(self, request: Any) -> None:
        self._asking.discard(request)

    def open(self, *pairs: tuple[str, str], **state: str) -> Any:
        """Open the page in a state and return it."""
        query = urlencode([*state.items(), *pairs])
        self._asking.clear()
        self.page.goto(f"{self.server}/?{query}" if query else f"{self.server}/")
        return self.page

    def unfold(self) -> None:
        """Show the weaker hits, where there are any."""
        self.quiet()
        if self.page.locator("#weaker").count():
            self.page.locator("#weaker").click()

    def reasons(self) -> None:
        """Show what was searched for, beside the hits."""
        self.page.locator("#reasons details.fold:not([open]) > summary").click()

    def ask(self, question: str) -> None:
        """Type a question, and wait for its answer."""

        def answers(answer: Any) -> bool:
            asked = answer.request.post_data_json if answer.url.endswith("/v1/search") else None
            return bool(asked) and asked.get("q") == question

        with self.page.expect_response(answers):
            self.page.fill("#q", question)
            self.page.keyboard.press("Enter")
        self.settle()

    @contextmanager
    def searching(self) -> Iterator[Any]:
        """Do what starts a search inside; yields its request, and waits for the answer after."""
        with self.page.expect_request(lambda one: one.url.endswith("/v1/search")) as request:
            yield request
        request.value.response()
        self.settle()

    def settle(self) -> None:
        """Wait until no search is running, and what was found is shown."""
        self.page.wait_for_selector("#results:not([aria-busy]) .resultbar")

    def quiet(self) -> None:
        """Wait until the page asks for nothing, and nothing in it changes any more."""
        seen = [-1]

        def still() -> bool:
            seen.append(self.page.evaluate("window.changesSeen") if not self._asking else -1)
            return seen[-1] >= 0 and len(set(seen[-_SAME:])) == 1

        self.page.wait_for_load_state("load")
        self._look(still, "the page comes to rest")

    def until(self, expression: str) -> None:
        """Wait until an expression of JavaScript holds; the policy forbids to wait inside."""
        self._look(lambda: bool(self.page.evaluate(expression)), expression)

    def logged(self, words: str) -> None:
        """Wait until the browser has logged something with these words."""
        self._look(lambda: any(words in one for one in self.wrong), f"{words!r} is logged")

    def _look(self, holds: Callable[[], bool], what: str) -> None:
        end_s = time.monotonic() + PATIENCE_S
        while not holds():
            if time.monotonic() > end_s:
                raise AssertionError(f"never came true: {what}")
            self.page.wait_for_timeout(_LOOK_MS)

    def titles(self) -> list[str]:
        """Return the titles of the hits, best first."""
        titles: list[str] = self.page.locator("#hits .hit h2").all_inner_texts()
        return titles

    def close(self) -> None:
        self.context.close()
