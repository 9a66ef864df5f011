"""The page speaks eleven languages, each laid out its own way, and no word stands outside them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import q2e
from browsing import Visit, browsing, expect

pytest.importorskip("fastapi", reason="needs the extra `server`")

TEXTS = Path(q2e.__file__).parent / "web" / "texts"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, sample_index: q2e.Index) -> Iterator[str]:
    """A server of a copy of the samples."""
    from serving import serving

    folder = tmp_path_factory.mktemp("languages")
    shutil.copytree(sample_index.directory, folder / "index")
    with serving(q2e.open(folder / "index")) as address:
        yield address


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    with browsing(chromium) as running:
        yield running


def words(language: str) -> dict[str, Any]:
    texts: dict[str, Any] = json.loads((TEXTS / f"{language}.json").read_text("utf-8"))
    return texts


@pytest.mark.parametrize(
    ("locale", "language"),
    [("ar-EG", "ar"), ("ja-JP", "ja"), ("zh-Hant-TW", "zh"), ("sv-SE", "en")],
)
def test_the_browser_s_language_is_spoken(
    browser: Any, server: str, locale: str, language: str
) -> None:
    visit = Visit(browser, server, locale=locale, viewport={"width": 390, "height": 844})
    page = visit.open()
    expect(page.locator("nav a").nth(1)).to_have_text(words(language)["view.collection"])
    assert page.evaluate("document.documentElement.lang") == language
    direction = "rtl" if language == "ar" else "ltr"
    expect(page.locator("body")).to_have_css("direction", direction)
    page.wait_for_selector(".mosaic img")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    visit.close()
    assert visit.wrong == []


def test_a_language_is_chosen_and_kept(browser: Any, server: str) -> None:
    visit = Visit(browser, server)
    page = visit.open(view="labels")
    page.get_by_role("combobox", name="Language of the page").select_option("ko")
    expect(page.locator("nav [aria-current]")).to_have_text(words("ko")["view.labels"])
    page = visit.open(view="collection")
    expect(page.locator("nav [aria-current]")).to_have_text(words("ko")["view.collection"])
    visit.close()
    assert visit.wrong == []
