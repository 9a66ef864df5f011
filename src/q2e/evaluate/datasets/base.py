"""What a data set is: questions, judgements, videos and what is known of them; reads its files."""

from __future__ import annotations

import csv
import hashlib
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal

from q2e.errors import EvaluationError
from q2e.evaluate.judging import Qrels
from q2e.evaluate.moment_measures import VideoMoment

#: Longest field of a published table in characters; csv takes 128 KiB where it is not told.
_FIELD_CHARACTERS = 2**24


@dataclass(frozen=True, slots=True)
class FileSpec:
    """One file of a data set: its name or pattern, what it holds, and where it is published."""

    name: str
    what: str
    url: str
    sha256: str | None = None
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Spec:
    """A data set as declared in `specs/<name>.toml`."""

    name: str
    title: str
    layout: str
    licence: str
    published: str
    protocol: str
    files: tuple[FileSpec, ...]
    counts: Mapping[str, int] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    read: Callable[[Spec, Files], Dataset] | None = None
    """Reads files laid out like no other set's; without it the `layout` says what does."""

    @classmethod
    def of(cls, file: Traversable, read: Callable[[Spec, Files], Dataset] | None = None) -> Spec:
        """Return the specification that a TOML file declares; it is called like the file."""
        data = tomllib.loads(file.read_text("utf-8"))
        listed = tuple(FileSpec(**one) for one in data.pop("files"))
        return cls(name=file.name.removesuffix(".toml"), files=listed, read=read, **data)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Questions over a collection of videos, with judgements and what the set says of each.

    `videos` is the whole collection, also those that no question asks for. `groups` says what a
    question is shown under (its language, its kind), `moments` and `texts` which stretches and
    which texts answer it, and `evidence` holds lines for `q2e import`: texts about the videos that
    the set itself contains.
    """

    queries: Mapping[str, str]
    qrels: Qrels
    videos: tuple[str, ...]
    groups: Mapping[str, str] = field(default_factory=dict)
    moments: Mapping[str, Sequence[VideoMoment]] = field(default_factory=dict)
    evidence: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = set(self.videos)
        for query, items in self.qrels.items():
            if query not in self.queries:
                raise EvaluationError(f"judged query {query!r} has no text")
            strangers = [video for video in items if video not in known]
            if strangers:
                raise EvaluationError(
                    f"query {query!r} is answered by video {strangers[0]!r}, which is not in the "
                    "collection"
                )

    def counts(self) -> dict[str, int]:
        """Return what is counted: queries, sentences that differ, videos, and what stands twice."""
        texts: dict[str, int] = {}
        for text in self.queries.values():
            texts[text] = texts.get(text, 0) + 1
        return {
            "queries": len(self.queries),
            "sentences": len(texts),
            "repeated_sentences": sum(count > 1 for count in texts.values()),
            "videos": len(self.videos),
            "relevant": sum(g > 0 for items in self.qrels.values() for g in items.values()),
            "moments": sum(len(found) for found in self.moments.values()),
            "evidence": len(self.evidence),
        }

    def merged(self) -> Dataset:
        """Return the set with each sentence asked once, all its videos relevant.

        A sentence that stands for several videos is otherwise right for one of them alone, though
        its scores are the same in every row (MSR-VTT-1kA: 995 sentences in 1,000 rows).
        """
        first: dict[str, str] = {}
        qrels: dict[str, dict[str, int]] = {}
        for query, text in self.queries.items():
            grades = qrels.setdefault(first.setdefault(text, query), {})
            for video, grade in self.qrels.get(query, {}).items():
                grades[video] = max(grade, grades.get(video, grade))
        kept = list(first.values())
        return Dataset(
            {query: self.queries[query] for query in kept},
            qrels,
            self.videos,
            {query: self.groups[query] for query in kept if query in self.groups},
            {query: self.moments[query] for query in kept if query in self.moments},
            self.evidence,
            (*self.notes, "each sentence is asked once, with all its videos relevant"),
            {query: self.texts[query] for query in kept if query in self.texts},
        )

    def references(self) -> list[dict[str, Any]]:
        """Return what answers each question, as `q2e eval answers` reads it.

        Those without texts and moments are answered by nothing.
        """
        return [
            {
                "question": text,
                "texts": list(self.texts.get(query, ())),
                "windows": [
                    [one.video, one.start_s, one.end_s] for one in self.moments.get(query, ())
                ],
            }
            for query, text in self.queries.items()
        ]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: `problem` makes figures wrong, `warning` makes them hard to compare."""

    kind: Literal["missing", "count", "hash", "note"]
    level: Literal["problem", "warning", "note"]
    text: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """A data set as found in a folder; `dataset` is None where needed files are missing."""

    spec: Spec
    dataset: Dataset | None
    findings: tuple[Finding, ...]
    files: Mapping[str, str]
    """{file: SHA-256} of what was read."""

    @property
    def whole(self) -> bool:
        """Whether everything is there as published."""
        return self.dataset is not None and all(one.level == "note" for one in self.findings)


