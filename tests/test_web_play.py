"""Playing in a real browser: silent previews, a transcript that follows, chapters."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

import q2e
from browsing import Visit, browsing, expect

pytest.importorskip("fastapi", reason="needs the extra `server`")

HOSTILE = "<img src=x onerror=\"document.title='broken'\"> \u202egnp"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, sample_index: q2e.Index) -> Iterator[str]:
    from serving import serving

    folder = tmp_path_factory.mktemp("play")
    shutil.copytree(sample_index.directory, folder / "index")
    with serving(q2e.open(folder / "index")) as address:
        yield address


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    with browsing(chromium) as running:
        yield running


@pytest.fixture
def visit(browser: Any, server: str) -> Iterator[Visit]:
    one = Visit(browser, server)
    yield one
    one.close()
    assert one.wrong == []


def test_a_hit_plays_silently_from_its_second_while_one_looks_at_it(visit: Visit) -> None:
    page = visit.open(q="giant panda")
    visit.settle()
    still = page.locator("#hits .still.large").first
    # Who wants no motion sees the pictures of the moment alone.
    still.hover()
    page.wait_for_selector("#hits .strip")
    visit.quiet()
    assert page.locator(".preview").count() == 0
    page.mouse.move(0, 0)
    page.emulate_media(reduced_motion="no-preference")
    still.hover()
    page.wait_for_selector("#hits .preview.on")
    preview = page.locator("#hits .preview")
    assert preview.evaluate("node => node.muted")
    visit.until("document.querySelector('.preview')?.currentTime > 0.1")
    page.mouse.move(0, 0)
    page.wait_for_selector(".preview", state="detached")
    page.locator("#q").focus()
    page.keyboard.press("ArrowDown")
    page.wait_for_selector("#hits .hit:first-child .preview.on")
    page.locator("#q").focus()
    page.wait_for_selector("#hits .preview", state="detached")


def test_the_transcript_follows_what_is_said(visit: Visit) -> None:
    page = visit.open(view="collection")
    page.locator("#videos .tile", has_text="call-06").click()
    page.wait_for_selector("#video .lines li")
    lines = page.locator("#video .lines li")
    last = lines.last
    list_ = page.locator("#video .lineslist")
    list_.evaluate("node => { node.style.maxBlockSize = '4rem'; node.scrollTop = 0; }")
    start = float(last.get_attribute("data-start"))
    page.evaluate("t => { document.querySelector('#video video').currentTime = t }", start + 0.05)
    expect(last.locator("[aria-current=true]")).to_be_visible()
    expect(last.locator(".word.now")).to_have_count(1)
    visit.until(
        """(() => { const own = document.querySelector('#video .lines li:last-child'),
        a = own.getBoundingClientRect(),
        b = document.querySelector('#video .lineslist').getBoundingClientRect();
        return a.top < b.bottom && a.bottom > b.top; })()"""
    )


def test_each_word_plays_from_its_time_and_the_score_is_drawn_over_time(visit: Visit) -> None:
    page = visit.open(q="weasels have eaten the telephone system")
    visit.settle()
    page.locator("#hits .still").first.click()
    page.wait_for_selector("#panel .curvelane path[d^='M0 1V']")
    word = page.locator("#panel .lines li.spoken .linetext").first
    word.hover()
    words = page.locator("#panel .lines li.spoken .word")
    times = [float(one) for one in words.evaluate_all("all => all.map((one) => one.dataset.at)")]
    assert times == sorted(times)
    page.evaluate("document.querySelector('#panel video').pause()")
    words.last.click()
    visit.until(f"document.querySelector('#panel video').currentTime >= {times[-1] - 0.1}")


def test_a_word_has_the_time_at_which_it_was_heard(visit: Visit) -> None:
    said = {"channel": "speech", "start": 0, "end": 8, "language": "zh", "origin": "", "text": ""}
    # Places are counted in characters, of which the first takes two units of a browser.
    lines = [
        {"start": 0, "end": 4, "text": "𠀀好 well now", "words": [[0, 0.5], [3, 2.0], [8, 3.6]]},
        {"start": 4, "end": 8, "text": "one two "},
    ]
    told = {"video": "v", "duration": 8, "segments": []}
    page = visit.page
    page.route(
        "**/timeline",
        lambda route: route.fulfill(
            json=told | {"evidence": {"speech": [said | {"spans": lines}]}}
        ),
    )
    visit.open(view="collection")
    page.locator("#videos .tile").first.click()
    expect(page.locator("#video .lines li")).to_have_count(2)
    for line in page.locator("#video .lines li").all():
        line.hover()
    words = page.locator("#video .lines .word")
    expect(page.locator("#video .lines li").last.locator(".word").last).to_have_text("two")
    times = words.evaluate_all("all => all.map((one) => [one.textContent, +one.dataset.at])")
    page.unroute("**/timeline")
    assert times[-4:] == [
        ["well", 2.0],
        ["now", 3.6],
        ["one", 4.0],
        ["two", pytest.approx(5.8, abs=0.1)],
    ]
    assert times[0][1] == 0.5


def test_chapters_lie_along_the_time_and_are_gone_to(visit: Visit) -> None:
    told = [
        {"start": 0.0, "end": 2.0, "title": HOSTILE, "language": None},
        {"start": 2.0, "end": 4.0, "title": "الفصل الثاني", "language": "ar"},
    ]
    page = visit.page
    page.route("**/chapters", lambda route: route.fulfill(json={"chapters": told}))
    visit.open(view="collection")
    page.locator("#videos .tile", has_text="call-06").click()
    chapters = page.locator("#video .chapters .chapterline")
    expect(chapters).to_have_count(2)
    expect(page.locator("#video .chapterlane .piece")).to_have_count(2)
    expect(chapters.first).to_contain_text(HOSTILE)
    chapters.last.focus()
    page.keyboard.press("Enter")
    visit.until("document.querySelector('#video video').currentTime >= 2")
    expect(chapters.last).to_have_attribute("aria-current", "true")
    assert "broken" not in page.title()


def test_chapters_are_gone_to_beside_the_hits(visit: Visit) -> None:
    told = [
        {"start": 0.0, "end": 4.0, "title": HOSTILE, "language": None},
        {"start": 4.0, "end": 8.0, "title": "第二章", "language": "zh"},
    ]
    page = visit.page
    page.route("**/chapters", lambda route: route.fulfill(json={"chapters": told}))
    visit.open(q="weasels have eaten the telephone system")
    visit.settle()
    page.locator("#hits .still").first.click()
    expect(page.locator("#panel .chapterlane .piece")).to_have_count(2)
    chapters = page.locator("#panel .chapters .chapterline")
    chapters.last.click()
    visit.until("document.querySelector('#panel video').currentTime >= 4")
    expect(chapters.last).to_have_attribute("aria-current", "true")
    # The lane stays when the hit is drawn anew, as when another of its moments is chosen.
    expect(page.locator("#panel .chapterlane .piece")).to_have_count(2)
    assert "broken" not in page.title()


def test_what_is_heard_is_a_filter_in_the_page_s_language(browser: Any, server: str) -> None:
    visit = Visit(browser, server, locale="ja-JP")

    def heard(route: Any) -> None:
        answer = route.fetch()
        sounds = {"Applause": 3, "Clapping": 2, "Zither": 1}
        told = answer.json()
        seen = {"a dog": 2}
        told["facets"] = told.get("facets", {}) | {"sound": sounds, "seen": seen}
        route.fulfill(response=answer, json=told)

    visit.page.route("**/v1/search", heard)
    page = visit.open(q="giant panda")
    visit.settle()
    sounds = page.locator("#filters [id^=f-sound-]")
    expect(sounds.nth(0)).to_have_text("拍手 3")
    # One word stands for two kinds: the other keeps its own name beside it; the last has no other.
    expect(sounds.nth(1)).to_have_text("拍手 (Clapping) 2")
    expect(sounds.nth(2)).to_have_text("Zither 1")
    with visit.searching() as asked:
        sounds.first.click()
    assert asked.value.post_data_json["q"] == 'giant panda sound:"Applause"'
    expect(sounds.nth(0)).to_have_attribute("aria-pressed", "true")
    with visit.searching() as asked:
        page.get_by_role("button", name="a dog 2").click()
    assert asked.value.post_data_json["q"] == 'giant panda sound:"Applause" seen:"a dog"'
    visit.close()
    assert visit.wrong == []
