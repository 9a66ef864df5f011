"""Starts the server process: binds the address, says where the page is, serves until stopped."""

from __future__ import annotations

import contextlib
import secrets
import socket
import ssl
import tempfile
import threading
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import q2e
from q2e.errors import ConfigError, MissingDependency
from q2e.processes import one_thread
from q2e.store.generations import held

#: Seconds for which the file with the start link is there for the browser.
_OPENING_S = 60.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server listens, and how it is reached."""

    host: str = "127.0.0.1"
    port: int = 8077
    token: str | None = None
    """What clients must send; one is made where none is given."""
    open_to_all: bool = False
    """Whether no token is demanded, which only this machine's own addresses may do."""
    cert: Path | None = None
    key: Path | None = None
    root_path: str = ""
    """Path under which a proxy shows the server."""
    forwarded_by: str | None = None
    """Address of the proxy whose word is taken for who asks, and by HTTP or HTTPS."""


def run(
    directory: Path,
    place: Place,
    *,
    folders: Sequence[Path] | None,
    workers: int,
    open_page: bool,
    say: Callable[[str], None],
) -> None:
    """Serve the index in `directory` until interrupted.

    On addresses that other machines reach only files below `folders` may be indexed. Raises
    ConfigError for an address, token, certificate or root path that cannot be used, StoreError
    where the folder holds no index.
    """
    # Searches at once compute each in its own thread.
    one_thread()
    try:
        import uvicorn

        from q2e.server.app import create_app
        from q2e.server.connections import HEAD_BYTES, MOST, PatientHttp
        from q2e.server.limits import Limits
        from q2e.server.security import is_local
    except ModuleNotFoundError as error:
        raise MissingDependency(error.name or "fastapi", "server", "serving an index") from None
    local = is_local(place.host)
    if place.open_to_all and (place.token is not None or not local):
        other = "--token" if place.token is not None else f"--host {place.host}"
        raise ConfigError(f"--no-token does not go with {other}; leave one of them out")
    _check_certificate(place)
    made = place.token is None and not place.open_to_all
    token = secrets.token_urlsafe(24) if made else place.token
    index = q2e.open(directory)
    app = create_app(
        index,
        token=token,
        made=made,
        roots=folders if folders is not None else (None if local else []),
        limits=Limits(workers=workers),
        root_path=place.root_path,
    )
    bound = _bind(place.host, place.port)
    address = _address(place, bound.getsockname()[1], token)
    if not (held(directory) or index.exists):
        say(f"{directory} holds no index yet; add videos on the page, or with  q2e index FOLDER")
    say(f"q2e serves {directory} at {address}  (stop with Ctrl-C)")
    config = uvicorn.Config(
        app,
        http=PatientHttp,
        h11_max_incomplete_event_size=HEAD_BYTES,
        ws="none",
        log_level="warning",
        server_header=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=3,
        limit_concurrency=MOST,
        proxy_headers=place.forwarded_by is not None,
        forwarded_allow_ips=place.forwarded_by,
        ssl_certfile=place.cert,
        ssl_keyfile=place.key,
    )
    opening = _opened(address) if open_page else contextlib.nullcontext()
    try:
        # uvicorn raises the interrupt again once it has stopped in order.
        with opening, contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[bound])
    finally:
        bound.close()
        index.close()


def _check_certificate(place: Place) -> None:
    if (place.cert is None) != (place.key is None):
        raise ConfigError("HTTPS needs both, --cert FILE and --key FILE")
    if place.cert is None or place.key is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(place.cert, place.key, "")
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{place.cert} and {place.key} are no certificate and key of it that can be read "
            f"({error.strerror if isinstance(error, OSError) else error}); give PEM files, the "
            "key without a password"
        ) from None


@contextlib.contextmanager
def _opened(address: str) -> Iterator[None]:
    """Let the browser open an address that others on this machine must not see.

    The command line of a browser can be read by all, so it is given a file that only its own user
    may read and that leads on.
    """
    with tempfile.TemporaryDirectory(prefix="q2e-open-") as folder:
        file = Path(folder, "q2e.html")
        file.write_text(
            '<!doctype html><meta charset="utf-8"><title>Q2E</title>'
            f'<meta http-equiv="refresh" content="0; url={address}"><a href="{address}">Q2E</a>\n'
        )
        timers = [
            threading.Timer(1.0, webbrowser.open, [file.as_uri()]),
            threading.Timer(_OPENING_S, file.unlink, [True]),
        ]
        for timer in timers:
            timer.daemon = True
            timer.start()
        try:
            yield
        finally:
            for timer in timers:
                timer.cancel()


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        # From here on clients wait for the server to start; without this they would be refused.
        bound.listen()
    except OSError as error:
        bound.close()
        raise ConfigError(
            f"cannot listen on {host} port {port} ({error.strerror}); choose another with --port, "
            "or --port 0 for any free one"
        ) from None
    return bound


def _address(place: Place, port: int, token: str | None) -> str:
    name = {"127.0.0.1": "localhost", "0.0.0.0": socket.gethostname(), "::": socket.gethostname()}
    shown = name.get(place.host, f"[{place.host}]" if ":" in place.host else place.host)
    scheme = "http" if place.cert is None else "https"
    start = f"?token={quote(token, safe='')}" if token else ""
    return f"{scheme}://{shown}:{port}{place.root_path}/{start}"
