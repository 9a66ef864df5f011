"""Who is let in: tokens of every kind, guesses at them, sessions, scopes, a proxy's path."""

from __future__ import annotations

import logging
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

import q2e
from q2e.client import Client
from q2e.errors import ConfigError, StoreError
from q2e.server.access import Access, Guesses
from q2e.server.app import create_app
from q2e.server.paths import checked_root
from q2e.server.tokens import Tokens
from serving import serving

TOKEN = "sésame+ouvre/toi=="
HTML = {"accept": "text/html,*/*;q=0.8", "sec-fetch-mode": "navigate"}


@pytest.fixture(scope="module")
def server(served_index: q2e.Index) -> Iterator[str]:
    """A server under a path, as behind a proxy, that demands a token."""
    with serving(served_index, token=TOKEN, root_path="/videos") as address:
        yield f"{address}/videos"


@pytest.fixture
def browser(server: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server, headers=HTML) as one:
        yield one


def code(got: httpx.Response) -> str:
    return str(got.json()["error"]["code"])


def bearer(token: str) -> dict[str, bytes]:
    return {"authorization": b"Bearer " + token.encode()}


# -- tokens ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("token", ["", "a", "x" * 15, "x" * 40, "abababababababababab", " " * 20])
def test_weak_tokens_are_refused(served_index: q2e.Index, token: str) -> None:
    with pytest.raises(ConfigError, match="easily guessed; give at least 16"):
        create_app(served_index, token=token)


def test_a_token_is_demanded_everywhere(server: str) -> None:
    for path in ("/", "/v1/status", "/v1/search?q=a", "/metrics", "/v1/trays", "/nope"):
        got = httpx.get(server + path)
        assert (got.status_code, code(got)) == (401, "no_token"), path
        assert got.headers["www-authenticate"].startswith("Bearer")
    assert httpx.get(f"{server}/v1/health").status_code == 200
    assert httpx.get(f"{server}/v1/status", headers={"host": "x.example"}).status_code == 401
    # A server with a token may have any name, as behind a proxy.
    named = bearer(TOKEN) | {"host": b"videos.example"}
    assert httpx.get(f"{server}/v1/status", headers=named).status_code == 200


@pytest.mark.parametrize("sent", [TOKEN, quote(TOKEN, safe=""), quote(TOKEN, safe="/=")])
def test_a_token_with_any_letters_is_a_bearer(server: str, sent: str) -> None:
    got = httpx.get(f"{server}/v1/status", headers=bearer(sent))
    # Half of it percent-encoded is another token.
    assert got.status_code == (401 if "/" in sent and "%" in sent else 200)


