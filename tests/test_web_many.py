"""The page over 6,000 videos imported without their files: nothing stalls, nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import q2e
from browsing import Visit, browsing, expect
from q2e.models.registry import Models
from q2e.settings import Settings

pytest.importorskip("fastapi", reason="needs the extra `server`")
pytestmark = pytest.mark.slow  # 24,000 pieces are stored

VIDEOS = 6000
#: One video alone tells of it.
RARE, AT = "a kingfisher dives into the river", 4321
FOLDERS = ("street", "news", "kitchen", "farm")
TOLD = {
    "en": ("rescue workers search the rubble", "two dogs run along the beach", "a chef cooks"),
    "de": ("Eine Menge zieht durch die Altstadt", "Kinder spielen im Schnee"),
    "fr": ("une foule traverse la vieille ville", "deux chiens courent sur la plage"),
    "es": ("una multitud marcha por el centro", "dos perros corren por la playa"),
    "ru": ("толпа идёт по старому городу", "две собаки бегут по пляжу"),
    "ar": ("حشد من الناس يسير في المدينة", "كلبان يركضان على الشاطئ"),
    "hi": ("लोगों की भीड़ शहर से गुज़रती है", "दो कुत्ते समुद्र तट पर दौड़ते हैं"),
    "zh": ("一群人走过老城区", "两只狗在海滩上奔跑"),
    "ja": ("大勢の人が旧市街を行進する", "二匹の犬が浜辺を走る"),
    "ko": ("많은 사람들이 구시가지를 행진한다", "개 두 마리가 해변을 달린다"),
    "th": ("ฝูงชนเดินผ่านเมืองเก่า", "สุนัขสองตัววิ่งบนชายหาด"),
}
#: Scrolls by `step` pixels a frame; tells the gaps between frames in ms, and the elements held.
_SCROLL = """async ([step, frames]) => {
  const gaps = [];
  let held = 0, last = performance.now();
  for (let n = 0; n < frames; n += 1) {
    scrollBy(0, step);
    await new Promise(requestAnimationFrame);
    gaps.push(performance.now() - last);
    last = performance.now();
    held = Math.max(held, document.querySelectorAll("#videos li").length);
  }
  gaps.sort((a, b) => a - b);
  return { median: gaps[frames >> 1], most: gaps[frames - 1], held };
}"""
#: A frame later than this is seen as a stall, also on a machine that has much else to do.
STALL_MS = 400


def _lines() -> Iterator[dict[str, Any]]:
    """Yield the lines of the import: 6,000 videos with captions, speech and titles."""
    random = np.random.default_rng(0)
    texts = [(language, text) for language, own in TOLD.items() for text in own]
    vectors = Models(Settings()).text.encode_passages([text for _, text in texts] + [RARE])
    for number in range(VIDEOS):
        video = f"{FOLDERS[number % 4]}/{number:05d}.mp4"
        for place, channel in enumerate(("caption", "speech", "speech", "metadata")):
            one = len(texts) if (number, place) == (AT, 0) else int(random.integers(len(texts)))
            language, text = [*texts, ("en", RARE)][one]
            vector = vectors[one] + 0.02 * random.standard_normal(vectors.shape[1])
            line = {"video": video, "channel": channel, "text": text, "language": language}
            times = {} if channel == "metadata" else {"start": 10 * place, "end": 10 * place + 8}
            length = np.linalg.norm(vector)
            yield line | times | {"vector": [round(float(x), 4) for x in vector / length]}


@pytest.fixture(scope="module")
def visit(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    from serving import serving

    folder = tmp_path_factory.mktemp("many")
    file = folder / "six.jsonl"
    with file.open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(line) + "\n" for line in _lines())
    with q2e.open(folder / "index") as index:
        assert index.import_evidence(file).videos == VIDEOS
        with browsing(chromium) as browser, serving(index) as address:
            own = Visit(browser, address)
            yield own
            own.close()
            assert own.wrong == []


def test_one_of_thousands_is_found_and_thousands_are_narrowed(visit: Visit) -> None:
    page = visit.open()
    expect(page.locator("#results .resultbar b")).to_contain_text("6,000 videos")
    for question in ("kingfisher", '"dives into the river"'):
        visit.ask(question)
        expect(page.locator("#hits .hit h2").first).to_have_text(f"news/{AT:05d}.mp4")
    visit.ask("dogs on the beach")
    before = int(page.locator("label[for=f-language-ru] .number").inner_text().replace(",", ""))
    with visit.searching() as request:
        page.locator("#f-language-ru").check()
    assert request.value.post_data_json["languages"] == ["ru"]
    assert 0 < before < VIDEOS
    visit.unfold()
    expect(page.locator("#hits .hit")).to_have_count(12)
    # The next page comes as one scrolls.
    page.locator("#results .end").scroll_into_view_if_needed()
    visit.until("document.querySelectorAll('#hits .hit').length >= 36")


def test_the_collection_scrolls_without_a_stall(visit: Visit) -> None:
    page = visit.open(view="collection")
    expect(page.locator("#videos-title")).to_have_text("6,000 videos")
    for table in (False, True):
        if table:
            page.get_by_role("button", name="As a table").click()
            page.wait_for_selector("#videos.astable .tile")
        visit.quiet()
        page.evaluate("scrollTo(0, 0)")
        for step in (40, 1500):
            told = page.evaluate(_SCROLL, [step, 120])
            assert told["median"] < 60 and told["most"] < STALL_MS and told["held"] < 200, told
        page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        expect(page.locator("#videos .tiletitle").last).to_have_text("street/05996.mp4")
        expect(page.locator("#videos .unread")).to_have_count(0)
    page.fill("#find-video", "news")
    expect(page.locator("#videos-title")).to_contain_text("1,500 videos")
    page.fill("#find-video", f"{AT:05d}")
    expect(page.locator("#videos .tiletitle")).to_have_text([f"news/{AT:05d}.mp4"])
    page.locator("#videos .tile").click()
    expect(page.locator("#video")).to_contain_text(RARE)


def test_the_map_shows_them_all_and_leads_to_some(visit: Visit) -> None:
    page = visit.open(view="map")
    expect(page.locator("#map")).to_contain_text("24,000 moments of 6,000 videos")
    page.locator("#map [role=button], #map button").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#map-group .still").first).to_be_visible()
    page.get_by_role("link", name="Search for these words").click()
    visit.settle()
    expect(page.locator("#hits .hit").first).to_be_visible()
