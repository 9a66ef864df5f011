"""The store in PostgreSQL on a real server: conformance, faults, credentials, several indexes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conformance_store import Conformance
from postgres_server import PASSWORD, Server
from q2e.store.base import Store
from q2e.store.postgres.postgresql import PostgresStore

pytestmark = pytest.mark.scale


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server()
    try:
        made.start()
        yield made
    finally:
        made.remove()


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)


@pytest.fixture(scope="module")
def address(server: Server) -> str:
    return server.database("films")


def making(address: str, folder: Path) -> Callable[[], PostgresStore]:
    """Return what makes one store after another, each an index of its own."""
    files = (folder / f"{number}.q2e" / "index.sqlite" for number in itertools.count())
    return lambda: PostgresStore(address, next(files))


@pytest.mark.parametrize("check", ["random_work", "versions", "refusals"])
@pytest.mark.parametrize("extension", [True, False])
def test_it_conforms(server: Server, check: str, extension: bool, tmp_path: Path) -> None:
    address = server.database(f"{check}_{extension}", extension=extension)

    def again(store: Store) -> Store:
        assert isinstance(store, PostgresStore)
        return PostgresStore(address, store._database.file, read_only=True)

    getattr(Conformance(making(address, tmp_path), again), check)()
