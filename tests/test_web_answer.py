"""The answer box of the page in a real browser: sentences whose citations play."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

import q2e
from browsing import Visit, browsing, expect

pytest.importorskip("fastapi", reason="needs the extra `server`")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, sample_index: q2e.Index) -> Iterator[str]:
    """A server of a copy of the samples."""
    from serving import serving

    folder = tmp_path_factory.mktemp("answers")
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
