"""The map of the collection in a real browser: groups are looked into, played and searched for."""

from __future__ import annotations

import json
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


def test_places_are_looked_into_and_lie_beside_one_another(browser: Any, server: str) -> None:
    """Names of strangers stay text; places that lie close are moved apart."""
    hostile = "<img src=x onerror=\"document.title='broken'\"> \u202egnp"
    named = [("Athens", 38.0, 23.7), ("Greece", 39.0, 22.9), (hostile, -90.0, 180.0)]
    told = [
        {
            "names": {"en": name},
            "latitude": latitude,
            "longitude": longitude,
            "recorded": False,
            "videos": 3 - number,
            "examples": [{"video": "x/y", "title": hostile, "picture": False}],
        }
        for number, (name, latitude, longitude) in enumerate(named)
    ]
    visit = Visit(browser, server, viewport={"width": 390, "height": 844}, locale="ar")
    answer = {"version": 1, "videos": 6, "places": told}
    visit.page.route("**/v1/places", lambda route: route.fulfill(json=answer))
    page = visit.open(view="map")
    spots = page.locator(".placespot")
    expect(spots).to_have_count(3)
    boxes = [spot.bounding_box() for spot in spots.all()]
    assert all(box["width"] >= 24 for box in boxes)
    a, b = boxes[:2]
    apart = max(abs(a["x"] - b["x"]), abs(a["y"] - b["y"]))
    assert apart >= a["width"] / 2 + b["width"] / 2 - 1
    for number, (name, *_) in enumerate(named):
        spots.nth(number).focus()
        page.keyboard.press("Enter")
        expect(page.locator("#map-place h3")).to_have_text(name)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("#map-place .button.main").click()
    visit.until(f"new URL(location).searchParams.get('q') === {json.dumps(hostile)}")
    assert "broken" not in page.title().replace(hostile, "")
    visit.close()
    assert visit.wrong == []
