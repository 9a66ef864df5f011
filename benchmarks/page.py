"""What the page costs in a browser: bytes of the first load, what moves, and key to painted.

python -m benchmarks.page --index INDEX [--questions FILE] [--chromium PROGRAM]

Serves a copy-free, read-only look at an index of one's own, opens it in Chromium and prints JSON:
bytes that the page's own files take on the wire, the layout shift while it loads, and for each
question the milliseconds from its last key to the frame in which its first hit is painted, with
facets, as one types it letter by letter.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

QUESTIONS = ("rocket launch", "a giant panda", "flood in the city", "museum", "snow", "strike")
#: Milliseconds between two keys.
BETWEEN_MS = 90
_WATCH = """() => {
  window.shift = 0;
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) if (!one.hadRecentInput) window.shift += one.value;
  }).observe({ type: "layout-shift", buffered: true });
  addEventListener("input", () => {
    window.pressed = performance.now();
    window.painted = null;
  }, true);
  new MutationObserver(() => {
    const place = document.querySelector("#results");
    if (!place?.querySelector(".hit, .empty, .problem") || place.hasAttribute("aria-busy")) return;
    requestAnimationFrame(() => requestAnimationFrame((now) => { window.painted ??= now; }));
  }).observe(document, { subtree: true, childList: true, attributeFilter: ["aria-busy"] });
}"""


@contextmanager
def served(index: Path) -> Iterator[str]:
    """Yield the address of a server of the index."""
    command = [sys.executable, "-u", "-m", "q2e", "serve", "--no-token", "--port", "0"]
    server = subprocess.Popen(
        [*command, "--index", str(index)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert server.stdout is not None
        for line in server.stdout:
            if found := re.search(r"http://\S+?/", line):
                yield found[0]
                break
    finally:
        server.terminate()
        server.wait()


def first_load(page: Page, address: str) -> dict[str, float]:
    """Return the bytes of the page's own files, how many there are, and the layout shift."""
    bodies: dict[str, int] = {}
    page.on(
        "requestfinished",
        lambda one: bodies.__setitem__(one.url, one.sizes()["responseBodySize"]),
    )
    page.goto(address)
    page.wait_for_selector(".mosaic, .empty")
    page.wait_for_load_state("networkidle")
    own = {url: size for url, size in bodies.items() if "/static/" in url or url == address}
    shift = float(page.evaluate("window.shift"))
    return {"bytes": sum(own.values()), "files": len(own), "shift": round(shift, 4)}


def typed(page: Page, question: str) -> float:
    """Type a question; return the milliseconds from its last key until its hits are painted."""
    page.fill("#q", "")
    page.wait_for_selector(".mosaic")
    with page.expect_response(lambda one: _asks(one, question), timeout=120_000):
        page.locator("#q").press_sequentially(question, delay=BETWEEN_MS)
    page.wait_for_selector("#results:not([aria-busy]) .resultbar")
    page.wait_for_timeout(300)
    return float(page.evaluate("window.painted - window.pressed"))


def _asks(answer: Any, question: str) -> bool:
    asked = answer.request.post_data_json if answer.url.endswith("/v1/search") else None
    return bool(asked) and asked.get("q") == question


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--questions", type=Path, help="one a line")
    parser.add_argument("--chromium")
    given = parser.parse_args()
    lines = given.questions.read_text("utf-8").splitlines() if given.questions else QUESTIONS
    print(json.dumps(run(given.index, lines, given.chromium), ensure_ascii=False, indent=2))
    return 0


def run(
    index: Path, questions: Sequence[str] = QUESTIONS, chromium: str | None = None
) -> dict[str, Any]:
    """Return what the first load costs, and milliseconds from a last key to its first hit."""
    program = chromium or os.environ.get("CHROMIUM") or shutil.which("chromium")
    with served(index) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900}, locale="en-US")
        page.set_default_timeout(120_000)
        page.add_init_script(f"({_WATCH})()")
        told: dict[str, Any] = {"first_load": first_load(page, address)}
        typed(page, questions[0])  # the models and the columns are read
        times = {question: round(typed(page, question)) for question in questions}
        told |= {"key_to_painted_ms": times, "median_ms": statistics.median(times.values())}
        browser.close()
    return told


if __name__ == "__main__":
    raise SystemExit(main())
