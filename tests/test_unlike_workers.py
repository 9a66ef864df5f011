"""Which workers of a cluster would read otherwise than the machine that asks them."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from q2e.channels.base import Channel
from q2e.ingest.keys import fingerprint
from q2e.ingest.messages import WIRE, Hello
from q2e.models.registry import Models
from q2e.plugins import registry
from q2e.settings import Settings

OWN = Hello("1.0", {"text": "e5/1", "image": "clip/2"}, "aaaa", "10.0.0.1", 7)


def test_one_that_reads_alike_is_welcome_wherever_it_is() -> None:
    assert replace(OWN, node="10.0.0.2", process=8).unlike(OWN) == ""


@pytest.mark.parametrize(
    ("there", "told"),
    [
        (replace(OWN, version="1.1"), "has another version of q2e (1.1, and here 1.0)"),
        (
            replace(OWN, spaces={"text": "e5/1", "image": "clip/3"}, fingerprint="bbbb"),
            "has another image model (clip/3, and here clip/2)",
        ),
        (
            replace(OWN, spaces={"text": "e5/1"}, fingerprint="bbbb"),
            "has another image model (none, and here clip/2)",
        ),
        (
            replace(OWN, spaces=OWN.spaces | {"sound": "yamnet/1"}, fingerprint="bbbb"),
            "has another sound model (yamnet/1, and here none)",
        ),
        (
            replace(OWN, fingerprint="bbbb"),
            "has another setting, or model of a channel (bbbb, and here aaaa)",
        ),
    ],
)
def test_one_that_does_not_is_told_in_what(there: Hello, told: str) -> None:
    travelled = WIRE.unpack(io.BytesIO(b"".join(WIRE.pack(there))).read)
    assert travelled == there
    assert isinstance(travelled, Hello) and travelled.unlike(OWN) == told


@pytest.mark.parametrize(
    "change",
    [
        {"frames_per_video": 7},
        {"frame_max_side": 111},
        {"segment_max_s": 11.0},
        {"part_s": 31.0},
        {"frames_per_hour": 9},
        {"key_frames": True},
        {"speech_layers": ("english",)},
    ],
)
def test_every_setting_by_which_files_are_read_otherwise_is_seen(change: dict[str, object]) -> None:
    assert _of(Settings()) == _of(Settings(threads=3)) != _of(Settings().model_copy(update=change))


def _of(settings: Settings) -> str:
    return fingerprint(settings, _channels(settings), {})


def _channels(settings: Settings) -> list[Channel]:
    known, models = registry(), Models(settings)
    return [known.get("channel", name).make(settings, models) for name in ("metadata", "speech")]