def test_the_client_sends_any_token(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Client(server, token=TOKEN) as client:
        assert client.session() == {"name": "start", "scope": "index", "demanded": True}
    monkeypatch.setenv("Q2E_TOKEN", TOKEN)
    with Client(server) as client:
        assert client.videos(limit=1)["total"] >= 20


# -- guesses ---------------------------------------------------------------------------------------
def test_guesses_are_logged_and_slowed_down(caplog: pytest.LogCaptureFixture) -> None:
    access = Access(TOKEN)
    access.by_token(TOKEN, "192.168.1.2")
    codes = []
    with caplog.at_level(logging.WARNING, "q2e.server"):
        for number in range(20):
            try:
                access.by_token(f"guess {number}", "192.168.1.7")
            except Exception as fault:  # noqa: BLE001
                codes.append(fault.code)  # type: ignore[attr-defined]
    assert codes[:5] == ["wrong_token"] * 5 and set(codes[6:]) == {"too_many_guesses"}
    assert "wrong token from 192.168.1.7, 5 in a row" in caplog.text
    assert "guess" not in caplog.text
    # Others are not held up, and neither is whoever was let in before.
    assert access.by_token(TOKEN, "192.168.1.7").scope == "index"
    fresh = Access(TOKEN)
    for number in range(5):
        with pytest.raises(Exception, match="not known here"):
            fresh.by_token(f"guess {number}", "192.168.1.7")
    with pytest.raises(Exception, match="too many wrong tokens"):
        fresh.by_token(TOKEN, "192.168.1.7")
    assert fresh.by_token(TOKEN, "192.168.1.8").name == "start"


def test_waits_grow_and_end(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("q2e.server.access.time.monotonic", lambda: now[0])
    guesses, waits = Guesses(), []
    for _ in range(20):
        guesses.wrong("a")
        waits.append(guesses.wait_s("a"))
    assert waits[:8] == [0, 0, 0, 0, 1, 2, 4, 8]
    assert max(waits) == 300
    now[0] += 300
    assert guesses.wait_s("a") == 0
    now[0] += 901
    guesses.wrong("a")
    assert guesses.wait_s("a") == 0


def test_a_throttled_page_says_how_long(served_index: q2e.Index) -> None:
    with serving(served_index, token=TOKEN) as address:
        for _ in range(20):  # the wait doubles, until it is longer than a busy machine takes
            page = httpx.post(f"{address}/sign-in", data={"token": "wrong"}, headers=HTML)
            got = httpx.get(f"{address}/v1/status", headers=bearer("wrong"))
            if page.status_code == got.status_code == 429:
                break
        assert page.status_code == 429 and "too many wrong tokens" in page.text
        assert (got.status_code, code(got)) == (429, "too_many_guesses")
        assert int(got.headers["retry-after"]) >= 1


# -- browsers --------------------------------------------------------------------------------------
def test_the_start_link_signs_a_browser_in(browser: httpx.Client, server: str) -> None:
    welcome = browser.get(f"/?token={quote(TOKEN, safe='')}&q=dog")
    assert (welcome.status_code, welcome.headers["location"]) == (303, "/videos/?q=dog")
    cookie = welcome.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie and "path=/videos/" in cookie
    port = server.split(":")[2].split("/")[0]
    assert cookie.startswith(f"q2e_session_{port}=")
    assert quote(TOKEN) not in welcome.headers["set-cookie"]
    session = {"cookie": _cookie(welcome)}
    assert httpx.get(f"{server}/v1/status", headers=session).status_code == 200
    foreign = session | {"origin": "https://evil.example"}
    assert httpx.post(f"{server}/v1/retry", headers=foreign).status_code == 403
    # The token itself is no cookie, and the cookie no token.
    stolen = _cookie(welcome).partition("=")[2]
    assert httpx.get(f"{server}/v1/status", headers=bearer(stolen)).status_code == 401


def test_a_browser_is_shown_a_page_to_sign_in_on(browser: httpx.Client, server: str) -> None:
    for path in ("/", "/sign-in", "/?token=wrong-token-of-24-letters"):
        page = browser.get(path)
        assert page.headers["content-type"].startswith("text/html")
        assert '<form method="post" action="/videos/sign-in">' in page.text
        links = re.findall(r'href="([^"]+)"', page.text)
        for link in links:
            assert httpx.get(server.removesuffix("/videos") + link).status_code == 200, link
    assert browser.get("/").status_code == 401
    wrong = browser.post("/sign-in", data={"token": "<b>wrong</b>"})
    assert wrong.status_code == 401 and "not known here" in wrong.text
    right = browser.post("/sign-in", data={"token": TOKEN})
    assert (right.status_code, right.headers["location"]) == (303, "/videos/")
    assert httpx.get(f"{server}/", headers={"cookie": _cookie(right)}).text.count("<main") == 1


def test_signing_out_ends_the_session(browser: httpx.Client, server: str) -> None:
    session = {"cookie": _cookie(browser.post("/sign-in", data={"token": TOKEN}))}
    assert httpx.get(f"{server}/v1/session", headers=session).json()["name"] == "start"
    out = httpx.post(f"{server}/sign-out", headers=session)
    assert (out.status_code, out.headers["location"]) == (303, "/videos/sign-in")
    assert httpx.get(f"{server}/v1/session", headers=session).status_code == 401


def test_sessions_end_when_unused(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("q2e.server.access.time.monotonic", lambda: now[0])
    access = Access(TOKEN)
    secret = access.begin(access.by_token(TOKEN, "a"))
    for _ in range(3):
        now[0] += 6 * 24 * 3600
        assert access.by_session(secret) is not None
    now[0] += 8 * 24 * 3600
    assert access.by_session(secret) is None


# -- named tokens ----------------------------------------------------------------------------------
def test_named_tokens_allow_what_their_scope_says(server: str, served_index: q2e.Index) -> None:
    tokens = Tokens(served_index.directory)
    held = {scope: tokens.add(f"my {scope}", scope) for scope in ("read", "label", "index")}
    video = served_index.videos()[0].id
    label = {"query": "dog", "video": video}
    asked = {
        "read": [("GET", "/v1/status", None), ("POST", "/v1/search", {"q": "dog"})],
        "label": [("POST", "/v1/labels", label)],
        "index": [("POST", "/v1/jobs", {"paths": ["/nonesuch"]}), ("DELETE", "/v1/jobs/x", None)],
    }
    try:
        for place, (scope, token) in enumerate(held.items()):
            for needs, requests in enumerate(asked.values()):
                for method, path, body in requests:
                    got = httpx.request(
                        method, server + path, json=body, headers=bearer(token), timeout=60
                    )
                    allowed = needs <= place
                    assert (got.status_code != 403) == allowed, (scope, method, path)
                    if not allowed:
                        assert code(got) == "needs_scope"
        session = {"cookie": _cookie(httpx.post(f"{server}/sign-in", data={"token": held["read"]}))}
        assert httpx.get(f"{server}/v1/status", headers=session).status_code == 200
        assert httpx.post(f"{server}/v1/retry", headers=session).status_code == 403
        tokens.revoke("my read")
        for headers in (session, bearer(held["read"])):
            assert httpx.get(f"{server}/v1/status", headers=headers).status_code == 401
    finally:
        tokens.file.unlink()


def test_named_tokens_are_kept_as_digests_for_their_owner_alone(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path / "new")
    secret = tokens.add("Ñandú's laptop", "read")
    assert stat.S_IMODE(tokens.file.stat().st_mode) == 0o600
    assert secret not in tokens.file.read_text() and len(secret) >= 32
    assert [one.name for one in Tokens(tmp_path / "new").all()] == ["Ñandú's laptop"]
    for name, scope, told in (
        ("Ñandú's laptop", "read", "revoke it first"),
        ("", "read", "is no name"),
        ("a\nb", "read", "is no name"),
        ("other", "all", "known: read, label, index"),
    ):
        with pytest.raises(ConfigError, match=told):
            tokens.add(name, scope)
    with pytest.raises(ConfigError, match="there is no token 'other'; known: Ñandú"):
        tokens.revoke("other")


def test_a_named_token_does_not_become_the_servers_own(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path)
    with pytest.raises(ConfigError, match=r"is the one of 'laptop'.*unset Q2E_TOKEN"):
        Access(tokens.add("laptop", "read"), tokens)


@pytest.mark.parametrize("text", ["{", "{}x", "[1]", '[{"name": 1}]', '[{"scope": "all"}]'])
def test_a_damaged_file_of_tokens_lets_nobody_in(tmp_path: Path, text: str) -> None:
    tokens = Tokens(tmp_path)
    tokens.file.write_text(text)
    assert tokens.by_digest("x") is None
    with pytest.raises(StoreError, match="remove it and make the tokens again"):
        tokens.all()


# -- a proxy's path --------------------------------------------------------------------------------
def test_everything_lies_under_the_path_whether_the_proxy_takes_it_or_not(server: str) -> None:
    bare = server.removesuffix("/videos")
    for base in (server, bare):
        assert httpx.get(f"{base}/v1/health").status_code == 200
        got = httpx.get(f"{base}/v1/videos?limit=1", headers=bearer(TOKEN))
        video = got.json()["videos"][0]["id"]
        got = httpx.get(f"{base}/v1/videos/{video}/frame", headers=bearer(TOKEN), timeout=60)
        assert got.headers["content-type"] == "image/jpeg"
        assert httpx.get(f"{base}/static/js/app.js", headers=bearer(TOKEN)).status_code == 200
    page = httpx.get(f"{server}/", headers=bearer(TOKEN)).text
    assert not re.findall(r'(?:href|src)="/', page), "links count from the page's own place"
    assert httpx.get(server, headers=bearer(TOKEN)).headers["location"].endswith("/videos/")
    document = httpx.get(f"{server}/v1/openapi.json", headers=bearer(TOKEN)).json()
    assert document["servers"] == [{"url": "/videos"}]


@pytest.mark.parametrize("path", ["videos", "/", "/a/", "//a", "/a b", "/../a", "/a?b", "http://x"])
def test_only_paths_are_root_paths(path: str) -> None:
    with pytest.raises(ConfigError, match="is no path"):
        checked_root(path)


def _cookie(answer: httpx.Response) -> str:
    return answer.headers["set-cookie"].split(";")[0]
