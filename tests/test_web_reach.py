"""The page reaches all there is: odd files and names, many videos, by phone and by key."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

import q2e
from browsing import Visit, browsing, expect
from media_files import write_sound, write_video

pytest.importorskip("fastapi", reason="needs the extra `server`")

TOKEN = "sésame+ouvre/toi=="
NAME = "shows/2024/عرض طويل بلا ملف"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server behind a proxy's path, with a token, over files that few browsers play."""
    from serving import serving

    folder = tmp_path_factory.mktemp("reach")
    for name in ("old", "new"):
        (folder / name).mkdir()
    write_video(folder / "old" / "clock.avi", (2.0, 2.0), codec="mpeg4")
    (folder / "old" / "clock.info.json").write_text('{"title": "Uhrmacherei im Schwarzwald"}')
    write_video(folder / "new" / "späti.mp4", (1.0,))
    write_sound(folder / "new" / "bell.aiff", 2.0, "pcm_s16be")
    index = q2e.open(folder / "index")
    assert index.add(folder).failures == []
    line = {"video": NAME.replace(" ", "-"), "channel": "speech", "text": "zwiebelfisch am Morgen"}
    (folder / "lines.jsonl").write_text(json.dumps(line | {"start": 1, "end": 3}))
    index.import_evidence(folder / "lines.jsonl")
    with serving(index, token=TOKEN, root_path="/videos") as address:
        yield f"{address}/videos"


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    with browsing(chromium) as running:
        yield running


@pytest.fixture
def visit(browser: Any, server: str) -> Iterator[Visit]:
    one = Visit(browser, server)
    one.open(token=TOKEN)
    yield one
    one.close()
    assert one.wrong == []


