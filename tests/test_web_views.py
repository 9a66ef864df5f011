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
from browsing import Visit, browsing, expect
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
def browser(chromium: str) -> Iterator[Any]:
    with browsing(chromium) as running:
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
    visit.quiet()
    page.locator("#hits .hit .g3").first.click()
    expect(page.locator(".measures span").first).to_have_text(re.compile("this 1[.]00"))
    page.locator("#hits .hit").nth(1).locator(".g0").click()
    page.locator("#hits .hit").nth(1).locator(".g0[aria-pressed=true]").wait_for()
    page.get_by_role("link", name="Labels", exact=True).click()
    expect(page.locator("#labels .rows li")).to_have_count(2)
    expect(page.locator("#labels .figures div").first).to_have_text("nDCG@101.000")
    expect(page.locator("#labels .rows")).to_contain_text("reel-01 at 0:00")
    visit.quiet()
    page.get_by_role("button", name="Forget this label").last.click()
    expect(page.locator("#labels .rows li")).to_have_count(1)


@pytest.mark.slow
def test_failures_are_told_with_their_reasons_and_tried_again(visit: Visit, folder: Path) -> None:
    broken = folder / "broken & <b>bold.mp4"
    broken.write_bytes(b"this is no video" * 100)
    page = visit.open(view="collection")
    page.wait_for_selector("#summary .bars")
    page.fill("#paths", str(broken))
    page.get_by_role("button", name="Index", exact=True).click()
    expect(page.locator("#failures h2")).to_have_text("1 file could not be read")
    expect(page.locator("#failures .failure")).to_contain_text(broken.name)
    expect(page.locator("#failures .failure > p")).to_have_text(re.compile(".{10}"))
    visit.quiet()
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector("#jobs .job.done:has-text('Failed files again')")
    expect(page.locator("#jobs .job")).to_have_count(2)
    visit.quiet()
    write_video(broken, scenes_s=(1.0,))
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector("#failures", state="hidden")
    expect(page.locator("#videos")).to_contain_text(broken.stem)
    visit.quiet()
    page.fill("#paths", str(folder / "nowhere"))
    page.get_by_role("button", name="Index", exact=True).click()
    page.wait_for_selector("#jobs .job.failed .problem")


def test_a_job_is_stopped(visit: Visit, folder: Path) -> None:
    (folder / "many").mkdir()
    video = write_video(folder / "one.mp4", scenes_s=(2.0, 2.0)).read_bytes()
    for number in range(200):
        # A box that players pass over makes each another file.
        other = video + b"\0\0\0\x0cfree" + number.to_bytes(4, "big")
        (folder / "many" / f"{number}.mp4").write_bytes(other)
    page = visit.open(view="collection")
    page.wait_for_selector("#summary .bars")
    page.fill("#paths", str(folder / "many"))
    page.keyboard.press("Enter")
    page.wait_for_selector("#jobs .job.running progress")
    page.get_by_role("button", name="Stop this job").click()
    visit.until("noticesSeen.some((text) => text.startsWith('It stops at its next step'))")
    page.wait_for_selector("#jobs .job.cancelled:has-text('stopped')")
    expect(page.get_by_role("button", name="Stop this job")).to_have_count(0)
    expect(page.locator("#said")).to_have_text("Job stopped")


def test_what_is_found_is_said(visit: Visit) -> None:
    page = visit.open(q="a giant panda")
    expect(page.locator("#said")).to_have_text(re.compile("^[0-9]+ videos? found$"))
    expect(page.locator("#said")).to_have_attribute("aria-live", "polite")
    page = visit.open(q="panda THEN")
    expect(page.locator("#results [role=alert]")).to_have_text(re.compile("^Then needs something"))


