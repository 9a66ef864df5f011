"""Contrast captions: what differs in one thing from what a video shows, and who can tell.

Seven kinds, after VideoCon (Bansal et al. 2023): another entity, action, attribute, count or
relation, events in the other order, and something made up. By rule they are made of English
captions; a language model makes them in any language. A score can tell a kind apart where the
caption of a video scores higher than its contrast: AUC is the share of such pairs, a tie half.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from q2e.errors import EvaluationError
from q2e.evaluate.compare import Interval, bootstrap
from q2e.evaluate.runs import read_text

if TYPE_CHECKING:
    from q2e.index import Index

Kind = Literal["entity", "action", "attribute", "count", "relation", "order", "hallucination"]
KINDS: tuple[Kind, ...] = get_args(Kind)

#: Words of which one becomes the other; those of a ring become the next.
_RINGS: Mapping[Kind, str] = {
    "entity": "man woman|boy girl|men women|boys girls|dog cat|dogs cats|car boat|cars boats|"
    "horse cow|horses cows|bird fish|birds fishes|tree tower|trees towers|street river|"
    "city forest|beach desert|sea field|mountain lake|mountains lakes|train plane|"
    "child soldier|children soldiers|table bed|house ship|houses ships",
    "action": "walks swims|walk swim|walking swimming|runs sleeps|run sleep|running sleeping|"
    "sits dances|sit dance|sitting dancing|stands jumps|stand jump|standing jumping|"
    "eats paints|eating painting|plays cries|playing crying|speaks sings|speaking singing|"
    "opens closes|opening closing|flies dives|fly dive|flying diving|falls climbs|"
    "falling climbing|holds throws|holding throwing|rides pushes|riding pushing|"
    "swims walks|swimming walking|lies hangs|lying hanging|drives stops|driving stopping",
    "attribute": "red blue|blue red|white black|black white|green purple|yellow grey|grey yellow|"
    "gray orange|orange green|brown pink|pink brown|big small|small big|large tiny|tiny large|"
    "old young|young old|long short|short long|wet dry|dark bright|bright dark|empty full|"
    "wooden metal|clear muddy|high low|wide narrow|narrow wide|silver golden",
    "count": "one three|two five|three six|four two|five three|six four|many few|few many|"
    "several two|single double|pair crowd",
    "relation": "under over|over under|above below|below above|behind before|inside outside|"
    "outside inside|left right|right left|on under|into out~of|up down|down up|towards away~from|"
    "near far~from|beside inside",
    "order": "before after|after before|first last|then earlier",
}  # fmt: skip
_MADE_UP = ("an elephant", "a red balloon", "a piano", "a snowman", "a helicopter")
_THEN = re.compile(r"^(.+?),? (?:and )?then (.+?)([.!]?)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Contrast:
    """A caption of a video, and one that differs in one thing."""

    video: str
    caption: str
    kind: Kind
    contrast: str


@dataclass(frozen=True, slots=True)
class Told:
    """How often one score tells the captions of a kind from their contrasts."""

    pairs: int
    auc: Interval


def by_rule(video: str, caption: str) -> Iterator[Contrast]:
    """Yield at most one contrast of each kind that the rules can make of an English caption."""
    made: str | None
    for kind in KINDS:
        if kind == "hallucination":
            made = _hallucinated(caption)
        elif kind == "order" and (parts := _THEN.match(caption)):
            first, second, end = parts.groups()
            made = f"{_capital(second)}, then {first[:1].lower()}{first[1:]}{end}"
        else:
            made = _swapped(caption, kind)
        if made is not None and made != caption:
            yield Contrast(video, caption, kind, made)


def _swapped(caption: str, kind: Kind) -> str | None:
    """Return a caption with the first word of a kind changed; None where it has none."""
    others = dict(pair.split() for pair in _RINGS[kind].split("|"))
    # Each pair goes both ways where the other way is not given.
    others = {b: a for a, b in others.items() if "~" not in b} | others
    for found in re.finditer(r"[^\W\d_]+", caption):
        other = others.get(found.group().casefold())
        if other is not None:
            other = other.replace("~", " ")
            other = _capital(other) if found.group()[0].isupper() else other
            return caption[: found.start()] + other + caption[found.end() :]
    if kind == "count" and (digits := re.search(r"(?<![\d.,])\d{1,4}(?![\d.,]\d)", caption)):
        return caption[: digits.start()] + str(2 * int(digits[0]) + 1) + caption[digits.end() :]
    return None


def _hallucinated(caption: str) -> str:
    """Return a caption with something that it does not name."""
    bare = caption.rstrip(" .!")
    words = set(re.findall(r"\w+", caption.casefold()))
    thing = next(
        (
            one
            for one in _MADE_UP[len(caption) % len(_MADE_UP) :]
            if not words & set(one.split()[1:])
        ),
        _MADE_UP[0],
    )
    return f"{bare}, next to {thing}{caption[len(bare) :].strip() or '.'}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def read_captions(path: Path) -> list[tuple[str, str]]:
    """Return (video, caption) of lines with a tab between. Raises EvaluationError."""
    found = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if not line.strip():
            continue
        video, tab, caption = line.partition("\t")
        if not (tab and video.strip() and caption.strip()):
            raise EvaluationError(
                f"{path}, line {number}: {line[:60]!r}; expected a video, a tab and its caption"
            )
        found.append((video.strip(), caption.strip()))
    if not found:
        raise EvaluationError(f"{path}: holds no captions; expected lines of video, tab, caption")
    return found


def measured(index: Index, contrasts: Sequence[Contrast]) -> dict[str, dict[str, Told]]:
    """Return {score: {kind: AUC}} of an index; `all` is every kind together.

    Scores are cosines, the best over a video: `seen`, of the caption with its frames, and `told`,
    with what is said, written and described of it. Raises ConfigError for a video that the index
    does not hold.
    """
    import numpy as np

    texts = list(dict.fromkeys(text for one in contrasts for text in (one.caption, one.contrast)))
    place = {text: number for number, text in enumerate(texts)}
    videos = {one.video: index.find(one.video).id for one in contrasts}
    models = index.models
    found: dict[str, dict[str, Told]] = {}
    with index.store.snapshot():
        table = index.store.table()
        numbers = {video: table.video_ids.index(own) for video, own in videos.items()}
        for name, space, encode in (
            ("seen", models.image.space, models.image.encode_texts),
            ("told", models.text.space, models.text.encode_queries),
        ):
            rows, matrix = index.store.vectors(space)
            if not len(rows):
                continue
            own = table.video[rows]
            best = {}
            cosines = np.asarray(matrix @ encode(texts).T, np.float64)
            for video, number in numbers.items():
                mine = cosines[own == number]
                if len(mine):
                    best[video] = mine.max(axis=0)
            pairs = [
                (one.kind, _won(*best[one.video][[place[one.caption], place[one.contrast]]]))
                for one in contrasts
                if one.video in best
            ]
            if pairs:
                found[name] = dict(_by_kind(pairs))
    return found


def _won(caption: float, contrast: float) -> float:
    return 0.5 if caption == contrast else float(caption > contrast)


def _by_kind(pairs: Sequence[tuple[Kind, float]]) -> Iterator[tuple[str, Told]]:
    for kind in (*KINDS, "all"):
        values = [value for own, value in pairs if kind in (own, "all")]
        if values:
            yield kind, Told(len(values), bootstrap(values))
