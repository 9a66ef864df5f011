"""Finding, naming and probing files, and the reasons given for those that cannot be read."""

from __future__ import annotations

import hashlib
import os
import tempfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from media_files import picture, turn, write_sound, write_tone, write_video
from q2e.errors import ConfigError, MediaError
from q2e.ingest.manifest import sources
from q2e.media.discover import discover
from q2e.media.frames import save_jpeg
from q2e.media.identity import content_id
from q2e.media.probe import container_tags, probe
from q2e.media.scan import scan
from q2e.media.sound import read_audio

# -- identity and discovery ----------------------------------------------------------------------


def test_content_id_survives_a_rename_and_follows_the_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "a.mp4", tmp_path / "视频.mkv"
    first.write_bytes(b"x" * 3_000_000)
    name = content_id(first)
    assert name == hashlib.sha256(b"x" * 3_000_000).hexdigest()[:32]
    first.rename(second)
    assert content_id(second) == name
    second.write_bytes(b"y")
    assert content_id(second) != name
    with pytest.raises(MediaError, match=r"a\.mp4"):
        content_id(first)


def test_discover_folders_files_and_patterns(tmp_path: Path) -> None:
    names = ["b.MP4", "a.gif", "a.srt", "notes.txt", ".hidden.mp4", "sub/ü.mkv", "sub/c.opus"]
    names += [".git/x.mp4", "sub/code.ts"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"const x = 1" if name.endswith(".ts") else b"G")

    def found(*paths: Path) -> list[str]:
        return [str(path.relative_to(tmp_path)) for path in discover(paths)]

    everything = ["a.gif", "b.MP4", "sub/c.opus", "sub/ü.mkv"]
    assert found(tmp_path) == everything
    assert found(tmp_path, tmp_path / "sub", tmp_path / "a.gif") == everything
    assert found(tmp_path / "notes.txt") == ["notes.txt"]
    assert found(tmp_path / "**" / "*.mkv") == ["sub/ü.mkv"]
    assert found(tmp_path / "a.*") == ["a.gif"]
    assert found(tmp_path / "*.txt") == ["notes.txt"]
    (tmp_path / "link.mp4").symlink_to(tmp_path / "b.MP4")
    assert len(found(tmp_path)) == len(everything)


def test_links_are_followed_once_and_broken_ones_named(tmp_path: Path) -> None:
    """Folders reached through links are read, circles end, and what leads nowhere is told."""
    inside, outside = tmp_path / "in", tmp_path / "out"
    for folder in (inside / "deep", outside):
        folder.mkdir(parents=True)
    for file in (inside / "a.mp4", inside / "deep" / "b.mp4", outside / "c.mp4"):
        file.write_bytes(b"x")
    (inside / "linked").symlink_to(outside)
    (inside / "again").symlink_to(outside)
    (inside / "deep" / "up").symlink_to(inside)
    (outside / "back").symlink_to(inside)
    (inside / "gone.mp4").symlink_to(tmp_path / "nowhere.mp4")
    (inside / "gone").symlink_to(tmp_path / "nowhere")
    (inside / "gone.txt").symlink_to(tmp_path / "nowhere.txt")
    (inside / "circle.mkv").symlink_to(inside / "circle.mkv")
    found = [path.name for path in discover([inside])]
    assert sorted(found) == ["a.mp4", "b.mp4", "c.mp4", "circle.mkv", "gone", "gone.mp4"]
    named = {source.path for source in sources([inside])}
    assert {inside / "gone", inside / "gone.mp4", outside / "c.mp4"} <= named
    assert tmp_path / "nowhere.mp4" not in named


@pytest.mark.parametrize("name", ["a.ts", "a.mts", "a.m2ts"])
def test_transport_streams_are_told_from_programs(tmp_path: Path, name: str) -> None:
    stream = write_video(tmp_path / name, (0.4,), tone_s=0.4).read_bytes()
    made = {
        "whole": stream,
        "inside a packet": stream[100:],
        "after noise": bytes(range(256)) * 3 + stream,
        "damaged": b"\xff\xfe\x00" + stream[:300],
        "empty": b"",
    }
    for what, raw in made.items():
        (tmp_path / name).write_bytes(raw)
        assert discover([tmp_path]), what
    if not name.startswith("a.m2"):
        for code in ("const a: string = 'ü 洪水 🎉'\n" * 400, "G", "<TS>" + "ф" * 9_000):
            (tmp_path / name).write_text(code, encoding="utf-8")
            assert not discover([tmp_path]), code[:9]
    (tmp_path / name).write_bytes(stream[100:])
    assert probe(tmp_path / name).duration_s == pytest.approx(0.4, abs=0.1)


