"""The page in a real browser: collection, labels, one video, the keyboard, and accessibility."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

import q2e
from browsing import Visit, browsing
from media_files import write_video

pytest.importorskip("fastapi", reason="needs the extra `server`")

#: Standards whose rules are run: WCAG 2.2 up to AA, and what is good practice.
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("views")


@pytest.fixture(scope="module")
def server(folder: Path, sample_index: q2e.Index) -> Iterator[str]:
    """A server of a copy of the samples."""
    from serving import serving

    shutil.copytree(sample_index.directory, folder / "index")
    with serving(q2e.open(folder / "index")) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with browsing() as running:
        yield running


@pytest.fixture
def visit(browser: Any, server: str) -> Iterator[Visit]:
    """A visit during which no error is logged and nothing is asked of another server."""
    one = Visit(browser, server)
    yield one
    one.close()
    assert one.wrong == []


def test_labels_with_live_measures(visit: Visit) -> None:
    page = visit.open(q="a giant panda", label="on")
    page.wait_for_selector("#hits .hit")
    page.locator("#hits .hit .g3").first.click()
    page.wait_for_selector(".measures span")
    visit.until("/this 1.00/.test(document.querySelector('.measures span')?.textContent)")
    page.locator("#hits .hit").nth(1).locator(".g0").click()
    page.locator("#hits .hit").nth(1).locator(".g0[aria-pressed=true]").wait_for()
    page.get_by_role("link", name="Labels", exact=True).click()
    page.wait_for_selector("#labels .figures dd")
    assert page.locator("#labels .rows li").count() == 2
    assert page.inner_text("#labels .figures div:first-child") == "nDCG@10\n1.000"
    assert "reel-01 at 0:00" in page.inner_text("#labels .rows")
    page.get_by_role("button", name="Forget this label").last.click()
    visit.until("document.querySelectorAll('#labels .rows li').length === 1")


def test_failures_are_told_with_their_reasons_and_tried_again(visit: Visit, folder: Path) -> None:
    broken = folder / "broken & <b>bold.mp4"
    broken.write_bytes(b"this is no video" * 100)
    page = visit.open(view="collection")
    page.wait_for_selector("#summary .bars")
    page.fill("#paths", str(broken))
    page.get_by_role("button", name="Index", exact=True).click()
    page.wait_for_selector("#failures .failure")
    assert page.inner_text("#failures h2") == "1 file could not be read"
    assert broken.name in page.inner_text("#failures .failure")
    assert len(page.inner_text("#failures .failure > p")) > 10
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector("#jobs .job.done:has-text('Failed files again')")
    assert page.locator("#jobs .job").count() == 2
    write_video(broken, scenes_s=(1.0,))
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector("#failures", state="hidden", timeout=60_000)
    assert broken.stem in page.inner_text("#videos")
    page.fill("#paths", str(folder / "nowhere"))
    page.get_by_role("button", name="Index", exact=True).click()
    page.wait_for_selector("#jobs .job.failed .problem")


def test_a_job_is_stopped(visit: Visit, folder: Path) -> None:
    for number in range(8):
        (folder / "many").mkdir(exist_ok=True)
        write_video(folder / "many" / f"{number}.mp4", scenes_s=(2.0 + number, 2.0))
    page = visit.open(view="collection")
    page.wait_for_selector("#summary .bars")
    page.fill("#paths", str(folder / "many"))
    page.keyboard.press("Enter")
    page.wait_for_selector("#jobs .job.running progress")
    page.get_by_role("button", name="Stop this job").click()
    page.get_by_text("It stops at its next step").wait_for()
    page.wait_for_selector("#jobs .job.cancelled:has-text('stopped')", timeout=60_000)
    assert page.get_by_role("button", name="Stop this job").count() == 0
    assert page.locator("#said").inner_text() == "Job cancelled"


def test_what_is_found_is_said(visit: Visit) -> None:
    page = visit.open(q="a giant panda")
    visit.until("/^[0-9]+ videos? found$/.test(document.querySelector('#said').textContent)")
    assert page.get_attribute("#said", "aria-live") == "polite"
    page.goto(f"{visit.server}/?q=panda+THEN")
    assert page.locator("#results [role=alert]").inner_text().startswith("Then needs something")


def test_the_keyboard_shows_where_it_is(visit: Visit) -> None:
    page = visit.open(q="a giant panda")
    page.wait_for_selector("#filters label")
    seen: list[str] = []
    for _ in range(24):
        page.keyboard.press("Tab")
        name, ring = page.evaluate(
            """() => {
              const node = document.activeElement;
              const rings = [node, node.closest('.box, .row, .hit .still')].filter(Boolean);
              return [node.id || node.className || node.tagName, rings.some((one) =>
                getComputedStyle(one).outlineStyle !== 'none' ||
                getComputedStyle(one, '::after').borderTopStyle === 'solid')];
            }"""
        )
        assert ring, (name, seen)
        seen.append(name)
    assert len(set(seen)) > 8
    moving = "document.getAnimations().filter((one) => one.playState === 'running').length"
    page.locator("#hits .like").last.click()
    visit.settle()
    assert page.evaluate(moving) == 0, "nothing moves for those who asked for less of it"


def test_one_video_along_its_time(visit: Visit) -> None:
    page = visit.open(q="they were carried away by monkeys")
    page.locator("#hits h2 a").first.click()
    page.wait_for_selector("#video .lanes .match")
    assert page.inner_text("#video h1") == "call-06"
    assert page.locator("#video .shots .piece").count() == 2
    assert "monkeys" in page.inner_text("#video .lines")
    page.locator("#video .lines button").nth(1).click()
    visit.until("document.querySelector('#video video').currentTime > 2.5")
    page.wait_for_selector("#video .lines li.on:has-text('monkeys')")
    page.get_by_role("link", name="Back to the hits").click()
    page.wait_for_selector("#search:not([hidden]) #hits")


def test_sound_without_picture_is_played_too(visit: Visit) -> None:
    page = visit.open(q="la casella vocale è piena")
    page.wait_for_selector("#hits .hit .silent")
    page.locator("#hits .still").first.click()
    visit.until("document.querySelector('#panel video')?.currentTime > 0.2")


def test_the_keyboard_alone_does_it_all(visit: Visit) -> None:
    page = visit.open()
    keys = page.keyboard
    page.wait_for_selector(".mosaic")
    keys.press("Escape")
    keys.press("/")
    keys.type("a giant panda")
    keys.press("Enter")
    page.wait_for_selector("#hits .hit")
    keys.press("ArrowDown")
    visit.until("document.activeElement.closest('.hit')?.dataset.video !== undefined")
    keys.press("ArrowRight")
    visit.until("document.activeElement.closest('.hit').querySelector('.rank').textContent === '2'")
    keys.press("k")
    visit.until("document.activeElement.closest('.hit').querySelector('.rank').textContent === '1'")
    keys.press("Shift+ArrowRight")
    page.wait_for_selector("#hits .hit .strip")
    keys.press("Enter")
    visit.until("document.querySelector('#panel video')?.currentTime > 0.1")
    keys.press(" ")
    visit.until("document.querySelector('#panel video').paused")
    keys.press("+")
    page.wait_for_selector("#given .liked")
    visit.settle()
    keys.press("m")
    page.wait_for_selector("#hits .grades:not([hidden])")
    keys.press("2")
    page.wait_for_selector("#hits .hit .g2[aria-pressed=true]")
    keys.press("2")
    page.wait_for_selector("#hits .hit .g2[aria-pressed=true]", state="detached")
    keys.press("e")
    keys.press("Enter")
    page.wait_for_selector(".column textarea:focus")
    keys.type("a zoo")
    keys.press("Enter")
    visit.until("new URL(location).searchParams.get('ev') === 'b:a zoo'")
    keys.press("u")
    visit.until("!new URL(location).searchParams.has('ev')")
    keys.press("b")
    page.wait_for_selector("#rows .row input:focus")
    keys.press("Escape")
    keys.press("g")
    keys.press("c")
    page.wait_for_selector("#collection:not([hidden])")
    keys.press("?")
    page.wait_for_selector("#help[open]")
    keys.press("Escape")
    page.wait_for_selector("#help:not([open])", state="hidden")
    keys.press("t")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_the_page_does_not_scroll_sideways(browser: Any, server: str) -> None:
    for width in (320, 820):
        visit = Visit(browser, server, viewport={"width": width, "height": 844})
        for state in ({"q": "strike at the museum"}, {"view": "collection"}, {"view": "labels"}):
            page = visit.open(**state)
            page.wait_for_load_state("networkidle")
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, (state, width)
        visit.close()
        assert visit.wrong == []


@pytest.mark.parametrize(
    ("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)], ids=str
)
def test_axe_finds_no_serious_issue(browser: Any, server: str, scheme: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python", reason="pip install axe-playwright-python")
    script = (files(axe) / "axe.min.js").read_text("utf-8")
    visit = Visit(browser, server, viewport={"width": width, "height": 900}, color_scheme=scheme)
    for state, ready in (
        ({}, ".mosaic img"),
        ({"q": "strike at the museum then panda", "label": "on"}, "#filters label"),
        ({"q": '"giant panda" then koala speech:x', "then": "a koala"}, "#results > *"),
        ({"view": "collection"}, "#videos .tile"),
        ({"view": "labels"}, "#labels > *"),
    ):
        page = visit.open(**state)
        page.wait_for_selector(ready, state="attached")
        page.wait_for_load_state("networkidle")
        if state.get("label"):
            page.locator("#hits .still").first.click()
            page.wait_for_selector("#panel .lanes .piece", state="attached")
        assert _issues(page, script) == [], (state, width)
        if state == {"view": "collection"}:
            page.locator("#videos .tile", has_text="call-06").click()
            page.wait_for_selector("#video .lanes .piece", state="attached")
            assert _issues(page, script) == [], ("video", width)
    page.keyboard.press("?")
    page.wait_for_selector("#help[open]")
    assert _issues(page, script) == [], ("help", width)
    visit.close()
    assert visit.wrong == []


def _issues(page: Any, script: str) -> list[str]:
    page.evaluate(script)
    found = page.evaluate(
        "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", _RULES
    )
    return [
        f"{issue['impact']} {issue['id']}: {node['html'][:150]} {json.dumps(node['any'])[:200]}"
        for issue in found["violations"]
        if issue["impact"] in ("serious", "critical", "moderate")
        for node in issue["nodes"]
    ]


def test_nothing_of_the_page_is_written_as_markup() -> None:
    scripts = sorted((Path(q2e.__file__).parent / "web" / "js").glob("*.js"))
    assert len(scripts) > 10
    for script in scripts:
        text = script.read_text("utf-8")
        forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function"
        assert not re.search(forbidden, text), script.name
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text), script.name
        assert text.startswith("// ") and text.count("\n") < 400, script.name
