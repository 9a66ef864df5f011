"""Reads one video: its outstanding work, part after part, in the order of stages."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import repeat
from queue import SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING

from q2e.arrays import Float32
from q2e.channels.base import Channel, JoinsSlices
from q2e.errors import MediaError
from q2e.ingest.ahead import ahead, clocked
from q2e.ingest.dense import Dense
from q2e.ingest.derive import derived, items
from q2e.ingest.inherit import Inheritance
from q2e.ingest.keys import SHOTS, earlier_keys, stage_keys
from q2e.ingest.messages import Failed, Finished, Job, Message, PartRead, Progress, Staged
from q2e.ingest.record import contents_of
from q2e.ingest.slices import Scanned, slices
from q2e.store.base import DENSE, UNKNOWN, Item, StageKey, Store
from q2e.types import BETWEEN, Evidence, Part, Segment, Video

if TYPE_CHECKING:
    from q2e.ingest.reader import Reader
    from q2e.media.scan import Shot


#: Frames handed to the channels at once; bounds memory where cuts are many.
FRAMES_AT_ONCE = 48
#: Pictures that are decoded before they are looked at, some 40 MB of them.
FRAMES_AHEAD = 64


def _pictures_in(shot: Shot) -> int:
    return len(shot.frames) + len(shot.between)


class Reading:
    """The reading of one video: its outstanding work, and the messages about it."""

    def __init__(self, reader: Reader, video: Video, job: Job, *, anew: bool = False) -> None:
        self.settings = reader.settings
        self.store = reader.store
        self.models = reader.models
        self.channels = reader.channels
        self.video = video
        self._only = job.parts
        self._staging = reader.staging
        self.done = {} if anew else dict(reader.store.done(video.id))
        self.seconds: dict[str, float] = defaultdict(float)
        self._said: SimpleQueue[Message | None] = SimpleQueue()
        self._embedding = Lock()
        self._derived = derived(self.models.text.space)
        self._inside = contents_of(video)
        self._keys = stage_keys(reader.channels, self.settings, video, self._inside)
        self._keys_then = self._keys_of_then(reader.store.setting("keys.space"))
        self._older = None
        self._cuts: dict[int, Store] = {}
        self._scanned_shots: dict[int, tuple[list[Segment], list[float]]] = {}
        self._fresh: set[tuple[str, int]] = set()
        self._failed = False
        if reader.older is not None:
            self._older = Inheritance(
                reader.older, video, self.settings.part_s, self._keys, self._keys_of_then
            )
            self._older_store = reader.older

    def messages(self) -> Iterator[Message]:
        with ThreadPoolExecutor(1) as pool:
            working = pool.submit(self._work)
            while (message := self._said.get()) is not None:
                yield message
            working.result()
        yield Finished(dict(self.seconds))

    def _work(self) -> None:
        """Read part after part, pictures and sound side by side; then the video as a whole."""
        whole = Part(self.video, 0.0, self.video.duration_s)
        everything: list[Evidence] = []
        try:
            for number, (start_s, end_s) in enumerate(self._parts()):
                if self._only is not None and number not in self._only:
                    continue
                part = Part(self.video, start_s, end_s)
                found = [*self._inherited(number), *self._staged(number)]
                with ThreadPoolExecutor(2) as pool:
                    sides = [
                        pool.submit(self._guard, self._pictures, number, part, SHOTS),
                        pool.submit(self._guard, self._sound, number, part, "speech"),
                    ]
                    found += [evidence for side in sides for evidence in side.result()]
                for channel in self._outstanding("record", number):
                    if number == 0:
                        found += self._extract(
                            channel, number, [replace(part, end_s=self.video.duration_s)]
                        )
                for channel in self._outstanding("scenes", number):
                    # What was not heard must not be missing from captions for good.
                    if not self._failed:
                        heard = replace(part, evidence=tuple(self._all_evidence(part, found)))
                        found += self._extract(channel, number, self._stored_slices(number, heard))
                for channel in self._outstanding("evidence", number):
                    known, shots = self._all_evidence(part, found), self._shots_of(number, part)[0]
                    composed = replace(part, evidence=tuple(known), segments=tuple(shots))
                    found += self._extract(channel, number, [composed])
                everything += found
            for channel in self._outstanding("video", 0) if self._only is None else ():
                # What is incomplete is not told; the file is read again anyway.
                if not self._failed:
                    told = replace(whole, evidence=tuple(self._all_evidence(whole, everything)))
                    self._extract(channel, 0, [told])
        except MediaError as error:  # of what is staged, or the place for it
            self._say(Failed(str(error), "staging"))
        finally:
            self._said.put(None)

    # -- what there is to do ---------------------------------------------------------------------
    def _keys_of_then(self, space: str | None) -> Mapping[str, frozenset[str]]:
        return earlier_keys(self.channels, self.settings, self.video, self._inside, space)

    def _parts(self) -> list[tuple[float, float]]:
        duration_s, part_s = self.video.duration_s, self.settings.part_s
        count = max(1, math.ceil(duration_s / part_s))
        return [(i * part_s, min((i + 1) * part_s, duration_s)) for i in range(count)]

    def _is_done(self, stage: str, number: int) -> bool:
        key = self.done.get((stage, number))
        return key is not None and (key == self._keys[stage] or key in self._keys_then[stage])

    def _outstanding(self, needs: str, number: int) -> list[Channel]:
        return [
            channel
            for channel in self.channels
            if channel.needs == needs and not self._is_done(channel.name, number)
        ]

    def _inherited(self, number: int) -> list[Evidence]:
        """Take over what the older generation has done alike in one part."""
        if self._older is None:
            return []
        left = [stage for stage in self._keys if not self._is_done(stage, number)]
        found: list[Evidence] = []
        for one in self._older.of_part(number, left):
            self._part(
                PartRead(
                    StageKey(self.video.id, one.stage, number),
                    self._keys[one.stage],
                    tuple(self._items(list(one.evidence))),
                    one.segments,
                    one.frame_times_s,
                    self._derived,
                )
            )
            self.done[one.stage, number] = self._keys[one.stage]
            self._fresh.add((one.stage, number))
            if one.stage == SHOTS:
                self._cuts[number] = self._older_store
            found += one.evidence
        return found

    def _staged(self, number: int) -> list[Evidence]:
        """Take what another reader has staged of one part, as if it were read here."""
        found: list[Evidence] = []
        for stage in self._keys if self._staging is not None else ():
            if self._is_done(stage, number) or (number and stage in self._wholes):
                continue
            derived = UNKNOWN if stage == SHOTS else self._derived
            key = StageKey(self.video.id, stage, number)
            part = self._staging and self._staging.find(key, self._keys[stage], derived)
            if not part:
                continue
            self._part(part)
            self.done[stage, number] = self._keys[stage]
            self._fresh.add((stage, number))
            if stage == SHOTS:
                self._scanned_shots[number] = (
                    list(part.segments or ()),
                    list(part.frame_times_s or ()),
                )
            elif stage != DENSE:
                found += [item.evidence for item in part.items]
        return found

    @property
    def _wholes(self) -> set[str]:
        """The stages that are about the whole video, and kept with its first part."""
        return {one.name for one in self.channels if one.needs in ("record", "video")}

    def unread(self) -> tuple[int, ...]:
        """Return the parts of which any stage is still to be done."""
        stages = [one for one in self._keys if one not in self._wholes]
        return tuple(
            number
            for number in range(len(self._parts()))
            if not all(self._is_done(stage, number) for stage in stages)
        )

    # -- the sides ----------------------------------------------------------------------------
    def _pictures(self, number: int, part: Part) -> list[Evidence]:
        channels = self._outstanding("frames", number)
        shots_done = self._is_done(SHOTS, number)
        dense = self._dense(number, part)
        if not self.video.has_video or (shots_done and not channels and dense is None):
            return []
        if not shots_done:
            pieces = self._scanned(number, part, dense)
        else:
            pieces = self._stored_slices(number, part) if channels else iter(())
        found: dict[str, list[Evidence]] = {channel.name: [] for channel in channels}
        failed: set[str] = set()

        def look(channel: Channel, piece: Part) -> None:
            if channel.name not in failed:
                try:
                    found[channel.name] += self._timed(channel, piece)
                except Exception as error:  # noqa: BLE001 - a failure is a row, not an end
                    failed.add(channel.name)
                    self._say(Failed.by(error, channel.name))

        with ThreadPoolExecutor(max(1, len(channels))) as side_by_side:
            for piece in pieces:
                list(side_by_side.map(look, channels, repeat(piece)))
        for channel in channels:
            if channel.name not in failed:
                if isinstance(channel, JoinsSlices):
                    found[channel.name] = channel.joined(found[channel.name])
                self._keep(channel.name, number, found[channel.name])
        if dense is not None:
            # Of an index made without, the file is decoded once more for these alone.
            for _ in self._shots(part, dense) if shots_done else ():
                pass
            self._keep_dense(number, dense)
        return [evidence for name in found if name not in failed for evidence in found[name]]

    def _dense(self, number: int, part: Part) -> Dense | None:
        """Return what reads the frames between those of the shots; None where none are wanted."""
        if not self.video.has_video or self._is_done(DENSE, number):
            return None
        return Dense.of(self.channels, part, self.settings.frames_per_hour, self._uniform_s())

    def _keep_dense(self, number: int, dense: Dense) -> None:
        try:
            found = dense.finish()
        except Exception as error:  # noqa: BLE001 - a failure is a row with a reason, not an end
            self._say(Failed.by(error, DENSE))
            return
        finally:
            self.seconds[DENSE] += dense.seconds
        self._keep(DENSE, number, found)

    def _uniform_s(self) -> tuple[float, ...]:
        from q2e.media.scan import uniform_times

        return uniform_times(self.video.duration_s, self.settings.frames_per_video)

    def _shots(self, part: Part, dense: Dense | None) -> Iterator[Shot]:
        """Yield the shots of one decoding pass, and hand on the frames between theirs."""
        from q2e.decoding.doors import scan
        from q2e.media.scan import ScanOptions

        settings = self.settings
        options = ScanOptions(
            max_segment_s=settings.segment_max_s,
            max_side=settings.frame_max_side,
            per_hour=0 if dense is None else settings.frames_per_hour,
            key_frames=settings.key_frames,
        )
        shots = scan(
            *(self.video.path, part.start_s, part.end_s), times_s=self._uniform_s(), options=options
        )
        # The file is decoded on while channels look at the pictures of the shots before.
        for shot in ahead(clocked(shots, self.seconds, SHOTS), FRAMES_AHEAD, _pictures_in):
            self._say(Progress(SHOTS, shot.segment.end_s, self.video.duration_s))
            if dense is not None:
                dense.add(shot.between)
            yield shot

    def _scanned(self, number: int, part: Part, dense: Dense | None) -> Iterator[Part]:
        """Yield slices of the part as the one decoding pass finds its shots; then store them."""
        found = Scanned()
        yield from found.slices(part, self._shots(part, dense), FRAMES_AT_ONCE)
        self._scanned_shots[number] = found.segments, found.times_s
        self._part(
            PartRead(
                StageKey(self.video.id, SHOTS, number),
                self._keys[SHOTS],
                segments=tuple(found.segments),
                frame_times_s=tuple(found.times_s),
            )
        )

    def _stored_slices(self, number: int, part: Part) -> Iterator[Part]:
        """Yield the same slices as `_scanned`, from the shots that are known already."""
        segments, times_s = self._shots_of(number, part)
        return slices(part, segments, times_s, self.settings.frame_max_side, FRAMES_AT_ONCE)

    def _shots_of(self, number: int, part: Part) -> tuple[list[Segment], list[float]]:
        # What was found or taken over a moment ago is not yet in the store.
        if number in self._scanned_shots:
            return self._scanned_shots[number]
        store = self._cuts.get(number, self.store)
        segments = [
            segment
            for segment in store.segments(self.video.id)
            if part.start_s <= segment.start_s < part.end_s
        ]
        return segments, store.frame_times_s(self.video.id, number)

    def _sound(self, number: int, part: Part) -> list[Evidence]:
        channels = self._outstanding("audio", number)
        if not channels:
            return []
        from q2e.decoding.doors import read_audio

        audio = None
        if self.video.has_audio:
            audio = read_audio(self.video.path, part.start_s, part.end_s)
        found: list[Evidence] = []
        for channel in channels:
            found += self._extract(channel, number, [replace(part, audio=audio)])
        return found

    # -- one channel ----------------------------------------------------------------------------
    def _extract(self, channel: Channel, number: int, parts: Iterable[Part]) -> list[Evidence]:
        found: list[Evidence] = []
        end_s = 0.0
        try:
            for part in parts:
                # A slice of a part follows on what the channel found in the slices before.
                found += self._timed(channel, replace(part, evidence=(*part.evidence, *found)))
                end_s = part.end_s
        except Exception as error:  # noqa: BLE001 - a failure is a row with a reason, not an end
            self._say(Failed.by(error, channel.name))
            return []
        self._keep(channel.name, number, found)
        self._say(Progress(channel.name, end_s, self.video.duration_s))
        return found

    def _timed(self, channel: Channel, part: Part) -> list[Evidence]:
        began = time.perf_counter()
        try:
            return channel.extract(part)
        finally:
            self.seconds[channel.name] += time.perf_counter() - began

    def _keep(self, stage: str, number: int, found: list[Evidence]) -> None:
        key = StageKey(self.video.id, stage, number)
        self._fresh.add((stage, number))
        ready = tuple(self._items(found))
        self._part(PartRead(key, self._keys[stage], ready, derived=self._derived))

    def _items(self, found: list[Evidence]) -> list[Item]:
        """Add to each evidence its lexical tokens and, where it has a meaning, its text vector."""
        return items(found, self.models.text.space, self._encoded)

    def _encoded(self, texts: list[str]) -> Float32:
        with self._embedding:
            began = time.perf_counter()
            try:
                return self.models.text.encode_passages(texts)
            finally:
                self.seconds["text"] += time.perf_counter() - began

    def _all_evidence(self, part: Part, found: list[Evidence]) -> list[Evidence]:
        """Return a part's evidence of all channels, found now or by an earlier run."""
        stored = [
            evidence
            for evidence in self.store.evidence_of(self.video.id)
            if (evidence.channel, int(evidence.start_s // self.settings.part_s)) not in self._fresh
            and part.start_s <= evidence.start_s < part.end_s
            and not evidence.origin.startswith(BETWEEN)
        ]
        return sorted(stored + found, key=lambda evidence: (evidence.start_s, evidence.channel))

    def _guard(
        self, side: Callable[[int, Part], list[Evidence]], number: int, part: Part, stage: str
    ) -> list[Evidence]:
        try:
            return side(number, part)
        except Exception as error:  # noqa: BLE001 - a failure is a row with a reason, not an end
            self._say(Failed.by(error, stage))
            return []

    def _part(self, part: PartRead) -> None:
        """Say what was read of a part, or where it is staged."""
        if self._staging is None:
            self._say(part)
        else:
            self._say(Staged(part.key, part.config_key, self._staging.put(part)))

    def _say(self, message: Message) -> None:
        self._failed = self._failed or isinstance(message, Failed)
        self._said.put(message)
