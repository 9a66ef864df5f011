"""Debian's Firefox, driven by what it speaks itself: WebDriver BiDi (W3C) over a websocket.

Playwright drives a Firefox of its own only, and Selenium needs geckodriver, which Debian does not
package; the protocol is part of the browser, and the main flow needs seven of its commands.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

websockets = pytest.importorskip("websockets.sync.client", reason="pip install websockets")

PATIENCE_S = 120.0
_LOOK_S = 0.1
#: Code points that WebDriver gives to keys without a sign (section "Keyboard actions").
KEYS = {"Enter": "\ue006", "Tab": "\ue004", "Escape": "\ue00c", "ArrowDown": "\ue015"}
_PREFERENCES = {
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
    "app.normandy.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "extensions.getAddons.cache.enabled": False,
    "intl.accept_languages": "en-US",
    "media.autoplay.default": 0,
    "media.volume_scale": "0",
    "ui.prefersReducedMotion": 1,
    "remote.log.level": "Info",
}


def program() -> str:
    """Return Firefox's program; the test is skipped, and says so, where there is none."""
    found = shutil.which("firefox-esr") or shutil.which("firefox")
    if not found:
        pytest.skip("no Firefox (apt install firefox-esr)")
    return found


class Firefox:
    """One window: commands, keys, clicks, and what the page logs."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self.wrong: list[str] = []
        self.version = str(
            self.send("session.new", capabilities={})["capabilities"]["browserVersion"]
        )
        self.send("session.subscribe", events=["log.entryAdded"])
        # The tab that Firefox starts with has no focus, and without it keys press no button.
        self._window = self.send("browsingContext.create", type="tab")["context"]

    def send(self, method: str, **params: Any) -> Any:
        """Send a command and return its result; what the page logs meanwhile is kept."""
        number = next(self._ids)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            told = json.loads(self._socket.recv(timeout=PATIENCE_S))
            if told.get("method") == "log.entryAdded" and told["params"]["level"] in (
                "error",
                "warn",
            ):
                self.wrong.append(f"{told['params']['level']}: {told['params']['text']}")
            if told.get("id") == number:
                assert told["type"] == "success", (method, told)
                return told["result"]

    def sized(self, width: int, height: int) -> None:
        self.send(
            "browsingContext.setViewport",
            context=self._window,
            viewport={"width": width, "height": height},
        )

    def open(self, address: str) -> None:
        self.send("browsingContext.navigate", context=self._window, url=address, wait="complete")
        # What is under way when a page is left is aborted, which is no fault of it.
        self.wrong = [one for one in self.wrong if "AbortError" not in one]

    def value(self, expression: str) -> Any:
        """Return what an expression of JavaScript is, as JSON has it."""
        told = self.send(
            "script.evaluate",
            expression=f"JSON.stringify({expression})",
            target={"context": self._window},
            awaitPromise=True,
        )
        assert told["type"] == "success", (expression, told)
        written = told["result"].get("value")
        return None if written is None else json.loads(written)

    def until(self, expression: str) -> None:
        """Wait until an expression holds."""
        end_s = time.monotonic() + PATIENCE_S
        while not self.value(f"Boolean({expression})"):
            assert time.monotonic() < end_s, f"never came true: {expression}"
            time.sleep(_LOOK_S)

    def press(self, *keys: str) -> None:
        """Press keys one after another; `Shift+x` holds the first one down."""
        actions = []
        for key in keys:
            held = ["\ue008"] if key.startswith("Shift+") else []
            own = [*held, KEYS.get(name := key.removeprefix("Shift+"), name)]
            actions += [{"type": "keyDown", "value": one} for one in own]
            actions += [{"type": "keyUp", "value": one} for one in reversed(own)]
        self._act({"type": "key", "id": "keys", "actions": actions})

    def click(self, selector: str) -> None:
        """Click the middle of an element, once it is seen and lies still."""
        self._point(selector, press=True)

    def hover(self, selector: str) -> None:
        self._point(selector, press=False)

    def _point(self, selector: str, press: bool) -> None:
        found = f"document.querySelector({json.dumps(selector)})"
        self.until(f"{found}?.checkVisibility()")
        self.value(f"{found}.scrollIntoView({{block: 'center'}}) ?? null")
        place = (
            f"(() => {{ const r = {found}.getBoundingClientRect();"
            "return [Math.round(r.x + r.width / 2), Math.round(r.y + r.height / 2)]; })()"
        )
        before, here = None, self.value(place)
        while before != here:
            time.sleep(_LOOK_S)
            before, here = here, self.value(place)
        actions: list[dict[str, Any]] = [{"type": "pointerMove", "x": here[0], "y": here[1]}]
        if press:
            actions += [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        self._act({"type": "pointer", "id": "mouse", "actions": actions})

    def _act(self, source: dict[str, Any]) -> None:
        self.send("input.performActions", context=self._window, actions=[source])


@contextmanager
def browsing(folder: Path) -> Iterator[Firefox]:
    """Yield a running Firefox with a fresh profile in a folder."""
    profile = folder / "profile"
    profile.mkdir()
    (profile / "user.js").write_text(
        "".join(f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in _PREFERENCES.items())
    )
    command = [program(), "--headless", "--no-remote", "--profile", str(profile)]
    log = folder / "log"
    with log.open("w") as written:
        running = subprocess.Popen(
            [*command, "--remote-debugging-port", "0"], stdout=subprocess.DEVNULL, stderr=written
        )
    try:
        end_s = time.monotonic() + PATIENCE_S
        while not (told := re.search(r"BiDi listening on (ws://\S+)", log.read_text())):
            assert running.poll() is None, f"Firefox ended: {log.read_text()}"
            assert time.monotonic() < end_s, "Firefox does not say where it listens"
            time.sleep(_LOOK_S)
        with websockets.connect(f"{told[1]}/session", max_size=None, proxy=None) as socket:
            yield Firefox(socket)
    finally:
        running.terminate()
        running.wait(timeout=60)
