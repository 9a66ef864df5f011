"""The page speaks eleven languages, each laid out its own way, and no word stands outside them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
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


def words(language: str, part: str = "") -> dict[str, Any]:
    texts: dict[str, Any] = json.loads((TEXTS / part / f"{language}.json").read_text("utf-8"))
    return texts


#: What is left of what one sees or has read aloud without the page's own words, which are marked
#: here by brackets, and without those of videos and of people, which have their own direction.
LEFT = """() => {
  const outside = (text) => {
    let depth = 0;
    let left = "";
    for (const sign of text) {
      if (sign === "⟦") depth += 1;
      else if (sign === "⟧") depth -= 1;
      else if (!depth) left += sign;
    }
    return left.replace(/[kKMGT]B/g, "");
  };
  const found = [];
  const note = (text, node) =>
    /[A-Za-z]{2}/.test(outside(text ?? "")) &&
    found.push(`${text} in ${node.outerHTML.slice(0, 90)}`);
  for (const node of document.body.querySelectorAll("*")) {
    if (node.closest("[dir=auto], kbd, noscript, .mark, .piece, .tongues, #folder")) continue;
    if (node.matches("article")) continue;
    for (const child of node.childNodes)
      if (child.nodeType === Node.TEXT_NODE) note(child.textContent, node);
    for (const name of ["aria-label", "title", "placeholder", "alt", "label"])
      note(node.getAttribute(name), node);
  }
  return found;
}"""


def marked(text: Any) -> Any:
    if isinstance(text, dict):
        return {name: marked(form) for name, form in text.items()}
    return f"⟦{text}⟧"


@pytest.mark.slow  # opens every view
def test_no_word_stands_outside_the_texts(browser: Any, server: str) -> None:
    visit = Visit(browser, server, locale="ja-JP")
    own = {key: marked(text) for key, text in words("ja").items()}
    told = {key: marked(text) for key, text in words("ja", "told").items()}
    visit.page.route("**/texts/ja.json", lambda route: route.fulfill(json=own))
    visit.page.route("**/texts/told/ja.json", lambda route: route.fulfill(json=told))
    for state, ready, then in (
        ({}, ".mosaic img", None),
        ({"q": "speech:weasels lang:en"}, "#hits .hit", "#hits .still"),
        ({"q": "an animal", "label": "on"}, "#hits .hit", "#hits .why"),
        ({"q": "a giant panda", "then": "a koala in a tree"}, "#hits .steps", None),
        ({"q": "zzzz", "tag": "none"}, "#results .empty", None),
        ({"q": "weasels?"}, "#answer .sentences", "#answer .cite"),
        ({"view": "collection"}, "#videos .tile", "#videos .tile"),
        ({"view": "labels"}, "#labels .empty", None),
    ):
        page = visit.open(**state)
        page.wait_for_selector(ready)
        visit.quiet()
        assert page.evaluate(LEFT) == [], state
        if then:
            page.locator(then).first.click()
            visit.quiet()
            assert page.evaluate(LEFT) == [], (state, then)
    page.keyboard.press("?")
    page.wait_for_selector("#help[open]")
    assert page.evaluate(LEFT) == []
    visit.close()
    assert visit.wrong == []


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


def test_why_a_file_was_not_read_is_said_in_the_page_s_language(
    browser: Any, server: str, samples: Path, tmp_path: Path
) -> None:
    from q2e.errors import MediaError
    from q2e.media.probe import probe

    whole = (samples / "clips" / "reel-01.mp4").read_bytes()
    made = {"empty": b"", "format": b"no video at all, but a text", "damaged": whole[:20_000]}
    reasons = {}
    for kind, content in {**made, "gone": None}.items():
        file = tmp_path / f"empty file (0 bytes); copy it again, {kind}.mp4"
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(MediaError) as raised:
            probe(file)
        reasons[kind] = str(raised.value)
    status = httpx.get(f"{server}/v1/status").json()
    failures = [
        {"path": f"/{kind}", "reason": reason, "video": None, "stage": None}
        for kind, reason in (reasons | {"new": "photo.mp4: a reason nobody knows"}).items()
    ]
    visit = Visit(browser, server, locale="ja")
    told = status | {"failures": failures, "failed": len(failures)}
    visit.page.route("**/v1/status?*", lambda route: route.fulfill(json=told))
    page = visit.open(view="collection")
    rows = page.locator("#failures .failure > p")
    said = words("ja", "told")
    for place, kind in enumerate(reasons):
        expect(rows.nth(place)).to_have_text(said[f"fail.{kind}"])
    expect(rows.last).to_contain_text("a reason nobody knows")
    visit.close()
    assert visit.wrong == []


@pytest.mark.parametrize("language", ["ar", "de", "zh"])
def test_what_the_server_refuses_is_said_in_the_page_s_language(
    browser: Any, server: str, language: str
) -> None:
    visit = Visit(browser, server, locale=language)
    page = visit.open(q="panda THEN", since="2020-01-01")
    said = words(language, "told")["fault.bad_question"]
    expect(page.locator("#results [role=alert] b")).to_have_text(said)
    # The server's own words say what is wrong.
    expect(page.locator("#results [role=alert]")).to_contain_text("then needs")
    expect(page.locator("#hints .wrong")).to_have_text(said)
    page = visit.open(q="speach:flood")
    meant = words(language, "told")["hint.meant"]
    meant = meant.replace("{word}", "speach").replace("{meant}", "speech")
    expect(page.locator("#hints")).to_have_text(meant)
    page = visit.open(q="What have weasels eaten?")
    expect(page.locator("#answer")).to_contain_text(words(language, "told")["note.quotes"])
    visit.close()
    assert visit.wrong == []


def test_who_signs_in_is_asked_in_the_browser_s_language() -> None:
    from q2e.server.signin import page

    def told(header: str) -> str:
        headers = [(b"accept-language", header.encode())]
        return bytes(page({"type": "http", "headers": headers}, "<b>{root}").body).decode()

    arabic = told("sv, ar-EG;q=0.9, de;q=0.4")
    assert '<html lang="ar" dir="rtl">' in arabic and words("ar")["sign.title"] in arabic
    assert "&lt;b&gt;{root}" in arabic and "{sign" not in arabic
    assert words("de")["sign.title"] in told("de-AT;q=0.5,en;q=0.1")
    assert words("en")["sign.title"] in told("en;q=zero, sv")


def test_a_language_is_chosen_and_kept(browser: Any, server: str) -> None:
    visit = Visit(browser, server)
    page = visit.open(view="labels")
    page.get_by_role("combobox", name="Language of the page").select_option("ko")
    expect(page.locator("nav [aria-current]")).to_have_text(words("ko")["view.labels"])
    page = visit.open(view="collection")
    expect(page.locator("nav [aria-current]")).to_have_text(words("ko")["view.collection"])
    visit.close()
    assert visit.wrong == []
