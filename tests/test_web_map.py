"""The map of the collection in a real browser: groups are looked into, played and searched for."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest

import q2e
from browsing import Visit, browsing, expect
from test_web_views import _issues as issues

pytest.importorskip("fastapi", reason="needs the extra `server`")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, sample_index: q2e.Index) -> Iterator[str]:
    from serving import serving

    folder = tmp_path_factory.mktemp("map")
    shutil.copytree(sample_index.directory, folder / "index")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("Q2E_CACHE", str(folder / "cache"))
        with serving(q2e.open(folder / "index")) as address:
            yield address


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    with browsing(chromium) as running:
        yield running


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_a_group_is_looked_into_by_keyboard(
    browser: Any, server: str, scheme: str, width: int
) -> None:
    axe = pytest.importorskip("axe_playwright_python", reason="pip install axe-playwright-python")
    script = (files(axe) / "axe.min.js").read_text("utf-8")
    visit = Visit(browser, server, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = visit.open()
    page.get_by_role("link", name="A map of what is here").click()
    panda = page.get_by_role("button", name=re.compile("panda")).first
    panda.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#map-group h2")).to_contain_text("panda")
    expect(panda).to_have_attribute("aria-pressed", "true")
    visit.quiet()
    assert issues(page, script) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("link", name="Search for these words").click()
    page.wait_for_selector("#results .resultbar")
    page.go_back()
    panda.click()
    page.locator("#map-group .still").first.click()
    page.wait_for_selector("#video .player")
    visit.close()
    assert visit.wrong == []
