"""The folders in which the videos of a collection lie, as a choice for people."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import pairwise
from pathlib import PurePath
from typing import Any

#: Most folders that are told: a choice of more is none.
_MOST_FOLDERS = 500


def folders_of(own: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return each folder that has videos, or several folders that do, with how many lie below.

    `own` counts the videos that lie in a folder itself.
    """
    below: Counter[str] = Counter()
    leads: defaultdict[str, set[str]] = defaultdict(set)
    for name, many in own.items():
        chain = [name, *map(str, PurePath(name).parents)]
        below.update(dict.fromkeys(chain, many))
        for inner, outer in pairwise(chain):
            leads[outer].add(inner)
    # A folder through which one path alone leads on tells nothing that the next one does not.
    shown = [name for name in below if name in own or len(leads[name]) > 1]
    tops = sorted(shown, key=lambda name: (len(PurePath(name).parts), name))[:_MOST_FOLDERS]
    return [{"folder": name, "videos": below[name]} for name in sorted(tops)]
