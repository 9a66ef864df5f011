"""The benchmark of encoders runs with small ones on a CPU; full sizes are run by hand."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

from benchmarks.gpu import encoders


@pytest.mark.slow
@pytest.mark.parametrize("name", encoders.TINY)
def test_speed_memory_and_parity_are_measured(name: str) -> None:
    row = encoders.measured(name, encoders.TINY[name], "cpu", 0.1)
    assert row["frames_per_s"] > 0 and row["texts_per_s"] > 0 and row["memory_bytes"] > 0
    apart = row["apart"]
    assert apart["pictures, one by one"] < 1e-5 and apart["texts, one by one"] < 1e-5
    assert 0 < apart["pictures, bfloat16"] < 1e-2
    assert ("pictures, ONNX" in apart) == (name != "tiny-xclip")
    assert apart.get("pictures, ONNX", 0.0) < 1e-5
    json.dumps(row)


def test_full_sizes_are_those_of_the_checkpoints() -> None:
    kind, width, layers, heads, patch, side, *_ = encoders.SIZES["siglip2-base-patch16-256"]
    assert (kind, width, layers, heads, patch, side) == ("siglip", 768, 12, 12, 16, 256)
    assert encoders.SIZES["clip-vit-h-14"][1:5] == (1280, 32, 16, 14)
