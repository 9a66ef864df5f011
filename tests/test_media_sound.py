"""Sound: the right samples in the right places, whatever the codec and wherever one begins."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from media_files import tone, write_sound, write_video
from q2e.media.sound import RATE_HZ, read_audio, read_stereo


def read(path: Path, start_s: float, end_s: float) -> np.ndarray:
    audio = read_audio(path, start_s, end_s)
    assert audio is not None
    assert audio.start_s == start_s
    assert audio.samples.dtype == np.float32
    assert len(audio.samples) == round(end_s * RATE_HZ) - round(start_s * RATE_HZ)
    assert np.abs(audio.samples).max(initial=0) <= 1.0
    return audio.samples


def lag(heard: np.ndarray, wanted: np.ndarray) -> int:
    """Return by how many samples `heard` comes later than `wanted`."""
    size = 2 * len(wanted)
    spectrum = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(wanted, size))
    shift = int(np.argmax(np.fft.irfft(spectrum, size)))
    return shift if shift < size // 2 else shift - size


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000])
def test_samples_are_where_they_belong(tmp_path: Path, rate: int) -> None:
    heard = read(write_sound(tmp_path / "a.wav", 2.0, rate=rate), 0.0, 2.0)
    wanted = tone(2.0, RATE_HZ)
    assert lag(heard, wanted) == 0
    inner = slice(400, -400)
    assert np.abs(heard[inner] - wanted[inner]).max() < 0.02


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("a.wav", "pcm_s16le", 44_100),
        ("a.m4a", "aac", 44_100),
        ("a.mp3", "libmp3lame", 44_100),
        ("a.opus", "libopus", 48_000),
        ("a.flac", "flac", 22_050),
        ("with_pictures.mp4", "aac", 44_100),
        ("with_pictures.ts", "aac", 44_100),
    ],
)
def test_a_stretch_has_the_samples_of_the_whole(
    tmp_path: Path, name: str, codec: str, rate: int
) -> None:
    if name.startswith("with_pictures"):
        path = write_video(tmp_path / name, (9.0,), tone_s=9.0, gop=200)
    else:
        path = write_sound(tmp_path / name, 9.0, codec, rate)
    whole = read(path, 0.0, 9.0)
    for start_s, end_s in ((3.0, 6.0), (4.321, 4.5), (0.2, 0.9)):
        part = read(path, start_s, end_s)
        first = round(start_s * RATE_HZ)
        assert np.abs(part - whole[first : first + len(part)]).max() < 2e-3, (start_s, end_s)


def test_sound_that_begins_late_is_preceded_by_silence(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", (4.0,), tone_s=2.0, tone_start_s=1.5)
    heard = read(path, 0.0, 4.0)
    assert np.abs(heard[: int(1.4 * RATE_HZ)]).max() < 1e-3
    assert abs(lag(heard[int(1.5 * RATE_HZ) :][: 2 * RATE_HZ], tone(2.0, RATE_HZ))) <= 16
    assert np.abs(heard[int(3.6 * RATE_HZ) :]).max() < 1e-3


def test_gaps_are_silent_and_do_not_move_what_follows(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    samples = (tone(3.0, 16_000) * 32_000).astype(np.int16)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=16_000, layout="mono")
        for at in range(0, len(samples), 1_600):
            if 16_000 <= at < 32_000:
                continue  # one second is missing
            chunk = samples[None, at : at + 1_600]
            frame = av.AudioFrame.from_ndarray(chunk, format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 16_000, at, Fraction(1, 16_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    heard = read(path, 0.0, 3.0)
    assert np.abs(heard[16_000:32_000]).max() == 0
    assert np.abs(heard[:15_900] - tone(3.0, 16_000)[:15_900]).max() < 0.03
    assert np.abs(heard[32_000:] - tone(3.0, 16_000)[32_000:]).max() < 0.03


def test_stereo_is_mixed_down_without_getting_louder(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    both = np.repeat((tone(1.0) * 32_000).astype(np.int16), 2)[None, :]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=44_100, layout="stereo")
        frame = av.AudioFrame.from_ndarray(both, format="s16", layout="stereo")
        frame.sample_rate = 44_100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    heard = read(path, 0.0, 1.0)
    assert np.abs(heard).max() == pytest.approx(0.49, abs=0.02)


def write_channels(path: Path, channels: list[np.ndarray], layout: str, codec: str) -> Path:
    """Write sound of many channels, each float samples at 48 kHz."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=48_000, layout=layout)
        stream.codec_context.open()
        size = stream.codec_context.frame_size or 1_024
        planes = np.stack(channels).astype(np.float32)
        resampler = av.AudioResampler(stream.format.name, layout, 48_000, size)
        for at in range(0, planes.shape[1], size):
            packed = np.ascontiguousarray(planes[:, at : at + size].T).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = 48_000, at, Fraction(1, 48_000)
            for ready in resampler.resample(frame):
                container.mux(stream.encode(ready))
        for ready in resampler.resample(None):
            container.mux(stream.encode(ready))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("right", [-1.0, -0.9, 0.0, 0.3, 1.0])
