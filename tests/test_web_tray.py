"""The tray in a real browser: picked by click, key and drag, ordered, shortened, noted, shared."""

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
from q2e.trays import Picked, Trays
from test_web_views import _issues as issues

pytest.importorskip("fastapi", reason="needs the extra `server`")

TEXTS = Path(q2e.__file__).parent / "web" / "texts"
HOSTILE = "<img src=x onerror=\"document.title='broken'\"> \u202egnp.exe"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, sample_index: q2e.Index) -> q2e.Index:
    folder = tmp_path_factory.mktemp("tray") / "index"
    shutil.copytree(sample_index.directory, folder)
    return q2e.open(folder)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, index: q2e.Index) -> Iterator[str]:
    from serving import serving

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("Q2E_CACHE", str(tmp_path_factory.mktemp("cache")))
        with serving(index) as address:
            yield address


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    with browsing(chromium) as running:
        yield running


@pytest.fixture
def visit(browser: Any, server: str, index: q2e.Index) -> Iterator[Visit]:
    for old in Trays(index.directory).of():
        Trays(index.directory).remove(old.id)
    one = Visit(browser, server)
    yield one
    one.close()
    assert one.wrong == []


def _held(index: q2e.Index) -> list[Picked]:
    [tray] = Trays(index.directory).of()
    return list(tray.moments)


def _filled(index: q2e.Index, count: int = 3) -> list[str]:
    """Make a tray of so many moments of as many videos; returns their ids."""
    videos = [one for one in index.store.videos() if one.has_video and one.duration_s > 4]
    picked = [Picked(one.id, 1.0, 3.0) for one in videos[:count]]
    Trays(index.directory).make("Montag", picked)
    return [one.video for one in picked]


def test_moments_are_picked_by_click_by_key_and_by_drag(visit: Visit, index: q2e.Index) -> None:
    page = visit.open(q="snow on a mountain")
    visit.settle()
    notice = page.locator(".notice")
    page.locator("#weaker").click()
    page.locator("#hits .hit .into").first.click()
    expect(notice.last).to_contain_text("1 moment in the tray")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("i")
    expect(notice.last).to_contain_text("2 moments in the tray")
    page.locator("#hits .still.large").nth(2).drag_to(page.locator(".top nav [data-go=tray]"))
    expect(notice.last).to_contain_text("3 moments in the tray")
    found = [node.get_attribute("data-video") for node in page.locator("#hits .hit").all()]
    assert _held(index)[0].video == found[0] and _held(index)[2].video == found[2]
    notice.last.get_by_role("button", name="Undo").click()
    expect(notice.last).to_contain_text("2 moments in the tray")
    page.keyboard.press("g")
    page.keyboard.press("t")
    expect(page.locator("#tray .pickedone")).to_have_count(2)


def test_a_tray_is_put_in_order_shortened_noted_and_undone_by_keyboard(
    visit: Visit, index: q2e.Index
) -> None:
    first, second, third = _filled(index)
    page = visit.open(view="tray")
    page.get_by_role("button", name="Move moment 1 back").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_have_text("Now at place 2")
    expect(page.get_by_role("button", name="Move moment 2 back")).to_be_focused()
    assert [one.video for one in _held(index)] == [second, first, third]
    handle = page.get_by_role("slider", name="End of moment 1")
    handle.focus()
    page.keyboard.press("Shift+ArrowRight")
    expect(page.get_by_role("slider", name="End of moment 1")).to_have_attribute(
        "aria-valuenow", "4.0"
    )
    page.get_by_role("textbox", name="Note on moment 1").fill(HOSTILE)
    page.keyboard.press("Enter")
    page.get_by_role("textbox", name="Note on moment 2").focus()
    expect(page.locator("#tray p.printed").first).to_have_text(HOSTILE)
    assert (_held(index)[0].end_s, _held(index)[0].note) == (4.0, HOSTILE)
    page.get_by_role("button", name="Take moment 3 out").click()
    expect(page.locator("#tray .pickedone")).to_have_count(2)
    # As after the window was closed and the server started anew.
    page.reload()
    for count in (3, 3, 3, 3):
        page.locator("#tray-undo").click()
        expect(page.locator("#tray .pickedone")).to_have_count(count)
    expect(page.locator("#tray-undo")).to_be_disabled()
    assert [one.video for one in _held(index)] == [first, second, third]
    assert page.title() == "Tray – Q2E"


def test_a_handle_is_dragged(visit: Visit, index: q2e.Index) -> None:
    _filled(index, 1)
    page = visit.open(view="tray")
    strip = page.locator(".trim").bounding_box()
    handle = page.get_by_role("slider", name="Begin of moment 1").bounding_box()
    page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + 10)
    page.mouse.down()
    page.mouse.move(strip["x"], handle["y"] + 10, steps=4)
    page.mouse.up()
    expect(page.locator("#tray-undo")).to_be_enabled()
    assert _held(index)[0].start_s == 0.0


