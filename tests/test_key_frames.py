"""Reading by key frames alone: what is decoded, which shots and frames come out, what is kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import q2e
from media_files import write_video
from q2e.channels.frame import open_channel
from q2e.cli import app
from q2e.ingest.keys import SHOTS, fingerprint, stage_keys
from q2e.media import pictures
from q2e.media.frames import frames_at
from q2e.media.probe import probe
from q2e.media.scan import ScanOptions, Shot, scan, uniform_times
from q2e.models.registry import Models
from q2e.settings import Settings
from q2e.types import Video

FAST = ScanOptions(key_frames=True)


def shots_of(path: Path, options: ScanOptions, start_s: float = 0.0) -> list[Shot]:
    end_s = probe(path).duration_s
    return list(scan(path, start_s, end_s, times_s=uniform_times(end_s), options=options))


def told(shots: list[Shot]) -> list[tuple[float, float, list[float]]]:
    return [
        (one.segment.start_s, one.segment.end_s, [frame.time_s for frame in one.frames])
        for one in shots
    ]


@pytest.mark.parametrize("start_s", [0.0, 3.1])
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
def test_pictures_are_those_on_screen_at_their_times(
    tmp_path: Path, name: str, options: dict, start_s: float
) -> None:
    path = write_video(tmp_path / name, (2.0, 2.0, 4.0), gop=20, **options)
    shots = shots_of(path, FAST, start_s)
    assert shots[0].segment.start_s == start_s
    assert shots[-1].segment.end_s == probe(path).duration_s
    frames = [frame for shot in shots for frame in shot.frames]
    assert frames and all(frame.segment is not None for frame in frames)
    again = frames_at(path, [frame.time_s for frame in frames])
    assert all(np.array_equal(a.image, b.image) for a, b in zip(frames, again, strict=True))
    for shot in shots:
        for frame in shot.frames:
            assert shot.segment.start_s <= frame.time_s < shot.segment.end_s


def test_cuts_are_found_at_key_frames_and_little_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_video(tmp_path / "a.mp4", (2.0, 2.0, 4.0), gop=25)
    decoded = []
    real = pictures.decode_from

    def counted(*given: object) -> object:
        for one in real(*given):  # type: ignore[arg-type]
            decoded.append(one[0])
            yield one

    monkeypatch.setattr(pictures, "decode_from", counted)
    shots = shots_of(path, FAST)
    assert [shot.segment.start_s for shot in shots] == pytest.approx([0.0, 2.0, 4.0], abs=0.05)
    assert len(decoded) <= 12
    decoded.clear()
    shots_of(path, ScanOptions())
    assert len(decoded) == 200


def test_a_file_with_few_key_frames_is_decoded_whole(tmp_path: Path) -> None:
    far = {"sc_threshold": "0", "x264-params": "scenecut=0:keyint=1000"}
    times_s = [i / 5 for i in range(5 * 20)]
    path = write_video(tmp_path / "a.mp4", (7.0, 13.0), times_s=times_s, gop=1000, options=far)
    assert told(shots_of(path, FAST)) == told(shots_of(path, ScanOptions()))
    assert len(shots_of(path, FAST)) == 2


def test_what_was_read_fast_is_kept_apart() -> None:
    video = Video(id="v", path="a.mp4", duration_s=10.0)
    keys = []
    for settings in (Settings(channels=("frame",)), Settings(channels=("frame",), key_frames=True)):
        channel = open_channel(settings, Models(settings))
        keys.append((stage_keys([channel], settings, video), fingerprint(settings, [channel], {})))
    (slow, slowly), (fast, fastly) = keys
    assert slow[SHOTS] != fast[SHOTS] and slow["frame"] != fast["frame"] and slowly != fastly


def test_an_index_that_was_read_fast_goes_on_so(tmp_path: Path, samples: Path) -> None:
    folder, clip = tmp_path / "fast.q2e", samples / "clips" / "reel-01.mp4"
    given = ["index", str(clip), "--index", str(folder), "--channel", "frame", "--fast"]
    result = CliRunner().invoke(app, given)
    assert result.exit_code == 0, result.output
    with q2e.open(folder) as index:
        assert index.settings.key_frames
        (video,) = index.videos()
        assert len(index.store.frame_times_s(video.id, 0)) == 4
        assert index.search("a panda bear").hits[0].moments[0].start_s < 1.0
