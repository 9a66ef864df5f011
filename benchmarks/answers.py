"""Do quotes answer? Questions over the samples and over real transcripts, and what is refused.

`python -m benchmarks answers --data FOLDER`; FOLDER holds `captions`, a checkout of
github.com/3b1b/captions: transcripts of talks with the time of each sentence, which are read from
there and kept nowhere. The questions are ours (`answers_questions.tsv`): 60 that a sentence
answers, in eleven languages, and 30 that nothing answers. Every second one was looked at while the
way of answering was made; the others only at the end.

Right is a first citation whose time touches that of a sentence that holds the answer.
"""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import q2e
from q2e.ingest.derive import derived, items
from q2e.store.base import StageKey
from q2e.text.chunk import chunk
from q2e.types import Answer, Evidence, Span, Video

QUESTIONS = Path(__file__).with_name("answers_questions.tsv")
SAMPLES = Path(__file__).parents[1] / "samples" / "manifest.csv"
#: The talks that are asked about, where they lie in the checkout.
TALKS = (
    "2016/brachistochrone", "2017/256-bit-security", "2017/bitcoin", "2018/pi-was-628",
    "2020/exponential-and-epidemics", "2020/hamming-codes", "2022/wordle",
    "2021/some1-results", "2024/harvey-mudd-speech", "2020/groups-and-monsters",
    "2018/feynmans-lost-lecture", "2018/turbulence", "2018/basel-problem",
    "2023/barber-pole-1", "2020/dp3t", "2018/wallis-product",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """A question; without `holds` nothing answers it."""

    collection: str
    language: str
    question: str
    video: str
    holds: str
    seen: bool
    """Whether it was looked at while the way of answering was made."""


def questions() -> list[Asked]:
    """Return the questions, every second of each kind seen."""
    with QUESTIONS.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    found, counts = [], {True: 0, False: 0}
    for row in rows:
        answered = bool(row["holds"])
        counts[answered] += 1
        found.append(Asked(**row, seen=counts[answered] % 2 == 1))
    return found


def run(data: Path, keep: Path | None = None, how: str = "extractive") -> dict[str, Any]:
    """Ask all questions; return figures by half and each answer. Indexes stay in `keep`."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        kept = keep or Path(folder)
        for name in ("samples", "talks"):
            opened = _samples(kept / name) if name == "samples" else told(kept / name, data, TALKS)
            with opened as index:
                own = [one for one in questions() if one.collection == name]
                rows += [_row(index, one, index.answer(one.question, how=how)) for one in own]
    return {"how": how, "rows": rows, "figures": list(_figures(rows))}


def _row(index: q2e.Index, asked: Asked, answer: Answer) -> dict[str, Any]:
    cites = [one for sentence in answer.sentences for one in sentence.citations]
    right = [_right(index, asked, one) for one in cites]
    return {
        "question": asked.question,
        "language": asked.language,
        "collection": asked.collection,
        "seen": asked.seen,
        "answerable": bool(asked.holds),
        "found": answer.found,
        "first": bool(right and right[0]),
        "any": any(right),
        "quoted": bool(cites and asked.holds and asked.holds in cites[0].quote),
        "confidence": round(answer.confidence, 4),
    }


def _right(index: q2e.Index, asked: Asked, cited: q2e.Citation) -> bool:
    """Whether a citation touches the time of a line that holds the answer."""
    name = Path(cited.video.path).name or cited.video.id
    if not asked.holds or name != asked.video:
        return False
    pieces = index.store.evidence_of(cited.video.id)
    lines = [line for one in pieces for line in one.spans or (_whole(one),)]
    return any(
        asked.holds in line.text
        and line.start_s < cited.end_s + 0.05
        and cited.start_s < line.end_s + 0.05
        for line in lines
    )


def _whole(evidence: Evidence) -> Span:
    return Span(evidence.start_s, evidence.end_s, evidence.text)


def _figures(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield shares for each half and for both."""
    for half, own in (
        ("seen", [row for row in rows if row["seen"]]),
        ("unseen", [row for row in rows if not row["seen"]]),
        ("both", rows),
    ):
        answerable = [row for row in own if row["answerable"]]
        others = [row for row in own if not row["answerable"]]
        if not answerable or not others:
            continue
        yield {
            "half": half,
            "answerable": len(answerable),
            **{
                key: sum(row[key] for row in answerable) / len(answerable)
                for key in ("first", "any", "quoted", "found")
            },
            "unanswerable": len(others),
            "refused": sum(not row["found"] for row in others) / len(others),
        }


def _samples(folder: Path) -> q2e.Index:
    index = q2e.open(folder)
    if not index.exists:
        index.add(SAMPLES)
    return index


def told(folder: Path, data: Path, talks: Sequence[str]) -> q2e.Index:
    """Return an index of talks as a recogniser leaves them: chunks with timed lines."""
    index = q2e.open(folder)
    if index.exists:
        return index
    encoder = index.models.text
    with index._writing(0.0) as store:
        store.adopt("text", encoder.space)
        for talk in talks:
            file = data / "captions" / talk / "english" / "sentence_timings.json"
            spans = [Span(a, max(a, b), text) for text, a, b in json.loads(file.read_text("utf-8"))]
            name = talk.partition("/")[2]
            store.put_video(Video(name, "", spans[-1].end_s, has_video=False, language="en"))
            found = [
                Evidence(
                    name, "speech", one.start_s, one.end_s, one.text, "en", "made", spans=one.spans
                )
                for one in chunk(spans, 60)
            ]
            ready = list(items(found, encoder.space, encoder.encode_passages))
            key = StageKey(name, "speech", 0)
            store.put_part(key, "made", ready, derived=derived(encoder.space))
    return index
