"""Keys of work hold nothing of the machine: the same video elsewhere is not read again."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

import pytest

import q2e
from q2e.ingest.keys import CUES_VERSION, digest
from q2e.models.registry import Models
from q2e.plugins import registry
from q2e.settings import Settings
from q2e.types import Video

#: Names that hold each script in which our languages are written.
NAMES = ("news-17", "Музей 17 博物馆 متحف संग्रहालय", "พิพิธภัณฑ์ 박물관 ミュージアム")
CHANNELS = ("metadata", "speech")


def _film(samples: Path, folder: Path, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    shutil.copy(samples / "clips" / "news-17.mp4", folder / f"{name}.mp4")
    lines = "1\n00:00:01,000 --> 00:00:02,000\nA museum opens.\n"
    (folder / f"{name}.srt").write_text(lines, encoding="utf-8")
    return folder / f"{name}.mp4"


def _as_of_old(settings: Settings, video: Video) -> dict[str, str]:
    """Return the keys as they were made when they held paths and times of change."""
    subtitles = Path(video.path).with_suffix(".srt")
    status = subtitles.stat()
    facts = (video.title, video.description, video.date, video.language, list(video.tags))
    stamps = [[subtitles.name, status.st_size, status.st_mtime_ns], CUES_VERSION]
    made = Models(settings)
    own = {one: registry().get("channel", one).make(settings, made).config_key for one in CHANNELS}
    below = {"metadata": digest(video.path, *facts), "speech": stamps}
    return {stage: digest(own[stage], settings.part_s, below[stage]) for stage in CHANNELS}


@pytest.mark.slow
def test_the_same_videos_in_another_folder_have_the_same_keys(
    tmp_path: Path, samples: Path
) -> None:
    done = []
    for place in ("a", "b"):
        for number, name in enumerate(NAMES):
            film = _film(samples, tmp_path / place, name)
            with film.open("ab") as file:
                file.write(bytes(number))  # so that each is a video of its own
            os.utime(film.with_suffix(".srt"), (number, number) if place == "a" else None)
        with q2e.open(tmp_path / f"of-{place}", channels=CHANNELS) as index:
            assert index.add(tmp_path / place).ok
            done.append({one.id: dict(index.store.done(one.id)) for one in index.videos()})
    assert done[0] == done[1] and len(done[0]) == len(NAMES)
    assert all(keys.keys() >= {(one, 0) for one in CHANNELS} for keys in done[0].values())


@pytest.mark.slow
def test_an_index_with_the_keys_of_old_is_not_read_again(tmp_path: Path, samples: Path) -> None:
    film = _film(samples, tmp_path / "media", "news-17")
    with q2e.open(tmp_path / "i", channels=CHANNELS) as index:
        index.add(film)
        (video,) = index.videos()
        now = dict(index.store.done(video.id))
        old = _as_of_old(index.settings, video)
    assert all(now[stage, 0] != key for stage, key in old.items())
    with sqlite3.connect(tmp_path / "i" / "index.sqlite") as connection:
        for stage, key in old.items():
            connection.execute("UPDATE stage SET config_key = ? WHERE name = ?", (key, stage))
    with q2e.open(tmp_path / "i") as index:
        assert index.add(film).unchanged == 1
        assert {stage: index.store.done(video.id)[stage, 0] for stage in old} == old
    # What is edited is read; from then on even where it is as long and says it is as old.
    beside = film.with_suffix(".srt")
    for before, after in (("opens", "shuts"), ("shuts", "burns")):
        edited = beside.stat().st_mtime_ns + (10**9 if after == "shuts" else 0)
        beside.write_text(beside.read_text().replace(before, after))
        os.utime(beside, ns=(edited, edited))
        with q2e.open(tmp_path / "i") as index:
            assert len(index.add(film).indexed) == 1
            assert after in str([one.text for one in index.show(video.id).evidence])
