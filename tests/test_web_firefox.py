"""The main flow of the page in Debian's Firefox: ask, look, play, collect, in two directions."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import firefox
import q2e
from firefox import Firefox

pytest.importorskip("fastapi", reason="needs the extra `server`")
pytestmark = pytest.mark.slow  # Firefox takes ten seconds to start


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, sample_index: q2e.Index) -> Iterator[str]:
    from serving import serving

    folder = tmp_path_factory.mktemp("firefox-index")
    shutil.copytree(sample_index.directory, folder / "index")
    with serving(q2e.open(folder / "index")) as address:
        yield address


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    with firefox.browsing(tmp_path_factory.mktemp("firefox")) as running:
        yield running


#: Nothing is wider than the window.
FITS = "document.documentElement.scrollWidth <= innerWidth"


#: Pictures stand in where there is no decoder for H.264, which is not Firefox's own.
SHOWN = """(() => { const own = document.querySelector('#panel video');
  return own && !own.paused && own.readyState > 2 && own.played.length > 0; })()"""

#: What stands in offers to have it made playable.
STILL = "!!document.querySelector('#panel .stillbar .button')?.checkVisibility()"


def plays(browser: Firefox) -> None:
    """Wait until what was chosen plays: as it is, or as the server makes it playable."""
    browser.until(f"{SHOWN} || {STILL}")
    if not browser.value(SHOWN):
        browser.click("#panel .stillbar .button")
    browser.until(SHOWN)


def test_a_moment_is_found_played_and_collected_by_keyboard(browser: Firefox, server: str) -> None:
    browser.wrong.clear()
    browser.sized(1280, 900)
    browser.open(f"{server}/")
    browser.until("document.querySelectorAll('.mosaic img').length > 5")
    browser.press(*"they were carried away by monkeys", "Enter")
    browser.until("document.querySelector('#results:not([aria-busy]) #hits .hit')")
    assert browser.value("document.querySelector('#hits h2').textContent") == "call-06"
    browser.until("document.querySelector('#filters label')")
    browser.press("ArrowDown")
    browser.until("document.activeElement.closest('.hit')?.dataset.video")
    browser.press("Enter")
    plays(browser)
    # What is said is shown with it, and the moment has an address.
    browser.until("document.querySelector('#panel .lines li.spoken')")
    assert "hit=" in browser.value("location.search")
    browser.press("i")
    browser.until("document.querySelector('.notice')?.textContent.includes('in the tray')")
    browser.press("Escape", "g", "t")
    browser.until("document.querySelectorAll('#tray:not([hidden]) .pickedone').length === 1")
    assert browser.value(FITS)
    browser.press("t")
    browser.until("document.documentElement.dataset.theme === 'dark'")
    browser.press("t")
    assert browser.wrong == []


def test_what_is_pressed_by_mouse_works_from_right_to_left(browser: Firefox, server: str) -> None:
    browser.wrong.clear()
    browser.sized(500, 900)  # no window of Firefox is narrower
    browser.open(f"{server}/static/icon.svg")
    browser.value("localStorage.setItem('q2e-language', 'ar') ?? null")
    browser.open(f"{server}/?q=giant+panda")
    browser.until("document.querySelector('#results:not([aria-busy]) #hits .hit')")
    assert browser.value("getComputedStyle(document.body).direction") == "rtl"
    assert browser.value(FITS)
    browser.click("#hits .still")
    plays(browser)
    assert browser.value(FITS)
    browser.open(f"{server}/?view=map")
    browser.click("#map .spot")
    browser.until("document.querySelectorAll('#map-group .still').length > 0")
    assert browser.value(FITS)
    browser.value("localStorage.clear() ?? null")
    assert browser.wrong == []


def test_a_question_is_answered(browser: Firefox, server: str) -> None:
    browser.wrong.clear()
    browser.sized(1280, 900)
    browser.open(f"{server}/?q=What+ate+the+phone+system%3F")
    browser.until("document.querySelector('#answer blockquote')?.textContent.includes('easels')")
    browser.click("#answer .cite")
    plays(browser)
    assert browser.wrong == []


def test_firefox_is_the_one_installed(browser: Firefox) -> None:
    assert int(browser.version.split(".")[0]) >= 140, Path(firefox.program())