def test_discover_names_what_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.mp4: does not exist"):
        discover([tmp_path, tmp_path / "gone.mp4"])
    with pytest.raises(ConfigError, match="matches no file"):
        discover([tmp_path / "*.mp4"])


# -- what is in a file ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("h264.mp4", {}),
        ("mpeg4.avi", {"codec": "mpeg4"}),
        ("mpeg2.mpg", {"codec": "mpeg2video"}),
        ("stream.ts", {"start_s": 2.0}),
        ("vp9.webm", {"codec": "libvpx-vp9", "options": {"cpu-used": "8", "deadline": "realtime"}}),
        ("picture.gif", {"codec": "gif"}),
        ("late.mkv", {"start_s": 3.5}),
        ("bare.h264", {}),
        ("fragments.mp4", {"container_options": {"movflags": "frag_keyframe+empty_moov"}}),
    ],
)
def test_probe_says_what_is_there(tmp_path: Path, name: str, options: dict) -> None:
    path = write_video(tmp_path / name, (0.6, 0.6), **options)
    video = probe(path)
    assert video.duration_s == pytest.approx(1.2, abs=0.081)
    assert (video.width, video.height) == (160, 120)
    assert video.rate_hz == pytest.approx(25, rel=0.05)
    assert (video.has_video, video.has_audio) == (True, False)
    assert video.size_bytes == path.stat().st_size
    assert video.id == content_id(path)
    assert video.path == str(path)


def test_probe_of_sound_that_outlasts_the_pictures(tmp_path: Path) -> None:
    video = probe(write_video(tmp_path / "a.mp4", (1.0,), tone_s=3.0))
    assert video.has_audio
    assert video.duration_s == pytest.approx(3.0, abs=0.05)


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("a.wav", "pcm_s16le", 44_100),
        ("a.mp3", "libmp3lame", 44_100),
        ("a.opus", "libopus", 48_000),
    ],
)
def test_probe_of_sound_alone(tmp_path: Path, name: str, codec: str, rate: int) -> None:
    video = probe(write_sound(tmp_path / name, 1.5, codec, rate))
    assert (video.has_video, video.has_audio) == (False, True)
    assert (video.width, video.height, video.rate_hz) == (0, 0, 0.0)
    assert video.duration_s == pytest.approx(1.5, abs=0.06)


def test_a_cover_picture_is_no_video(tmp_path: Path) -> None:
    cover = av.VideoFrame.from_ndarray(picture(0, 0, 64, 48), format="rgb24")
    cover.pts = 0
    with av.open(str(tmp_path / "song.m4a"), "w", format="mp4") as container:
        sound = container.add_stream("aac", rate=44_100, layout="mono")
        image = container.add_stream("mjpeg", rate=1)
        image.width, image.height, image.pix_fmt = 64, 48, "yuvj420p"
        image.disposition = av.stream.Disposition.attached_pic
        container.mux(image.encode(cover.reformat(format="yuvj420p")))
        container.mux(image.encode(None))
        write_tone(container, sound, 1.0, 0.0)
    video = probe(tmp_path / "song.m4a")
    assert (video.has_video, video.has_audio, video.duration_s) == (False, True, 1.0)


def test_probe_of_one_frame_and_of_odd_sizes(tmp_path: Path) -> None:
    video = probe(write_video(tmp_path / "one.mp4", (1.0,), times_s=[0.0], size=(161, 121)))
    assert 0 < video.duration_s <= 0.1
    assert (video.width, video.height) == (161, 121)
    assert probe(write_video(tmp_path / "one.gif", (1.0,), times_s=[0.0], codec="gif")).has_video


