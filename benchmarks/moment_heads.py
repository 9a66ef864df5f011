"""Trains the recipes of stretches on an index's own features, for `benchmarks.moments`.

What is said, written and captioned in the samples are the texts, with when it is; `language_free`
sees frames alone. No question of the measure and no bound of the recipe is looked at, but the
pictures are those that are asked for, as in any index that trains a head of its own. `stal` needs
regions of frames, which an index does not hold.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import q2e
from q2e.features import of_index
from q2e.heads.train import chosen
from q2e.heads.train import trained as learnt

STEPS = {"steps": "120", "batch": "16", "check_every": "20", "learning_rate": "0.002"}
#: Recipes that an index can train.
RECIPES = ("language_free", "psvl", "vlanet", "mcn", "vdi", "detr")


def trained(index: q2e.Index, folder: Path) -> dict[str, Path]:
    """Return the folder of each head, by its recipe."""
    told = of_index(index).features
    silent = of_index(index, own=()).features
    found = {}
    for name in RECIPES:
        features = silent if name == "language_free" else told
        # A hash deals too few of so small a set; every fifth video chooses the step.
        dealt = tuple("val" if n % 5 == 4 else "train" for n in range(len(features.frames)))
        learnt(chosen("localise", name, STEPS), replace(features, split=dealt), folder / name)
        found[name] = folder / name
        print("trained", name, flush=True)
    return found
