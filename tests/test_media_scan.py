"""Shots and frames: where cuts are found, which frames are kept, and that seeking agrees."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media_files import RATE_HZ, picture, turn, write_sound, write_video
from q2e.errors import MediaError
from q2e.media.discover import discover
from q2e.media.frames import frames_at, jpeg
from q2e.media.pictures import upright_size
from q2e.media.probe import probe
from q2e.media.scan import ScanOptions, Shot, scan, uniform_times
from q2e.types import Frame, Segment


def shots_of(path: Path, start_s: float = 0.0, end_s: float | None = None) -> list[Shot]:
    duration_s = probe(path).duration_s
    times_s = uniform_times(duration_s)
    shots = list(scan(path, start_s, end_s or duration_s, times_s=times_s))
    check(shots, start_s, end_s or duration_s)
    return shots


def check(shots: list[Shot], start_s: float, end_s: float) -> None:
    """What holds of every scan."""
    assert shots[0].segment.start_s == start_s
    assert shots[-1].segment.end_s == end_s
    for before, after in itertools.pairwise(shots):
        assert before.segment.end_s == after.segment.start_s
    for shot in shots:
        assert 0 < shot.segment.duration_s <= 30.0 + 1e-6
        times_s = [frame.time_s for frame in shot.frames]
        assert times_s == sorted(set(times_s))
        for frame in shot.frames:
            assert frame.segment == shot.segment
            assert shot.segment.start_s <= frame.time_s < shot.segment.end_s
            assert frame.image.dtype == np.uint8
            assert frame.image.ndim == 3 and frame.image.shape[2] == 3
            assert max(frame.image.shape) <= 640


def cuts(shots: list[Shot]) -> list[float]:
    return [shot.segment.start_s for shot in shots[1:]]


def frames_of(shots: list[Shot]) -> list[Frame]:
    return [frame for shot in shots for frame in shot.frames]


def assert_same_pictures(path: Path, frames: list[Frame]) -> None:
    again = frames_at(path, [frame.time_s for frame in frames])
    for frame, other in zip(frames, again, strict=True):
        assert np.array_equal(frame.image, other.image), frame


def decoded_from_start(path: Path) -> Iterator[tuple[float, av.VideoFrame]]:
    with av.open(str(path)) as container:
        origin_s = (container.start_time or 0) / 1e6
        for frame in container.decode(video=0):
            yield frame.time - origin_s, frame


# -- cuts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", {}),
        ("a.avi", {"codec": "mpeg4"}),
        ("a.mpg", {"codec": "mpeg2video"}),
        ("a.gif", {"codec": "gif"}),
        ("a.webm", {"codec": "libvpx-vp9", "options": {"cpu-used": "8", "deadline": "realtime"}}),
        ("a.mkv", {"start_s": 3.5, "size": (161, 121)}),
    ],
)
def test_hard_cuts_are_found_within_one_frame(tmp_path: Path, name: str, options: dict) -> None:
    path = write_video(tmp_path / name, (1.2, 0.8, 2.0, 1.0), **options)
    shots = shots_of(path)
    assert cuts(shots) == pytest.approx([1.2, 2.0, 4.0], abs=1.01 / RATE_HZ)
    assert all(shot.frames for shot in shots)
    assert_same_pictures(path, frames_of(shots))


def test_cuts_of_a_variable_rate_are_at_presentation_times(tmp_path: Path) -> None:
    steps = np.r_[np.arange(0, 2, 0.02), np.arange(2, 6, 0.1), np.arange(6, 8, 0.04)]
    path = write_video(tmp_path / "a.mkv", (3.0, 4.0, 1.0), times_s=[float(t) for t in steps])
    assert cuts(shots_of(path)) == pytest.approx([3.0, 7.0], abs=0.045)


def test_a_moving_picture_without_cuts_is_one_shot(tmp_path: Path) -> None:
    assert len(shots_of(write_video(tmp_path / "a.mp4", (8.0,)))) == 1


def test_long_shots_become_equal_pieces_with_a_frame_every_ten_seconds(tmp_path: Path) -> None:
    times_s = [i / 5 for i in range(5 * 150)]
    path = write_video(tmp_path / "a.mp4", (149.0, 1.0), times_s=times_s, size=(64, 48))
    shots = list(scan(path, 0.0, 150.0))
    check(shots, 0.0, 150.0)
    lengths = [shot.segment.duration_s for shot in shots]
    assert lengths == pytest.approx([30, 30, 30, 29.5, 29.5, 1.0], abs=0.3)
    for shot in shots[:-1]:
        assert len(shot.frames) == 3
        gaps = np.diff([frame.time_s for frame in shot.frames])
        assert gaps.max() < 13.5
    assert len(shots[-1].frames) == 1


def test_a_picture_that_stays_is_given_once(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", (50.0,), times_s=[0.0, 0.04, 40.0, 45.0])
    shots = shots_of(path)
    assert len(shots) == 2
    assert [len(shot.frames) for shot in shots] == [1, 2]
    assert_same_pictures(path, frames_of(shots))


# -- which frames --------------------------------------------------------------------------------


def test_uniform_times_are_middles() -> None:
    assert uniform_times(16.0) == tuple(i + 0.5 for i in range(16))
    assert uniform_times(1.0, n=2) == (0.25, 0.75)


def test_uniform_frames_and_one_frame_inside_every_shot(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", (20.8, 0.8, 9.2), size=(64, 48))
    shots = shots_of(path)
    assert len(shots) == 3
    uniform = set(uniform_times(probe(path).duration_s))
    times_s = {frame.time_s for frame in frames_of(shots)}
    assert uniform <= times_s
    (middle,) = shots[1].frames
    assert middle.time_s == pytest.approx(21.2, abs=0.25)
    assert len(times_s - uniform) == 1


def test_the_picture_is_the_one_on_screen(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", (4.0,), options={"qp": "0"}, size=(64, 48))
    for time_s in (0.0, 0.019, 0.04, 1.0, 2.399, 2.4, 3.99, 17.0):
        (frame,) = frames_at(path, [time_s])
        wanted = picture(0, min(99, int(time_s * RATE_HZ + 0.03)), 64, 48)
        assert np.abs(frame.image.astype(int) - wanted).mean() < 8, time_s
        assert frame.time_s == time_s


def test_one_frame_and_very_short_files(tmp_path: Path) -> None:
    for count in (1, 2, 5):
        times_s = [i / RATE_HZ for i in range(count)]
        path = write_video(tmp_path / f"{count}.mp4", (1.0,), times_s=times_s)
        (shot,) = shots_of(path)
        assert len(shot.frames) == count
        assert_same_pictures(path, list(shot.frames))


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_frames_are_upright(tmp_path: Path, degrees: int) -> None:
    plain = write_video(tmp_path / "plain.mp4", (0.4,))
    (frame,) = frames_at(plain, [0.2])
    path = turn(write_video(tmp_path / "turned.mp4", (0.4,)), degrees)
    (turned,) = frames_at(path, [0.2])
    assert np.array_equal(turned.image, np.rot90(frame.image, -degrees // 90))
    assert_same_pictures(path, frames_of(shots_of(path)))


def test_sizes_of_pictures() -> None:
    assert upright_size(1920, 1080, 0, max_side=640) == (640, 360)
    assert upright_size(1920, 1080, 90, max_side=640) == (360, 640)
    assert upright_size(720, 576, 0, 16 / 11, max_side=640) == (640, 352)
    assert upright_size(100, 50, 0, max_side=640) == (100, 50)
    assert upright_size(16_000, 1, 0, max_side=640) == (640, 1)


def test_sound_after_the_pictures_gets_segments_without_frames(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", (1.0,), tone_s=40.0)
    shots = shots_of(path)
    assert [bool(shot.frames) for shot in shots] == [True, False, False]
    assert shots[0].segment.end_s == pytest.approx(1.0, abs=0.01)


def test_sound_alone_is_segments_without_frames(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", 3.0)
    (shot,) = shots_of(path)
    assert shot.frames == ()
    with pytest.raises(MediaError, match="no pictures"):
        frames_at(path, [1.0])


def test_pictures_that_begin_late_fill_the_time_before(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", (2.0,), start_s=3.0, tone_s=5.0)
    assert all(shot.frames for shot in shots_of(path))
    first, at_start = frames_at(path, [0.5, 3.0])
    assert np.array_equal(first.image, at_start.image)


# -- parts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", {"gop": 30, "options": {"bf": "3"}}),
        ("open.mkv", {"gop": 30, "options": {"x264-params": "open-gop=1:bframes=3"}}),
        ("a.ts", {"gop": 30, "start_s": 1.4}),
        ("a.mpg", {"codec": "mpeg2video", "gop": 12, "options": {"bf": "2"}}),
        ("a.avi", {"codec": "mpeg4", "gop": 30}),
        ("far.mp4", {"gop": 9999}),
        ("a.gif", {"codec": "gif"}),
        ("bare.h264", {}),
        ("a.webm", {"codec": "libvpx-vp9", "options": {"cpu-used": "8", "deadline": "realtime"}}),
    ],
)
def test_a_part_gives_what_a_pass_from_the_start_gives(
    tmp_path: Path, name: str, options: dict
) -> None:
    path = write_video(tmp_path / name, (3.0, 4.0, 2.5, 6.0, 4.5), size=(96, 64), **options)
    whole = shots_of(path)
    part = shots_of(path, 8.0, 16.0)
    inside = [cut_s for cut_s in cuts(whole) if 8.6 <= cut_s < 15.8]
    assert cuts(part) == pytest.approx(inside)
    if name == "bare.h264":  # has no times of its own to compare by
        assert_same_pictures(path, frames_of(part))
        return
    pictures = list(decoded_from_start(path))
    for frame in frames_of(part):
        on_screen = [f for time_s, f in pictures if time_s <= frame.time_s + 1e-3][-1]
        wanted = on_screen.reformat(format="rgb24", interpolation="AREA").to_ndarray()
        assert np.array_equal(frame.image, wanted), frame


def test_frames_found_one_by_one_far_apart(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", (20.0, 20.0), size=(64, 48), gop=40)
    times_s = [35.0, 0.0, 17.3, 17.3, 25.0]
    frames = frames_at(path, times_s)
    assert [frame.time_s for frame in frames] == times_s
    for frame in frames:
        (alone,) = frames_at(path, [frame.time_s])
        assert np.array_equal(frame.image, alone.image)


@settings(max_examples=15, deadline=None)
@given(st.floats(0, 7.9), st.floats(0.01, 8))
def test_any_stretch_is_tiled(clip: Path, start_s: float, length_s: float) -> None:
    end_s = min(8.0, start_s + length_s)
    shots = list(scan(clip, start_s, end_s, times_s=uniform_times(8.0)))
    check(shots, start_s, end_s)
    assert all(shot.frames for shot in shots)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "a.mp4"
    return write_video(path, (1.0, 0.7, 3.3, 3.0), size=(64, 48))


# -- odds and ends -------------------------------------------------------------------------------


def test_options_check_themselves() -> None:
    with pytest.raises(ValueError, match=r"grid_s=0\.7"):
        ScanOptions(grid_s=0.7)


def test_leaving_a_scan_early_closes_the_file(clip: Path) -> None:
    def opened() -> int:
        targets = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
        return sum(os.path.realpath(link) == os.path.realpath(clip) for link in targets)

    shots = scan(clip, 0.0, 8.0)
    next(shots)
    assert opened() == 1
    shots.close()  # type: ignore[attr-defined]
    assert opened() == 0


def test_jpeg_can_be_read_again() -> None:
    image = picture(0, 0, 128, 96)
    raw = jpeg(image)
    assert raw[:2] == b"\xff\xd8"
    codec = av.CodecContext.create("mjpeg", "r")
    (frame,) = [*codec.decode(av.Packet(raw)), *codec.decode(None)]
    assert np.abs(frame.to_ndarray(format="rgb24").astype(int) - image).mean() < 20


def test_movement_is_measured(tmp_path: Path) -> None:
    """A still, a picture that runs sideways, and one that is alone."""
    still = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "bgr0"
        for number in range(60):
            image = still // 4 if number < 30 else np.roll(still, 4 * number, axis=1)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    (first,), (second,), (alone,) = (scan(path, *part) for part in ((0, 3), (3, 6), (0, 0.15)))
    assert first.segment.movement == 0.0
    assert second.segment.movement is not None and second.segment.movement > 30
    assert alone.segment.movement is None and alone.segment == Segment(0.0, 0.15)


def test_movement_of_real_clips(dev_data: Path) -> None:
    """People before a fixed camera move little, what a swept or carried camera sees much."""
    folder = dev_data / "videos" / "clips"

    def movement(name: str) -> float:
        return max(shot.segment.movement or 0.0 for shot in shots_of(folder / name))

    for name in ("classroom.gif", "people-detection.gif", "sbwe5n.mpg", "swiz3n.mpg"):
        assert 0.25 < movement(name) <= 2.5, name
    for name in ("cityCC0.mpg", "frog.mp4", "rabbit320.mp4"):
        assert movement(name) >= 10.0, name


def test_every_development_clip_can_be_scanned(dev_data: Path) -> None:
    for path in discover([dev_data / "videos" / "clips"]):
        shots = shots_of(path)
        assert len(frames_of(shots)) >= 16, path
        assert all(shot.frames for shot in shots), path
        assert_same_pictures(path, frames_of(shots)[:2])
