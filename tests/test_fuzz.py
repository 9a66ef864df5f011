"""The fuzz benchmark sees every kind of fault, makes the same inputs again, and finds nothing."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import fuzz  # noqa: E402
from benchmarks.fuzz.mutate import mutated  # noqa: E402
from benchmarks.fuzz.targets import TARGETS, Target  # noqa: E402

from q2e.errors import MediaError  # noqa: E402


def one_seed(folder: Path) -> list[Path]:
    (folder / "a.bin").write_bytes(bytes(range(256)) * 4)
    return [folder / "a.bin"]


def fault(path: Path) -> None:
    """Do something else with each kind of input; a whole one is read."""
    raw = path.read_bytes()
    if raw == bytes(range(256)) * 4:
        return
    match sum(raw) % 4:
        case 0:
            raise MediaError("damaged")
        case 1:
            raise KeyError("forgotten")
        case 2:
            os.kill(os.getpid(), signal.SIGSEGV)
        case _:
            time.sleep(20)


def test_every_outcome_is_told_apart() -> None:
    found = fuzz.feed(Target("fault", "media", one_seed, fault), 4, seed=5, limit_s=0.5)
    assert all(found[name] for name in ("refused", "traceback", "crash", "hang")), found
    assert len(found["faults"]) == found["traceback"] + found["crash"] + found["hang"]
    assert any("forgotten" in one["what"] for one in found["faults"])


def test_inputs_are_made_of_the_seed_alone(tmp_path: Path) -> None:
    seeds = one_seed(tmp_path)
    inputs = [mutated("a", 1, number, seeds, (b"moov",)) for number in range(50)]
    assert inputs == [mutated("a", 1, number, seeds, (b"moov",)) for number in range(50)]
    assert len({raw for raw, _ in inputs}) > 40
    assert inputs != [mutated("a", 2, number, seeds, (b"moov",)) for number in range(50)]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_whole_inputs_are_read_and_the_same_each_time(target: Target, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    seeds = target.seeds(tmp_path / "one")
    assert [one.read_bytes() for one in seeds] == [
        one.read_bytes() for one in target.seeds(tmp_path / "two")
    ]
    for seed in seeds:
        target.feed(seed)


def test_a_few_damaged_inputs_do_no_harm() -> None:
    figures = fuzz.run(4, seed=7)
    faults = {name: found["faults"] for name, found in figures["targets"].items()}
    assert not any(faults.values()), faults
