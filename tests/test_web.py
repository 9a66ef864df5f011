"""The page in a real browser, against the real server and the whole samples: searching."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import q2e
from browsing import Visit, browsing, expect
from packs import need_pack

pytest.importorskip("fastapi", reason="needs the extra `server`")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, sample_index: q2e.Index) -> Iterator[str]:
    """A server of a copy of the samples."""
    from serving import serving

    folder = tmp_path_factory.mktemp("page")
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


@pytest.mark.parametrize(
    ("question", "title", "language", "pack"),
    [
        ("颐和园花展", "news-11", "Chinese", None),
        ("معرض الآثار في القاهرة", "news-12", "Arabic", "ara"),
        ("снегопад в Сибири, школы закрыты", "news-13", "Russian", "rus"),
        ("단풍 축제", "news-14", "Korean", "kor"),
        ("आगरा में बारिश की चेतावनी", "news-15", "Hindi", "hin"),
        ("植物園のダリア", "花-21", "Japanese", None),
        ("weasels have eaten the telephone system", "call-06", "English", None),
    ],
    ids=lambda value: value if value and value.isascii() else "",
)
def test_searches_in_many_languages_as_one_types(
    visit: Visit, question: str, title: str, language: str, pack: str | None
) -> None:
    need_pack(pack)
    page = visit.open()
    page.wait_for_selector(".mosaic img")
    visit.ask(question)
    expect(page.locator("#hits .hit h2").first).to_have_text(title)
    expect(page.locator(".resultbar")).to_contain_text(f"asked in {language}")


def test_typing_alone_searches(visit: Visit) -> None:
    page = visit.open()
    page.locator("#q").press_sequentially("giant panda", delay=15)
    expect(page).to_have_url(re.compile("q=giant[+]panda$"))
    visit.settle()
    expect(page.locator("#hits .hit h2").first).to_have_text("reel-01")


def test_texts_have_their_own_direction_and_language(visit: Visit) -> None:
    page = visit.open(q="جميع الموظفين مشغولون")
    expect(page.locator("#q")).to_have_css("direction", "rtl")
    visit.ask("颐和园花展")
    expect(page.locator("#q")).to_have_css("direction", "ltr")
    told = page.locator("#hits .told bdi[lang=zh]").first
    expect(told).to_have_css("direction", "ltr")
    expect(told).to_have_css("font-family", re.compile("Noto Sans CJK SC"))


def test_arabic_text_of_a_video_runs_from_right_to_left(visit: Visit) -> None:
    need_pack("ara")
    page = visit.open(q="معرض الآثار في القاهرة")
    told = page.locator("#hits .told bdi[lang=ar]").first
    expect(told).to_have_css("direction", "rtl")


def test_hints_say_how_a_question_is_read(visit: Visit) -> None:
    page = visit.open(q="speech:weasels -monkeys lang:en")
    expect(page.locator("#hints")).to_have_text(
        re.compile(r"^Read as\s*Speech weasels\s*not “monkeys”\s*language English\s*$")
    )
    page.fill("#q", "panda THEN")
    page.wait_for_selector("#hints .wrong")
    page.wait_for_selector("#results [role=alert]")
    page.fill("#q", "panda THEN koala")
    page.wait_for_selector("#hits .steps")


def test_the_decomposition_is_edited_and_the_ranking_follows(visit: Visit) -> None:
    page = visit.open(q="strike at the museum")
    page.wait_for_selector("#hits .hit")
    visit.settle()
    visit.reasons()
    page.wait_for_selector(".column.prequel .event")
    before = visit.titles()
    with visit.searching():
        page.locator(".column.current .add").click()
    field = page.locator(".column.current li:last-child textarea")
    expect(field).to_be_focused()
    with visit.searching() as asked:
        field.fill("a giant panda")
        field.press("Enter")
    events = asked.value.post_data_json["decomposition"]["events"]
    assert {"kind": "current", "text": "a giant panda", "own": True} in events
    assert visit.titles()[0] != before[0]
    with visit.searching() as asked:
        page.get_by_role("button", name="Strike “a giant panda”").click()
    struck = asked.value.post_data_json["decomposition"]["events"]
    assert struck == [event for event in events if event["text"] != "a giant panda"]
    page.wait_for_selector(".event.struck")
    with visit.searching():
        page.get_by_role("button", name="Undo all edits").click()
    page.wait_for_selector(".event.struck", state="detached")
    assert "ev=" not in page.url
    assert visit.titles() == before


def test_bars_of_a_hit_add_up_to_its_score(visit: Visit) -> None:
    page = visit.open(q="Wanderweg wegen Lawinengefahr gesperrt")
    page.locator("#hits .why").first.click()
    page.wait_for_selector(".score .bars li")
    visit.quiet()
    values = [
        float(text.replace("−", "-").replace("+", ""))
        for text in page.locator(".score .value").all_text_contents()
    ]
    score = float(page.locator(".score .sectionhead b").inner_text())
    assert sum(values) == pytest.approx(score, abs=0.02)
    page.locator(".score summary").first.click()
    page.wait_for_selector(".score details[open] tbody tr")


@pytest.mark.parametrize("question", ["rocket launch", "إطلاق صاروخ"])
def test_what_explains_little_is_one_line(visit: Visit, question: str) -> None:
    page = visit.open(q=question)
    page.locator("#hits .why").first.click()
    page.wait_for_selector(".score .bars li")
    visit.quiet()
    little = page.locator(".score .little")
    hidden = little.count()
    assert hidden > 0
    for number in range(hidden):
        expect(little.nth(number)).to_be_hidden()
    page.locator(".score summary").first.click()
    line = page.locator(".score .smaller:visible").first
    expect(line).to_have_text(re.compile(r"and \d+ smaller"))
    expect(line).to_have_attribute("aria-expanded", "false")
    line.click()
    expect(page.locator(".score details[open] tr.little, .score li.little").first).to_be_visible()
    expect(line).to_have_attribute("aria-expanded", "true")
    line.click()
    expect(little.first).to_be_hidden()


def test_suggestions_are_chosen_by_keyboard_and_history_is_cleared(visit: Visit) -> None:
    page = visit.open()
    box = page.get_by_role("combobox", name="Question")
    box.press_sequentially("gian")
    page.get_by_role("option", name="giant panda").wait_for()
    expect(box).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#suggestions [aria-selected=true]")).to_contain_text("giant panda")
    page.keyboard.press("Enter")
    expect(box).to_have_value("giant panda")
    expect(page.locator("#suggesting")).to_be_hidden()
    expect(page.locator("#hits .hit h2").first).to_have_text("reel-01")
    visit.until("localStorage.getItem('q2e-history-everybody')?.includes('giant panda')")
    page = visit.open()
    page.wait_for_selector(".mosaic")
    box.click()
    page.get_by_role("option", name="giant panda asked before").wait_for()
    page.get_by_role("button", name="Clear history").click()
    visit.until("localStorage.getItem('q2e-history-everybody') === null")


def test_a_saved_search_says_what_is_new(visit: Visit) -> None:
    page = visit.open(q="a giant panda")
    page.get_by_role("button", name="Save this search").click()
    page.locator("#save-search[aria-pressed=true]").wait_for()
    page.evaluate("""() => {
      const key = "q2e-saved-everybody";
      const [one] = JSON.parse(localStorage.getItem(key));
      localStorage.setItem(key, JSON.stringify([{ ...one, known: [], version: "0/0" }]));
    }""")
    page = visit.open()
    link = page.locator(".saved a")
    expect(link).to_have_text("a giant panda")
    expect(page.locator(".saved .badge")).to_have_text("1 new")
    page.get_by_role("button", name="Remove “a giant panda”").click()
    expect(link).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    link.click()
    page.wait_for_selector("#hits .hit")
    page.locator("#save-search[aria-pressed=true]").wait_for()
    page = visit.open()
    link.wait_for()
    visit.quiet()
    expect(page.locator(".saved .badge")).to_have_count(0)


def test_what_was_understood_is_one_line_and_changed_in_place(visit: Visit) -> None:
    page = visit.open(q="strike at the museum in Athens 2019")
    line = page.get_by_role("list", name="What was understood")
    expect(line.locator(".part")).to_have_text(["strike", "Athens", "2019"])
    line.get_by_role("button", name="Athens", exact=True).click()
    page.get_by_role("textbox", name="Change “Athens”").fill("Berlin")
    with visit.searching() as asked:
        page.keyboard.press("Enter")
    assert asked.value.post_data_json["q"] == "strike at the museum in Berlin 2019"
    expect(page.locator("#q")).to_have_value("strike at the museum in Berlin 2019")
    with visit.searching():
        line.get_by_role("button", name="Leave out “2019”").click()
    expect(page.locator("#q")).to_have_value("strike at the museum in Berlin")
    with visit.searching():
        page.get_by_role("button", name="Undo").last.click()
    expect(page.locator("#q")).to_have_value("strike at the museum in Berlin 2019")
    expect(page.locator(".column.prequel")).to_be_hidden()
    line.get_by_role("button", name="Details").click()
    expect(page.locator(".column.prequel")).to_be_visible()


def test_a_then_b_has_rows(visit: Visit) -> None:
    page = visit.open(q="a giant panda")
    page.wait_for_selector("#hits .hit")
    page.click("#add-then")
    with page.expect_request(lambda ask: "WITHIN" in (ask.post_data or "")) as asked:
        page.fill("#rows .row input", "a koala in a tree")
        page.select_option("#rows select", "30s")
    assert asked.value.post_data_json["q"] == "a giant panda THEN a koala in a tree WITHIN 30s"
    best = page.locator("#hits .hit").first
    expect(best.locator("h2")).to_have_text("reel-01")
    expect(best.locator(".step")).to_contain_text(["panda", "koala"])
    page.get_by_role("button", name="Remove step 2").click()
    page.wait_for_selector("#rows .row", state="detached")


def test_a_dropped_picture_is_searched_by(visit: Visit) -> None:
    page = visit.open(q="skyscrapers with lit windows at night")
    page.wait_for_selector("#hits .hit")
    video = page.locator("#hits .hit").first.get_attribute("data-video")
    page.fill("#q", "")
    page.keyboard.press("Enter")
    page.wait_for_selector(".mosaic")
    page.evaluate(
        """async (address) => {
          const blob = await (await fetch(address)).blob();
          const data = new DataTransfer();
          data.items.add(new File([blob], 'found.jpg', { type: 'image/jpeg' }));
          for (const type of ['dragenter', 'dragover', 'drop'])
            dispatchEvent(new DragEvent(type, { dataTransfer: data, cancelable: true }));
        }""",
        f"/v1/videos/{video}/frame?t=3&w=640",
    )
    page.wait_for_selector("#hits .hit")
    expect(page.locator("#hits .hit").first).to_have_attribute("data-video", video)
    expect(page.locator("#given img")).to_have_count(1)
    page.get_by_role("button", name="Remove “found.jpg”").click()
    page.wait_for_selector(".mosaic")


def test_a_click_plays_at_the_second(visit: Visit) -> None:
    page = visit.open(q="a koala in a tree")
    page.locator("#hits .still").first.click()
    expect(page.locator("#panel video")).to_have_attribute("src", re.compile(r"#t=3[.]"))
    visit.until("document.querySelector('#panel video').currentTime > 3.2")
    expect(page).to_have_url(re.compile(r"t=3([.]|&|$)"))
    page.locator("#panel .piece.shot").last.click()
    visit.until("document.querySelector('#panel video').currentTime > 9")
    page.get_by_role("button", name="Close the player").click()
    expect(page.locator("#panel video")).to_have_count(0)


def test_pointing_scrubs_the_filmstrip(visit: Visit) -> None:
    page = visit.open(q="a koala in a tree")
    still = page.locator("#hits .still").first
    still.wait_for()
    visit.quiet()
    box = still.bounding_box()
    with page.expect_response(lambda answer: "/filmstrip" in answer.url) as strip:
        page.mouse.move(box["x"] + 5, box["y"] + box["height"] / 2)
        page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + box["height"] / 2)
    assert strip.value.status == 200
    expect(still).to_have_attribute("style", re.compile(r"--part: 0[.]7[3-7]"))


def test_a_still_image_that_moves_is_shown_as_pictures(visit: Visit) -> None:
    page = visit.open(q="ein Elch mit großem Geweih")
    page.wait_for_selector("#hits .hit")
    visit.unfold()
    page.get_by_role("button", name=re.compile("Play loop-05")).first.click()
    page.wait_for_selector("#panel .player.stills img[src*='/frame']")


def test_like_and_dislike(visit: Visit) -> None:
    page = visit.open(q="an animal")
    page.wait_for_selector("#hits .hit")
    visit.unfold()
    last = page.locator("#hits .hit").last
    liked = last.get_attribute("data-video")
    rank = visit.titles().index(last.locator("h2").inner_text())
    with visit.searching() as asked:
        last.locator(".like").click()
    assert asked.value.post_data_json["like"][0].startswith(f"{liked}@")
    page.wait_for_selector("#given .liked")
    now = page.locator(f"#hit-{liked} h2").inner_text()
    assert visit.titles().index(now) <= rank
    expect(page.locator(f"#hit-{liked} .like")).to_have_attribute("aria-pressed", "true")
    page.locator(f"#hit-{liked} .dislike").click()
    page.wait_for_selector("#given .disliked")
    expect(page.locator("#given .liked")).to_have_count(0)


def test_weaker_hits_are_folded_and_reasons_say_what_was_matched(visit: Visit) -> None:
    page = visit.open(q="a giant panda")
    page.wait_for_selector("#hits .hit")
    visit.quiet()
    expect(page.locator("#hits .hit:visible h2")).to_have_text(["reel-01"])
    expect(page.locator("#hits .hit .told li").first).to_contain_text("looks like: panda")
    folded = page.locator("#hits .hit.weaker")
    count = folded.count()
    assert count > 3 and not folded.first.is_visible()
    page.get_by_role("button", name=f"{count} weaker hits").click()
    expect(page.locator("#hits .hit:visible")).to_have_count(count + 1)
    expect(page.locator("#hits .hit.weaker .still").first).to_be_focused()
    edge = page.locator("#hits > .hit:not(.weaker) + .edge")
    expect(edge).to_contain_text("Less certain from here on")
    edge.get_by_role("button", name="Fold the weaker hits").click()
    expect(page.locator("#weaker")).to_be_focused()
    expect(page.locator("#hits .hit:visible")).to_have_count(1)
    # Where all are weak the nearest are shown.
    visit.ask("zwölf Pinguine auf dem Mond")
    visit.quiet()
    expect(page.locator(".unsure")).to_be_visible()
    assert 0 < page.locator("#hits .hit:visible").count() <= 3


def test_filters_and_facets(visit: Visit) -> None:
    page = visit.open(q="a rocket waits for the wind")
    page.wait_for_selector("#filters label")
    visit.settle()
    with visit.searching():
        page.get_by_role("checkbox", name="Screen text").check()
    expect(page).to_have_url(re.compile("ch=screen_text"))
    page.wait_for_selector("#filters .badge")
    labels = page.locator("#hits .stack").evaluate_all(
        "nodes => nodes.map((node) => node.getAttribute('aria-label'))"
    )
    assert set(labels) == {"Found by Screen text"}
    page.get_by_role("button", name="Clear filters").click()
    page.wait_for_selector("#filters .badge", state="detached")
    page.get_by_role("button", name="<1m").click()
    visit.until("new URL(location).searchParams.get('dur') === '<1m'")


def test_a_question_back_narrows_many_hits(visit: Visit) -> None:
    page = visit.open(q="an animal")
    page.wait_for_selector("#hints .back")
    page.locator("#hints .back button").first.click()
    page.wait_for_selector("#hints .clause")
    visit.until("new URL(location).searchParams.get('q').startsWith('\"an animal\" ')")
    visit.settle()


def test_permalinks_and_the_way_back(visit: Visit) -> None:
    page = visit.open(q="a giant panda")
    page.wait_for_selector("#hits .hit")
    page.locator("#hits .still").first.click()
    page.wait_for_selector("#panel video")
    visit.reasons()
    page.get_by_role("button", name="Add an event before").click()
    page.locator(".column.prequel textarea").fill("a zoo")
    page.keyboard.press("Enter")
    visit.until("new URL(location).searchParams.get('ev') === 'b+:a zoo'")
    there = page.url
    page.goto("about:blank")
    page.goto(there)
    page.wait_for_selector("#panel video")
    expect(page.locator(".column.prequel textarea")).to_have_value("a zoo")
    expect(page.locator("#hits .hit.open h2")).to_have_text("reel-01")
    page.get_by_role("link", name="Collection", exact=True).click()
    page.wait_for_selector("#collection:not([hidden])")
    page.go_back()
    page.wait_for_selector("#search:not([hidden]) #panel video")
    expect(page).to_have_url(there)


def test_the_list_is_saved_as_it_is_shown(visit: Visit, tmp_path: Path) -> None:
    page = visit.open(("ev", "b:a keeper opens the gate"), ("ev", "d-:struck"), q="an animal")
    page.wait_for_selector("#hits .hit")
    visit.unfold()
    with visit.searching():
        page.locator("#hits .hit").nth(1).locator(".like").click()
    page.wait_for_selector("#given .liked")
    videos = page.locator("#hits .hit").evaluate_all("nodes => nodes.map((n) => n.dataset.video)")
    page.locator(".resultbar .menu summary").click()
    with page.expect_download() as download, page.expect_request("**/v1/export") as asked:
        page.get_by_role("button", name="Table (CSV)").click()
    body = asked.value.post_data_json
    assert body["decomposition"]["events"] == [
        {"kind": "prequel", "text": "a keeper opens the gate", "own": False}
    ]
    assert len(body["like"]) == 1
    assert download.value.suggested_filename == "q2e.csv"
    download.value.save_as(tmp_path / "list.csv")
    with (tmp_path / "list.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(dict.fromkeys(row["video"] for row in rows)) == videos


def test_every_state_is_a_link(visit: Visit) -> None:
    asked = {"q": "an animal", "since": "1990", "decompose": "none", "dur": "<1m"}
    page = visit.open(("lang", "en"), ("ch", "frame"), ("ch", "metadata"), **asked)
    page.wait_for_selector("#hits .hit")
    found = visit.titles()
    page.locator("#hits h2 a").first.click()
    page.wait_for_selector("#video .lanes .match")
    there, matches = page.url, page.locator("#video .lanes .match").count()
    page.goto("about:blank")
    page.goto(there)
    expect(page.locator("#video .lanes .match")).to_have_count(matches)
    page.get_by_role("link", name="Back to the hits").click()
    expect(page.locator("#hits .hit h2")).to_have_text(found)
    page.get_by_role("link", name="Labels", exact=True).click()
    page.wait_for_selector("#labels:not([hidden])")
    page.get_by_role("link", name="Search", exact=True).click()
    page.wait_for_selector("#search:not([hidden])")
    expect(page.locator("#hits .hit h2")).to_have_text(found)
    for name, value in (*asked.items(), ("lang", "en"), ("ch", "frame")):
        assert page.evaluate("n => new URL(location).searchParams.get(n)", name) == value


def test_what_is_gone_is_told_with_a_way_on(visit: Visit) -> None:
    page = visit.open(("ex", "up-0123"), q="a giant panda")
    page.get_by_role("button", name="Search without examples").click()
    page.wait_for_selector("#hits .hit")
    page = visit.open(view="video", video="nonesuch")
    page.get_by_role("link", name="See the collection").click()
    page.wait_for_selector("#videos .tile")
    visit.wrong = [line for line in visit.wrong if "status of 404" not in line]


def test_downloads_name_what_they_give(visit: Visit, tmp_path: Path) -> None:
    page = visit.open(q="a koala in a tree")
    page.locator("#hits .still").first.click()
    page.locator("#panel .watchbar .menu summary").click()
    for name, least in (("Clip, cut exactly", 2000), ("Storyboard of this moment", 2000)):
        with page.expect_download() as download:
            page.get_by_role("link", name=name).click()
        download.value.save_as(tmp_path / "got")
        assert (tmp_path / "got").stat().st_size > least
        page.locator("#panel .watchbar .menu").evaluate("node => { node.open = true }")