class Files:
    """The files of a data set in a folder, by the names of its specification."""

    def __init__(self, folder: Path, specs: Sequence[FileSpec]) -> None:
        self.folder = folder
        self.found = {one.name: sorted(folder.glob(one.name)) for one in specs}
        for one in specs:
            if not self.found[one.name]:
                # Releases unpack to folders of their own; a file may lie deeper.
                self.found[one.name] = sorted(folder.glob(f"**/{one.name}"))

    def all(self) -> list[Path]:
        """Return every file found, in order of the specification."""
        return list(dict.fromkeys(path for found in self.found.values() for path in found))

    def one(self, *endings: str) -> Path | None:
        """Return the first file whose name ends like one of `endings`."""
        for ending in endings:
            for path in self.all():
                if path.name.endswith(ending):
                    return path
        return None

    def needed(self, *endings: str) -> Path:
        """Return what `one` finds. Raises EvaluationError where it finds nothing."""
        path = self.one(*endings)
        if path is None:
            raise EvaluationError(f"{self.folder}: no file {' or '.join(endings)}")
        return path


# -- reading ----------------------------------------------------------------------------------


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def rows_of(path: Path, needs: Sequence[str], delimiter: str = ",") -> list[dict[str, str]]:
    """Return the rows of a table with a head. Raises EvaluationError naming file and row."""
    # The limit is the process's: manifests of strangers keep the short one.
    before = csv.field_size_limit(_FIELD_CHARACTERS)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, delimiter=delimiter)
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EvaluationError(f"{path}: not a table of UTF-8 text ({error})") from None
    finally:
        csv.field_size_limit(before)
    head = reader.fieldnames or ()
    absent = [name for name in needs if name not in head]
    if absent:
        raise EvaluationError(
            f"{path}: no column {absent[0]!r}; it has {', '.join(head) or 'none'}"
        )
    for number, row in enumerate(rows, 2):
        if any(row[name] is None for name in needs):
            raise EvaluationError(f"{path}, row {number}: ends before column {needs[-1]!r}")
    return rows


def json_of(path: Path) -> Any:
    """Return what a JSON file holds. Raises EvaluationError naming file and line."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{path}: cannot be read as UTF-8 text ({error})") from None
    except (ValueError, RecursionError) as error:
        raise EvaluationError(f"{path}: not JSON ({error})") from None


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not empty with their numbers."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line.rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{path}: cannot be read as UTF-8 text ({error})") from None


def objects_of(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a JSON list or of a file with one object a line."""
    with path.open(encoding="utf-8-sig") as file:
        is_list = file.read(64).lstrip().startswith("[")
    found: list[Any] = []
    if is_list:
        found = json_of(path)
    else:
        for number, line in lines_of(path):
            try:
                found.append(json.loads(line))
            except (ValueError, RecursionError) as error:
                raise EvaluationError(f"{path}, line {number}: not JSON ({error})") from None
    for number, row in enumerate(found, 1):
        if not isinstance(row, dict):
            raise EvaluationError(f"{path}, row {number}: expected an object, got {row!r}")
    return found


def id_of(text: object) -> str:
    """Return a name without blanks, as run files need it."""
    return "_".join(str(text).split())


def number_of(row: Mapping[str, Any], name: str, where: str) -> float | None:
    """Return a number of a row, None where it has none. Raises EvaluationError saying where."""
    value = row.get(name)
    if value is None or value == "":
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        raise EvaluationError(f"{where}: {name} must be a number, got {value!r}") from None
