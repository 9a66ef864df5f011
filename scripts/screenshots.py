"""Takes the pictures of the page that the docs show: each view, in three sizes, of the samples.

python scripts/screenshots.py                # read the samples, serve them, take the pictures
python scripts/screenshots.py --index DIR    # of an index of the samples that is there already
python scripts/screenshots.py --only answer  # some views alone

Needs Chromium and `pip install playwright`.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "docs" / "img"
SIZES = {"wide": (1440, 900), "middle": (820, 1100), "narrow": (390, 844)}
#: All pictures together may have this many bytes.
MOST_BYTES = 1_500_000
_QUALITY = 62


def _start(page: Page) -> None:
    page.wait_for_selector(".mosaic img")


def _hits(page: Page) -> None:
    page.wait_for_selector("#results:not([aria-busy]) .hit")
    page.wait_for_selector("#reasons details.fold", state="attached")


def _playing(page: Page) -> None:
    page.locator("#hits .still").first.click()
    page.wait_for_selector("#panel .lanes .piece")
    page.wait_for_timeout(1500)
    page.evaluate("document.querySelector('#panel video').pause()")


def _answered(page: Page) -> None:
    page.wait_for_selector("#answer .cite")
    page.wait_for_selector("#filters label", state="attached")


def _edited(page: Page) -> None:
    _hits(page)
    fold = page.locator("details.fold:not([open]) > summary")
    if fold.count():
        fold.click()
    page.locator(".strike").first.click()
    page.wait_for_selector(".event.struck")


def _one_video(page: Page) -> None:
    page.wait_for_selector("#video .lanes .match")


def _collection(page: Page) -> None:
    page.wait_for_selector("#failures .failure")


def _labels(page: Page) -> None:
    page.wait_for_selector("#labels .figures dd")


def _map(page: Page) -> None:
    page.wait_for_selector("#map .spot")
    page.locator("#map .spot").first.click()
    page.wait_for_selector("#map-group img")


def _keys(page: Page) -> None:
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.wait_for_selector("#help[open]")


View = tuple[str, str, str, Callable[[Page], None]]
#: Name, address, colours, and what is done before the picture is taken.
VIEWS: tuple[View, ...] = (
    ("start", "", "light", _start),
    ("hits", "?q=weasels+have+eaten+the+telephone+system", "light", _hits),
    ("answer", "?q=Warum+ist+der+Wanderweg+gesperrt?", "light", _answered),
    ("playing", "?q=weasels+have+eaten+the+telephone+system", "light", _playing),
    ("edited", "?q=strike+at+the+museum", "dark", _edited),
    ("order", "?q=a+giant+panda&then=a+koala+in+a+tree", "light", _hits),
    ("arabic", "?q=معرض+الآثار+في+القاهرة", "dark", _playing),
    ("video", "?view=video&video={call}&q=weasels+in+the+telephone+system", "light", _one_video),
    ("collection", "?view=collection", "light", _collection),
    ("labels", "?view=labels", "dark", _labels),
    ("map", "?view=map", "light", _map),
    ("keys", "", "light", _keys),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--index", type=Path, help="index of the samples; else one is made")
    parser.add_argument("--only", nargs="*", default=[], help="views by name; else all")
    given = parser.parse_args()
    views = [one for one in VIEWS if not given.only or one[0] in given.only]
    with _scratch() as scratch:
        index, broken = scratch / "index", scratch / "broken.mp4"
        if given.index:
            shutil.copytree(given.index, index)
        else:
            _run("index", "samples/manifest.csv", "--index", str(index))
        broken.write_bytes(b"no video " * 99)
        _run("index", str(broken), "--index", str(index), fails=True)
        with _served(index) as address:
            _take(address, views)
    total = sum(path.stat().st_size for path in OUT.glob("page-*.webp"))
    count = len(views) * len(SIZES)
    print(f"{count} pictures, {total / 1e6:.2f} MB with the others, in {OUT.relative_to(ROOT)}")
    return int(total > MOST_BYTES)


@contextmanager
def _scratch() -> Iterator[Path]:
    """Yield an empty folder whose name, which the pictures show, is always the same."""
    folder = Path(tempfile.gettempdir()) / "q2e-samples"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _run(*command: str, fails: bool = False) -> None:
    subprocess.run([sys.executable, "-m", "q2e", *command, "--quiet"], cwd=ROOT, check=not fails)


@contextmanager
def _served(index: Path) -> Iterator[str]:
    command = [
        sys.executable,
        "-u",
        "-m",
        "q2e",
        "serve",
        "--no-token",
        "--index",
        str(index),
        "--port",
        "0",
    ]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert server.stdout is not None
        for line in server.stdout:
            if found := re.search(r"http://\S+?/", line):
                yield found[0]
                break
    finally:
        server.terminate()
        server.wait()


def _take(address: str, views: Sequence[View]) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        call = _label_some(browser, address)
        for size, (width, height) in SIZES.items():
            for name, state, scheme, prepare in views:
                context = browser.new_context(
                    viewport={"width": width, "height": height},
                    color_scheme=scheme,
                    reduced_motion="reduce",
                )
                page = context.new_page()
                page.goto(address + state.format(call=call))
                prepare(page)
                page.wait_for_load_state("networkidle")
                page.wait_for_timeout(400)
                _save(page.screenshot(), OUT / f"page-{name}-{size}.webp")
                context.close()
        browser.close()


def _label_some(browser: Any, address: str) -> str:
    """Label what some questions should find, and return the id of the video of a call."""
    page = browser.new_page()
    page.set_default_timeout(60_000)
    found = {}
    for question, grade in (("a giant panda", 3), ("rocket launch postponed", 3), ("weasels", 2)):
        page.goto(f"{address}?label=on&q={question}")
        page.wait_for_selector("#hits .hit")
        page.locator("#hits .hit").first.locator(f".g{grade}").click()
        page.wait_for_selector(".measures span")
        found[question] = page.locator("#hits .hit").first.get_attribute("data-video")
    page.close()
    return str(found["weasels"])


def _save(picture: bytes, path: Path) -> None:
    Image.open(io.BytesIO(picture)).convert("RGB").save(path, quality=_QUALITY, method=6)


if __name__ == "__main__":
    raise SystemExit(main())
