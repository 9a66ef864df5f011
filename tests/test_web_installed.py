"""The page served over HTTPS is an app that can be installed, and opens without its server."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import q2e
from browsing import FLAGS, PATIENCE_S, api, expect

#: Waits until the browser keeps all that the page is made of.
KEPT = """async () => {
  const kept = await caches.open("q2e-page-1");
  for (;;) {
    const parts = performance.getEntriesByType("resource").map((one) => one.name);
    const own = parts.filter((url) => url.includes("/static/"));
    const found = await Promise.all(own.map((url) => kept.match(url)));
    if (own.length && found.every(Boolean)) return;
    await new Promise(requestAnimationFrame);
  }
}"""

pytest.importorskip("fastapi", reason="needs the extra `server`")


@contextmanager
def served(folder: Path, *options: str) -> Iterator[str]:
    """Yield the address that the command prints."""
    command = [sys.executable, "-u", "-m", "q2e", "serve", "--index", str(folder), "--port", "0"]
    server = subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert server.stdout is not None
    try:
        lines = (re.search(r"https://\S+", line) for line in server.stdout)
        yield next(found[0] for found in lines if found)
    finally:
        server.terminate()
        server.wait(timeout=60)
        server.stdout.close()


def test_over_https_it_can_be_installed_and_opens_without_the_server(
    chromium: str, tmp_path: Path
) -> None:
    openssl = shutil.which("openssl") or pytest.skip("no openssl (apt install openssl)")
    (tmp_path / "lines.jsonl").write_text('{"video": "a", "channel": "speech", "text": "Moin"}')
    with q2e.open(tmp_path / "index") as index:
        index.import_evidence(tmp_path / "lines.jsonl")
    cert, key = tmp_path / "q2e.crt", tmp_path / "q2e.key"
    made = ["-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", cert]
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([openssl, "req", "-x509", *made, *name], check=True, capture_output=True)
    with api.sync_playwright() as playwright:
        # A profile of its own: what is private is not installed.
        context = playwright.chromium.launch_persistent_context(
            str(tmp_path / "profile"),
            executable_path=chromium,
            args=[*FLAGS, "--ignore-certificate-errors"],
            timeout=1000 * PATIENCE_S,
        )
        context.set_default_timeout(1000 * PATIENCE_S)
        page = context.new_page()
        with served(tmp_path / "index", "--cert", str(cert), "--key", str(key)) as address:
            page.goto(address)
            page.wait_for_selector(".mosaic .tile")
            # The page lets the browser keep it by itself.
            page.evaluate("navigator.serviceWorker.ready.then(() => null)")
            devtools = context.new_cdp_session(page)
            assert devtools.send("Page.getInstallabilityErrors")["installabilityErrors"] == []
            assert devtools.send("Page.getAppManifest")["errors"] == []
            page.reload()
            page.wait_for_selector(".mosaic .tile")
            page.evaluate(KEPT)
        page.reload()
        page.wait_for_selector(".offline")
        expect(page.locator("#q")).to_be_visible()
        context.close()
