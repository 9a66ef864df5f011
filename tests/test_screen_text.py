"""RapidOCR and tesseract on real pictures with text, and the channel `screen_text`."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from difflib import SequenceMatcher
from pathlib import Path
from threading import Barrier, Lock

import numpy as np
import pytest

from packs import need_pack
from q2e.arrays import UInt8
from q2e.channels.screen_text import ScreenTextChannel
from q2e.errors import ModelError
from q2e.media.frames import frames_at
from q2e.models.base import ModelInfo, TextBox
from q2e.models.local import rapidocr, tesseract
from q2e.models.local.rapidocr import RapidOcr
from q2e.models.local.tesseract import Tesseract
from q2e.types import Frame, Part, Segment, Video

#: What is written in a sample clip, its language, and the pack that reads it where one must.
WRITTEN = {
    "launch-18.mp4": ("LAUNCH DELAYED BY STRONG WIND", "en", None),
    "news-11.mp4": ("长城因大雪暂时关闭", "zh", None),
    "news-12.mp4": ("افتتاح معرض الآثار في القاهرة", "ar", "ara"),
    "news-13.mp4": ("Сильный снегопад в Сибири", "ru", "rus"),
    "news-14.mp4": ("설악산 단풍 축제 개막", "ko", "kor"),
    "news-15.mp4": ("आगरा में भारी बारिश की चेतावनी", "hi", "hin"),
}


@pytest.fixture(scope="module")
def alone() -> RapidOcr:
    reader = RapidOcr()
    reader._others = None
    return reader


@pytest.fixture(scope="module")
def reader() -> RapidOcr:
    return RapidOcr()


def picture(samples: Path, name: str, time_s: float = 1.0) -> UInt8:
    return next(iter(frames_at(samples / "clips" / name, [time_s], max_side=640))).image


def alike(one: str, other: str) -> float:
    letters = ("".join(filter(str.isalnum, text)) for text in (one, other))
    return SequenceMatcher(None, *letters, autojunk=False).ratio()


@pytest.mark.parametrize("name", [name for name, (_, _, pack) in WRITTEN.items() if not pack])
def test_latin_and_han_are_read(alone: RapidOcr, samples: Path, name: str) -> None:
    boxes = alone.read(picture(samples, name))
    assert alike(" ".join(box.text for box in boxes), WRITTEN[name][0]) > 0.95
    for box in boxes:
        left, top, right, bottom = box.box
        assert 0 <= left < right <= 1
        assert 0 <= top < bottom <= 1
        assert box.confidence > 0.75


@pytest.mark.parametrize("name", [name for name, (_, _, pack) in WRITTEN.items() if pack])
def test_other_scripts_warn_and_are_never_guessed(
    alone: RapidOcr, samples: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    alone._warned = False
    with caplog.at_level(logging.WARNING, "q2e"):
        assert alone.read(picture(samples, name)) == []
    assert "apt install tesseract-ocr" in caplog.text


@pytest.mark.needs_tesseract
@pytest.mark.parametrize("name", [name for name, (_, _, pack) in WRITTEN.items() if pack])
def test_other_scripts_are_read_by_tesseract(reader: RapidOcr, samples: Path, name: str) -> None:
    text, _, pack = WRITTEN[name]
    need_pack(pack)
    boxes = reader.read(picture(samples, name))
    assert max(alike(box.text, text) for box in boxes) > 0.9
    assert str(pack) in reader.version


@pytest.mark.needs_tesseract
def test_tesseract_leaves_unknown_scripts_unread(samples: Path) -> None:
    need_pack("rus")
    arabic = picture(samples, "news-12.mp4")
    lines = Tesseract(["rus"]).read_lines([arabic[-70:]])
    assert lines == [None]
    assert Tesseract(["rus"]).read_lines([]) == []


def test_tesseract_needs_a_pack_of_use() -> None:
    with pytest.raises(ModelError, match="apt install tesseract-ocr"):
        Tesseract(["eng", "osd"])


def test_words_that_tesseract_tears_apart_are_joined() -> None:
    def words(*texts: str, gap: int) -> list[tesseract._Word]:
        return [
            tesseract._Word(text, 0.95, n * (40 + gap), 0, 40, 40) for n, text in enumerate(texts)
        ]

    def line(*texts: str, gap: int) -> str:
        found = tesseract._line(words(*texts, gap=gap), {"HANGUL", "THAI", "CYRILLIC"})
        return found.text if found else ""

    assert line("축", "제", gap=4) == "축제"
    assert line("단풍", "축제", gap=16) == "단풍 축제"
    assert line("แผ่น", "ดิน", gap=16) == "แผ่นดิน"
    assert line("в", "городе", gap=4) == "в городе"
    assert line("not", "Cyrillic", gap=16) == ""


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((360, 640, 3), np.uint8),
        np.full((4, 4, 3), 9, np.uint8),
        np.random.default_rng(0).integers(0, 255, (90, 160, 3), dtype=np.uint8),
    ],
    ids=["black", "tiny", "noise"],
)
def test_pictures_without_text_give_no_lines(alone: RapidOcr, image: UInt8) -> None:
    assert alone.read(image) == []


def test_the_models_are_given_bgr(alone: RapidOcr, samples: Path) -> None:
    """The models were trained on BGR, so that is what they must be given."""
    image = picture(samples, "launch-18.mp4")
    calls = []

    class Spy:
        def __call__(self, given: UInt8) -> object:
            calls.append(given)
            return type("Nothing", (), {"boxes": None})()

    spied = RapidOcr.__new__(RapidOcr)
    spied.__dict__.update(alone.__dict__, _loaded=Spy())
    assert spied.read(image) == []
    np.testing.assert_array_equal(calls[0], image[:, :, ::-1])


def test_unusable_input_is_refused(alone: RapidOcr) -> None:
    with pytest.raises(ModelError, match="needs RGB uint8"):
        alone.read(np.zeros((10, 10), np.uint8))
    with pytest.raises(ModelError, match="side_by_side must be 1 or more"):
        RapidOcr(side_by_side=0)


def test_a_missing_model_is_never_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rapidocr, "_DETECTOR", "PP-OCRv9_det_small.onnx")
    with pytest.raises(ModelError, match="lacks its model PP-OCRv9"):
        RapidOcr()


class _Writes:
    """Reads what it is told to from the grey of a picture; the merging needs no model."""

    info = ModelInfo("test", "screen text", "test", "none", "any")

    def __init__(self, pages: dict[int, list[str]]) -> None:
        self.pages = pages
        self.reads = 0

    def read(self, image: UInt8) -> list[TextBox]:
        self.reads += 1
        lines = self.pages[int(image[0, 0, 0])]
        return [TextBox(t, (0.1, i / 10, 0.9, i / 10 + 0.1), 0.9) for i, t in enumerate(lines)]


def frames(*greys: int, step_s: float = 2.0) -> Iterator[Frame]:
    shot = Segment(0.0, len(greys) * step_s)
    for number, grey in enumerate(greys):
        image = np.full((36, 64, 3), grey, np.uint8)
        yield Frame(number * step_s + 1, image, shot)


def extract(pages: dict[int, list[str]], *greys: int) -> list[tuple[float, float, str]]:
    part = Part(Video(id="v", path="a.mp4"), 0.0, 100.0, frames=tuple(frames(*greys)))
    found = ScreenTextChannel(_Writes(pages)).extract(part)
    assert all(e.frame_s is not None and e.start_s <= e.frame_s <= e.end_s for e in found)
    return [(e.start_s, e.end_s, e.text) for e in found]


def test_text_that_goes_on_in_the_next_slice_is_one_evidence() -> None:
    pages = {
        20: [],
        50: ["BREAKING NEWS", "Storm hits the harbour"],
        90: ["BREAKlNG NEWS", "Score 1:0"],
        130: ["BREAKING NEWS", "Score 2:0"],
    }
    channel = ScreenTextChannel(_Writes(pages))
    video = Video(id="v", path="a.mp4")
    found = []
    for start_s, greys in ((0.0, (20, 50)), (4.0, (90,)), (6.0, (130, 20))):
        shot = Segment(start_s, start_s + 2.0 * len(greys))
        slice_ = tuple(
            replace(frame, time_s=start_s + frame.time_s, segment=shot) for frame in frames(*greys)
        )
        found += channel.extract(Part(video, 0.0, 100.0, frames=slice_))
    assert [(e.start_s, e.end_s, e.text) for e in channel.joined(found)] == [
        (2.0, 4.0, "Storm hits the harbour"),
        (2.0, 8.0, "BREAKING NEWS"),
        (4.0, 6.0, "Score 1:0"),
        (6.0, 8.0, "Score 2:0"),
    ]
    assert all(e.start_s <= (e.frame_s or 0) <= e.end_s for e in channel.joined(found))
    alone = channel.extract(Part(video, 0.0, 100.0, frames=tuple(frames(20, 50, 50, 20))))
    assert channel.joined(alone) == alone
    assert channel.joined([]) == []


def test_the_same_text_is_one_evidence_with_its_time() -> None:
    pages = {
        20: [],
        50: ["BREAKING NEWS", "Storm hits the harbour"],
        90: ["BREAKlNG NEWS", "Storm hits the harbour"],
        130: ["BREAKING NEWS", "Ferry service resumes"],
    }
    assert extract(pages, 20, 50, 90, 130) == [
        (2.0, 6.0, "Storm hits the harbour"),
        (2.0, 8.0, "BREAKING NEWS"),
        (6.0, 8.0, "Ferry service resumes"),
    ]


def test_lines_that_come_and_go_together_are_one_evidence() -> None:
    pages = {50: ["First line here", "Second line here"], 90: []}
    assert extract(pages, 50, 90) == [(0.0, 2.0, "First line here Second line here")]


def test_a_line_missed_once_goes_on_but_other_numbers_do_not() -> None:
    pages = {50: ["Harbour news"], 90: [], 130: ["Score 2 : 1"], 170: ["Score 2 : 2"]}
    assert extract(pages, 50, 90, 50) == [(0.0, 6.0, "Harbour news")]
    assert [text for _, _, text in extract(pages, 130, 170)] == ["Score 2 : 1", "Score 2 : 2"]


def test_frames_that_did_not_change_are_not_read_again() -> None:
    still = _Writes({50: ["Harbour news"], 52: ["never read"]})
    part = Part(Video(id="v", path="a.mp4"), 0.0, 9.0, frames=tuple(frames(50, 52, 50, 52)))
    found = ScreenTextChannel(still).extract(part)
    assert still.reads == 1
    assert [(e.start_s, e.end_s) for e in found] == [(0.0, 8.0)]
    assert ScreenTextChannel(still).extract(replace(part, frames=())) == []


def test_pictures_are_read_by_as_many_threads_as_the_reader_allows() -> None:
    at_once, most, lock = 0, 0, Lock()

    class Slow(_Writes):
        def read(self, image: UInt8) -> list[TextBox]:
            nonlocal at_once, most
            with lock:
                at_once += 1
                most = max(most, at_once)
            if side_by_side > 1:
                both.wait(timeout=60)
            with lock:
                at_once -= 1
            return super().read(image)

    pages = {grey: [f"Harbour news {grey}"] for grey in (20, 60, 100, 140)}
    part = Part(Video(id="v", path="a.mp4"), 0.0, 8.0, frames=tuple(frames(*pages)))
    found = []
    for side_by_side in (1, 2):
        both = Barrier(2)
        reader = Slow(pages)
        if side_by_side > 1:
            reader.side_by_side = side_by_side  # type: ignore[attr-defined]
        found.append(ScreenTextChannel(reader).extract(part))
        assert most == side_by_side
    assert found[0] == found[1]


def test_hostile_and_empty_lines_are_cleaned() -> None:
    pages = {50: ["\u202eabc\0", "x", "--", "\u200b"]}
    assert [text for _, _, text in extract(pages, 50)] == ["abc"]


def test_the_channel_reads_a_sample(alone: RapidOcr, samples: Path) -> None:
    times_s = [0.5, 1.5, 2.5, 4.5, 6.0, 7.5]
    pictures = tuple(frames_at(samples / "clips" / "news-11.mp4", times_s, max_side=640))
    part = Part(Video(id="v", path="news-11.mp4"), 0.0, 8.0, frames=pictures)
    found = ScreenTextChannel(alone).extract(part)
    assert [e.language for e in found] == ["zh", "zh"]
    assert ScreenTextChannel(RapidOcr(side_by_side=3)).extract(part) == found
    assert alike(found[0].text, WRITTEN["news-11.mp4"][0]) > 0.95
    assert found[0].end_s <= 4.0 <= found[1].start_s
