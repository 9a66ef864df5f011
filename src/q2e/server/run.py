"""Starts the server process: binds the address, says where the page is, serves until stopped."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import threading
import webbrowser
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

import q2e
from q2e.errors import ConfigError, MissingDependency
from q2e.store.generations import held

#: Connections held at once; more are answered 503 at once.
_CONNECTIONS = 512


def run(
    directory: Path,
    *,
    host: str,
    port: int,
    token: str | None,
    folders: Sequence[Path] | None,
    workers: int,
    open_page: bool,
    say: Callable[[str], None],
) -> None:
    """Serve the index in `directory` until interrupted.

    An address that other machines reach gets a token where none is given, and may index only
    files below `folders`. Raises ConfigError for an address that cannot be bound, StoreError
    where the folder holds no index.
    """
    # Read when numpy is loaded. Searches at once compute each in its own thread; were each given
    # helpers too, they would spend processor time on waiting for one another.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        import uvicorn

        from q2e.server.app import create_app
        from q2e.server.limits import HEAD_BYTES, Limits, PatientHttp
        from q2e.server.security import is_local
    except ModuleNotFoundError as error:
        raise MissingDependency(error.name or "fastapi", "server", "serving an index") from None
    index = q2e.open(directory)
    if not held(directory):
        say(f"{directory} holds no index yet; add videos on the page, or with  q2e index FOLDER")
    local = is_local(host)
    if not local and token is None:
        token = secrets.token_urlsafe(24)
    roots = folders if folders is not None else (None if local else [])
    app = create_app(index, token=token, roots=roots, limits=Limits(workers=workers))
    bound = _bind(host, port)
    address = _address(host, bound.getsockname()[1], token)
    say(f"q2e serves {directory} at {address}  (stop with Ctrl-C)")
    if open_page:
        threading.Timer(1.0, webbrowser.open, [address]).start()
    config = uvicorn.Config(
        app,
        http=PatientHttp,
        h11_max_incomplete_event_size=HEAD_BYTES,
        ws="none",
        log_level="warning",
        server_header=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=3,
        limit_concurrency=_CONNECTIONS,
    )
    try:
        # uvicorn raises the interrupt again once it has stopped in order.
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[bound])
    finally:
        bound.close()
        index.close()


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


def _address(host: str, port: int, token: str | None) -> str:
    name = {"127.0.0.1": "localhost", "0.0.0.0": socket.gethostname(), "::": socket.gethostname()}
    shown = name.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}/" + (f"?token={quote(token, safe='')}" if token else "")
