"""Frames between those of the shots, and moments inside one unbroken picture."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.planted import Piece, bounds, write

import q2e
from q2e import shape
from q2e.media.between import NEAR_S, Between, room
from q2e.media.frames import frames_at
from q2e.media.pictures import Shown
from q2e.media.scan import ScanOptions, Shot, scan, uniform_times
from q2e.types import BETWEEN, Evidence, Segment

#: Sample clip and time of each picture, how long it is shown, and what is asked for it.
SHOWN = {
    "panda": ("reel-01.mp4", 1.5, 8.0, "a giant panda"),
    "coffee": ("reel-03.mp4", 1.5, 10.0, "una taza de café"),
    "cat": ("reel-02.mp4", 1.5, 7.0, "猫的特写"),
    "crocodile": ("reel-01.mp4", 10.5, 9.0, "крокодил лежит на берегу"),
}
#: Uniform frames of the video: too few to tell the pictures apart.
FEW = 4
READ: dict[str, Any] = {"channels": ("frame", "caption", "metadata"), "frames_per_video": FEW}


@pytest.fixture(scope="module")
def timeline(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of the samples that dissolve into one another, without a cut."""
    path = tmp_path_factory.mktemp("planted") / "timeline.mp4"
    write(path, _pieces(samples))
    return path


def _pieces(samples: Path) -> list[Piece]:
    return [
        Piece(name, frames_at(samples / "clips" / clip, [time_s])[0].image, length_s)
        for name, (clip, time_s, length_s, _) in SHOWN.items()
    ]


@pytest.fixture(scope="module")
def twice(timeline: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """Two indexes of the timeline: read without frames between and then with them, and at once."""
    folder = tmp_path_factory.mktemp("dense")
    later, at_once = folder / "later", folder / "at-once"
    with q2e.open(later, frames_per_hour=0, **READ) as index:
        assert not index.add(timeline).failures
    with q2e.open(at_once, frames_per_hour=1500, **READ) as index:
        assert not index.add(timeline).failures
    yield later, at_once


def _shots(path: Path, end_s: float, per_hour: int) -> list[Shot]:
    options = ScanOptions(per_hour=per_hour)
    return list(scan(path, 0.0, end_s, times_s=uniform_times(end_s, FEW), options=options))


def test_frames_are_taken_where_the_picture_changes_and_none_is_near(timeline: Path) -> None:
    end_s = bounds([Piece("", np.zeros(0, np.uint8), s) for _, _, s, _ in SHOWN.values()])[-1][2]
    plain, dense = (_shots(timeline, end_s, rate) for rate in (0, 1500))
    assert [shot.segment for shot in plain] == [shot.segment for shot in dense]
    assert not any(shot.between for shot in plain)
    frames = [one for shot in dense for one in shot.frames]
    between = [one for shot in dense for one in shot.between]
    assert 4 <= len(between) <= room(1500, end_s, FEW)
    for shot in dense:
        for one in shot.between:
            assert one.segment == shot.segment
            assert all(abs(one.time_s - other.time_s) >= NEAR_S for other in shot.frames)
    times_s = sorted(one.time_s for one in (*frames, *between))
    assert max(np.diff([0.0, *times_s, end_s])) < 4.0
    for one, other in zip(between, frames_at(timeline, [o.time_s for o in between]), strict=True):
        assert np.array_equal(one.image, other.image)


def test_a_picture_is_taken_where_it_differs_from_the_last_and_there_is_room() -> None:
    random = np.random.default_rng(1)
    scenes = random.integers(0, 256, (4, 90, 160)).astype(np.float32)
    asked_s = (50.0,)

    def taken(per_hour: int, scene_s: float) -> list[float]:
        between = Between(per_hour, 0.0, asked_s)
        for time_s in np.arange(0.0, 100.0, 0.2).tolist():
            noise = random.normal(0, 3, (90, 160)).astype(np.float32)
            picture = Shown(time_s, time_s + 0.2, None, None, 640)  # type: ignore[arg-type]
            picture.__dict__["image"] = np.zeros((9, 16, 3), np.uint8)
            between.look(picture, scenes[int(time_s // scene_s) % 4] + noise)
        shot = Shot(Segment(0.0, 100.0), ())
        return [one.time_s for one in between.given(shot).between]

    assert len(taken(1500, 1000.0)) == 1
    assert np.allclose(taken(1500, 20.0), [2.4, 20.0, 40.0, 60.0, 80.0], atol=0.3)
    busy = taken(1500, 1.0)
    assert room(1500, 95.0, 1) <= len(busy) <= room(1500, 100.0, 1)
    assert min(np.diff(sorted([*busy, *asked_s]))) >= NEAR_S - 1e-6
    assert taken(0, 1.0) == []


def test_frames_between_are_added_to_an_index_that_lacks_them(
    timeline: Path, twice: tuple[Path, Path]
) -> None:
    later, at_once = twice
    with q2e.open(later) as index:
        before = _evidence(index)
        assert not any(one.origin.startswith(BETWEEN) for one in before)
        assert len(index.search("a giant panda")[0].moments) >= 1
    with q2e.open(later, frames_per_hour=1500, **READ) as index:
        report = index.add(timeline)
        assert not report.failures and set(report.evidence) == {"frame"}
        after = _evidence(index)
        assert [one for one in after if not one.origin.startswith(BETWEEN)] == before
        assert index.add(timeline).unchanged == 1
    with q2e.open(at_once) as index:
        assert _evidence(index) == after
    added = [one for one in after if one.origin.startswith(BETWEEN)]
    assert len(added) == report.evidence["frame"] >= 4
    for one, other in pairwise(added):
        assert one.frame_s is not None and one.start_s <= one.frame_s <= one.end_s <= other.start_s


def _evidence(index: q2e.Index) -> list[Evidence]:
    return list(index.show(index.videos()[0].id).evidence)


@pytest.mark.parametrize("name", SHOWN)
def test_a_moment_in_a_long_shot_begins_and_ends_where_its_picture_does(
    name: str, samples: Path, twice: tuple[Path, Path]
) -> None:
    [(start_s, end_s)] = [one[1:] for one in bounds(_pieces(samples)) if one[0] == name]
    with q2e.open(twice[1]) as index:
        [hit] = index.search(SHOWN[name][3], localise="contrast", confidence=0.0)
        whole = index.search(SHOWN[name][3], localise="runs", confidence=0.0)[0].moments[0]
    found = hit.moments[0]
    assert abs(found.start_s - start_s) <= 2 and abs(found.end_s - end_s) <= 2
    # The page and whatever reads JSON show the picture that answers best inside the moment.
    assert found.evidence[0].channel == "frame" and start_s <= found.frame_s <= end_s
    assert shape.moment(found)["frame"] == shape.evidence(found.evidence[0])["frame"]
    assert max(abs(whole.start_s - start_s), abs(whole.end_s - end_s)) > 2
