"""The answer box of the page in a real browser: sentences whose citations play."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import q2e
from answering import GOOD, script, wrote
from browsing import PATIENCE_S, Visit, browsing, expect
from scripted_model import scripted

pytest.importorskip("fastapi", reason="needs the extra `server`")


#: Until it is set the language model does not say what it writes.
WRITES = threading.Event()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, sample_index: q2e.Index) -> Iterator[str]:
    """A server of a copy of the samples, with a scripted language model."""
    from serving import serving

    def written(asked: Any) -> str:
        WRITES.wait(PATIENCE_S)
        return wrote(asked, GOOD)

    folder = tmp_path_factory.mktemp("answers")
    shutil.copytree(sample_index.directory, folder / "index")
    queries = json.dumps({"queries": ["weasels phone system"]})
    with (
        scripted(script(written, queries=queries)) as model,
        serving(q2e.open(folder / "index", language_model=model.source)) as address,
    ):
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


def test_a_question_is_answered_and_its_citation_plays(visit: Visit) -> None:
    page = visit.open()
    page.fill("#q", "Warum ist der Wanderweg gesperrt?")
    quote = page.locator("#answer blockquote").first
    expect(quote).to_have_text("Der Wanderweg ist wegen Lawinengefahr gesperrt.")
    expect(quote).to_have_attribute("lang", "de")
    expect(page.locator("#said")).to_have_text("Answer of 1 sentence")
    cite = page.get_by_role("button", name=re.compile(r"^Play wanderung-20 at 0:00, Speech$"))
    cite.focus()
    page.keyboard.press("Enter")
    visit.until("document.querySelector('#panel video')?.currentTime > 0.7")
    expect(page).to_have_url(re.compile("hit=.*t=0[.]5"))
    page.keyboard.press("Escape")
    expect(page.locator("#panel video")).to_have_count(0)
    expect(cite).to_be_focused()


def test_a_sentence_is_answered_when_the_button_or_the_key_asks(visit: Visit) -> None:
    page = visit.open(q="weasels ate the phone system")
    visit.settle()
    expect(page.locator("#answer")).to_be_hidden()
    with page.expect_request(lambda one: one.url.endswith("/v1/answer/events")) as asked:
        page.get_by_role("button", name="Answer the question").click()
    assert asked.value.post_data_json == {"q": "weasels ate the phone system"}
    expect(page.locator("#answer blockquote").first).to_contain_text("Weasels have eaten")
    expect(page).to_have_url(re.compile("answer=on"))
    page.get_by_role("button", name="Close the answer").click()
    expect(page.locator("#answer")).to_be_hidden()
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.press("Shift+Enter")
    expect(page.locator("#answer .cite").first).to_be_visible()


def test_what_nothing_answers_is_said(visit: Visit) -> None:
    page = visit.open(q="新幹線は何時に出発しますか？")
    expect(page.locator("#answer")).to_contain_text("Nothing here answers")
    expect(page.locator("#said")).to_have_text("Nothing here answers")
    expect(page.locator("#answer .cite")).to_have_count(0)


def test_an_answer_that_breaks_off_says_so(visit: Visit) -> None:
    def refuse(route: Any) -> None:
        told = 'event: error\ndata: {"error": {"code": "bad", "message": "no <b>model", '
        route.fulfill(body=told + '"next": "name one"}}\n\n', content_type="text/event-stream")

    visit.page.route("**/v1/answer/events", refuse)
    page = visit.open(q="weasels", answer="on")
    expect(page.locator("#answer [role=alert]")).to_have_text("No <b>model.Name one.")


def test_another_way_is_taken_after_its_cost_is_said(visit: Visit) -> None:
    page = visit.open(q="What have weasels eaten?")
    expect(page.locator("#answer blockquote").first).to_contain_text("Weasels have eaten")
    ways = page.get_by_label("Way of answering")
    take = page.get_by_role("button", name="Answer this way")
    expect(ways).to_have_value("extractive")
    expect(ways).to_have_accessible_description("Asks no model")
    expect(take).to_be_disabled()
    # A vision model is named by nobody.
    names = ways.locator("option").all_inner_texts()
    assert names[:2] == ["extractive", "article"] and "planned" in names and "corpus" not in names
    asked: list[Any] = []
    page.on("request", lambda one: asked.append(one) if "/v1/answer/events" in one.url else None)
    ways.focus()
    page.keyboard.type("plan")
    expect(ways).to_have_value("planned")
    expect(ways).to_have_accessible_description("At most 8 calls of a model, 20,000 tokens, 120 s")
    assert asked == []
    page.keyboard.press("Tab")
    expect(take).to_be_focused()
    page.keyboard.press("Enter")
    # The searches are done, and what is written from them is waited for.
    expect(page.locator("#answer .body")).to_have_text("Writing …")
    expect(page.locator("#answer")).to_have_attribute("aria-busy", "true")
    WRITES.set()
    expect(page.locator("#answer .sentences p").first).to_have_text(GOOD[0])
    expect(page.locator("#answer .sentences q").first).to_have_text(GOOD[2])
    expect(ways).to_be_focused()
    assert [one.post_data_json["how"] for one in asked] == ["planned"]
    expect(take).to_be_disabled()
    page.keyboard.type("ext")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#answer blockquote").first).to_contain_text("Weasels have eaten")
