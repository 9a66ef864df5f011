"""The page in a real browser with hostile titles, speech and screen text, and with hard jobs."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import q2e
from browsing import Visit, browsing
from media_files import write_video

pytest.importorskip("fastapi", reason="needs the extra `server`")

#: Each tells whether it ran by the title of the page.
SCRIPTS = (
    "<script>document.title='broken'</script>",
    "<img src=x onerror=\"document.title='broken'\">",
    "\"><svg onload=document.title='broken'>",
    "javascript:document.title='broken'",
    "</textarea></title><iframe srcdoc='<script>parent.document.title=1</script>'>",
    "{{constructor.constructor('document.title=1')()}} ${document.title=1}",
)
SMALL = (
    "Fish &amp; chips &lt;b&gt; &#60;script&#62; &quot;",
    "annual \u202egnp.exe\u202c \u2066isolate never closed \u202b\u202b",
    "ze\u200bro\u200d\ufeff\u2060 width \u00ad\u00ad",
    "nul \x00 bell \x07 escape \x1b[31m red \x7f",
    "z" + "\u0335\u0311\u0353" * 50 + "algo",
)
TEXTS = {
    "scripts": " ".join(SCRIPTS),
    "small": " ".join(SMALL),
    "long": "endless " + "x" * 9999,
    "arabic": "عنوان طويل جدا " * 25,
    "chinese": "很长的标题" * 50 + "👩‍👩‍👧‍👦🏳️‍🌈" * 20,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of an index in which every text of every channel is hostile."""
    from serving import serving

    folder = tmp_path_factory.mktemp("hostile")
    video = write_video(folder / "video.mp4", scenes_s=(1.0,))
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "title", "description", "tags"])
        for number, (name, text) in enumerate(TEXTS.items()):
            copy = folder / f"{name}.mp4"
            # A box that players pass over makes each another file.
            copy.write_bytes(video.read_bytes() + b"\0\0\0\x0cfree" + number.to_bytes(4, "big"))
            told = text.replace("\x00", "")
            tags = told[:150].replace(",", " ").replace(";", " ")
            rows.writerow([copy.name, told, told[:250], tags])
    index = q2e.open(folder / "index", channels=("frame", "metadata"))
    assert index.add(folder / "manifest.csv").failures == []
    with (folder / "evidence.jsonl").open("w", encoding="utf-8") as out:
        for known in index.videos():
            text = TEXTS[Path(known.path).stem]
            for channel in ("speech", "screen_text"):
                line = {"video": known.id, "channel": channel, "text": text}
                out.write(json.dumps(line | {"start": 0.0, "end": 1.0}) + "\n")
    index.import_evidence(folder / "evidence.jsonl")
    with serving(index) as address:
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


def _check_holds(visit: Visit) -> None:
    """Fail where something ran, became markup, or pushed the page wider than its window."""
    visit.quiet()
    page = visit.page
    assert page.title().rpartition(" ")[2] == "Q2E"
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        found = page.evaluate(
            """() => ({
              markup: document.querySelectorAll(
                "img[src='x'], iframe, svg[onload], [onerror], body script").length,
              wide: Math.max(0, document.documentElement.scrollWidth - innerWidth),
              cut: [...document.querySelectorAll('#panel, #filters, .cardbox')]
                .filter((node) => node.scrollWidth > node.clientWidth + 1).length,
              tall: [...document.querySelectorAll('.tile, h1, h2, .piece, .title')]
                .filter((node) => node.getBoundingClientRect().height > 400).length,
            })"""
        )
        assert found == {"markup": 0, "wide": 0, "cut": 0, "tall": 0}, width


def test_nothing_runs_and_the_layout_holds(visit: Visit) -> None:
    page = visit.open(view="collection")
    page.locator("#videos .tile").nth(len(TEXTS) - 1).wait_for()
    _check_holds(visit)
    page = visit.open(("lang", "en"), q="document title script zero width endless several words")
    page.wait_for_selector("#filters label", state="attached")
    _check_holds(visit)
    page.locator("#hits .still").first.click()
    page.wait_for_selector("#panel .lines li")
    visit.quiet()
    for summary in page.locator("#panel .score summary").all():
        summary.click()
    _check_holds(visit)
    page = visit.open(("answer", "on"), q="document title broken script onerror")
    page.wait_for_selector("#answer .cite")
    _check_holds(visit)


def test_every_hostile_video_has_a_view(visit: Visit) -> None:
    page = visit.open(view="collection")
    page.locator("#videos .tile").nth(len(TEXTS) - 1).wait_for()
    links = page.locator("#videos .tile").evaluate_all("nodes => nodes.map((node) => node.href)")
    seen = set()
    for link in links:
        page.goto(link)
        page.wait_for_selector("#video .lines li")
        _check_holds(visit)
        seen.add(page.inner_text("#video h1")[:90])
    assert len(seen) == len(TEXTS)
    assert any(title.startswith("<script>") for title in seen)
    assert any("&amp;" in title for title in seen)
    assert "\u202e" not in "".join(seen)


def test_hostile_questions_and_links_stay_text(visit: Visit) -> None:
    for text in SCRIPTS[:4]:
        page = visit.open(("then", text), ("tag", text), q=text, dur=text)
        page.wait_for_selector("#results:not([aria-busy]) > *")
        visit.quiet()
        assert text in page.input_value("#q")
        assert page.locator("img[src='x'], iframe, svg[onload]").count() == 0
        assert page.title().endswith("Q2E") and page.title() != "broken"
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0