def test_signing_in_and_out(browser: Any, server: str) -> None:
    visit = Visit(browser, server)
    page = visit.open()
    page.fill("#token", "wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("not known")
    page.fill("#token", TOKEN)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_selector(".mosaic img")
    expect(page).to_have_url(f"{server}/")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_selector("#token")
    page.goto(f"{server}/")
    page.wait_for_selector("#token")
    # Only the page that was refused is logged by the browser.
    assert all("401" in one for one in visit.wrong), visit.wrong
    visit.close()


def test_a_file_that_the_browser_cannot_play_is_seen_and_played(visit: Visit) -> None:
    page = visit.open(q="Uhrmacherei")
    page.locator("#hits .still").first.click()
    page.wait_for_selector("#panel .player.stills img")
    assert "[object" not in page.inner_text("body")
    picture = page.locator("#panel .player.stills img")
    assert picture.evaluate("node => node.decode().then(() => node.naturalWidth)") > 0
    page.get_by_role("button", name="Half a second on").click()
    expect(page.locator("#panel .stillbar")).to_contain_text("0:00.5")
    page.get_by_role("button", name="Play from here").click()
    visit.until("document.querySelector('#panel .player video')?.currentTime > 0.2")
    assert "/playable?start=0" in page.locator("#panel .player video").get_attribute("src")
    visit.wrong = [one for one in visit.wrong if "/media" not in one]


def test_sound_that_the_browser_cannot_play_is_heard(visit: Visit) -> None:
    page = visit.open(view="collection")
    page.locator("#videos .tile", has_text="bell").click()
    play = page.get_by_role("button", name="Play from 0:00")
    play.click()
    visit.until("document.querySelector('#video .player video')?.currentTime > 0.2")
    visit.wrong = [one for one in visit.wrong if "/media" not in one]


def test_a_name_with_slashes_is_shown_whole_and_opened(visit: Visit) -> None:
    name = NAME.replace(" ", "-")
    page = visit.open(view="collection")
    tile = page.locator("#videos .tile", has_text=name)
    tile.click()
    expect(page.locator("#video h1")).to_have_text(name)
    expect(page.locator("#video .lines")).to_contain_text("zwiebelfisch am Morgen")


def test_what_failed_while_offline_is_asked_again(visit: Visit) -> None:
    page = visit.open()
    page.wait_for_selector(".mosaic")
    visit.context.set_offline(True)
    page.fill("#q", "Uhrmacherei")
    page.wait_for_selector(".offline")
    expect(page.locator("#results")).to_contain_text("does not answer")
    visit.context.set_offline(False)
    page.wait_for_selector("#hits .hit")
    page.wait_for_selector(".offline", state="detached")
    visit.wrong = [one for one in visit.wrong if "ERR_INTERNET_DISCONNECTED" not in one]


def test_the_list_is_searched_ordered_and_narrowed(visit: Visit) -> None:
    page = visit.open(view="collection")
    page.wait_for_selector("#videos .tile")

    def shown(*titles: str) -> None:
        expect(page.locator("#videos .tiletitle")).to_have_text(list(titles))

    def titled(title: str) -> None:
        expect(page.locator("#videos-title")).to_have_text(title)

    titled("4 videos")
    page.select_option("#order", "length")
    shown("Uhrmacherei im Schwarzwald", NAME.replace(" ", "-"), "bell", "späti")
    folders = page.locator("#folder option").all_inner_texts()
    page.select_option("#folder", label=next(one for one in folders if "/old " in one))
    shown("Uhrmacherei im Schwarzwald")
    titled("1 video with this")
    page.select_option("#folder", "")
    page.fill("#find-video", "SPÄTI")
    shown("späti")
    page.fill("#find-video", "nonesuch")
    titled("No video with this")


def test_two_keys_lead_to_the_first_hit(visit: Visit) -> None:
    page = visit.open(q="Uhrmacherei")
    page.wait_for_selector("#hits .hit")
    visit.quiet()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    visit.until("document.activeElement.textContent === 'Skip to the hits'")
    page.keyboard.press("Enter")
    visit.quiet()
    stops = 0
    while not page.evaluate("!!document.activeElement.closest('#hits .hit')"):
        page.keyboard.press("Tab")
        stops += 1
        assert stops <= 6, "too many stops between the link and the first hit"


#: What is lower or narrower than 44 pixels; links within a sentence are as high as its lines.
SMALL = """() => [...document.querySelectorAll("a,button,input,select,summary,textarea")]
    .filter((node) => node.checkVisibility({ visibilityProperty: true }))
    .filter((node) => !node.matches(".piece, .unseen, .skip, p a"))
    .map((node) => [node, (node.closest("label") ?? node).getBoundingClientRect()])
    .filter(([, box]) => box.width && (box.width < 43.9 || box.height < 43.9))
    .map(([node, box]) => `${node.outerHTML.slice(0, 90)} ${box.width} x ${box.height}`)"""


def test_what_is_pressed_on_a_phone_is_large_enough(browser: Any, server: str) -> None:
    visit = Visit(browser, server, viewport={"width": 390, "height": 844}, has_touch=True)
    page = visit.open(token=TOKEN)
    page.wait_for_selector(".mosaic")
    visit.quiet()
    assert page.evaluate(SMALL) == []
    for state, ready in (
        ({"q": "Uhrmacherei", "label": "on"}, "#hits .hit"),
        ({"view": "collection"}, "#videos .tile"),
        ({"view": "labels"}, "#labels > *"),
    ):
        page = visit.open(**state)
        page.wait_for_selector(ready)
        visit.quiet()
        assert page.evaluate(SMALL) == [], state
        if "label" in state:
            # Filters leave the hits in sight, shut and open.
            top = "document.querySelector('#hits .still').getBoundingClientRect().top"
            assert page.evaluate(top) < 650
            page.locator("#f-all").click()
            assert page.locator("#filters").bounding_box()["height"] < 400
            assert page.evaluate(SMALL) == [], "filters"
            page.locator("#f-all").click()
            page.locator("#hits .still").first.click()
            page.wait_for_selector("#panel .lanes .piece", state="attached")
            visit.quiet()
            assert page.evaluate(SMALL) == [], "panel"
    visit.close()


def test_the_page_is_kept_for_when_the_server_is_away(browser: Any, server: str) -> None:
    visit = Visit(browser, server)
    page = visit.open(token=TOKEN)
    page.wait_for_selector(".mosaic")
    manifest = page.evaluate("""async () => {
      const link = document.querySelector("link[rel=manifest]");
      const answer = await fetch(link.href);
      const { start_url, icons } = await answer.json();
      const at = (path) => new URL(path, link.href).pathname;
      return [answer.headers.get("content-type"), at(start_url), at(icons[0].src)];
    }""")
    root = urlsplit(server).path
    assert manifest == ["application/manifest+json", f"{root}/", f"{root}/static/icon.svg"]
    # The page does so itself over HTTPS; a browser lets workers work on this machine too.
    page.evaluate("navigator.serviceWorker.register('worker.js')")
    visit.until("navigator.serviceWorker.controller !== null")
    page.reload()
    page.wait_for_selector(".mosaic")
    visit.quiet()
    visit.context.set_offline(True)
    page.reload()
    page.wait_for_selector(".offline")
    expect(page.locator("#ask input").first).to_be_visible()
    kept = (
        "caches.open('q2e-page-1').then((kept) => kept.keys()).then((all) => all.map((o) => o.url))"
    )
    assert not [url for url in page.evaluate(kept) if "/v1/" in url or "token" in url]
    visit.context.set_offline(False)
    page.wait_for_selector(".mosaic img")
    assert all("ERR_INTERNET_DISCONNECTED" in one or "ERR_FAILED" in one for one in visit.wrong)
    visit.close()


def test_videos_are_listed_by_words_folder_and_order(server: str) -> None:
    from q2e.client import Client

    with Client(server, token=TOKEN) as client:
        paths = [Path(one["path"]).name for one in client.videos(sort="length")["videos"]]
        assert paths[0] == "clock.avi"
        assert client.videos(find="schwarzwald UHR")["total"] == 1
        assert client.videos(find="schwarzwald nonesuch")["total"] == 0
        folders = client.folders()["folders"]
        assert [(Path(one["folder"]).name, one["videos"]) for one in folders][1:] == [
            ("new", 2),
            ("old", 1),
        ]
        assert folders[0]["videos"] == 3
        assert client.videos(folder=folders[1]["folder"])["total"] == 2
        assert client.videos(folder="/nonesuch")["total"] == 0


def test_fifty_thousand_videos_are_gone_through_without_a_stall(visit: Visit) -> None:
    page = visit.page
    offsets: list[int] = []

    def listed(route: Any) -> None:
        asked = dict(parse_qsl(urlsplit(route.request.url).query))
        first, limit = int(asked["offset"]), int(asked["limit"])
        offsets.append(first)
        rows = [
            {"id": f"{n:032x}", "path": f"/v/{n}.mp3", "title": f"video {n}", "duration": 60,
             "has_video": False, "date": None, "language": None, "tags": []}
            for n in range(first, min(first + limit, 50_000))
        ]  # fmt: skip
        route.fulfill(json={"total": 50_000, "offset": first, "videos": rows})

    page.route("**/v1/videos?*", listed)
    visit.open(view="collection")
    expect(page.locator("#videos-title")).to_have_text("50,000 videos")
    held = "document.querySelectorAll('#videos li').length"
    for table in (False, True):
        if table:
            page.get_by_role("button", name="As a table").click()
            page.wait_for_selector("#videos.astable .tile")
        page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        expect(page.locator("#videos .tiletitle", has_text="video 49999")).to_be_visible()
        assert page.evaluate(held) < 400
        last = page.locator("#videos li").last
        assert last.get_attribute("aria-posinset") == last.get_attribute("aria-setsize") == "50000"
        page.evaluate("scrollTo(0, document.documentElement.scrollHeight / 2)")
        visit.until(
            "+document.querySelector('#videos .tile')?.textContent.match(/[0-9]+/)[0] > 20000"
        )
        page.evaluate("scrollTo(0, 0)")
        expect(page.locator("#videos .tiletitle").first).to_have_text("video 0")
    # Only pages in sight were asked for.
    assert len(offsets) < 30
    # The keyboard goes on where the list goes on.
    page.locator("#videos .tile").last.focus()
    for _ in range(12):
        visit.until(
            "document.activeElement.closest('#videos li')?.nextElementSibling?.querySelector('a')"
        )
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#videos') !== null")


@pytest.mark.slow  # a video is read by a process that loads models
def test_a_video_that_is_dropped_on_the_collection_is_read(browser: Any, tmp_path: Path) -> None:
    from serving import serving

    clip = write_video(tmp_path / "Kirchturm im Nebel.mp4", (1.0,))
    (tmp_path / "lines.jsonl").write_text('{"video": "a", "channel": "speech", "text": "Moin"}')
    with (
        q2e.open(tmp_path / "index") as index,
        contextlib.ExitStack() as stack,
    ):
        index.import_evidence(tmp_path / "lines.jsonl")
        address = stack.enter_context(serving(index, token=TOKEN))
        visit = Visit(browser, address)
        page = visit.open(token=TOKEN, view="collection")
        page.wait_for_selector("#send-files", state="attached")
        bytes_of = list(clip.read_bytes())
        data = page.evaluate_handle(
            """([bytes, name]) => {
              const given = new DataTransfer();
              given.items.add(new File([new Uint8Array(bytes)], name, { type: "video/mp4" }));
              return given;
            }""",
            [bytes_of, clip.name],
        )
        for event in ("dragenter", "dragover", "drop"):
            page.dispatch_event("body", event, {"dataTransfer": data})
        read = page.locator("#videos .tiletitle", has_text="Kirchturm im Nebel")
        expect(read).to_be_visible(timeout=120_000)
        visit.close()
        assert visit.wrong == []