def test_probe_of_a_variable_rate(tmp_path: Path) -> None:
    times_s = [0.0, 0.04, 0.08, 0.5, 1.5, 1.55]
    video = probe(write_video(tmp_path / "v.mkv", (2.0,), times_s=times_s))
    assert video.rate_hz == pytest.approx(5 / 1.55, rel=0.01)
    assert video.duration_s == pytest.approx(1.59, abs=0.02)


@pytest.mark.parametrize(
    ("degrees", "size"), [(90, (120, 160)), (180, (160, 120)), (270, (120, 160))]
)
def test_probe_gives_the_upright_size(tmp_path: Path, degrees: int, size: tuple[int, int]) -> None:
    video = probe(turn(write_video(tmp_path / "r.mp4", (0.2,)), degrees))
    assert (video.width, video.height) == size


def test_container_tags(tmp_path: Path) -> None:
    metadata = {"title": "Überschwemmung 洪水", "comment": "  ", "date": "2024-05-01"}
    path = write_video(tmp_path / "a.mp4", (0.2,), metadata=metadata)
    tags = container_tags(path)
    assert tags["title"] == "Überschwemmung 洪水"
    assert tags["date"].startswith("2024")
    assert "comment" not in tags


def test_every_development_clip_can_be_probed(dev_data: Path) -> None:
    paths = discover([dev_data / "videos" / "clips"])
    assert len(paths) >= 19
    for path in paths:
        video = probe(path)
        assert 1.5 < video.duration_s < 60, path
        assert video.width >= 320, path
        assert 10 <= video.rate_hz <= 30.1, path


# -- what cannot be read -------------------------------------------------------------------------


def reason(path: Path) -> str:
    with pytest.raises(MediaError) as caught:
        probe(path)
    message = str(caught.value)
    assert "\n" not in message
    assert path.name in message
    return message


