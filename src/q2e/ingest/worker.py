"""The reading process: keeps decoders and models away from the process that writes the index.

Media are decoded by processes of its own (`q2e.decoding`); what models do with the pictures is
done here. Jobs come in and messages go out over pipes, in a form that cannot run code
(`q2e.wire`). It may take the memory that the machine has, and not more.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from q2e.errors import IndexMissing, Q2EError
from q2e.ingest.held import restore
from q2e.ingest.messages import WIRE, Failed, Finished, Ready, Refused, say
from q2e.ingest.reader import Reader
from q2e.ingest.staging import Staging
from q2e.paths import read_only_within
from q2e.plugins import registry
from q2e.processes import bound_memory, memory_bytes
from q2e.settings import Settings
from q2e.store.base import Store


def _held(settings: Settings, index: Path) -> Store:
    """Return what an index holds already; nothing where another process alone can see it."""
    from q2e.store.memory import MemoryStore

    try:
        found: Store = registry().one("store", settings.store).bound(index, True, 0.0)
    except IndexMissing:
        return MemoryStore()
    return found


def main() -> None:
    """Serve jobs until standard input ends."""
    from q2e.decoding.pool import pool

    bound_memory(memory_bytes())
    pool().prepare()
    jobs, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # Libraries that print must not break into the stream of answers.
    os.dup2(2, 1)
    asked = WIRE.unpack(jobs.read)
    settings = Settings(**asked.settings)
    read_only_within(asked.within)
    store = _held(settings, asked.index)
    older = None if asked.older is None else _held(settings, asked.older)
    try:
        staging = Staging(asked.staging) if asked.staging else None
        reader = Reader(settings, store, older, staging)
        greeting: Ready | Refused = Ready(reader.spaces, reader.fingerprint)
    except Q2EError as error:
        greeting = Refused(str(error))
    say(answers, greeting)
    while isinstance(greeting, Ready):
        try:
            job = WIRE.unpack(jobs.read)
        except EOFError:
            return
        if job.held is not None:
            restore(store, job.held)
        for message in reader.read(job):
            say(answers, message)
            if isinstance(message, Failed) and message.stage is None:
                say(answers, Finished({}))
                break
        if job.held is not None:
            store.remove_video(job.video_id)


if __name__ == "__main__":
    main()
