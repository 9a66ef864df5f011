"""Reads pairs of pictures and captions, as data sets of pictures keep them.

COCO-style JSON (`images` and `annotations`; also a list of rows, and `sentences` inside `images`),
tables with a head (`.csv`, `.tsv`), and lines of JSON (`.jsonl`). Of tables and lines one column
names the picture and one holds a caption, or a list of them.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from q2e.errors import ConfigError

#: Columns that name a picture, and columns that hold its captions, the first that is there.
PICTURE = ("image", "file_name", "filename", "picture", "file", "image_name", "path", "video", "id")
CAPTION = ("caption", "captions", "text", "sentence", "sentences", "description", "comment", "raw")
_DELIMITERS = "\t|;,"
_MOST_LICENCES = 8


@dataclass(frozen=True, slots=True)
class Pairs:
    """Captions by the name of their picture, and what the file says of itself."""

    captions: Mapping[str, tuple[str, ...]]
    data: str = ""
    licence: str = ""


def read_pairs(file: Path) -> Pairs:
    """Return the pairs of one file. Raises ConfigError that says where it is not as needed."""
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read as text ({error})") from None
    if file.suffix == ".json":
        return _of_json(file, text)
    if file.suffix == ".jsonl":
        return _gathered(file, _lines(file, text))
    if file.suffix in (".csv", ".tsv", ".txt"):
        return _gathered(file, _table(text))
    raise ConfigError(f"{file}: captions are .json, .jsonl, .csv or .tsv")


def _of_json(file: Path, text: str) -> Pairs:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{file}: not valid JSON ({error})") from None
    if isinstance(found, list):
        return _gathered(file, found)
    images = found.get("images") if isinstance(found, dict) else None
    if not isinstance(images, list) or not all(isinstance(one, dict) for one in images):
        raise ConfigError(
            f"{file}: neither a list of rows nor an object with `images` and `annotations`, as COCO"
        )
    told = found.get("annotations")
    if not isinstance(told, list):
        return _gathered(file, images)
    names = {str(one.get("id")): one for one in images}
    rows = (
        {**names[str(one["image_id"])], "id": "", "caption": one.get("caption")}
        for one in told
        if isinstance(one, dict) and str(one.get("image_id")) in names
    )
    about = found.get("info")
    data = about.get("description") if isinstance(about, dict) else None
    pairs = _gathered(file, rows)
    return Pairs(pairs.captions, str(data or ""), _licences(found.get("licenses")))


def _licences(told: Any) -> str:
    rows = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
    named = dict.fromkeys(str(one["name"]) for one in rows if one.get("name"))
    return "pictures: " + ", ".join(list(named)[:_MOST_LICENCES]) if named else ""


def _lines(file: Path, text: str) -> Iterator[Any]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield json.loads(line)
            except (ValueError, RecursionError) as error:
                raise ConfigError(f"{file}, line {number}: not valid JSON ({error})") from None


def _table(text: str) -> Iterator[dict[str, str]]:
    head = text.partition("\n")[0]
    mark = max(_DELIMITERS, key=head.count)
    for row in csv.DictReader(text.splitlines(), delimiter=mark, skipinitialspace=True):
        yield {str(key).strip(): value for key, value in row.items() if isinstance(value, str)}


def _gathered(file: Path, rows: Iterable[Any]) -> Pairs:
    found: dict[str, list[str]] = {}
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise ConfigError(f"{file}, row {number}: no object with a picture and a caption")
        name = _first(row, PICTURE)
        captions = [one for one in _texts(_first(row, CAPTION)) if one]
        if name in (None, ""):
            raise ConfigError(
                f"{file}, row {number}: names no picture; one of the columns {', '.join(PICTURE)}"
            )
        if not captions and number == 1:
            raise ConfigError(
                f"{file}, row 1: holds no caption; one of the columns {', '.join(CAPTION)}"
            )
        # Flickr numbers the captions of a picture:  name.jpg#2
        found.setdefault(str(name).partition("#")[0], []).extend(captions)
    if not found:
        raise ConfigError(f"{file}: holds no pair of a picture and a caption")
    return Pairs({name: tuple(dict.fromkeys(texts)) for name, texts in found.items()})


def _first(row: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((row[name] for name in names if row.get(name) not in (None, "")), None)


def _texts(value: Any) -> Iterator[str]:
    """Yield the captions of a text, a list of them, or objects that hold one."""
    if isinstance(value, str):
        yield " ".join(value.split())
    elif isinstance(value, dict):
        yield from _texts(_first(value, ("raw", *CAPTION)))
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one) if not isinstance(one, list) else ()
