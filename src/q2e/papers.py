"""The 121 systems of the papers this project draws on, and what of each can be run by name.

They are rows of `data/papers.tsv`: the number in the list of papers, the system, its state, what
runs it, the test that holds that, and what is missing or why it is left out.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

#: What a system can be here, in the order in which they are counted.
STATES = ("works", "partial", "loader", "absent", "out of scope")


@dataclass(frozen=True, slots=True)
class Paper:
    """One system. `use` is `KIND NAME` of a method or `command NAME`; or empty."""

    number: str
    system: str
    state: str
    use: str
    test: str
    note: str

    @property
    def shown(self) -> str:
        """How it is asked for on the command line; empty where it cannot be."""
        kind, _, name = self.use.partition(" ")
        words = {
            "": "",
            "answer": f"q2e answer --how {name}",
            "chapters": f"q2e chapters VIDEO --how {name}",
            "command": f"q2e {name}",
            "dataset": f"q2e eval datasets {name}",
            "normalise": f"q2e eval matrix --normalise {name}",
            "caption": f"--set captions={name}",
            "label": f"q2e tag --labels FILE --how {name}",
            "summary": f"--set summary={name}",
            "compose": f"--example FILE --set compose={name}",
        }
        return words.get(kind, f"--{kind} {name}")


@lru_cache(maxsize=1)
def papers() -> tuple[Paper, ...]:
    """Return all systems in the order of their numbers."""
    file = resources.files("q2e") / "data" / "papers.tsv"
    with file.open(encoding="utf-8") as opened:
        rows = csv.DictReader(opened, delimiter="\t", quoting=csv.QUOTE_NONE)
        return tuple(Paper(**row) for row in rows)


def counted() -> dict[str, int]:
    """Return how many systems are in each state."""
    found = Counter(paper.state for paper in papers())
    return {state: found[state] for state in STATES}
