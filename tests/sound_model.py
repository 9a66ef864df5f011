"""A small made model of YAMNet's shape: three tones stand for applause, music and a siren."""

from __future__ import annotations

import wave
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from q2e.arrays import Float32
from q2e.models.local.yamnet import RATE_HZ, audioset

#: Hertz of the tone that is heard as each class.
TONES: Mapping[str, float] = {"Applause": 3_000.0, "Music": 440.0, "Siren": 1_000.0}
_WINDOW, _HOP = 15_360, 7_680


def write_model(path: Path, *, rank: int = 1, embedding: bool = True, classes: int = 521) -> Path:
    """Write the graph: scores are sigmoid(200 a^2 - 4) of a tone of amplitude a in the window."""
    from onnx import TensorProto, helper, numpy_helper, save

    time_s = np.arange(_WINDOW) / RATE_HZ
    waves = [f(2 * np.pi * hz * time_s) for hz in TONES.values() for f in (np.sin, np.cos)]
    kernels = (np.stack(waves)[:, None] * 2 / _WINDOW).astype(np.float32)
    sums = np.repeat(np.eye(len(TONES)), 2, axis=0).astype(np.float32)
    spread = np.zeros((len(TONES), classes), np.float32)
    for number, name in enumerate(TONES):
        spread[number, audioset().index(name) % classes] = 200.0
    made = np.random.default_rng(0).standard_normal((len(TONES), 1_024)).astype(np.float32)
    constants = {
        "shape": np.array([1, 1, -1], np.int64),
        "kernels": kernels,
        "sums": sums,
        "spread": spread,
        "less": np.array([4.0], np.float32),
        "made": made,
        "flat": np.array([-1, 2 * len(TONES)], np.int64),
    }
    nodes = [
        helper.make_node("Reshape", ["waveform", "shape"], ["sound"]),
        helper.make_node("Conv", ["sound", "kernels"], ["found"], strides=[_HOP]),
        helper.make_node("Transpose", ["found"], ["turned"], perm=[0, 2, 1]),
        helper.make_node("Reshape", ["turned", "flat"], ["waves"]),
        helper.make_node("Mul", ["waves", "waves"], ["squared"]),
        helper.make_node("MatMul", ["squared", "sums"], ["power"]),
        helper.make_node("MatMul", ["power", "spread"], ["level"]),
        helper.make_node("Sub", ["level", "less"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["scores"]),
        helper.make_node("MatMul", ["power", "made"], ["embedding"]),
    ]
    shape = ["n"] if rank == 1 else [1, "n"]
    floats = TensorProto.FLOAT
    outputs = [helper.make_tensor_value_info("scores", floats, ["t", classes])]
    if embedding:
        outputs.append(helper.make_tensor_value_info("embedding", floats, ["t", 1_024]))
    graph = helper.make_graph(
        nodes if embedding else nodes[:-1],
        "made",
        [helper.make_tensor_value_info("waveform", floats, shape)],
        outputs,
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    save(model, str(path))
    return path


def tones(seconds: float, *heard: tuple[str, float, float, float], noise: float = 0.01) -> Float32:
    """Return sound with tones (class, start, end, amplitude) in white noise."""
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    sound = noise * np.random.default_rng(0).standard_normal(len(time_s))
    for name, start_s, end_s, amplitude in heard:
        inside = (time_s >= start_s) & (time_s < end_s)
        sound += amplitude * inside * np.sin(2 * np.pi * TONES[name] * time_s)
    return np.clip(sound, -1, 1).astype(np.float32)


def write_wav(path: Path, samples: Float32) -> Path:
    """Write sound as a file that is indexed like any other."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((samples * 32_767).astype("<i2").tobytes())
    return path
