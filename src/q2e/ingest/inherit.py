"""What a new generation takes over from the one before: evidence that its models would make too.

A profile that changes only the text model need not read a file again: shots, transcripts and text
on screen stay what they are and are only embedded anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from q2e.ingest.derive import derived, items
from q2e.ingest.keys import SHOTS
from q2e.models.base import TextEncoder
from q2e.store.base import DENSE, Item, StageKey, Store
from q2e.store.bulk import Part, put_all
from q2e.types import Evidence, Segment, Video

#: Of evidence whose file is gone: read again where the file comes back.
CARRIED = "carried"


@dataclass(frozen=True, slots=True)
class Inherited:
    """One stage's work on one part, as the older generation has it."""

    stage: str
    evidence: tuple[Evidence, ...] = ()
    segments: tuple[Segment, ...] | None = None
    frame_times_s: tuple[float, ...] | None = None


class Inheritance:
    """The older generation's work on one video that need not be done again.

    `keys` are those of each stage now, and `keys_then` returns those of earlier formats, of which
    the first held the text space.
    """

    def __init__(
        self,
        older: Store,
        video: Video,
        part_s: float,
        keys: Mapping[str, str],
        keys_then: Callable[[str | None], Mapping[str, frozenset[str]]],
    ) -> None:
        self._older = older
        self._video = video
        self._part_s = part_s
        self._done = older.done(video.id)
        self._keys = keys
        then = older.setting("keys.space") or older.setting("space.text")
        self._keys_then = keys_then(then) if self._done else {}

    def of_part(self, number: int, stages: Iterable[str]) -> list[Inherited]:
        """Return what is taken over for one part, of those stages that are still to be done."""
        same = [
            stage
            for stage in stages
            if (stage, number) in self._done
            and self._done[stage, number] in {self._keys[stage], *self._keys_then[stage]}
            and stage != DENSE  # pictures alone, which lie in another space
        ]
        if not same:
            return []
        found = []
        evidence = [one for one in self._older.evidence_of(self._video.id) if one.channel in same]
        for stage in same:
            if stage == SHOTS:
                found.append(self._shots(number))
                continue
            own = tuple(
                one
                for one in evidence
                if one.channel == stage and (self._whole(stage) or self._in(one, number))
            )
            # Evidence without text lives by its vectors, which are the other model's.
            if all(one.text for one in own):
                found.append(Inherited(stage, own))
        return found

    def _shots(self, number: int) -> Inherited:
        start_s, end_s = number * self._part_s, (number + 1) * self._part_s
        segments = self._older.segments(self._video.id)
        return Inherited(
            SHOTS,
            segments=tuple(one for one in segments if start_s <= one.start_s < end_s),
            frame_times_s=tuple(self._older.frame_times_s(self._video.id, number)),
        )

    def _whole(self, stage: str) -> bool:
        """Return whether a stage's work on the whole video is kept as that on its first part."""
        return {part for name, part in self._done if name == stage} == {0}

    def _in(self, one: Evidence, number: int) -> bool:
        last = max(0, int(self._video.duration_s / self._part_s) - 1)
        return min(int(one.start_s / self._part_s), max(last, number)) == number


def carry_over(store: Store, older: Store, encoder: TextEncoder, videos: Sequence[Video]) -> None:
    """Copy what can be read no more: facts and texts of videos whose file is gone.

    Texts are embedded anew; pictures of theirs stay behind, for want of the file.
    """
    for video in videos:
        found = [one for one in older.evidence_of(video.id) if one.text]
        ready = items(found, encoder.space, encoder.encode_passages)
        of: dict[str, list[Item]] = {}
        for item in ready:
            of.setdefault(item.evidence.channel, []).append(item)
        made = derived(encoder.space)
        parts = [Part(StageKey(video.id, one, 0), CARRIED, of[one], derived=made) for one in of]
        put_all(store, [video], parts)