def test_what_another_window_has_changed_is_not_lost(visit: Visit, index: q2e.Index) -> None:
    first, *_ = _filled(index)
    page = visit.open(view="tray")
    page.wait_for_selector("#tray .pickedone")
    trays = Trays(index.directory)
    [tray] = trays.of()
    trays.put(tray.id, 1, tray.name, [*tray.moments, Picked(first, 2.0, 3.0, "other window")])
    page.get_by_role("button", name="Take moment 1 out").click()
    expect(page.locator("#tray .pickedone")).to_have_count(3)
    assert _held(index)[-1].note == "other window"
    # The browser logs the refusal, by and by.
    visit.logged("409")
    visit.wrong = [one for one in visit.wrong if "409" not in one]


def test_a_link_shows_the_tray_until_it_is_taken_back(
    visit: Visit, browser: Any, index: q2e.Index
) -> None:
    _filled(index, 2)
    [tray] = Trays(index.directory).of()
    noted = [Picked(one.video, 1.0, 2.0, HOSTILE) for one in tray.moments]
    Trays(index.directory).put(tray.id, 1, HOSTILE, noted)
    page = visit.open(view="tray")
    page.locator(".sharing summary").click()
    page.get_by_role("button", name="Make a link").click()
    link = page.locator("#share-link").input_value()
    guest = Visit(browser, visit.server, viewport={"width": 390, "height": 844})
    guest.page.goto(link)
    expect(guest.page.locator("h1")).to_have_text(HOSTILE)
    expect(guest.page.locator(".pickedone")).to_have_count(2)
    assert guest.page.title() == f"{HOSTILE} – Q2E"
    assert guest.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    guest.page.evaluate("document.querySelector('video').play()")
    guest.until("document.querySelector('video').currentTime > 0.2")
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_role("button", name="Take back")).to_have_count(0)
    guest.page.reload()
    expect(guest.page.get_by_role("alert")).to_contain_text("Ask for a new one")
    guest.close()
    assert [one for one in guest.wrong if "404" not in one] == []


def test_the_contact_sheet_shows_pictures_times_and_notes(visit: Visit, index: q2e.Index) -> None:
    _filled(index, 3)
    page = visit.open(view="tray")
    page.wait_for_selector("#tray .pickedone")
    page.emulate_media(media="print")
    expect(page.locator(".top")).to_be_hidden()
    expect(page.locator("#tray .trim").first).to_be_hidden()
    expect(page.locator("#tray h2.printed")).to_be_visible()
    boxes = [node.bounding_box() for node in page.locator("#tray .pickedone").all()]
    assert len({round(box["y"]) for box in boxes}) == 1, "three pictures stand side by side"


def test_words_of_parts_are_there_in_all_languages() -> None:
    parts = [folder for folder in TEXTS.iterdir() if folder.is_dir()]
    assert parts
    languages = {file.stem for file in TEXTS.glob("*.json")}
    for folder in parts:
        texts = {file.stem: json.loads(file.read_text("utf-8")) for file in folder.iterdir()}
        assert texts.keys() == languages and len(languages) == 11, folder.name
        for language, own in texts.items():
            assert own.keys() == texts["en"].keys(), (folder.name, language)
            for key, text in own.items():
                assert _gaps(text) == _gaps(texts["en"][key]) or isinstance(text, dict), key


def _gaps(text: Any) -> set[str]:
    """Return the names that a text has filled in, in any of its plural forms."""
    forms = text.values() if isinstance(text, dict) else [text]
    return {name for form in forms for name in re.findall(r"\{(\w+)\}", form)}


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing_in_the_tray_and_its_link(
    browser: Any, server: str, index: q2e.Index, scheme: str, width: int
) -> None:
    axe = pytest.importorskip("axe_playwright_python", reason="pip install axe-playwright-python")
    script = (files(axe) / "axe.min.js").read_text("utf-8")
    for old in Trays(index.directory).of():
        Trays(index.directory).remove(old.id)
    _filled(index)
    visit = Visit(browser, server, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = visit.open(view="tray")
    page.locator(".sharing summary").click()
    page.get_by_role("button", name="Make a link").click()
    link = page.locator("#share-link").input_value()
    visit.quiet()
    assert issues(page, script) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.goto(link)
    page.wait_for_selector(".pickedone")
    assert issues(page, script) == []
    for wide in (320, 2560):
        page = visit.open(view="tray")
        page.set_viewport_size({"width": wide, "height": 900})
        page.wait_for_selector("#tray .pickedone")
        assert page.evaluate("document.documentElement.scrollWidth") <= wide
    visit.close()
    assert visit.wrong == []