def test_the_keyboard_shows_where_it_is(visit: Visit) -> None:
    page = visit.open(q="a giant panda")
    visit.settle()
    page.wait_for_selector("#filters label")
    # Filters, reasons and hints are drawn anew as their answers come, which takes the focus.
    visit.quiet()
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
    visit.unfold()
    with visit.searching():
        page.locator("#hits .like").last.click()
    assert page.evaluate(moving) == 0, "nothing moves for those who asked for less of it"


def test_one_video_along_its_time(visit: Visit) -> None:
    page = visit.open(q="they were carried away by monkeys")
    page.locator("#hits h2 a").first.click()
    page.wait_for_selector("#video .lanes .match")
    expect(page.locator("#video h1")).to_have_text("call-06")
    expect(page.locator("#video .shots .piece")).to_have_count(2)
    # Slow, so that the line is still on however late one looks.
    page.evaluate("document.querySelector('#video video').playbackRate = 0.0625")
    line = page.locator("#video .lines li", has_text="monkeys")
    line.locator("button").click()
    visit.until("document.querySelector('#video video').currentTime > 2")
    expect(line).to_have_class(re.compile(r"\bon\b"))
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
    second = "document.activeElement.closest('.hit')?.querySelector('.rank').textContent === '2'"
    # The weaker hits are folded: Enter on their button shows them and goes on with the first.
    page.locator("#weaker").press("Enter")
    visit.until(second)
    keys.press("k")
    visit.until("document.activeElement.closest('.hit').querySelector('.rank').textContent === '1'")
    keys.press("ArrowRight")
    visit.until(second)
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
    visit.quiet()
    keys.press("m")
    page.wait_for_selector("#hits .grades:not([hidden])")
    visit.quiet()
    keys.press("2")
    page.wait_for_selector("#hits .hit .g2[aria-pressed=true]")
    keys.press("2")
    page.wait_for_selector("#hits .hit .g2[aria-pressed=true]", state="detached")
    keys.press("e")
    keys.press("Enter")
    page.wait_for_selector(".column textarea:focus")
    keys.type("a zoo")
    keys.press("Enter")
    visit.until("new URL(location).searchParams.get('ev') === 'b+:a zoo'")
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
    visit.until("document.documentElement.dataset.theme === 'dark'")


def test_the_page_does_not_scroll_sideways(browser: Any, server: str) -> None:
    for width in (320, 820):
        visit = Visit(browser, server, viewport={"width": width, "height": 844})
        for state in ({"q": "strike at the museum"}, {"view": "collection"}, {"view": "labels"}):
            page = visit.open(**state)
            visit.quiet()
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, (state, width)
        visit.close()
        assert visit.wrong == []


@pytest.mark.parametrize(
    ("scheme", "width"),
    [
        ("light", 1280),
        pytest.param("dark", 1280, marks=pytest.mark.slow),
        pytest.param("light", 390, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_axe_finds_no_serious_issue(browser: Any, server: str, scheme: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python", reason="pip install axe-playwright-python")
    script = (files(axe) / "axe.min.js").read_text("utf-8")
    visit = Visit(browser, server, viewport={"width": width, "height": 900}, color_scheme=scheme)
    for state, ready in (
        ({}, ".mosaic img"),
        ({"q": "strike at the museum then panda", "label": "on"}, "#filters label"),
        ({"q": "What ate the phone system?"}, "#answer .cite"),
        ({"q": '"giant panda" then koala speech:x', "then": "a koala"}, "#results > *"),
        ({"view": "collection"}, "#videos .tile"),
        ({"view": "labels"}, "#labels > *"),
    ):
        page = visit.open(**state)
        page.wait_for_selector(ready, state="attached")
        visit.quiet()
        if state.get("label"):
            page.locator("#hits .still").first.click()
            page.wait_for_selector("#panel .lanes .piece", state="attached")
            visit.quiet()
        assert _issues(page, script) == [], (state, width)
        if state == {"view": "collection"}:
            page.locator("#videos .tile", has_text="call-06").click()
            page.wait_for_selector("#video .lanes .piece", state="attached")
            visit.quiet()
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
