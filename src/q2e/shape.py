"""The stable JSON shapes of what the command line and the Python API return.

Adding a key is a compatible change; removing or renaming one is not, and would change `version`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from q2e.paths import encodable
from q2e.query.hints import hint
from q2e.types import (
    Answer,
    Chapters,
    Clause,
    Decomposition,
    Evidence,
    Hit,
    Moment,
    Reason,
    Results,
    Segment,
    Sentence,
    Video,
)

if TYPE_CHECKING:
    from q2e.ingest.run import Report
    from q2e.query.language import Parsed
    from q2e.registry import Method
    from q2e.search.clarify import Clarification
    from q2e.search.curve import Heights
    from q2e.survey import Status, VideoRecord
    from q2e.tagging import Tagged

Json = dict[str, Any]

#: Version of all of these documents: keys are added under the same one.
VERSION = 1


@encodable
def results(value: Results) -> Json:
    """Return the shape of a search: query, hits, index, timings."""
    return {
        "version": VERSION,
        "query": {
            "text": value.query.text,
            "language": value.query.language,
            "decomposition": decomposition(value.decomposition),
            "clause": None if value.query.clause is None else clause(value.query.clause),
        },
        "hits": [hit(one) for one in value.hits],
        "weaker": sum(one.certain == "weaker" for one in value.hits),
        "index": dict(value.info),
        "timings": {name: round(seconds, 4) for name, seconds in value.timings_s.items()},
    }


@encodable
def hit(value: Hit) -> Json:
    return {
        "rank": value.rank,
        "video": value.video.id,
        "path": value.video.path,
        "title": value.video.title,
        "duration": _time(value.video.duration_s),
        "has_video": value.video.has_video,
        "score": _number(value.score),
        "moments": [moment(one) for one in value.moments],
        "why": [reason(one) for one in value.why],
        "also_in": list(value.also_in),
        "confidence": None if value.confidence is None else _number(value.confidence),
        "certainty": None if value.certainty is None else _number(value.certainty),
        "certain": value.certain,
    }


@encodable
def answer(value: Answer) -> Json:
    """Return the shape of an answer: its sentences with citations, and notes on it."""
    return {
        "version": VERSION,
        "question": value.question,
        "language": value.language,
        "found": value.found,
        "confidence": _number(value.confidence),
        "how": value.how,
        "sentences": [sentence(one) for one in value.sentences],
        "notes": list(value.notes),
        "not_found": list(value.not_found),
        "spent": dict(value.spent),
    }


@encodable
def sentence(value: Sentence) -> Json:
    return {
        "text": value.text,
        "place": value.place,
        "quoted": value.quoted,
        "citations": [
            {
                "video": one.video.id,
                "path": one.video.path,
                "title": one.video.title,
                "start": _time(one.start_s),
                "end": _time(one.end_s),
                "quote": one.quote,
                "channel": one.channel,
                "language": one.language,
            }
            for one in value.citations
        ],
    }


@encodable
def chapters(value: Chapters) -> Json:
    """Return the shape of the chapters of a video, in order of time."""
    return {
        "version": VERSION,
        "video": value.video.id,
        "path": value.video.path,
        "duration": _time(value.video.duration_s),
        "how": value.how,
        "contained": value.contained,
        "chapters": [
            {
                "start": _time(one.start_s),
                "end": _time(one.end_s),
                "title": one.title,
                "language": one.language,
            }
            for one in value
        ],
    }


def tagged(value: Tagged) -> Json:
    """Return the shape of what a set of labels gave."""
    return {
        "version": VERSION,
        "set": value.name,
        "how": value.how,
        "changed": value.changed,
        "labels": dict(value.labels),
        "videos": [
            {"video": video, "labels": dict(own)} for video, own in sorted(value.videos.items())
        ],
    }


def clause(value: Clause) -> Json:
    """Return the shape of a clause: kind, position in the question, and what belongs to it."""
    shape: Json = {"kind": value.kind, "start": value.start, "end": value.end}
    if value.kind == "text":
        shape |= {"text": value.text, "channel": value.channel, "exact": value.exact}
    if value.parts:
        shape["parts"] = [clause(part) for part in value.parts]
    if value.within_s:
        shape["within"] = list(value.within_s)
    return shape


@encodable
def parsed(value: Parsed) -> Json:
    """Return the shape of a parsed question: what in it means something, and how it is read."""
    return {
        "version": VERSION,
        "text": value.text,
        "plain": value.plain,
        "clauses": [
            {"kind": one.kind, "start": one.start, "end": one.end, "text": one.text}
            | ({"value": one.value} if one.value else {})
            for one in value.marks
        ],
        "clause": None if value.clause is None else clause(value.clause),
        "filters": {
            name: list(item) if isinstance(item, tuple) else item
            for name, item in asdict(value.filters).items()
            if item
        },
        "hint": hint(value.text),
        "error": None,
    }


@encodable
def clarification(value: Clarification | None) -> Json:
    """Return the shape of a question back; `question` is None where the hits are alike."""
    if value is None:
        return {"question": None, "options": [], "bits": 0.0}
    options = [
        {"label": one.label, "text": one.text, "videos": one.videos} for one in value.options
    ]
    return {"question": value.question, "options": options, "bits": _number(value.bits)}


def moment(value: Moment) -> Json:
    return {
        "start": _time(value.start_s),
        "end": _time(value.end_s),
        "frame": _time(value.frame_s),
        "score": _number(value.score),
        "evidence": [evidence(one) for one in value.evidence],
    }


@encodable
def reason(value: Reason) -> Json:
    return {
        "channel": value.channel,
        "part": value.part,
        "how": value.how,
        "weight": _number(value.weight),
        "score": _number(value.score),
        "rank": value.rank,
        "entropy": _number(value.entropy),
        "contribution": _number(value.contribution),
        "event": value.event,
        "text": value.text,
        "start": _time(value.start_s),
        "end": _time(value.end_s),
        "frame": None if value.frame_s is None else _time(value.frame_s),
        "words": list(value.words),
        "says": value.says,
    }


@encodable
def evidence(value: Evidence, words: bool = False) -> Json:
    """Return the shape of a piece of evidence, with `words` also the times of its words."""
    shape: Json = {
        "channel": value.channel,
        "start": _time(value.start_s),
        "end": _time(value.end_s),
        "text": value.text,
        "language": value.language,
        "origin": value.origin,
    }
    if value.frame_s is not None:
        shape["frame"] = _time(value.frame_s)
    if value.spans:
        shape["spans"] = [
            {"start": _time(span.start_s), "end": _time(span.end_s), "text": span.text}
            | ({"words": span.words} if words and span.words else {})
            for span in value.spans
        ]
    if value.confidence is not None:
        shape["confidence"] = round(value.confidence, 3)
    if value.tags:
        shape["tags"] = [
            {"label": tag.label, "probability": round(tag.probability, 4)} for tag in value.tags
        ]
    return shape


def heights(value: Heights | None) -> Json | None:
    """Return the shape of a score over time; None where it has none."""
    if value is None:
        return None
    return {"video": value.video, "step": round(value.step_s, 4), "values": list(value.value)}


@encodable
def video(value: Video) -> Json:
    shape: Mapping[str, Any] = asdict(value)
    renamed = {"duration_s": "duration", "rate_hz": "rate", "size_bytes": "size"}
    return {
        renamed.get(name, name): list(item) if isinstance(item, tuple) else item
        for name, item in shape.items()
    }


def method(value: Method) -> Json:
    """Return the shape of a method: kind, name, what it does, and its parameters."""
    return {
        "kind": value.kind,
        "name": value.name,
        "summary": value.summary,
        "details": value.details,
        "source": value.source,
        "needs": list(value.needs),
        "version": value.version,
        "parameters": [
            {
                "name": one.name,
                "default": one.default,
                "allowed": one.allowed,
                "description": one.description,
                "schema": one.schema(),
            }
            for one in value.parameters.values()
        ],
        "facts": dict(value.told),
    }


def segment(value: Segment) -> Json:
    return {"start": _time(value.start_s), "end": _time(value.end_s)}


@encodable
def record(value: VideoRecord) -> Json:
    return {
        "version": VERSION,
        "video": video(value.video),
        "segments": [segment(one) for one in value.segments],
        "evidence": [
            evidence(one) | ({} if says is None else {"says_something": round(says, 2)})
            for one, says in value.chances
        ],
        "failures": [asdict(failure) for failure in value.failures],
    }


@encodable
def status(value: Status, ids: Sequence[str] = ()) -> Json:
    """Return the shape of a collection's state; with `ids`, those of its videos."""
    return {
        "version": VERSION,
        "directory": str(value.directory),
        "videos": value.videos,
        "duration": _time(value.duration_s),
        "evidence": value.evidence,
        "spaces": value.spaces,
        "outdated": value.outdated,
        "failures": [asdict(failure) for failure in value.failures],
        "missing": list(value.missing),
        "gone": [{"video": one.id, "path": one.path} for one in value.gone],
        "failed": value.failed,
        "lost": value.lost,
        "size": value.size_bytes,
        "generations": [
            {
                "profile": one.profile,
                "videos": one.videos,
                "waiting": one.waiting,
                "size": one.size_bytes,
                "current": one.current,
            }
            for one in value.generations
        ],
        **({"ids": list(ids)} if ids else {}),
    }


@encodable
def report(value: Report) -> Json:
    return {
        "version": VERSION,
        "indexed": [one.path for one in value.indexed],
        "unchanged": value.unchanged,
        "refreshed": value.refreshed,
        "empty": [one.path for one in value.empty],
        "renamed": [{"from": old, "to": new} for old, new in value.renamed],
        "duplicates": [{"path": path, "of": of} for path, of in value.duplicates],
        "failures": [asdict(failure) for failure in value.failures],
        "evidence": dict(value.evidence),
        "seconds": {name: round(spent, 3) for name, spent in value.seconds.items()},
    }


def decomposition(value: Decomposition) -> Json:
    return {
        "backend": value.backend,
        "prompt_version": value.prompt_version,
        "note": value.note,
        "event_type": value.event_type,
        "english": value.english,
        "time": list(value.time),
        "place": list(value.place),
        "subject": list(value.subject),
        "events": [
            {"kind": event.kind, "text": event.text, "own": event.own} for event in value.events
        ],
    }


def _time(seconds: float) -> float:
    return round(float(seconds), 3)


def _number(value: float) -> float:
    return round(float(value), 6)
