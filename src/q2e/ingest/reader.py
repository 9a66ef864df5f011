"""Reads files with one set of models, and skips what the index already holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from q2e.channels.base import NEEDS
from q2e.errors import MediaError
from q2e.ingest.copies import merged
from q2e.ingest.facts import read_facts, said_of_copies
from q2e.ingest.keys import fingerprint, grown
from q2e.ingest.messages import Failed, Finished, Found, Job, Message, Spread
from q2e.ingest.reading import Reading
from q2e.ingest.record import dated, storable_record
from q2e.ingest.staging import Staging
from q2e.media.sidecar import subtitle_problems
from q2e.models.registry import Models
from q2e.plugins import registry
from q2e.settings import Settings
from q2e.store.base import Store

if TYPE_CHECKING:
    pass


class Reader:
    """Turns files into evidence with one set of models, as long as the process lives.

    What `older`, another profile's generation, has done alike is taken over. With `staging`, what
    is read is staged there, and what is there already is not read again.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        older: Store | None = None,
        staging: Staging | None = None,
    ) -> None:
        self.settings = settings
        self.staging = staging
        self.store = store
        self.older = older
        self.models = Models(settings)
        known = registry()
        channels = [
            known.get("channel", name).make(settings, self.models)
            for name in settings.channels
            if name in known.names("channel")
        ]
        self.channels = sorted(channels, key=lambda channel: NEEDS.index(channel.needs))

    @property
    def spaces(self) -> dict[str, str]:
        """The vector spaces that this reader's evidence lies in, by kind."""
        found = {"text": self.models.text.space}
        if any(channel.name == "frame" for channel in self.channels):
            found |= {kind: one.space for kind, one in self.models.seeing.items()}
        if any(channel.name == "sound" for channel in self.channels):
            heard = self.models.sound.space
            found |= {} if heard is None else {"sound": heard}
        return found

    @property
    def fingerprint(self) -> str:
        """What changes when the same file would be read otherwise: version, settings, models."""
        return fingerprint(self.settings, self.channels, self.spaces)

    def read(self, job: Job) -> Iterator[Message]:
        """Yield what is found in one file; never raises for what the file contains."""
        try:
            video, wrong = read_facts(job, self.store, self.older)
        except MediaError as error:
            yield Failed(str(error))
            return
        before = self.store.video(job.video_id)
        copied, problems = said_of_copies(job)
        video = dated(storable_record(merged(video, copied)))
        yield Found(replace(video, path=job.where))
        if wrong:
            yield Failed(wrong, "description")
        yield from problems
        if any(channel.name == "speech" for channel in self.channels):
            yield from (Failed(one, "subtitles") for one in subtitle_problems(job.path))
        reading = Reading(self, video, job, anew=grown(before, video))
        if job.spread and len(unread := reading.unread()) > 1:
            yield Spread(unread)
            yield Finished({})
            return
        yield from reading.messages()
