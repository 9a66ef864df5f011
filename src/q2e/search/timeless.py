"""Which evidence is about a whole video, and says nothing about when."""

from __future__ import annotations

import numpy as np

from q2e.arrays import Bool
from q2e.channel_facts import is_timeless
from q2e.store.base import Table

#: Ends closer than this are the same: stored times may have been rounded.
_CLOSE_S = 0.5


def timeless(table: Table) -> Bool:
    """Return (E,) which evidence is about its whole video.

    That is what channels about whole videos found, but for what lies at a time of its own, as a
    titled chapter does: it begins later, or ends before others of its video.
    """
    about = table.of_channels(filter(is_timeless, table.channels))
    timed = about & (table.start_s > 0)
    if not timed.any():
        return about
    latest_s = np.zeros(len(table.video_ids), np.float32)
    np.maximum.at(latest_s, table.video[about], table.end_s[about])
    whole = (table.end_s <= 0) | (table.end_s >= latest_s[table.video] - _CLOSE_S)
    return np.asarray(about & ~timed & whole)
