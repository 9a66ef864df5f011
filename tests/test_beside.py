"""What lies beside a file, and what it says of itself, from the file to the answer."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest

import q2e
from media_files import write_sound, write_video

CUE = "{n}\n00:00:{at:02d},000 --> 00:00:{at:02d},900\n{text}\n\n"


@pytest.fixture
def film(tmp_path: Path) -> Path:
    folder = tmp_path / "films"
    folder.mkdir()
    return write_video(folder / "a.mp4", (2.0,))


def _indexed(tmp_path: Path, *channels: str) -> q2e.Index:
    return q2e.open(tmp_path / "index", channels=channels or ("metadata",))


def _known(index: q2e.Index) -> dict[str, tuple[str, str | None, tuple[str, ...]]]:
    return {Path(one.path).name: (one.title, one.date, one.tags) for one in index.videos()}


def test_what_a_description_said_goes_with_it(tmp_path: Path, film: Path) -> None:
    beside = film.with_name("a.info.json")
    beside.write_text('{"title": "Harbour", "upload_date": "20230405", "tags": ["sea"]}')
    index = _indexed(tmp_path)
    index.add(film.parent)
    assert _known(index) == {"a.mp4": ("Harbour", "2023-04-05", ("sea",))}
    beside.unlink()
    index.add(film.parent)
    assert _known(index) == {"a.mp4": ("", None, ())}
    assert not index.search("harbour sea", confidence=0.0).hits or "Harbour" not in str(
        index.show("a.mp4").evidence
    )


def test_what_a_manifest_said_stays(tmp_path: Path, film: Path) -> None:
    manifest = film.with_name("list.csv")
    manifest.write_text("Path; Title; Date; Tags\na.mp4; Harbour; 05.04.2023; sea,ships\n;;;\n")
    index = _indexed(tmp_path)
    assert index.add(manifest).ok
    said = {"a.mp4": ("Harbour", "2023-04-05", ("sea", "ships"))}
    assert _known(index) == said
    assert index.add(film.parent).unchanged == 1
    assert _known(index) == said


def test_a_bad_row_is_named_and_the_rest_indexed(tmp_path: Path, film: Path) -> None:
    write_video(film.with_name("b.mp4"), (1.0,))
    manifest = film.with_name("list.csv")
    manifest.write_text(
        'path,title,date\na.mp4,"never closed,\nb.mp4,Good,2020-01-01\nc.mp4,,soon\n'
    )
    report = _indexed(tmp_path).add(manifest)
    assert [Path(video.path).name for video in report.indexed] == ["b.mp4"]
    assert [failure.reason for failure in report.failures] == [
        "list.csv, line 2: a quote is opened and not closed, or closed inside of a cell",
        "list.csv, line 4: date must be YYYY-MM-DD, got 'soon'",
    ]


def test_content_written_over_a_file_leaves_no_ghost(tmp_path: Path, film: Path) -> None:
    other = write_video(film.with_name("b.mp4"), (3.0,))
    index = _indexed(tmp_path)
    index.add(film.parent)
    # Two files change their names: both are known, and nothing is read again.
    film.rename(tmp_path / "kept.mp4")
    other.rename(film)
    (tmp_path / "kept.mp4").rename(other)
    swapped = index.add(film.parent)
    assert len(swapped.renamed) == 2 and not swapped.replaced
    lengths = {Path(one.path).name: round(one.duration_s) for one in index.videos()}
    assert lengths == {"a.mp4": 3, "b.mp4": 2}
    # One is written over the other: it is one video now.
    shutil.copy(film, other)
    written = index.add(film.parent)
    assert [round(one.duration_s) for one in written.replaced] == [2]
    assert [round(one.duration_s) for one in index.videos()] == [3]
    write_video(film, (4.0,))
    write_video(other, (5.0,))
    # Before it is read again, what was there is known to be gone; a new time alone is nothing.
    (ghost,) = index.status().gone
    assert round(ghost.duration_s) == 3 and index.remove(missing=True) == [ghost]
    index.add(film.parent)
    other.touch()
    assert index.status().gone == ()
    assert sorted(round(one.duration_s) for one in index.videos()) == [4, 5]


def test_a_file_s_own_date_counts(tmp_path: Path, film: Path) -> None:
    dated = write_video(film.with_name("storm.mp4"), (1.0,), metadata={"date": "2021-02-03"})
    written = write_video(
        film.with_name("c.mp4"), (1.5,), metadata={"creation_time": "2019-12-31T23:00:00Z"}
    )
    dated.with_name("c.json").write_text('{"date": "2018-05-06"}')
    index = _indexed(tmp_path)
    index.add(film.parent)
    dates = {name: date for name, (_, date, _) in _known(index).items()}
    assert dates == {"a.mp4": None, "storm.mp4": "2021-02-03", "c.mp4": "2018-05-06"}
    written.with_suffix(".json").unlink()
    index.add(film.parent)
    assert index.find("c.mp4").date == "2019-12-31"
    found = index.facets(since="2021")["year"]
    assert found == {"2021": 1}


@pytest.mark.parametrize("form", ["v2", "v1"])
def test_tags_in_another_country_s_encoding_are_read(tmp_path: Path, film: Path, form: str) -> None:
    sound = write_sound(film.with_name("song.mp3"), 2.0, "libmp3lame")
    title, artist = (text.encode("cp1251") for text in ("Группа крови", "Виктор Цой"))
    raw = sound.read_bytes()
    raw = raw[10 + int.from_bytes(raw[8:10], "big") :]  # without the tag of the program
    if form == "v2":
        frames = b"".join(
            name + (len(text) + 1).to_bytes(4, "big") + b"\0\0\0" + text
            for name, text in ((b"TIT2", title), (b"TPE1", artist))
        )
        size = len(frames)
        head = bytes(((size >> 21) & 127, (size >> 14) & 127, (size >> 7) & 127, size & 127))
        sound.write_bytes(b"ID3\x03\0\0" + head + frames + raw)
    else:
        sound.write_bytes(
            raw + b"TAG" + title.ljust(30, b"\0") + artist.ljust(30, b"\0") + b"\0" * 65
        )
    index = _indexed(tmp_path)
    index.add(sound)
    told = {one.text for one in index.show("song.mp3").evidence}
    assert {"Группа крови", "Виктор Цой"} <= told


def test_subtitles_that_cannot_be_read_are_said_and_the_sound_is_heard(
    tmp_path: Path, film: Path
) -> None:
    film.with_suffix(".srt").write_bytes(random.Random(1).randbytes(4_000))
    report = _indexed(tmp_path, "speech", "metadata").add(film)
    assert [(one.stage, one.reason) for one in report.failures] == [
        ("subtitles", "a.srt: its encoding cannot be told; save it as UTF-8")
    ]
    film.with_suffix(".srt").write_bytes(
        CUE.format(n=1, at=1, text="Привет из гавани").encode("cp1251")
    )
    index = q2e.open(tmp_path / "index")
    assert index.add(film).ok and not index.status().failures
    assert [one.text for one in index.show("a.mp4").evidence if one.channel == "speech"] == [
        "Привет из гавани"
    ]


def test_what_is_said_three_times_is_three_moments(tmp_path: Path) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    film = write_video(folder / "match.mp4", (60.0,), times_s=[float(at) for at in range(60)])
    (folder / "match.eng.SRT").write_text(
        "".join(CUE.format(n=n, at=at, text="GOAL!") for n, at in enumerate((2, 30, 50), 1))
    )
    chapters = [{"start_time": 40, "end_time": 55, "title": "The penalty shoot-out"}]
    (folder / "match.mp4.json").write_text(json.dumps({"chapters": chapters}))
    index = _indexed(tmp_path, "speech", "metadata")
    index.add(film)
    (hit,) = index.search('speech:"GOAL!"', confidence=0.0).hits
    assert sorted(round(moment.start_s) for moment in hit.moments) == [2, 30, 50]
    told = {
        (one.start_s, one.end_s)
        for one in index.show("match.mp4").evidence
        if one.origin == "chapter"
    }
    assert told == {(40.0, 55.0)}
