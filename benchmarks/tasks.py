"""Ten tasks of someone who looks for something, done on the page by hand: time and steps to find.

python -m benchmarks tasks --index INDEX

INDEX is one of the samples of the repository. Each task is begun on the page as it is first shown
and ends when what is sought plays or is shown; a step is a text that is typed, a key, or a click.
Times are those of the page and its server alone: nobody thinks and nobody reads.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from benchmarks.page import served

#: Milliseconds until a task counts as failed.
PATIENCE_MS = 60_000


class Hand:
    """Does what a person does on the page, and counts it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.steps = 0

    def types(self, words: str, where: str = "#q") -> None:
        self.steps += 1
        self.page.locator(where).last.press_sequentially(words, delay=20)

    def presses(self, key: str) -> None:
        self.steps += 1
        self.page.keyboard.press(key)

    def clicks(self, where: str, **more: Any) -> None:
        self.steps += 1
        self.page.locator(where, **more).first.click()

    def sees(self, where: str, **more: Any) -> None:
        self.page.locator(where, **more).first.wait_for()

    def first(self, title: str) -> None:
        """Wait until the first hit has a title."""
        own = re.compile(f"^{re.escape(title)}$")
        self.sees("#results:not([aria-busy]) .hit:first-child h2", has_text=own)


def known_item(hand: Hand) -> None:
    hand.types("weasels have eaten the telephone system")
    hand.first("call-06")
    hand.presses("ArrowDown")
    hand.presses("Enter")
    hand.sees("#panel video")


def by_sight(hand: Hand) -> None:
    hand.types("a giant panda")
    hand.first("reel-01")
    hand.clicks("#hits .still")
    hand.sees("#panel video")


def other_script(hand: Hand) -> None:
    hand.types("снегопад в Сибири")
    hand.first("news-13")


def across(hand: Hand) -> None:
    hand.types("flower show at the Summer Palace")
    hand.sees("#results:not([aria-busy]) .hit h2", has_text="news-11")


def all_of_a_kind(hand: Hand) -> None:
    hand.types("news")
    hand.sees("#results:not([aria-busy]) .hit")
    hand.clicks("#filters label", has_text="Korean")
    hand.sees("#results:not([aria-busy]) .hit h2", has_text="news-14")


def in_order(hand: Hand) -> None:
    hand.types("a giant panda")
    hand.clicks("#add-then")
    hand.types("a koala in a tree", "#rows input")
    hand.sees("#results:not([aria-busy]) .hit .steps.inorder")
    hand.clicks("#hits .steps .step")
    hand.sees("#panel video")


def exact_words(hand: Hand) -> None:
    hand.types('speech:"weasels"')
    hand.first("call-06")


def alike(hand: Hand) -> None:
    hand.types("a giant panda")
    hand.first("reel-01")
    hand.clicks("#hits .hit .similar")
    hand.sees("#given .given")
    hand.first("reel-01")


def collected(hand: Hand) -> None:
    hand.types("an animal")
    hand.sees("#results:not([aria-busy]) .hit:nth-of-type(2)")
    hand.clicks("#hits .hit:nth-of-type(1) .into")
    hand.sees("#notices .notice")
    hand.clicks("#hits .hit:nth-of-type(2) .into")
    hand.clicks(".top nav [data-go=tray]")
    hand.sees("#tray .pickedone:nth-of-type(2)")


def answered(hand: Hand) -> None:
    hand.types("What has eaten the telephone system?")
    hand.sees("#answer .cite")
    hand.clicks("#answer .cite")
    hand.sees("#panel video")


#: What is looked for, how, in the page's language where it is not English.
TASKS: tuple[tuple[str, Callable[[Hand], None], str], ...] = (
    ("a known item, by what is said", known_item, "en"),
    ("a known item, by what is seen", by_sight, "en"),
    ("a known item, in Russian on a Russian page", other_script, "ru"),
    ("a Chinese video, asked for in English", across, "en"),
    ("all of a kind: news in Korean", all_of_a_kind, "en"),
    ("two things in order", in_order, "en"),
    ("exact words in speech", exact_words, "en"),
    ("what looks like a hit", alike, "en"),
    ("two moments into a tray", collected, "en"),
    ("a question answered, and where it is said", answered, "en"),
)


def run(index: Path) -> dict[str, Any]:
    """Return {task: {found, steps, seconds}} of the tasks on an index of the samples."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    done: dict[str, Any] = {}
    with served(index) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu"]
        )
        for name, task, language in (TASKS[0], *TASKS):  # the first once more: models are read
            page = browser.new_page(viewport={"width": 1280, "height": 900}, locale=language)
            page.set_default_timeout(PATIENCE_MS)
            page.goto(address)
            page.wait_for_selector(".mosaic")
            done[name] = _done(Hand(page), task)
            page.close()
        browser.close()
    return done


def _done(hand: Hand, task: Callable[[Hand], None]) -> dict[str, Any]:
    from playwright.sync_api import TimeoutError as TooLong

    began = time.perf_counter()
    try:
        task(hand)
        found = True
    except TooLong:
        found = False
    spent = round(time.perf_counter() - began, 2)
    return {"found": found, "steps": hand.steps, "seconds": spent}
