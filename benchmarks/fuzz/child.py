"""The process that reads damaged input, and what its parent sees of it."""

from __future__ import annotations

import multiprocessing
import resource
import shutil
import tempfile
import traceback
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.fuzz.mutate import mutated
from benchmarks.fuzz.targets import Target
from q2e.errors import Q2EError

_MEMORY_BYTES = 6 << 30
#: Until the first answer the models are loaded.
_START_S = 120.0


class Child:
    """One reading process of a target."""

    def __init__(self, target: Target, seed: int, seeds: Sequence[Path]) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, target, seed, list(seeds)), daemon=True
        )
        self._process.start()
        theirs.close()
        if not self._ours.poll(_START_S):
            raise RuntimeError(f"the reading process of {target.name} does not start")
        self._ours.recv()

    def feed(self, number: int, limit_s: float) -> tuple[str, str]:
        """Return what becomes of input `number`, and of a fault what is known."""
        try:
            self._ours.send(number)
            if not self._ours.poll(limit_s):
                return "hang", f"more than {limit_s:g} s"
            outcome, what = self._ours.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            self._process.join(10)
            return "crash", f"exit code {self._process.exitcode}"
        return str(outcome), str(what)

    def close(self) -> None:
        self._process.kill()
        self._process.join()
        self._ours.close()


def _serve(pipe: Connection, target: Target, seed: int, seeds: list[Path]) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    target.feed(seeds[0])  # what loads at first use is loaded before the clock runs
    pipe.send("ready")
    while True:
        try:
            number = pipe.recv()
        except EOFError:
            return
        pipe.send(outcome_of(target, seed, number, seeds))


def outcome_of(target: Target, seed: int, number: int, seeds: Sequence[Path]) -> tuple[str, str]:
    """Return `read`, `refused` or `traceback` for one input, and where the last was raised."""
    raw, suffix = mutated(target.name, seed, number, seeds, target.tokens)
    folder = Path(tempfile.mkdtemp(prefix="q2e-fuzz-"))
    try:
        path = folder / f"input{suffix}"
        path.write_bytes(raw)
        target.feed(path)
    except Q2EError as error:
        return "refused", str(error)
    except Exception:  # noqa: BLE001 - whatever else is raised is what is looked for
        return "traceback", traceback.format_exc()[-1500:]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return "read", ""
