"""Sound: the right samples in the right places, whatever the codec and wherever one begins."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from media_files import tone, write_sound, write_video
from q2e.media.sound import RATE_HZ, read_audio


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


def test_no_sound_is_none_and_past_the_end_is_silence(tmp_path: Path) -> None:
    assert read_audio(write_video(tmp_path / "a.mp4", (0.4,)), 0.0, 0.4) is None
    path = write_sound(tmp_path / "a.wav", 1.0)
    assert np.abs(read(path, 2.0, 3.0)).max() == 0
    assert len(read(path, 0.5, 0.5)) == 0
