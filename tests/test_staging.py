"""What is staged: written once, read as a stranger's; workers without an index give its index."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import q2e
from q2e.decoding.doors import join
from q2e.errors import ConfigError
from q2e.files.base import Absent
from q2e.ingest.held import held_of
from q2e.ingest.messages import WIRE, Finished, Found, Job, PartRead, Spread, Staged
from q2e.ingest.remote_worker import Worker, packed, unpacked
from q2e.ingest.staging import Staging, Unusable
from q2e.media.clip import Piece
from q2e.store.base import Derived, Item, StageKey
from q2e.types import Evidence, Segment

#: A text in each of our languages, which what is staged must return as it was.
TEXTS = (
    "a dog",
    "ein Hund",
    "un perro",
    "un chien",
    "собака",
    "一只狗",
    "犬",
    "개",
    "كلب",
    "एक कुत्ता",
    "สุนัข",
)


def _part(**other: object) -> PartRead:
    key = StageKey("f" * 32, "speech", 3)
    items = tuple(
        Item(
            Evidence("f" * 32, "speech", 1.0, 2.0, text, vectors={"m": np.ones(4, np.float32)}),
            (text,),
        )
        for text in TEXTS
    )
    made = PartRead(key, "abc", items, (Segment(0, 1, 2.0),), (0.5,), Derived("3", "m"))
    return replace(made, **other)


def test_a_part_is_staged_once_and_returned_as_it_was(tmp_path: Path) -> None:
    staging, part = Staging(str(tmp_path)), _part()
    assert staging.find(part.key, part.config_key, part.derived) is None
    with pytest.raises(Absent):
        staging.get("parts-1/nothing")
    with ThreadPoolExecutor(4) as pool:
        (name,) = set(pool.map(staging.put, [part] * 4))
    assert len([one for one in tmp_path.rglob("*") if one.is_file()]) == 1
    found = staging.find(part.key, part.config_key, part.derived)
    assert found == staging.get(name)
    assert [one.evidence for one in found.items] == [one.evidence for one in part.items]
    assert all((one.evidence.vectors["m"] == 1).all() for one in found.items)
    # Anything that it follows from is another name.
    for key, config_key, derived in (
        (replace(part.key, part=4), "abc", part.derived),
        (replace(part.key, stage="frame"), "abc", part.derived),
        (part.key, "abd", part.derived),
        (part.key, "abc", Derived("3", "n")),
    ):
        assert staging.find(key, config_key, derived) is None


def _evidence(**other: object) -> tuple[Item, ...]:
    one = Evidence("f" * 32, "speech", 1.0, 2.0, "x", vectors={"m": np.ones(4, np.float32)})
    return (Item(replace(one, **other)),)


HOSTILE = {
    "cut short": lambda whole: whole[:-3],
    "more behind it": lambda whole: whole + b"x",
    "no message": lambda whole: b"\x80\x04cos\nsystem\n",
    "nothing": lambda whole: b"",
    "another message": lambda whole: b"".join(WIRE.pack(Finished({}))),
    "another video": lambda whole: _packed(items=_evidence(video="e" * 32)),
    "another channel": lambda whole: _packed(items=_evidence(channel="frame")),
    "another part": lambda whole: _packed(key=StageKey("f" * 32, "speech", 4)),
    "another configuration": lambda whole: _packed(config_key="zzz"),
    "a vector that is none": lambda whole: _packed(
        items=_evidence(vectors={"m": np.full(4, np.nan, np.float32)})
    ),
    "a matrix": lambda whole: _packed(items=_evidence(vectors={"m": np.ones((2, 2), np.float32)})),
    "no end": lambda whole: _packed(items=_evidence(end_s=1e300)),
    "frames at no time": lambda whole: _packed(frame_times_s=(float("inf"),)),
}


def _packed(**other: object) -> bytes:
    return b"".join(WIRE.pack(_part(**other)))


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_no_part_is_refused_and_read_again(tmp_path: Path, what: str) -> None:
    staging, part = Staging(str(tmp_path)), _part()
    name = staging.put(part)
    file = tmp_path / name
    file.write_bytes(HOSTILE[what](file.read_bytes()))
    with pytest.raises(Unusable, match=r"staged part|another part"):
        staging.get(name)
    assert staging.find(part.key, part.config_key, part.derived) is None
    assert staging.put(part) == name and staging.get(name).key == part.key


def _content(index: q2e.Index) -> list[object]:
    store = index.store
    found: list[object] = []
    for video in index.videos():
        found += [Path(video.path).name, store.segments(video.id), sorted(store.done(video.id))]
        found.append(store.evidence_of(video.id))
    for space in sorted(store.spaces()):
        found.append((space, sorted(row.tobytes() for row in store.vectors(space)[1])))
    return found


def test_this_machine_takes_what_is_staged_and_stages_what_it_reads(
    tmp_path: Path, samples: Path
) -> None:
    clip, staged = samples / "clips" / "call-06.mp4", tmp_path / "staged"
    held: dict[str, list[object]] = {}
    seconds = {}
    for name, executor in (
        ("plain", "local"),
        ("first", f'local(staging="{staged}")'),
        ("second", f'local(staging="{staged}")'),
    ):
        place = tmp_path / name
        with q2e.open(place, channels=("frame",), threads=1, executor=executor) as index:
            report = index.add(clip)
            assert report.ok
            held[name], seconds[name] = _content(index), set(report.seconds)
    assert held["plain"] == held["first"] == held["second"]
    assert "shots" in seconds["first"] and not seconds["second"]
    with pytest.raises(ConfigError, match="absolute path"):
        q2e.open(tmp_path / "other", executor='local(staging="staged")')


@pytest.mark.slow
def test_workers_without_an_index_give_what_this_machine_gives(
    tmp_path: Path, samples: Path
) -> None:
    """A long video in parts, the last one first, by one worker after the other."""
    media, channels = tmp_path / "media", ("frame", "metadata", "caption")
    media.mkdir()
    long = media / "long.mp4"
    clips = [samples / "clips" / name for name in ("llamada-07.mp4", "news-17.mp4")]
    join([Piece(str(one), 0.0, 60.0) for one in (*clips, clips[0])], long)
    with q2e.open(tmp_path / "local", channels=channels, part_s=30.0, threads=1) as index:
        assert index.add(media).ok
        local = _content(index)
        (video,) = index.videos()
        settings = index.settings
    chosen = packed([settings.model_dump(mode="json", exclude_defaults=True)])
    worker = Worker(chosen, str(tmp_path / "staged"), None)
    job = Job(media / long.name, video.id)
    said = unpacked(worker.read(packed([replace(job, spread=True)])))[3:]
    parts = next((one.parts for one in said if isinstance(one, Spread)), ())
    assert parts == tuple(range(-(-int(video.duration_s) // 30)))[: len(parts)]
    for number in reversed(parts):
        assert unpacked(worker.read(packed([replace(job, parts=(number,))])))
    staged = sorted(one.name for one in (tmp_path / "staged").rglob("*") if one.is_file())
    worker.close()
    other = Worker(chosen, str(tmp_path / "staged"), None)
    said = unpacked(other.read(packed([job])))[3:]
    assert isinstance(said[-1], Finished)
    assert sorted(one.name for one in (tmp_path / "staged").rglob("*") if one.is_file()) == staged
    with q2e.open(tmp_path / "there", channels=channels, part_s=30.0, threads=1) as index:
        with index._writing(0) as store:
            for one in said:
                if isinstance(one, Found):
                    store.put_video(one.video)
                elif isinstance(one, Staged):
                    part = Staging(str(tmp_path / "staged")).get(one.name)
                    store.put_part(
                        *(part.key, part.config_key, part.items, part.segments),
                        *(part.frame_times_s, part.derived),
                    )
            held = held_of(store, video.id, 30.0)
        assert _content(index) == local
    # What an index holds is not read by who is told of it, though nothing is staged.
    shutil.rmtree(tmp_path / "staged")
    said = unpacked(other.read(packed([replace(job, held=held)])))[3:]
    other.close()
    assert [type(one) for one in said] == [Found, Finished]
