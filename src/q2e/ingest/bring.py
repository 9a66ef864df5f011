"""Brings evidence made elsewhere into the index, without the media: one JSON object a line."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from q2e.arrays import Float32
from q2e.channel_facts import check_known
from q2e.errors import ConfigError
from q2e.ingest.derive import derived, items, refresh
from q2e.ingest.keys import IMPORTED
from q2e.models.base import TextEncoder
from q2e.settings import Settings
from q2e.store.base import StageKey, Store
from q2e.store.bulk import Part, put_all
from q2e.text.clean import clean
from q2e.text.languages import known_languages
from q2e.text.tokens import LONGEST
from q2e.types import Evidence, Video

FIELDS = ("video", "channel", "text", "start", "end", "language", "vector")
#: Texts embedded and committed at once.
BATCH = 256


@dataclass(frozen=True, slots=True)
class Brought:
    """What an import did."""

    videos: int
    evidence: int


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One checked line of an evidence file."""

    evidence: Evidence
    vector: Float32 | None
    """(d,), of unit length; None where the text is to be embedded."""


def bring(
    store: Store,
    file: Path,
    encoder: TextEncoder,
    settings: Settings,
    watch: Callable[[int, int], None] | None = None,
) -> Brought:
    """Store the evidence of a JSONL file; what a video's channel held before is replaced.

    Long texts are cut into chunks (`chunk_words`, or `untimed_words` where they have no time) and
    embedded, unless the line has a `vector`, which must come from the text model of the index's
    profile. A video is known by its `video` value. The file is checked whole before the first
    write; `watch` is then told how many of its lines are stored. Raises ConfigError with the line
    number.
    """
    groups: dict[str, dict[str, list[Line]]] = defaultdict(lambda: defaultdict(list))
    for line in read_evidence(file, encoder.info.dimension, store.table().channels):
        groups[line.evidence.video][line.evidence.channel].append(line)
    refresh(store, encoder.space, lambda: encoder)
    store.adopt("text", encoder.space)
    count = sum(len(lines) for channels in groups.values() for lines in channels.values())
    written = stored = 0
    for batch in _batches(groups):
        written += _commit(store, batch, encoder, settings)
        stored += sum(len(lines) for _, channels in batch for lines in channels.values())
        if watch is not None:
            watch(stored, count)
    return Brought(len(groups), written)


def _batches(
    groups: Mapping[str, dict[str, list[Line]]],
) -> Iterator[list[tuple[str, dict[str, list[Line]]]]]:
    """Yield videos with their lines, as many together as make `BATCH` lines."""
    batch: list[tuple[str, dict[str, list[Line]]]] = []
    lines = 0
    for video, channels in groups.items():
        batch.append((video, channels))
        lines += sum(map(len, channels.values()))
        if lines >= BATCH:
            yield batch
            batch, lines = [], 0
    if batch:
        yield batch


def _commit(
    store: Store,
    batch: list[tuple[str, dict[str, list[Line]]]],
    encoder: TextEncoder,
    settings: Settings,
) -> int:
    pieces = {
        (video, channel): [piece for line in lines for piece in _pieces(line, encoder, settings)]
        for video, channels in batch
        for channel, lines in channels.items()
    }
    found = [piece for own in pieces.values() for piece in own]
    ready = iter(items(found, encoder.space, encoder.encode_passages))
    videos = [new for video, channels in batch for new in _grown(store, video, channels)]
    parts = [
        Part(
            StageKey(video, channel, 0),
            IMPORTED,
            [next(ready) for _ in own],
            derived=derived(encoder.space),
        )
        for (video, channel), own in pieces.items()
    ]
    put_all(store, videos, parts)
    return len(found)


def _pieces(line: Line, encoder: TextEncoder, settings: Settings) -> Iterator[Evidence]:
    """Yield the chunks of a line's text; whole, and with its vector, where one is given."""
    from q2e.text.chunk import chunk_text
    from q2e.text.language import detect

    evidence = line.evidence
    words = settings.chunk_words if evidence.end_s > 0 else settings.untimed_words
    given = line.vector
    for text in chunk_text(evidence.text, words) if given is None else [evidence.text]:
        language = evidence.language or detect(text)
        vectors = {} if given is None else {encoder.space: given}
        yield replace(evidence, text=text, language=language, vectors=vectors)


