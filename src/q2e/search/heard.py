"""How many videos each class of sounds is heard in."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from q2e.arrays import Int64
from q2e.store.base import Searched

CHANNEL = "sound"
#: By store, and number of a piece of evidence, which is never given twice: what is heard there.
_KNOWN: WeakKeyDictionary[Searched, dict[int, tuple[str, ...]]] = WeakKeyDictionary()


def classes_heard(store: Searched, rows: Int64) -> dict[str, int]:
    """Return {class: videos} of the evidence in `rows` of a store's table, in no order.

    What is no sound counts nothing, nor does a sound whose maker told no classes.
    """
    table = store.table()
    own = rows[table.of_channels((CHANNEL,))[rows]]
    ids, owners = table.evidence_id[own].tolist(), table.video[own].tolist()
    known = _KNOWN.setdefault(store, {})
    new = [row for row, one in zip(own.tolist(), ids, strict=True) if one not in known]
    for row, piece in zip(new, store.evidence(new), strict=True):
        known[int(table.evidence_id[row])] = tuple(tag.label for tag in piece.tags)
    videos: dict[str, set[int]] = {}
    for one, owner in zip(ids, owners, strict=True):
        for name in known[one]:
            videos.setdefault(name, set()).add(owner)
    return {name: len(several) for name, several in videos.items()}
