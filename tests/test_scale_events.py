"""Descriptions of 105 events in five languages rank alike on SQLite, PostgreSQL and Milvus."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import q2e
from milvus_server import Server as Milvus
from postgres_server import PASSWORD
from postgres_server import Server as Postgres
from test_engine_postgres import copy

pytestmark = [pytest.mark.scale, pytest.mark.needs_data, pytest.mark.timeout(1_500)]

LANGUAGES = {"chinese": "zh", "arabic": "ar", "english": "en", "korean": "ko", "russian": "ru"}
#: Letters of a description that are searched, and questions that are asked.
LETTERS, QUESTIONS = 400, 60


@pytest.fixture(scope="module")
def rows(dev_data: Path) -> list[dict[str, str]]:
    with (dev_data / "multivent1_dev" / "multivent1_dev.csv").open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def questions(rows: list[dict[str, str]]) -> list[str]:
    names = sorted({row["event_name"].replace("_", " ") for row in rows})
    assert len(names) >= QUESTIONS
    return names[:QUESTIONS]


@pytest.fixture(scope="module")
def here(
    rows: list[dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[q2e.Index]:
    """The descriptions in a file: more videos than the panel of a search holds."""
    folder = tmp_path_factory.mktemp("events")
    with (folder / "events.jsonl").open("w", encoding="utf-8") as out:
        for number, row in enumerate(rows):
            text = row["video_description"][:LETTERS].strip() or row["event_name"]
            one = {"video": f"e{number:04}", "channel": "speech", "text": text}
            one |= {"start": 0.0, "end": 9.0, "language": LANGUAGES.get(row["language"])}
            out.write(json.dumps(one) + "\n")
    with q2e.open(folder / "here") as index:
        index.import_evidence(folder / "events.jsonl")
        assert len(index.videos()) == len(rows) > 900
        yield index


@pytest.fixture(scope="module")
def near(here: q2e.Index, questions: list[str]) -> dict[str, q2e.Results]:
    """What the file answers where it looks at the best of each row and a panel."""
    return {one: here.search(one, candidates=100) for one in questions}


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    server = Postgres()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGPASSWORD", PASSWORD)
        try:
            server.start()
            yield server.database("events")
        finally:
            server.remove()


@pytest.fixture(scope="module")
def there(
    here: q2e.Index, postgres: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("far") / "there"
    with q2e.open(folder, store=postgres) as index, index._writing(0.0) as store:
        copy(here.store, store)
    yield folder


def test_all_of_a_file_is_what_a_database_finds_in_its_columns(
    here: q2e.Index, there: Path, questions: list[str]
) -> None:
    with q2e.open(there) as index:
        for question in questions:
            alike(index.search(question), here.search(question), 1e-6)


def test_the_panel_hides_little(
    here: q2e.Index, near: dict[str, q2e.Results], questions: list[str]
) -> None:
    """How far asking near is from asking everything, whatever engine is asked."""
    found = same = 0
    for question in questions:
        wanted = [hit.video.id for hit in here.search(question)]
        own = [hit.video.id for hit in near[question]]
        found += len(set(wanted) & set(own)) / len(wanted)
        same += wanted == own
    assert found >= 0.96 * len(questions) and same >= len(questions) // 2, (found, same)


@pytest.mark.parametrize("engine", ["own", "milvus"])
def test_sixty_events_rank_alike_beside_a_database(
    engine: str,
    there: Path,
    near: dict[str, q2e.Results],
    milvus_server: Milvus,
    questions: list[str],
) -> None:
    asked = {"own": "own", "milvus": f"{milvus_server.address}/events"}[engine]
    with q2e.open(there, engine=asked) as index:
        assert index.build_engine() > 0
    ranked(there, asked, near, questions)


def test_sixty_events_rank_alike_beside_a_file(
    here: q2e.Index,
    near: dict[str, q2e.Results],
    milvus_server: Milvus,
    questions: list[str],
) -> None:
    asked = f"{milvus_server.address}/file"
    with q2e.open(here.directory, engine=asked) as index:
        assert index.build_engine() > 0
    ranked(here.directory, asked, near, questions)


def ranked(folder: Path, engine: str, near: dict[str, q2e.Results], questions: list[str]) -> None:
    """Compare an engine with the exact scan of a file, each asked for the same best and panel."""
    with q2e.open(folder, engine=engine) as index:
        for question in questions:
            found = index.search(question)
            told = found.info["candidates"]
            assert told["panel"] == 512 and not told["exact"] and told["videos"] < len(index)
            alike(found, near[question], 2e-3)


def alike(found: q2e.Results, wanted: q2e.Results, digits: float) -> None:
    ids = [hit.video.id for hit in wanted]
    assert [hit.video.id for hit in found] == ids and len(ids) == 10, wanted.query
    scores = [hit.score for hit in wanted]
    assert [hit.score for hit in found] == pytest.approx(scores, rel=digits), wanted.query