def test_empty_missing_and_odd_files(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    assert "empty file" in reason(tmp_path / "empty.mp4")
    assert "does not exist" in reason(tmp_path / "gone.mp4")
    assert "not a regular file" in reason(tmp_path)
    os.mkfifo(tmp_path / "pipe.mp4")
    assert "not a regular file" in reason(tmp_path / "pipe.mp4")


def test_text_and_noise_are_not_video(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("once upon a time\n" * 500)
    assert "not a video" in reason(tmp_path / "text.mp4")
    noise = np.random.default_rng(0).integers(0, 256, 200_000, dtype=np.uint8)
    (tmp_path / "noise.mkv").write_bytes(noise.tobytes())
    assert reason(tmp_path / "noise.mkv")


def test_still_pictures_are_refused_by_name(tmp_path: Path) -> None:
    save_jpeg(picture(0, 0, 64, 48), tmp_path / "photo.mp4")
    assert "still image (JPEG)" in reason(tmp_path / "photo.mp4")
    frame = av.VideoFrame.from_ndarray(picture(0, 0, 64, 48), format="rgb24")
    codec = av.CodecContext.create("png", "w")
    codec.width, codec.height, codec.pix_fmt, codec.time_base = 64, 48, "rgb24", Fraction(1, 25)
    packets = [*codec.encode(frame), *codec.encode(None)]
    (tmp_path / "screen.mp4").write_bytes(b"".join(bytes(packet) for packet in packets))
    assert "still image (PNG)" in reason(tmp_path / "screen.mp4")


@pytest.mark.parametrize(
    ("name", "options"),
    [("a.mp4", {}), ("fast.mp4", {"container_options": {"movflags": "faststart"}}), ("a.mkv", {})],
)
def test_truncated(tmp_path: Path, name: str, options: dict) -> None:
    path = write_video(tmp_path / name, (6.0, 6.0), **options)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "truncated" in reason(path)
    path.write_bytes(whole[:60])
    assert reason(path)


def test_a_little_cut_off_the_end_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    options = {"container_options": {"movflags": "faststart"}}
    path = write_video(tmp_path / "fast.mp4", (6.0, 6.0), **options)
    whole, whole_s = path.read_bytes(), probe(path).duration_s
    path.write_bytes(whole[: len(whole) * 97 // 100])
    assert whole_s - 2 < probe(path).duration_s < whole_s


def test_encrypted(tmp_path: Path) -> None:
    key = {"encryption_key": "76a6c65c5ea762046bd749a2e632ccbb"}
    key |= {"encryption_kid": "a7e61c373e219033c21091fa607bf3b8"}
    path = write_video(
        tmp_path / "drm.mp4", (0.4,), container_options={"encryption_scheme": "cenc-aes-ctr", **key}
    )
    assert "encrypted" in reason(path)


def test_a_header_without_content_has_zero_duration(tmp_path: Path) -> None:
    whole = write_sound(tmp_path / "a.wav", 0.5).read_bytes()
    header = whole[: whole.index(b"data") + 4] + b"\0\0\0\0"
    (tmp_path / "a.wav").write_bytes(header)
    assert "zero duration" in reason(tmp_path / "a.wav")


def test_permission_denied() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write_sound(Path(folder) / "a.wav", 0.2)
        path.chmod(0)
        Path(folder).chmod(0o755)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65_534)
        try:
            assert "permission denied" in reason(path)
            with pytest.raises(MediaError, match="permission denied"):
                content_id(path)
        finally:
            os.seteuid(user)


def test_damaged_in_the_middle_still_reads(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.ts", (2.0, 2.0), gop=10)
    raw = bytearray(path.read_bytes())
    middle = len(raw) // 2
    raw[middle : middle + 400] = b"\x55" * 400
    path.write_bytes(raw)
    assert probe(path).duration_s == pytest.approx(4.0, abs=0.2)


# -- hostile files -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["list.mp4", "list.m3u8", "list.ffconcat", "list.mkv"])
@pytest.mark.parametrize("kind", ["hls", "http", "concat"])
def test_a_playlist_reaches_no_other_file(tmp_path: Path, name: str, kind: str) -> None:
    secret = write_video(tmp_path / "secret.ts", (0.4,))
    hls = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"
    text = {
        "hls": hls.format(secret),
        "http": hls.format("http://127.0.0.1:9/a.ts"),
        "concat": f"ffconcat version 1.0\nfile '{secret}'\n",
    }[kind]
    (tmp_path / name).write_text(text)
    assert "not a video" in reason(tmp_path / name)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mpg", "a.gif", "a.avi", "a.ts"])
def test_damaged_files_give_a_reason_or_a_reading(tmp_path: Path, name: str) -> None:
    codec = {"a.mpg": "mpeg2video", "a.gif": "gif", "a.avi": "mpeg4"}.get(name, "libx264")
    tone_s = 0.0 if name in ("a.gif", "a.mpg") else 0.5
    path = write_video(tmp_path / name, (0.3, 0.3), size=(64, 48), codec=codec, tone_s=tone_s)
    whole = path.read_bytes()
    random = np.random.default_rng(7)
    for _ in range(15):
        raw = bytearray(whole[: random.integers(1, len(whole) + 1)])
        for at in random.integers(0, min(len(raw), 4_000), random.integers(1, 12)):
            raw[at] = random.integers(0, 256)
        path.write_bytes(raw)
        try:
            video = probe(path)
            for start_s in (0.0, video.duration_s / 2):
                end_s = min(video.duration_s, start_s + 60)
                for shot in scan(path, start_s, end_s):
                    assert all(frame.segment == shot.segment for frame in shot.frames)
                read_audio(path, start_s, end_s)
        except MediaError as error:
            assert "\n" not in str(error)


def test_a_name_that_looks_like_an_address_is_a_file_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_video(Path("file.mp4"), (0.2,)).rename("concat:a.mp4")
    assert probe("concat:a.mp4").has_video


def test_pictures_too_large_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_video(tmp_path / "a.mp4", (0.2,))
    monkeypatch.setattr("q2e.media.probe.MAX_SIDE_PX", 100)
    assert "160 x 120 px is too large" in reason(path)
    monkeypatch.setattr("q2e.media.probe.MAX_SIDE_PX", 200)
    monkeypatch.setattr("q2e.media.container.MAX_PIXELS", 1_000)
    assert "cannot be decoded" in reason(path)


def test_nothing_is_written_to_the_terminal(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    path = write_video(tmp_path / "a.mp4", (1.0,))
    path.write_bytes(path.read_bytes()[:2000])
    reason(path)
    assert capfd.readouterr() == ("", "")
