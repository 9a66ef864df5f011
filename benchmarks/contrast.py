"""Do captions score higher than captions that are wrong in one thing?

`python -m benchmarks contrast --data FOLDER --index DIR`: the clips of `videos2` are read into DIR,
unless they are there already, and each caption meets the contrasts that the rules make of it.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import q2e
from q2e.evaluate.contrast import by_rule, measured, read_captions


def run(data: Path, index: Path) -> dict[str, Any]:
    """Return {score: {kind: pairs and AUC with its interval}} of the captioned clips."""
    folder = data / "videos2"
    captions = read_captions(folder / "captions.tsv")
    with q2e.open(index) as collection:
        collection.add(folder / "clips")
        contrasts = [one for video, caption in captions for one in by_rule(video, caption)]
        found = measured(collection, contrasts)
    scores = {
        score: {kind: {"pairs": told.pairs} | asdict(told.auc) for kind, told in kinds.items()}
        for score, kinds in found.items()
    }
    return {"clips": len(captions), "contrasts": len(contrasts), "scores": scores}
