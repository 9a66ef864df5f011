"""Videos read on many machines, by workers of a Ray cluster that hold models.

Workers stage what they read (`q2e.ingest.staging`) and say its names; this process alone commits.
A worker or machine that ends takes with it the part it was reading, and nothing else.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from q2e.about import __version__
from q2e.errors import MissingDependency, ModelError
from q2e.ingest.executors.base import Throughput
from q2e.ingest.executors.local import Local
from q2e.ingest.messages import (
    Failed,
    Finished,
    Hello,
    Job,
    Message,
    PartRead,
    Progress,
    Spread,
    Staged,
)
from q2e.ingest.remote_worker import Worker, packed, unpacked
from q2e.ingest.staging import Staging
from q2e.settings import Settings

_log = logging.getLogger(__name__)
#: How often a file may end its reader, and how often it is tried in all.
_DEATHS, _TRIES = 3, 10
#: Seconds in which the head of a cluster is to take a connection.
_LISTENS_S = 10.0
#: Seconds without any worker, while there is work, after which the run ends.
_NO_WORKER_S = 600.0
#: Jobs that are done or on their way, and wait for one before them.
_AHEAD = 10_000


@dataclass(eq=False, slots=True)
class _Pending:
    """One job, from when it is asked for until all is said about it."""

    job: Job
    said: list[Message] | None = None
    parts: int = 0
    """Parts that are read apart before the whole."""
    deaths: int = 0
    tries: int = 0


@dataclass(eq=False, slots=True)
class _Work:
    """What one worker does at a time: a whole job, or a part of a long one."""

    pending: _Pending
    job: Job
    tries: int = 0


@dataclass(eq=False, slots=True)
class _Hand:
    """One worker: an actor, and where it is."""

    actor: Any
    node: str = ""


class OnRay:
    """Runs jobs on a Ray cluster; see `q2e.ingest.executors.base.Executor`."""

    fetches = True

    def __init__(
        self,
        settings: Settings,
        index: Path,
        within: Sequence[Path] | None,
        address: str,
        staging: str,
        workers: int,
        share: dict[str, float],
    ) -> None:
        self._settings = settings
        self._within = within
        self._address = address
        self._staging = Staging(staging or str(index.parent.absolute() / "staged"))
        self._count = workers
        self._share = share
        self._ray: Any = None
        self._own: Hello | None = None
        self._hands: list[_Hand] = []
        self._idle: list[_Hand] = []
        self._starting: dict[Any, _Hand] = {}
        self._running: dict[Any, tuple[_Hand, _Work]] = {}
        self._waiting: deque[_Work] = deque()
        self._refused: dict[str, str] = {}
        self._began = False
        self.nodes: dict[str, Throughput] = {}
        self.spaces: dict[str, str] = {}
        self.fingerprint = ""

    # -- the cluster ----------------------------------------------------------------------------
    def start(self) -> dict[str, str]:
        """Look at this machine's models, which all workers must have, and ask for workers."""
        if self._own is not None:
            return self.spaces
        with Local(self._settings, Path(os.devnull) / "none") as local:
            self.spaces, self.fingerprint = local.start(), local.fingerprint
        self._own = Hello(__version__, self.spaces, self.fingerprint)
        self._connect()
        for _ in range(self._wanted()):
            self._hire()
        return self.spaces

    def _connect(self) -> None:
        try:
            import ray
        except ImportError:
            raise MissingDependency("ray", "ray", "reading on many machines") from None
        self._ray = ray
        if ray.is_initialized():
            return
        self._must_listen()
        given = {"address": self._address} if self._address else {"include_dashboard": False}
        try:
            # Nothing of ours is sent along: workers have their own installation.
            ray.init(**given, namespace="q2e", log_to_driver=False, logging_level=logging.ERROR)
        except Exception as error:  # Ray raises anything, and says which address
            raise ModelError(self._unreached(type(error).__name__)) from error
        self._began = True

    def _must_listen(self) -> None:
        """Raise ModelError where nobody listens: Ray would try for ever, its client for long."""
        host, _, port = self._address.removeprefix("ray://").rpartition(":")
        if host and port.isdecimal():
            try:
                socket.create_connection((host.strip("[]"), int(port)), _LISTENS_S).close()
            except OSError as error:
                raise ModelError(self._unreached(error.strerror or "no answer")) from None

    def _unreached(self, why: str) -> str:
        if self._address.startswith("ray://"):
            return (
                f"Ray's client did not reach {self._address} ({why}); name the head by HOST:PORT "
                "(6379 where nobody says) from a machine of its network, or start there  "
                "python -m ray.util.client.server,  which ends where a head is slow to come up"
            )
        return (
            f"no Ray cluster at {self._address or 'this machine'} ({why}); start one with  "
            "ray start --head,  and name it by  --executor 'ray(address=\"HOST:PORT\")'"
        )

    def _wanted(self) -> int:
        if self._count:
            return self._count
        held = self._ray.cluster_resources()
        shares = [held.get(name, 0) / one for name, one in self._share.items() if one]
        return max(1, int(min(shares, default=1)))

    def _hire(self) -> None:
        remote = self._ray.remote(
            num_cpus=self._share["CPU"], num_gpus=self._share["GPU"], max_restarts=0
        )(Worker)
        actor = remote.remote(
            packed([_reading(self._settings)]), self._staging.address, self._within
        )
        self._starting[actor.start.remote()] = _Hand(actor)

    def _welcome(self, hand: _Hand, said: bytes) -> None:
        """Let a worker read, if it reads like this machine."""
        (hello,) = unpacked(said)
        assert isinstance(hello, Hello) and self._own is not None
        hand.node = hello.node
        if why := hello.unlike(self._own):
            self._refused[hello.node] = why
            _log.warning("the worker on %s is refused: it %s", hello.node, why)
            self._ray.kill(hand.actor)
            return
        self._hands.append(hand)
        self._idle.append(hand)

    # -- jobs -----------------------------------------------------------------------------------
    def each(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Message | None]]:
        self.start()
        coming, order, held = iter(jobs), deque[_Pending](), deque[Job]()
        more, alone_s = True, time.monotonic()
        while more or order or held:
            while more and self._idle and not self._waiting and len(order) < _AHEAD and not held:
                job = next(coming, None)
                more = job is not None
                if job is not None:
                    held.append(job)
                    self._admit(held, order)
            self._admit(held, order)
            while self._idle and self._waiting:
                self._send(self._idle.pop(), self._waiting.popleft())
            while order and (said := order[0].said) is not None:
                pending = order.popleft()
                for message in said:
                    yield pending.job, message
                yield pending.job, None
            if self._running or self._starting:
                done, _ = self._ray.wait(
                    [*self._running, *self._starting], num_returns=1, timeout=1.0
                )
                for one in done:
                    self._take(one)
                if done and order and order[0].said is None:
                    yield order[0].job, self._progress(order)
            if self._hands:
                alone_s = time.monotonic()
            elif not self._starting or time.monotonic() - alone_s > _NO_WORKER_S:
                raise ModelError(self._deserted())

    def _admit(self, held: deque[Job], order: deque[_Pending]) -> None:
        """Let jobs begin; of one video, one after the other."""
        while held:
            under_way = {one.job.video_id for one in order if one.said is None}
            if held[0].video_id and held[0].video_id in under_way:
                return
            pending = _Pending(held.popleft())
            order.append(pending)
            self._waiting.append(_Work(pending, replace(pending.job, spread=True)))

    def _send(self, hand: _Hand, work: _Work) -> None:
        self._running[hand.actor.read.remote(packed([work.job]))] = hand, work

    def _take(self, reference: Any) -> None:
        """Take what a worker has said, or that it is no more."""
        hand = self._starting.pop(reference, None)
        work = None
        if hand is None:
            hand, work = self._running.pop(reference)
        try:
            said = self._ray.get(reference)
        except self._ray.exceptions.RayActorError as error:
            self._lost(hand, work, str(error))
            return
        except self._ray.exceptions.RayError as error:
            self._ray.kill(hand.actor)
            self._lost(hand, work, type(error).__name__)
            return
        if work is None:
            self._welcome(hand, said)
            return
        self._idle.append(hand)
        count, video_s, busy_s, *messages = unpacked(said)
        node = self.nodes.setdefault(hand.node, Throughput())
        node.tasks, node.video_s, node.busy_s = (
            node.tasks + int(count),
            node.video_s + float(video_s),
            node.busy_s + float(busy_s),
        )
        self._said(work, messages)

    def _said(self, work: _Work, messages: list[Message]) -> None:
        pending = work.pending
        if not messages or not isinstance(messages[-1], Finished):
            failed = [one for one in messages if isinstance(one, Failed) and one.stage is None]
            self._died(work, failed[-1].reason if failed else "the reader ended")
            return
        spread = next((one for one in messages if isinstance(one, Spread)), None)
        if spread is not None:
            pending.parts = len(spread.parts)
            for number in spread.parts:
                self._waiting.append(_Work(pending, replace(pending.job, parts=(number,))))
        elif work.job.parts is not None:
            self._part_done(pending)
        else:
            pending.said = messages

    def _part_done(self, pending: _Pending) -> None:
        pending.parts -= 1
        if pending.parts == 0:
            # All parts are staged: what is left is said about the whole.
            self._waiting.appendleft(_Work(pending, pending.job))

    def _lost(self, hand: _Hand, work: _Work | None, why: str) -> None:
        """Replace a worker that is no more; what it was reading is begun anew."""
        if hand in self._hands:
            self._hands.remove(hand)
        if hand in self._idle:
            self._idle.remove(hand)
        self._hire()
        if work is None:
            return
        if "node" in why.lower() and "died" in why.lower() and work.pending.tries < _TRIES:
            work.pending.tries += 1
            self._waiting.appendleft(work)
        else:
            self._died(work, "the worker that read this file ended")

    def _died(self, work: _Work, reason: str) -> None:
        pending = work.pending
        pending.deaths += 1
        work.tries += 1
        if work.tries < _DEATHS:
            self._waiting.appendleft(work)
            return
        failed = Failed(f"{reason} ({work.tries} times)")
        if work.job.parts is None:
            pending.said = [failed]
        else:
            # The whole is not tried again: it would end there too.
            pending.said = pending.said or [failed]
            self._waiting = deque(one for one in self._waiting if one.pending is not pending)

    def part(self, staged: Staged) -> PartRead:
        """Return what was staged. Raises MediaError where it is gone or no part."""
        return self._staging.get(staged.name)

    def _progress(self, order: Iterable[_Pending]) -> Progress:
        under_way = [one for one in order if one.said is None]
        done = sum(node.tasks for node in self.nodes.values())
        return Progress("tasks", done, done + len(self._waiting) + len(self._running or under_way))

    def _deserted(self) -> str:
        if self._refused:
            listed = "; ".join(f"{node} {why}" for node, why in sorted(self._refused.items()))
            return f"all workers were refused: {listed}; install the same q2e and models everywhere"
        return (
            "no worker has started; the cluster must have "
            f"{self._share['CPU']:g} free processors for each, and q2e installed"
        )

    def close(self) -> None:
        ended = [hand.actor.close.remote() for hand in self._idle]
        if ended:
            self._ray.wait(ended, num_returns=len(ended), timeout=5.0)
        for hand in (*self._hands, *self._starting.values()):
            self._ray.kill(hand.actor)
        self._hands, self._idle, self._starting, self._running = [], [], {}, {}
        if self._began:
            self._ray.shutdown()
            self._began = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _reading(settings: Settings) -> dict[str, Any]:
    """Return the settings that say how a file is read, which do not name what this machine has."""
    own = {"store", "executor", "recipe"}
    changed = settings.model_dump(mode="json", exclude_defaults=True, exclude=own)
    return {**changed, "threads": settings.threads}
