"""Changing the profile of an index: the older generation answers until the new one is whole."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path

from q2e.ingest.inherit import CARRIED, carry_over
from q2e.ingest.manifest import Record, Source
from q2e.ingest.tagged import take_over
from q2e.models import profiles
from q2e.models.base import TextEncoder
from q2e.paths import is_address
from q2e.plugins import registry
from q2e.settings import Settings
from q2e.settings_file import CONFIG_NAME, write_setting
from q2e.store import generations
from q2e.store.base import Opener, Store
from q2e.store.generations import Generation
from q2e.types import Video


def current(directory: Path) -> str:
    """Return the profile that answers when none is named: that of the index's own settings."""
    try:
        stated = tomllib.loads((directory / CONFIG_NAME).read_text("utf-8")).get("profile")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        stated = None
    default = Settings.model_fields["profile"].default
    name = generations.profile_name(str(stated or default))
    known = generations.held(directory)
    return name if name in known or not known else next(iter(known))


def older_file(directory: Path, profile: str) -> Path | None:
    """Return the file of the generation that is to be replaced by a profile's, if there is one.

    Raises ConfigError for an unknown profile, which must leave no trace in the index.
    """
    profiles.load(profile)
    known = generations.held(directory)
    now = current(directory)
    return None if now == generations.profile_name(profile) else known.get(now)


def sources_of(store: Store) -> list[Source]:
    """Return all videos whose file is there, with what earlier manifests said about them."""
    return [
        Source.at(
            video.path,
            Record(video.title, video.description, video.date, video.language, video.tags),
        )
        for video in store.videos()
        if video.path and _is_there(video)
    ]


def _is_there(video: Video) -> bool:
    """Return whether the file of a video can be read again; an address is taken to be there."""
    return is_address(video.path) or Path(video.path).is_file()


def waiting(store: Store, older: Store, channels: Sequence[str]) -> list[Video]:
    """Return the videos of an older generation that a new one does not hold as fully."""
    left = []
    for video in older.videos():
        done = store.done(video.id)
        carried = {stage for (stage, _), key in done.items() if key == CARRIED}
        known = store.video(video.id) is not None
        if not known or any(
            key not in done and key[0] in channels and key[0] not in carried
            for key in older.done(video.id)
        ):
            left.append(video)
    return left


def reading(settings: Settings, file: Path) -> AbstractContextManager[Store]:
    """Open a generation of an index for reading, by the store that keeps the index."""
    opener: Opener = registry().one("store", settings.store).bound
    return closing(opener(file, True, 0.0))


def finish(
    store: Store,
    older: Path,
    directory: Path,
    settings: Settings,
    encoder: Callable[[], TextEncoder],
) -> int:
    """Let a new generation answer from now on where it is whole; return how many videos it lacks.

    Videos whose file is gone are carried over with their texts.
    """
    with reading(settings, older) as before:
        left = waiting(store, before, settings.channels)
        gone = [video for video in left if not _is_there(video)]
        if gone and len(gone) == len(left):
            carry_over(store, before, encoder(), gone)
            left = []
        take_over(store, before)
    if not left:
        write_setting(directory, "profile", settings.profile)
    return len(left)


def survey(directory: Path, settings: Settings) -> tuple[Generation, ...]:
    """Return all generations of an index, the one that answers first."""
    now = current(directory)
    known = generations.held(directory)
    found = []
    for profile in sorted(known, key=lambda name: (name != now, name)):
        with reading(settings, known[profile]) as store:
            lacks = 0
            if profile != now:
                with reading(settings, known[now]) as before:
                    lacks = len(waiting(store, before, settings.channels))
            found.append(
                Generation(
                    profile,
                    store.count(),
                    generations.size_of(known[profile], store),
                    profile == now,
                    lacks,
                )
            )
    return tuple(found)
