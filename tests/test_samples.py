"""The sample clips: all there, all licensed, small enough, and what the questions point to."""

from __future__ import annotations

import csv
import importlib.util
import tomllib
import unicodedata
from pathlib import Path
from types import ModuleType

import pytest

from q2e.channel_facts import known

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "samples"
PERMISSIVE = ("Apache-2.0", "CC BY ", "CC BY-SA ", "CC0 1.0", "public domain")


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    place = importlib.util.spec_from_file_location(
        "build_samples", ROOT / "scripts" / "build_samples.py"
    )
    assert place is not None and place.loader is not None
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def table() -> list[list[str]]:
    """Rows of the licence table: file, part, made by, licence, source."""
    text = (SAMPLES / "README.md").read_text("utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_clips_table_manifest_and_sums_agree(builder: ModuleType) -> None:
    recipe = tomllib.loads((SAMPLES / "recipe.toml").read_text("utf-8"))
    assert builder.check(recipe) == []


def test_every_file_has_a_permissive_licence_and_a_source(table: list[list[str]]) -> None:
    files = {path.name for path in (SAMPLES / "clips").iterdir()}
    assert {row[0].strip("`") for row in table} == files
    for file, part, creator, licence, source in table:
        assert licence.startswith(PERMISSIVE), f"{file}: {licence}"
        assert part and creator and source, f"{file}: an empty cell"


def test_all_samples_are_under_eight_megabytes() -> None:
    size = sum(path.stat().st_size for path in SAMPLES.rglob("*") if path.is_file())
    assert size < 8_000_000


def test_questions_point_to_clips_and_channels() -> None:
    with (SAMPLES / "queries.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert len({row["language"] for row in rows}) >= 9
    assert {"frame", "speech", "screen_text", "metadata"} <= {row["channel"] for row in rows}
    for row in rows:
        assert row["query"].strip()
        assert (SAMPLES / row["expected"]).is_file(), row["expected"]
        assert row["channel"] in known()


def test_voices_in_five_languages_and_captions_in_four_scripts() -> None:
    clips = tomllib.loads((SAMPLES / "recipe.toml").read_text("utf-8"))["clip"]
    assert len({clip["voice"] for clip in clips if "voice" in clip}) >= 5
    lines = [
        line for clip in clips for shot in clip.get("shot", []) for line in shot.get("caption", [])
    ]
    scripts = {
        unicodedata.name(sign).split()[0] for line in lines for sign in line if sign.isalpha()
    }
    assert {"LATIN", "CJK", "ARABIC", "CYRILLIC", "HANGUL", "DEVANAGARI", "THAI"} <= scripts


def test_manifest_is_one_that_indexing_reads() -> None:
    from q2e.ingest.manifest import sources

    listed = sources([SAMPLES / "manifest.csv"])
    assert len(listed) >= 20
    assert all(source.path.is_file() for source in listed)
