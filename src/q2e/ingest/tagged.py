"""Labels given to videos after they were read: kept apart from their own tags, so as to be undone.

They become tags of the video, which filters know, and stay when it is read again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from q2e.store.base import Store
from q2e.store.listed import Listed
from q2e.types import Video

#: The setting that names all sets of labels with what they were made by.
_SETS = "tagged"

#: Labels with how strong each is, by the name of their set.
Sets = Mapping[str, Mapping[str, float]]


def sets(store: Store) -> dict[str, str]:
    """Return how each set of labels was made, by its name."""
    found: dict[str, str] = json.loads(store.setting(_SETS) or "{}")
    return found


def put_set(store: Store, name: str, how: str, labels: Mapping[str, Mapping[str, float]]) -> int:
    """Give videos, by their ids, the labels of a set in place of those it gave before.

    Returns how many videos have other tags by it.
    """
    store.set_setting(_SETS, json.dumps(sets(store) | {name: how}, ensure_ascii=False))
    return _changed(store, name, labels)


def remove_set(store: Store, name: str) -> int:
    """Take away what a set gave; returns how many videos had tags by it."""
    left = {one: how for one, how in sets(store).items() if one != name}
    changed = _changed(store, name, {})
    store.set_setting(_SETS, json.dumps(left, ensure_ascii=False))
    return changed


def labels_of(store: Store, video_id: str) -> Sets:
    """Return what all sets gave a video."""
    noted = store.setting(_name(video_id))
    return {} if noted is None else json.loads(noted)["sets"]


def tagged(store: Store, video: Video) -> Video:
    """Return a video as it was read, with the labels it was given before; notes its own tags."""
    given = labels_of(store, video.id)
    return _noted(store, video, video.tags, given) if given else video


def take_over(store: Store, older: Store) -> None:
    """Give videos the labels that another generation of the index gave them."""
    made = sets(older)
    for video in Listed(store, store.videos()) if made else ():
        given = labels_of(older, video.id)
        if given and not labels_of(store, video.id):
            noted = older.setting(_name(video.id))
            own = () if noted is None else tuple(json.loads(noted)["own"])
            # Of a video that was not read again the tags hold its labels already.
            labels = {label for one in given.values() for label in one} - set(own)
            tags = tuple(tag for tag in video.tags if tag not in labels)
            store.put_video(_noted(store, video, tags, given))
    if made:
        store.set_setting(_SETS, json.dumps(made | sets(store), ensure_ascii=False))


def _changed(store: Store, name: str, labels: Mapping[str, Mapping[str, float]]) -> int:
    changed = 0
    for video in Listed(store, store.videos()):
        given = dict(labels_of(store, video.id))
        own = labels.get(video.id, {})
        if given.get(name, {}) == own:
            continue
        noted = store.setting(_name(video.id))
        tags = video.tags if noted is None else tuple(json.loads(noted)["own"])
        given.pop(name, None)
        if own:
            given[name] = dict(own)
        now = _noted(store, video, tags, given)
        if now != video:
            store.put_video(now)
            changed += 1
    return changed


def _noted(store: Store, video: Video, own: tuple[str, ...], given: Sets) -> Video:
    store.set_setting(_name(video.id), json.dumps({"own": own, "sets": given}, ensure_ascii=False))
    more = (label for one in sorted(given) for label in sorted(given[one]))
    return replace(video, tags=tuple(dict.fromkeys((*own, *more))))


def _name(video_id: str) -> str:
    return f"tagged:{video_id}"