def _grown(store: Store, video: str, channels: Mapping[str, list[Line]]) -> Iterator[Video]:
    """Yield what is to be put of a video: nothing where it is known and as long as its lines."""
    end_s = max(line.evidence.end_s for lines in channels.values() for line in lines)
    known = store.video(video)
    if known is None:
        yield Video(id=video, path="", duration_s=end_s, has_video=False)
    elif known.duration_s < end_s:
        yield replace(known, duration_s=end_s)


def read_evidence(file: Path, dimension: int | None, held: Sequence[str] = ()) -> Iterator[Line]:
    """Yield the checked lines of an evidence file. Raises ConfigError with the line number.

    `held` are the channels that the index has evidence of.
    """
    try:
        with file.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _line(line, f"{file}, line {number}", dimension, held)
    except UnicodeDecodeError:
        raise ConfigError(f"{file}: must be UTF-8 text") from None
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from None


def _line(line: str, where: str, dimension: int | None, held: Sequence[str]) -> Line:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{where}: not JSON ({error})") from None
    if not isinstance(row, dict):
        raise ConfigError(f"{where}: must be a JSON object with {', '.join(FIELDS[:3])}")
    unknown = sorted(set(row) - set(FIELDS))
    if unknown:
        raise ConfigError(f"{where}: unknown field {unknown[0]!r}; known: {', '.join(FIELDS)}")
    for name in ("video", "channel", "text"):
        if not isinstance(row.get(name), str) or (name != "text" and not row[name].strip()):
            raise ConfigError(f"{where}: needs {name!r} as text, got {row.get(name)!r}")
    if len(row["video"].split()) != 1 or not row["video"].strip().isprintable():
        raise ConfigError(
            f"{where}: video {row['video']!r} must have no blanks and no invisible characters: it "
            "becomes a column of run files"
        )
    try:
        check_known((row["channel"],), held)
    except ValueError as error:
        raise ConfigError(f"{where}: {error}") from None
    start_s, end_s = _seconds(row, "start", 0.0, where), _seconds(row, "end", None, where)
    if end_s < start_s:
        raise ConfigError(f"{where}: end {end_s} lies before start {start_s}")
    language = _language(row.get("language"), where)
    evidence = Evidence(
        video=row["video"].strip(),
        channel=row["channel"],
        start_s=start_s,
        end_s=end_s,
        text=_harmless(row["text"]),
        language=language,
        origin="import",
    )
    return Line(evidence, _vector(row.get("vector"), dimension, where))


def _language(value: Any, where: str) -> str | None:
    """Return the code of a language; None for what stands for no one language."""
    if value is None or value in ("", "und", "mul", "mis", "zxx"):
        return None
    if not isinstance(value, str):
        raise ConfigError(f"{where}: language must be a code such as 'ar', got {value!r}")
    try:
        return known_languages([value])[0]
    except ValueError as error:
        raise ConfigError(f"{where}: {error}") from None


def _harmless(text: str) -> str:
    """Return a text without what could not be stored or shown; its lines stay."""
    return "\n".join(filter(None, (clean(line, LONGEST) for line in text.splitlines())))


def _seconds(row: Mapping[str, Any], name: str, default: float | None, where: str) -> float:
    value = row.get(name)
    if value is None:
        return float(row.get("start") or 0.0) if default is None else default
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise ConfigError(f"{where}: {name} must be seconds >= 0, got {value!r}")
    return float(value)


def _vector(value: Any, dimension: int | None, where: str) -> Float32 | None:
    """Return a line's vector at unit length."""
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(x, int | float) for x in value):
        raise ConfigError(f"{where}: vector must be a list of numbers")
    if dimension is not None and len(value) != dimension:
        raise ConfigError(
            f"{where}: vector has {len(value)} numbers; the text model of this index makes "
            f"{dimension}"
        )
    try:
        wide = np.asarray(value, dtype=np.float64)
    except OverflowError:
        wide = np.full(len(value), np.inf)
    most = np.abs(wide).max(initial=0.0)
    if not 0 < most < np.inf:
        raise ConfigError(f"{where}: vector must be finite and not all zero")
    wide = wide / most  # the squares of very large and very small numbers are lost
    return np.asarray(wide / np.linalg.norm(wide), np.float32)
