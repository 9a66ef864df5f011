"""How many videos each class of sounds is heard in, and each thing seen that captions agree on."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from q2e.arrays import Int64
from q2e.store.base import Searched

#: Channels whose labels are facets, which are asked for as `sound:NAME` and `seen:NAME`.
CHANNELS = ("sound", "seen")
#: By store, and number of a piece of evidence, which is never given twice: its labels.
_KNOWN: WeakKeyDictionary[Searched, dict[int, tuple[str, ...]]] = WeakKeyDictionary()


def labelled(store: Searched, rows: Int64, channel: str) -> dict[str, int]:
    """Return {label: videos} of a channel's evidence in `rows` of a store's table, in no order.

    Evidence whose maker told no labels counts nothing.
    """
    table = store.table()
    own = rows[table.of_channels((channel,))[rows]]
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
