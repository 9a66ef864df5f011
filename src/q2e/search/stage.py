"""One step of a search, and steps put together: each says what of the state it reads and writes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from q2e import stopping
from q2e.errors import ConfigError
from q2e.search.state import State, start_values


@dataclass(frozen=True, slots=True)
class Stage:
    """A function from state to state; calling the stage also notes how long it took."""

    name: str
    run: Callable[[State], State]
    reads: frozenset[str]
    writes: frozenset[str]
    clocked: bool = True
    """Whether its time is noted; not where it is made of stages that note theirs."""

    def __call__(self, state: State) -> State:
        """Run it, unless nobody waits for the answer any more (`stopping.check`)."""
        stopping.check()
        if not self.clocked:
            return self.run(state)
        began = time.perf_counter()
        after = self.run(state)
        spent = time.perf_counter() - began
        return after.writing(timings_s=with_time(after, self.name, spent))


def stage(
    *, reads: tuple[str, ...], writes: tuple[str, ...]
) -> Callable[[Callable[[State], State]], Stage]:
    """Make a stage of a function, named like it."""

    def made(run: Callable[[State], State]) -> Stage:
        return Stage(run.__name__, run, frozenset(reads), frozenset(writes))

    return made


def with_time(state: State, name: str, seconds: float) -> dict[str, float]:
    """Return a state's timings with seconds added to a name."""
    return {**state.timings_s, name: state.timings_s.get(name, 0.0) + seconds}


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Stages one after the other."""

    stages: tuple[Stage, ...]

    def __call__(self, state: State) -> State:
        for one in self.stages:
            state = one(state)
        return state

    @property
    def reads(self) -> frozenset[str]:
        """What its stages read that none of them has written before."""
        found: set[str] = set()
        written: set[str] = set()
        for one in self.stages:
            found |= one.reads - written
            written |= one.writes
        return frozenset(found)

    @property
    def writes(self) -> frozenset[str]:
        """What any of its stages writes."""
        return frozenset[str]().union(*(one.writes for one in self.stages))

    def until(self, name: str) -> Pipeline:
        """Return it up to the stage of a name. Raises ConfigError where it has none such."""
        names = [one.name for one in self.stages]
        if name not in names:
            raise ConfigError(f"no stage {name!r}; there are: {', '.join(names)}")
        return Pipeline(self.stages[: names.index(name) + 1])


def assemble(*stages: Stage) -> Pipeline:
    """Return stages one after the other.

    Raises ConfigError with the name of the first stage that reads what nothing before it wrote.
    """
    written = set(start_values())
    for one in stages:
        if wanting := sorted(one.reads - written):
            raise ConfigError(
                f"stage {one.name!r} reads {', '.join(wanting)}, which no stage before it writes; "
                f"the order is: {', '.join(other.name for other in stages)}"
            )
        written |= one.writes
    return Pipeline(stages)
