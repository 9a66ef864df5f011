"""The page on a slow line: it says that it waits, breaks nothing, and goes on by itself."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

import q2e
from browsing import Visit, browsing, expect

pytest.importorskip("fastapi", reason="needs the extra `server`")
pytestmark = pytest.mark.slow  # a slow line is slow

#: Bytes a second and milliseconds of a telephone far from a mast.
SLOW = {"offline": False, "latency": 300, "downloadThroughput": 60_000, "uploadThroughput": 30_000}


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    with browsing(chromium) as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, sample_index: q2e.Index) -> Iterator[str]:
    from serving import serving

    folder = tmp_path_factory.mktemp("slow")
    shutil.copytree(sample_index.directory, folder / "index")
    with serving(q2e.open(folder / "index")) as address:
        yield address


def test_a_slow_line_shows_that_it_waits_and_breaks_nothing(browser: Any, server: str) -> None:
    visit = Visit(browser, server, viewport={"width": 390, "height": 844})
    line = visit.context.new_cdp_session(visit.page)
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions", SLOW)
    page = visit.open()
    page.wait_for_selector(".mosaic")
    page.fill("#q", "giant panda")
    # Until the answer comes the place of the hits says that it is being filled.
    page.wait_for_selector("#results[aria-busy=true]")
    visit.settle()
    expect(page.locator("#hits .hit h2").first).to_have_text("reel-01")
    # A question that is typed over is not answered any more.
    page.fill("#q", "snow on a mountain")
    page.fill("#q", "they were carried away by monkeys")
    expect(page.locator("#hits .hit h2").first).to_have_text("call-06")
    page.locator("#hits .still").first.click()
    page.wait_for_selector("#panel .lines li")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # The line breaks while something is asked, and is there again: the page goes on by itself.
    line.send("Network.emulateNetworkConditions", SLOW | {"offline": True})
    page.keyboard.press("Escape")
    page.fill("#q", "giant panda in a zoo")
    page.wait_for_selector(".offline")
    line.send("Network.emulateNetworkConditions", SLOW)
    page.wait_for_selector(".offline", state="detached")
    expect(page.locator("#hits .hit h2").first).to_have_text("reel-01")
    visit.close()
    assert [one for one in visit.wrong if "ERR_INTERNET_DISCONNECTED" not in one] == []
