"""Clips: what was asked for is in the file that comes out, cut either way."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from media_files import turn, write_sound, write_video
from q2e.errors import MediaError
from q2e.media.clip import Piece, cut, join, suffix_for
from q2e.media.frames import frames_at
from q2e.media.probe import probe
from q2e.media.sound import read_audio


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four scenes of two seconds, a key frame each second, a tone all along."""
    path = tmp_path_factory.mktemp("clip") / "film.mp4"
    return write_video(path, (2.0, 2.0, 2.0, 2.0), gop=25, tone_s=8.0)


def same_picture(left: Path, left_s: float, right: Path, right_s: float) -> bool:
    one, other = frames_at(left, [left_s], 64)[0], frames_at(right, [right_s], 64)[0]
    return bool(np.abs(one.image.astype(int) - other.image).mean() < 6)


def test_lossless_copies_from_the_key_frame_before(film: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.mp4"
    written = cut(film, 2.4, 4.5, out)
    assert written.start_s == pytest.approx(2.0, abs=0.02)
    assert written.end_s == pytest.approx(4.5, abs=0.15)
    assert probe(out).duration_s == pytest.approx(written.duration_s, abs=0.1)
    for time_s in (2.0, 3.0, 4.4):
        assert same_picture(film, time_s, out, time_s - written.start_s)
    with av.open(str(film)) as source, av.open(str(out)) as copy:
        packets = [bytes(p) for p in source.demux(video=0) if p.size]
        copied = [bytes(p) for p in copy.demux(video=0) if p.size]
    assert copied == packets[50 : 50 + len(copied)], "not a byte was encoded anew"


def test_exact_begins_and_ends_on_the_picture(film: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.mp4"
    written = cut(film, 2.4, 4.52, out, exact=True)
    assert (written.start_s, written.end_s) == pytest.approx((2.4, 4.52), abs=1e-6)
    assert probe(out).duration_s == pytest.approx(2.12, abs=0.05)
    for time_s in (2.4, 3.9, 4.1, 4.48):
        assert same_picture(film, time_s, out, time_s - 2.4)
    heard = read_audio(out, 0.5, 1.5)
    assert heard is not None
    assert np.abs(heard.samples).max() > 0.1


@pytest.mark.parametrize("exact", [False, True])
def test_sound_alone_is_cut_too(tmp_path: Path, exact: bool) -> None:
    sound = write_sound(tmp_path / "s.m4a", 6.0, codec="aac")
    out = tmp_path / "c.mp4"
    written = cut(sound, 1.0, 3.0, out, exact=exact)
    assert written.duration_s == pytest.approx(2.0, abs=0.1)
    assert probe(out).duration_s == pytest.approx(2.0, abs=0.15)


@pytest.mark.parametrize(
    ("suffix", "codec"), [(".opus", "libopus"), (".mp3", "libmp3lame"), (".m4a", "aac")]
)
def test_sound_is_cut_from_its_beginning(tmp_path: Path, suffix: str, codec: str) -> None:
    sound = write_sound(tmp_path / f"s{suffix}", 3.0, codec=codec, rate=48_000)
    written = cut(sound, 0.0, 1.0, tmp_path / f"c{suffix_for(sound)}")
    assert (written.start_s, written.end_s) == pytest.approx((0.0, 1.0), abs=0.1)


def test_rotated_stays_upright(tmp_path: Path, film: Path) -> None:
    exact, copied = tmp_path / "e.mp4", tmp_path / "c.mp4"
    turned = turn(write_video(tmp_path / "t.mp4", (2.0, 2.0), gop=25, size=(160, 96)), 90)
    cut(turned, 1.0, 3.0, exact, exact=True)
    cut(turned, 1.0, 3.0, copied)
    assert same_picture(turned, 1.5, exact, 0.5)
    assert same_picture(turned, 1.5, copied, 0.5)


def test_join_fits_pieces_of_all_kinds(film: Path, tmp_path: Path) -> None:
    tall = write_video(tmp_path / "tall.mp4", (2.0,), size=(96, 200))
    sound = write_sound(tmp_path / "s.m4a", 4.0, codec="aac")
    out = tmp_path / "reel.mp4"
    length_s = join(
        [Piece(str(film), 0.5, 1.5), Piece(str(tall), 0.0, 1.0), Piece(str(sound), 1.0, 2.0)], out
    )
    assert length_s == pytest.approx(3.0, abs=0.05)
    made = probe(out)
    assert (made.width, made.height) == (160, 120)
    assert made.duration_s == pytest.approx(3.0, abs=0.1)
    assert same_picture(film, 1.0, out, 0.5)
    assert frames_at(out, [2.5], 64)[0].image.mean() < 5, "sound alone is black"
    silence, tone = read_audio(out, 1.3, 1.8), read_audio(out, 2.3, 2.8)
    assert silence is not None
    assert tone is not None
    assert np.abs(silence.samples).max() < 0.01
    assert np.abs(tone.samples).max() > 0.1


def test_what_mp4_cannot_carry_is_named(tmp_path: Path) -> None:
    film = write_video(tmp_path / "f.mkv", (2.0,), codec="mpeg2video")
    assert suffix_for(film) == ".mkv"
    with pytest.raises(MediaError, match=r"mpeg2video cannot be copied into mp4; name the clip"):
        cut(film, 0, 1, tmp_path / "c.mp4")
    assert cut(film, 0, 1, tmp_path / "c.mkv").duration_s == pytest.approx(1.0, abs=0.2)
    assert not list(tmp_path.glob(".c.*")), "no half file is left"


@pytest.mark.parametrize(("name", "codec"), [("f.gif", "gif"), ("f.flv", "flv"), ("f.wmv", "wmv2")])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_what_no_clip_can_carry_is_encoded_anew(
    tmp_path: Path, name: str, codec: str, suffix: str
) -> None:
    film = write_video(tmp_path / name, (2.0, 2.0), codec=codec)
    assert suffix_for(film) == ".mp4"
    out = tmp_path / f"clip{suffix}"
    written = cut(film, 1.0, 3.0, out)
    assert written.duration_s == pytest.approx(2.0, abs=0.1)
    assert probe(out).duration_s == pytest.approx(2.0, abs=0.1)
    assert same_picture(film, 2.5, out, 1.5)


@pytest.mark.parametrize(
    ("start_s", "end_s", "name", "message"),
    [
        (3.0, 3.0, "c.mp4", "end of a clip must come after"),
        (90.0, 95.0, "c.mp4", "ends before 90"),
        (0.0, 1.0, "c.avi", "is written as .mp4"),
    ],
)
@pytest.mark.parametrize("exact", [False, True])
def test_errors_say_what_to_do(
    film: Path, tmp_path: Path, start_s: float, end_s: float, name: str, message: str, exact: bool
) -> None:
    with pytest.raises(MediaError, match=message):
        cut(film, start_s, end_s, tmp_path / name, exact=exact)
    assert not list(tmp_path.iterdir())
