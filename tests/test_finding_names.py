"""Names of videos: what a store picks by them, and what is found among all it holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from q2e import survey
from q2e.errors import ConfigError
from q2e.store.sqlite import SqliteStore
from q2e.types import Video

NAMES = (
    "زلزال.mp4", "Erdbeben Ä.mp4", "the quake.mp4", "terremoto ñ.mp4", "séisme.mp4", "भूकंप.mp4",
    "地震の朝.mp4", "지진.mp4", "землетрясение.mp4", "แผ่นดินไหว.mp4", "地震.mp4",
    'a "quoted" \\ name.mp4', "100%_of it.mp4", "twice.mp4", "bad \udce9.mp4",
)  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    with SqliteStore(tmp_path_factory.mktemp("names") / "index.sqlite") as made:
        for number, name in enumerate((*NAMES, "twice.mp4")):
            folder = "/v/other" if number == len(NAMES) else "/v"
            made.put_video(Video(f"{number:04x}beef{number}", f"{folder}/{name}", 1.0, title=name))
        yield made


def _found(videos: list[Video], name: str) -> str:
    try:
        return survey.find(videos, name).id
    except ConfigError as error:
        return str(error)


@pytest.mark.parametrize(
    "name",
    [
        *NAMES,
        *(f"/v/{name}" for name in NAMES),
        *("0003beef3", "0003be", "0003", "000", "/v/./100%_of it.mp4", "/v/x/../twice.mp4"),
        *("/v/other/twice.mp4", "mp4", "", "%", "地", "v"),
    ],
)
def test_what_a_store_picks_by_a_name_is_found_as_among_all(
    store: SqliteStore, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    every = list(store.videos())
    assert _found(store.named(name), name) == _found(every, name)
    assert _found(store.named(f"v/{name}"), f"v/{name}") == _found(every, f"v/{name}")


def test_a_name_reads_few_videos(store: SqliteStore) -> None:
    assert len(store.named("0003beef3")) == 1
    assert len(store.named("twice.mp4")) == 2
    assert Path(store.named("지진.mp4")[0].path).name == "지진.mp4"
