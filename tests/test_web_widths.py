"""Every view at every width, in both themes and directions: nothing spills, nothing lies over
another, axe finds nothing, and what a screen reader is told is what it was told before."""

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
from answering import GOOD, script, wrote
from browsing import Visit, browsing, expect
from scripted_model import scripted
from test_web_views import _issues as issues

pytest.importorskip("fastapi", reason="needs the extra `server`")

TREES = Path(__file__).parent / "data" / "tree"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, sample_index: q2e.Index) -> Iterator[str]:
    """A server of a copy of the samples, with a scripted language model."""
    from serving import serving

    folder = tmp_path_factory.mktemp("widths")
    shutil.copytree(sample_index.directory, folder / "index")
    queries = json.dumps({"queries": ["weasels phone system"]})
    with (
        scripted(script(lambda asked: wrote(asked, GOOD), queries=queries)) as model,
        serving(q2e.open(folder / "index", language_model=model.source)) as address,
    ):
        yield address


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    with browsing(chromium) as running:
        yield running


#: States, what says that one is there, and what is pressed in it then.
STATES: tuple[tuple[dict[str, str], str, str], ...] = (
    ({}, ".mosaic img", ""),
    ({"q": "strike at the museum then panda", "label": "on"}, "#hits .hit", "#hits .still"),
    ({"q": "an animal"}, "#hints .back", "#hits .why"),
    ({"q": "a giant panda", "then": "a koala"}, "#hits .steps", ""),
    ({"q": "What have weasels eaten?"}, "#answer .ways:not([hidden])", ""),
    ({"q": "zzzz", "tag": "none"}, "#results .empty", ""),
    ({"view": "collection"}, "#videos .tile", "#videos .tile"),
    ({"view": "labels"}, "#labels > *", ""),
    ({"view": "tray"}, "#tray > *", ""),
    ({"view": "map"}, "#map .spot", "#map .spot"),
)
#: What reaches out of the window, and which two things that are pressed lie over one another.
WRONG = """() => {
  const wide = document.documentElement.clientWidth;
  const told = (node) =>
    `${node.tagName}.${node.className}#${node.id} ${node.textContent.slice(0, 30)}`;
  const found = [];
  if (document.documentElement.scrollWidth > wide) found.push("the page scrolls sideways");
  const held = (node) => {
    for (let one = node.parentElement; one; one = one.parentElement)
      if (/auto|scroll|hidden|clip/.test(getComputedStyle(one).overflowX)) return true;
    return false;
  };
  const seen = (node) => {
    const box = node.getBoundingClientRect();
    return box.width > 2 && box.height > 2 && node.checkVisibility({ visibilityProperty: true });
  };
  for (const node of document.querySelectorAll("body *")) {
    if (!seen(node) || node.closest(".unseen, .skip")) continue;
    const box = node.getBoundingClientRect();
    if ((box.right > wide + 1 || box.left < -1) && !held(node)) found.push(`out: ${told(node)}`);
  }
  const apart = ".unseen, .skip, .top, nav, .lanes, .lane, .mapfield, #notices";
  const pressed = [...document.querySelectorAll("a[href], button, input, select, summary")].filter(
    (node) => seen(node) && !node.closest(apart),
  );
  const sticks = (node) => node.closest("#panel, #filters, .row .q, .box");
  pressed.forEach((node, place) => {
    const a = node.getBoundingClientRect();
    for (const other of pressed.slice(place + 1)) {
      if (node.contains(other) || other.contains(node) || sticks(node) !== sticks(other)) continue;
      const b = other.getBoundingClientRect();
      const x = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (x > 3 && y > 3) found.push(`over one another: ${told(node)} | ${told(other)}`);
    }
  });
  return found.slice(0, 6);
}"""


@pytest.mark.slow  # ten views, six widths, two themes and directions
@pytest.mark.parametrize("locale", ["en-US", "ar-EG"])
@pytest.mark.parametrize("width", [390, 600, 768, 1024, 1440, 2560])
def test_nothing_spills_at_any_width(browser: Any, server: str, width: int, locale: str) -> None:
    height = 844 if width < 700 else 1000
    visit = Visit(browser, server, viewport={"width": width, "height": height}, locale=locale)
    for state, ready, then in STATES:
        page = visit.open(**state)
        page.wait_for_selector(ready)
        visit.quiet()
        # Lengths do not hang on colours: the other theme is looked at where it costs nothing.
        assert page.evaluate(WRONG) == [], (state, width, locale)
        page.emulate_media(color_scheme="dark")
        assert page.evaluate(WRONG) == [], (state, width, locale, "dark")
        page.emulate_media(color_scheme="light")
        if then:
            page.locator(then).first.click()
            visit.quiet()
            assert page.evaluate(WRONG) == [], (state, then, width, locale)
    visit.close()
    assert visit.wrong == []


@pytest.mark.slow  # axe takes seconds a view
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "locale"), [(1280, "en-US"), (390, "ar-EG")])
def test_axe_finds_nothing_in_any_view(
    browser: Any, server: str, scheme: str, width: int, locale: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python", reason="pip install axe-playwright-python")
    script_ = (files(axe) / "axe.min.js").read_text("utf-8")
    size = {"width": width, "height": 900}
    visit = Visit(browser, server, viewport=size, color_scheme=scheme, locale=locale)
    for state, ready, then in STATES:
        page = visit.open(**state)
        page.wait_for_selector(ready)
        visit.quiet()
        if then:
            page.locator(then).first.click()
            visit.quiet()
        if "weasels" in state.get("q", ""):
            # The menu of ways, with another chosen: its cost stands beside it.
            page.locator("#answer .ways select").select_option("planned")
            expect(page.locator("#answer .ways button")).to_be_enabled()
        assert issues(page, script_) == [], (state, scheme, width)
    visit.close()
    assert visit.wrong == []


def _tree(page: Any, place: str) -> str:
    """Return what a screen reader is told of a place, without what differs between machines."""
    told = re.sub(r"\d+[.,]\d+|\d+ ?%|\d+ (?=kB|MB)", "N", page.locator(place).aria_snapshot())
    told = re.sub(r"(/url: ).*|(paragraph: )/.*", r"\1\2…", told)
    return re.sub(r"(?m)^ *- option .*\n", "", told) + "\n"


@pytest.mark.slow  # what is told hangs on the samples' hits, which the quick tests cover
@pytest.mark.parametrize("name", ["start", "hits", "playing", "answer", "collection", "tray"])
def test_a_screen_reader_is_told_the_same(browser: Any, server: str, name: str) -> None:
    """The trees lie in tests/data/tree; delete one to have it written anew, then read it."""
    visit = Visit(browser, server)
    if name == "start":
        visit.open().wait_for_selector(".mosaic img")
    elif name in ("hits", "playing"):
        visit.open(q="they were carried away by monkeys")
        visit.settle()
    elif name == "answer":
        visit.open(q="What have weasels eaten?").wait_for_selector("#answer .ways:not([hidden])")
    else:
        visit.open(view=name).wait_for_selector(f"#{name} > *")
    visit.quiet()
    page = visit.page
    if name == "playing":
        page.locator("#hits .still").first.click()
        page.wait_for_selector("#panel .lines li")
        visit.quiet()
    place = {"playing": "#panel", "answer": "#answer"}.get(name, "body")
    told, kept = _tree(page, place), TREES / f"{name}.yaml"
    visit.close()
    assert visit.wrong == []
    if not kept.exists():
        kept.write_text(told, "utf-8")
        pytest.fail(f"{kept.name} was not there and is written: read it")
    assert told == kept.read_text("utf-8")
