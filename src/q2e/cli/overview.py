"""`q2e map`: what a collection shows, as groups of like moments with words."""

from __future__ import annotations

from q2e.cli.options import (
    IndexDir,
    Json,
    clock,
    directory,
    one_line,
    print_json,
    shown,
    shown_name,
    talk,
)

#: Characters of a group's words on a terminal.
_WORDS = 60


def overview(index_dir: IndexDir = None, json: Json = False) -> None:
    """Show what the index holds as groups of like moments, with words.

    The largest group stands first.

    They are made of the vectors that the index holds; nothing is read again. The first call after
    a change takes some seconds. With --json also where each group lies on the map of the page.

    \b
      q2e map
    """
    import q2e

    index = q2e.open(directory(index_dir))
    found = index.overview()
    if json:
        print_json(found.shape())
        return
    talk(f"{found.moments} moments of {found.videos} videos in {len(found.groups)} groups")
    for one in found.groups:
        first = one.examples[0]
        video = index.store.video(first.video)
        name = shown_name(video.path) if video is not None and video.path else shown(first.video)
        words = one_line(", ".join(one.words) or "-", _WORDS)
        print(f"{one.moments:>7}  {words:<{_WORDS}}  {clock(first.frame_s):>8}  {name}")
