"""EfficientNet-Lite2: the checkpoint is read safely and the graph computes what PyTorch does."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from q2e.arrays import UInt8
from q2e.errors import ModelError
from q2e.models.local import lite2
from q2e.models.local.checkpoint import read_checkpoint
from q2e.models.local.lite2 import Lite2, fitted

#: Computed with PyTorch 2.13.0 and efficientnet-lite-pytorch 0.1.0 for `synthetic()`.
LOGITS = {782: 6.21846, 417: 6.16252, 851: 5.3879, 854: 5.19216, 664: 4.72265}
LOGITS |= {818: 4.54324, 556: 4.52392, 470: 4.43913, 619: 4.34001, 916: 4.18292}
FEATURES = [0.0, 1.19019, 0.19483, 0.0, 0.11932, 1.58754, 0.0, 0.08759]
FEATURES_SUM = 214.0004


def synthetic() -> UInt8:
    y, x = np.mgrid[0:260, 0:260]
    blue = (255 - (x - 130) ** 2 // 70 - (y - 130) ** 2 // 70) % 256
    return np.stack([(x * 3 + y) % 256, (x * y // 7) % 256, blue], -1).astype(np.uint8)


def test_agrees_with_recorded_torch() -> None:
    logits, features = Lite2().run(synthetic()[None])
    assert list(np.argsort(-logits[0])[:10]) == list(LOGITS)
    assert logits[0, list(LOGITS)] == pytest.approx(list(LOGITS.values()), abs=1e-4)
    assert features[0, :8] == pytest.approx(FEATURES, abs=1e-4)
    assert features.sum() == pytest.approx(FEATURES_SUM, abs=1e-2)


@pytest.mark.needs_torch
def test_agrees_with_torch() -> None:
    torch = pytest.importorskip("torch")
    reference = pytest.importorskip("efficientnet_lite_pytorch")
    model = reference.EfficientNet.from_name("efficientnet-lite2")
    model.load_state_dict(torch.load(lite2.checkpoint(), weights_only=True))
    model.eval()
    noise = np.random.default_rng(3).integers(0, 256, (2, 260, 260, 3), dtype=np.uint8)
    batch = np.concatenate([synthetic()[None], noise])
    pixels = (torch.tensor(batch).permute(0, 3, 1, 2).float() - 127) / 128
    with torch.no_grad():
        logits, features = model(pixels), model.extract_features(pixels).mean((2, 3))
    ours = Lite2().run(batch)
    assert np.abs(ours[0] - logits.numpy()).max() < 1e-4
    assert np.abs(ours[1] - features.numpy()).max() < 1e-4


def test_a_batch_changes_nothing() -> None:
    pictures = [np.roll(synthetic(), 17 * shift, axis=1) for shift in range(10)]
    together, _ = Lite2().read(pictures)
    alone = np.concatenate([Lite2().read([picture])[0] for picture in pictures])
    assert together == pytest.approx(alone, abs=1e-4)
    assert Lite2().read([])[0].shape == (0, lite2.CLASSES)


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 2000, 3), (700, 40, 3), (1080, 1920, 3)])
def test_pictures_of_any_size_are_read(shape: tuple[int, ...]) -> None:
    assert fitted(np.full(shape, 90, np.uint8)).shape == (260, 260, 3)


@pytest.mark.parametrize(
    "picture",
    [np.zeros((9, 9), np.uint8), np.zeros((9, 9, 3), np.float32), np.zeros((0, 9, 3), np.uint8)],
)
def test_other_arrays_are_refused(picture: UInt8) -> None:
    with pytest.raises(ModelError, match=r"uint8 of shape \(h, w, 3\)"):
        fitted(picture)


def test_graph_is_kept_and_a_damaged_one_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("Q2E_CACHE", str(tmp_path))
    assert hashlib.sha256(lite2._graph()).hexdigest() == lite2.GRAPH_SHA256
    (kept,) = tmp_path.glob("models/*.onnx")
    kept.write_bytes(kept.read_bytes()[:-1] + b"x")
    assert hashlib.sha256(lite2._graph()).hexdigest() == lite2.GRAPH_SHA256
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == lite2.GRAPH_SHA256


def test_no_other_checkpoint_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lite2, "files", lambda _: tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "efficientnet-lite2-9656183e.pth").write_bytes(b"other")
    with pytest.raises(ModelError, match="--force-reinstall"):
        lite2.checkpoint()


def legacy(obj: object, storages: bytes = b"", keys: tuple[str, ...] = ()) -> bytes:
    head = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}]
    file = io.BytesIO()
    for part in [*head, obj, list(keys)]:
        pickle.dump(part, file, protocol=2)
    return file.getvalue() + storages


class _Harmful:
    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return os.system, ("echo harm",)


#: A pickle of {"weight": a tensor whose storage is a text}.
NO_STORAGE = (
    b"\x80\x02}X\x06\x00\x00\x00weightctorch._utils\n_rebuild_tensor_v2\n"
    b"(X\x04\x00\x00\x00textK\x00K\x01\x85K\x01\x85tRs."
)


@pytest.mark.parametrize(
    "content",
    [
        legacy(OrderedDict(weight=_Harmful())),
        legacy(OrderedDict(weight=print)),
        legacy({}, keys=("unknown",)),
        legacy({}).replace(pickle.dumps({}, protocol=2), NO_STORAGE),
        b"",
        b"PK\x03\x04",
        pickle.dumps("something else", protocol=2),
        lite2.checkpoint().read_bytes()[:100_000],
    ],
    ids=["runs a command", "names a function", "key", "storage", "empty", "zip", "text", "cut off"],
)
def test_harmful_or_damaged_checkpoints_are_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "weights.pth"
    file.write_bytes(content)
    with pytest.raises(ModelError, match="plain PyTorch checkpoint"):
        read_checkpoint(file)
