"""Files joined end to end, whose clock restarts or leaps: all of them is seen and heard, once."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import q2e
from media_files import write_sound, write_video
from q2e.media import transport
from q2e.media.clip import cut
from q2e.media.clock import Clock, length_of
from q2e.media.container import packets, video_stream
from q2e.media.decoder import opened
from q2e.media.frames import frames_at
from q2e.media.probe import probe
from q2e.media.scan import scan
from q2e.media.seekable import can_seek
from q2e.media.sound import RATE_HZ, read_audio
from q2e.store.base import StageKey
from q2e.store.generations import FIRST as STORE_NAME
from q2e.store.sqlite import SqliteStore

MPEG = {"codec": "mpeg2video", "audio_codec": "mp2"}
WEBM = {
    "codec": "libvpx",
    "audio_codec": "libopus",
    "options": {"cpu-used": "8", "deadline": "realtime"},
}
HOURS_20 = 72_000.0


def join(folder: Path, name: str, starts_s: tuple[float, ...], options: dict[str, Any]) -> Path:
    """Write recordings of two scenes that begin at these times on their clocks, one file of all."""
    whole = b""
    for number, start_s in enumerate(starts_s):
        part = folder / f"{number}{Path(name).suffix}"
        made = {"size": (96, 64), "tone_s": 3.0, "start_s": start_s, "tone_start_s": start_s}
        whole += write_video(part, (1.5, 1.5), **{**made, **options}).read_bytes()
        part.unlink()
    (folder / name).write_bytes(whole)
    return folder / name


@pytest.mark.parametrize(
    ("name", "starts_s", "options"),
    [
        ("restart.ts", (0.0, 0.0), {}),
        ("leap.ts", (0.0, HOURS_20), {}),
        ("back.ts", (3600.0, 0.0), {}),
        ("all.ts", (3600.0, 0.0, HOURS_20), {}),
        ("restart.m2ts", (7.0, 0.0), {}),
        ("restart.mpg", (0.0, 0.0), MPEG),
        ("leap.mpg", (0.0, HOURS_20), MPEG),
        ("back.mpg", (3600.0, 0.0), MPEG),
        ("restart.mkv", (0.0, 0.0), {}),
        ("restart.webm", (0.0, 0.0), WEBM),
        ("live.webm", (0.0, 0.0), {**WEBM, "container_options": {"live": "1"}}),
    ],
)
def test_all_recordings_are_seen_and_heard(
    tmp_path: Path, name: str, starts_s: tuple[float, ...], options: dict[str, Any]
) -> None:
    count = len(starts_s)
    path = join(tmp_path, name, starts_s, options)
    duration_s = probe(path).duration_s
    single_s = probe(join(tmp_path, f"one{path.suffix}", (0.0,), options)).duration_s
    assert 3 * count - 0.1 <= duration_s <= count * single_s + 0.05
    wanted_s = [1.5 * step for step in range(1, 2 * count)]
    shots = list(scan(path, 0.0, duration_s))
    assert [one.segment.start_s for one in shots[1:]] == pytest.approx(wanted_s, abs=0.15)
    assert all(shot.frames for shot in shots)
    # A part, a picture and a clip of the last recording are the same as in the whole.
    late_s = 3.0 * (count - 1) + 0.7
    part = list(scan(path, late_s, duration_s))
    assert [one.segment.start_s for one in part[1:]] == pytest.approx([wanted_s[-1]], abs=0.15)
    middles_s = [1.5 * step + 0.75 for step in range(2 * count)]
    looks = [one.image.astype(int) for one in frames_at(path, middles_s, 64)]
    for step, look in enumerate(looks):
        same = np.abs(look - looks[step % 2]).mean(), np.abs(look - looks[1 - step % 2]).mean()
        assert same[0] < 12 < same[1]
    whole = read_audio(path, 0.0, duration_s)
    later = read_audio(path, late_s, late_s + 1.0)
    assert whole is not None and later is not None
    power = [np.sqrt(np.mean(one**2)) for one in np.array_split(whole.samples, 6 * count)]
    assert min(power) > 0.2
    assert np.sqrt(np.mean(later.samples**2)) > 0.3
    out = tmp_path / "clip.mkv"
    written = cut(path, late_s, late_s + 1.0, out)
    assert written.start_s == pytest.approx(late_s - 0.7, abs=0.15)
    assert np.abs(frames_at(out, [0.3], 64)[0].image - looks[-2]).mean() < 12


@pytest.mark.slow  # reads files twice
def test_what_an_earlier_version_read_only_half_of_is_read_again(tmp_path: Path) -> None:
    path = join(tmp_path, "a.ts", (0.0, 0.0), {})
    index = q2e.open(tmp_path / "index", channels=("metadata", "screen_text"))
    index.add(path)
    (video,) = index.videos()
    whole = index.show(video.id).segments
    brought = tmp_path / "said.jsonl"
    row = {"video": video.id, "channel": "speech", "text": "Uhrmacherei", "start": 1, "end": 2}
    brought.write_text(json.dumps(row))
    index.import_evidence(brought)
    with SqliteStore(index.directory / STORE_NAME) as store:
        half = [one for one in whole if one.end_s <= 3.1]
        store.put_video(replace(video, duration_s=3.0))
        key = StageKey(video.id, "shots", 0)
        store.put_part(key, store.done(video.id)["shots", 0], segments=half, frame_times_s=())
    for read in (1, 0):
        report = index.add(path)
        assert len(report.indexed) == read
        assert index.show(video.id).segments == whole
    said = [one.text for one in index.show(video.id).evidence if one.channel == "speech"]
    assert said == ["Uhrmacherei"]


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("a.opus", "libopus", 48_000),
        ("a.ogg", "flac", 44_100),
        ("a.flac", "flac", 44_100),
        ("a.mp3", "libmp3lame", 44_100),
        ("a.aac", "aac", 44_100),
    ],
)
def test_all_links_of_sound_are_heard(tmp_path: Path, name: str, codec: str, rate: int) -> None:
    link = write_sound(tmp_path / f"link-{name}", 4.0, codec, rate).read_bytes()
    path = tmp_path / name
    path.write_bytes(3 * link)
    duration_s = probe(path).duration_s
    assert 11.2 < duration_s <= 12.4
    heard = read_audio(path, 0.0, duration_s)
    assert heard is not None
    assert min(np.sqrt(np.mean(one**2)) for one in np.array_split(heard.samples, 20)) > 0.2
    part = read_audio(path, 9.5, 10.5)
    assert part is not None
    wanted = heard.samples[round(9.5 * RATE_HZ) : round(10.5 * RATE_HZ)]
    # Chained links may fall between two samples, no more.
    spectra = [np.abs(np.fft.rfft(one)) for one in (part.samples, wanted)]
    assert np.corrcoef(*spectra)[0, 1] > 0.99


def test_a_clock_that_only_rises_is_left_alone(tmp_path: Path) -> None:
    path = join(tmp_path, "a.ts", (95_440.0,), {})  # which begins anew after 26.5 hours
    assert not transport.leaps(path)
    assert can_seek("mpegts", str(path))
    assert probe(path).duration_s == pytest.approx(3.0, abs=0.1)
    pauses = write_video(tmp_path / "a.mkv", (50.0,), times_s=[0.0, 0.04, 40.0, 45.0])
    assert probe(pauses).duration_s == pytest.approx(45.04, abs=0.1)
    for name in ("a.mkv", "a.webm"):
        plain = join(tmp_path, name, (0.0,), WEBM if name == "a.webm" else {})
        assert can_seek("matroska,webm", str(plain))


def test_long_streams_are_looked_into_here_and_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "_WHOLE_BYTES", 1_000)
    monkeypatch.setattr(transport, "_PLACE_BYTES", 3_000)
    monkeypatch.setattr(transport, "_EVERY_BYTES", 6_000)
    assert transport.leaps(join(tmp_path, "a.ts", (0.0, 0.0), {}))
    assert transport.leaps(join(tmp_path, "a.mpg", (0.0, HOURS_20), MPEG))
    assert not transport.leaps(join(tmp_path, "b.ts", (0.0,), {}))
    assert not transport.leaps(join(tmp_path, "b.mpg", (0.0,), MPEG))


@dataclass
class Packet:
    stream_index: int
    dts: int | None
    pts: int | None
    duration: int = 40


@dataclass
class Stream:
    index: int
    time_base: Fraction = Fraction(1, 1000)


def rising(format_name: str, *given: tuple[int, int]) -> list[int | None]:
    streams = [Stream(0), Stream(1)]
    clock = Clock(format_name, streams, streams)
    made = [Packet(index, time, time) for index, time in given]
    for packet in made:
        clock.set(packet)
    return [packet.pts for packet in made]


def test_the_last_packets_of_one_recording_may_come_after_the_first_of_the_next() -> None:
    given = [(0, 0), (1, 0), (0, 960), (1, 920), (0, 0), (1, 960), (0, 40), (1, 0), (1, 40)]
    assert rising("mpegts", *given) == [0, 0, 960, 920, 1000, 960, 1040, 1000, 1040]


def test_a_leap_is_closed_only_where_a_clock_may_leap() -> None:
    given = [(0, 0), (1, 0), (0, 40), (0, 72_000_000), (1, 40), (1, 72_000_000)]
    assert rising("mpegts", *given) == [0, 0, 40, 80, 40, 80]
    assert rising("matroska,webm", *given) == [time for _, time in given]
    # A picture that stays while the sound goes on is no leap.
    sound = [(1, 1000 * second) for second in range(60)]
    assert rising("mpegts", (0, 0), *sound, (0, 59_500))[-1] == 59_500


def test_pictures_shown_in_another_order_are_no_restart() -> None:
    streams = [Stream(0)]
    clock = Clock("mpegts", streams, streams)
    made = [Packet(0, dts, pts) for dts, pts in ((None, 0), (None, 160), (0, 80), (40, 40))]
    for packet in made:
        clock.set(packet)
    assert [packet.pts for packet in made] == [0, 160, 80, 40]


@pytest.mark.parametrize(("told", "taken"), [(None, 0), (256, 256), ((1 << 32) - 185, 0), (-3, 0)])
def test_a_packet_that_lasts_less_than_nothing_lasts_nothing(told: int | None, taken: int) -> None:
    assert length_of(SimpleNamespace(duration=told)) == taken


def test_times_that_no_file_can_hold_are_left(tmp_path: Path) -> None:
    assert rising("mpegts", (0, 2**62), (0, 0), (0, 40))[0] == 2**62
    path = join(tmp_path, "a.ts", (0.0, 0.0), {})
    with opened(path) as container:
        stream = video_stream(container)
        times = [one.dts for one in packets(container, stream) if one.dts is not None]
    assert times == sorted(times)