def test_what_one_channel_says_is_heard_whatever_the_other_does(
    tmp_path: Path, right: float
) -> None:
    left = tone(4.0, 48_000)
    path = write_channels(tmp_path / "a.m4a", [left, right * left], "stereo", "aac")
    heard, wanted = read(path, 0.0, 4.0), tone(4.0, RATE_HZ)
    assert lag(heard, wanted) == 0
    assert np.sqrt(np.mean(heard**2)) > 0.45 * np.sqrt(np.mean(wanted**2))
    part = read(path, 1.37, 2.9)
    first = round(1.37 * RATE_HZ)
    assert np.abs(part - heard[first : first + len(part)]).max() < 2e-3


def test_a_part_that_cancels_is_heard_among_parts_that_do_not(tmp_path: Path) -> None:
    left = tone(6.0, 48_000)
    right = left.copy()
    right[2 * 48_000 : 4 * 48_000] *= -1
    heard = read(write_channels(tmp_path / "a.wav", [left, right], "stereo", "pcm_f32le"), 0.0, 6.0)
    power = np.sqrt(np.mean(np.reshape(heard, (12, -1)) ** 2, axis=1))
    assert power.min() > 0.3 and power.max() < 0.4


@pytest.mark.parametrize(
    ("layout", "codec", "speaking"),
    [
        ("5.1", "aac", 2),
        ("7.1", "flac", 2),
        ("7.1.4", "pcm_f32le", 2),
        ("hexadecagonal", "pcm_s16le", 0),
        ("3 channels", "pcm_s16le", 1),
        ("16 channels", "pcm_f32le", 5),
    ],
)
def test_many_channels_are_all_heard(
    tmp_path: Path, layout: str, codec: str, speaking: int
) -> None:
    count = av.AudioLayout(layout).nb_channels
    channels = [np.zeros(2 * 48_000, np.float32) for _ in range(count)]
    channels[speaking] = tone(2.0, 48_000)
    path = write_channels(tmp_path / "a.mkv", channels, layout, codec)
    heard = read(path, 0.0, 2.0)
    assert abs(lag(heard, tone(2.0, RATE_HZ))) <= 16
    assert np.abs(heard).max() > 0.02
    stereo = read_stereo(path, 0.0, 2.0)
    assert stereo is not None and np.abs(stereo).max() > 0.02


def write_tracks(path: Path, *marks: tuple[int, str]) -> Path:
    """Write sound tracks with these dispositions and titles; track n is a hum of (n + 1) kHz."""
    with av.open(str(path), "w") as container:
        streams = []
        for mark, title in marks:
            stream = container.add_stream("aac", rate=48_000, layout="mono")
            stream.disposition = av.stream.Disposition(mark)
            stream.metadata["title"] = title
            streams.append(stream)
        for at in range(0, 48_000, 1_024):
            for number, stream in enumerate(streams):
                place = (at + np.arange(1_024)) / 48_000
                hum = np.sin(2 * np.pi * 1_000 * (number + 1) * place).astype(np.float32)
                frame = av.AudioFrame.from_ndarray(hum[None], format="fltp", layout="mono")
                frame.sample_rate, frame.pts, frame.time_base = 48_000, at, Fraction(1, 48_000)
                container.mux(stream.encode(frame))
        for stream in streams:
            container.mux(stream.encode(None))
    return path


MARK = av.stream.Disposition
NONE, DEFAULT = 0, int(MARK.default)


@pytest.mark.parametrize(
    ("marks", "heard"),
    [
        ([(int(MARK.comment), ""), (NONE, "")], 1),
        ([(int(MARK.comment) | DEFAULT, ""), (NONE, "")], 1),
        ([(int(MARK.visual_impaired), ""), (NONE, ""), (NONE, "")], 1),
        ([(NONE, ""), (DEFAULT, "")], 1),
        ([(NONE, "Director's Commentary"), (NONE, "Stereo")], 1),
        ([(DEFAULT, "Audio Description (AD)"), (NONE, "English")], 1),
        ([(DEFAULT, "オーディオコメンタリー"), (NONE, "日本語")], 1),
        ([(int(MARK.comment), ""), (int(MARK.visual_impaired), "")], 0),
        ([(NONE, "English"), (NONE, "Deutsch")], 0),
    ],
)
def test_the_track_that_players_play_is_heard(
    tmp_path: Path, marks: list[tuple[int, str]], heard: int
) -> None:
    samples = read(write_tracks(tmp_path / "a.mkv", *marks), 0.0, 1.0)
    loudest_hz = int(np.argmax(np.abs(np.fft.rfft(samples))) * RATE_HZ / len(samples))
    assert round(loudest_hz / 1_000) - 1 == heard


def test_no_sound_is_none_and_past_the_end_is_silence(tmp_path: Path) -> None:
    assert read_audio(write_video(tmp_path / "a.mp4", (0.4,)), 0.0, 0.4) is None
    path = write_sound(tmp_path / "a.wav", 1.0)
    assert np.abs(read(path, 2.0, 3.0)).max() == 0
    assert len(read(path, 0.5, 0.5)) == 0
