"""Reads tables as people save them: any encoding, any common separator, slips in some rows."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from q2e.errors import ConfigError
from q2e.text.encodings import decoded

#: Largest table, most lines of one row, and rows after which a file is no table.
MAX_BYTES = 256 << 20
_MOST_LINES, _MOST_WRONG = 500, 1_000
_NEWLINE = re.compile(r"\r{0,3}\n|\r")
_SEPARATOR = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_SEPARATORS = ",;\t|"

Row = tuple[int, Mapping[str, Any] | str]
"""The number of a line, and what stands there by column, or what is wrong with it."""


def rows_of(path: Path, needed: str) -> Iterator[Row]:
    """Yield the rows of a table: CSV with a header that names the column `needed`, or JSONL.

    Of a text file each line is such a column.

    Columns are parted by commas, semicolons, tabs or bars, as the header or a line `sep=;` says;
    their names are in small letters. Empty rows are left out. A row that cannot be read is what
    is wrong with it, and the rows after it go on. Raises ConfigError where the file is no such
    table at all.
    """
    lines = _NEWLINE.split(_text(path))
    wrong = 0
    kind = path.suffix.lower()
    if kind == ".txt":
        yield from ((n, {needed: line}) for n, line in enumerate(lines, 1) if line.strip())
        return
    is_table = kind != ".jsonl"
    for number, row in _table(path, lines, needed) if is_table else _objects(lines):
        wrong += isinstance(row, str)
        if wrong > _MOST_WRONG:
            raise ConfigError(f"{path}, line {number}: {row}; so are {_MOST_WRONG} rows before it")
        yield number, row


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{path}: larger than {MAX_BYTES >> 20} MiB; divide it")
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    text = decoded(raw)
    if text is None:
        raise ConfigError(f"{path}: its encoding cannot be told; save it as UTF-8 text")
    return text


def _objects(lines: Sequence[str]) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield number, f"not JSON ({error})"
            continue
        yield number, value if isinstance(value, dict) else "must be a JSON object"


def _table(path: Path, lines: Sequence[str], needed: str) -> Iterator[Row]:
    first = next((place for place, line in enumerate(lines) if line.strip()), 0)
    stated = _SEPARATOR.fullmatch(lines[first]) if lines else None
    first += stated is not None
    separators: Sequence[str] = [stated[1]] if stated else _SEPARATORS
    header, after, separator = _header(lines, first, separators, needed)
    if needed not in header:
        said = ", ".join(filter(None, header))[:200]
        raise ConfigError(
            f"{path}: the first line must name the columns, with {needed!r}; it says: {said}"
        )
    place = after
    while place < len(lines):
        number = place + 1
        if not lines[place].strip():
            place += 1
            continue
        cells, place = _row(lines, place, separator)
        if isinstance(cells, str):
            yield number, cells
        elif any(cell.strip() for cell in cells):
            yield number, _by_column(header, cells)


def _header(
    lines: Sequence[str], first: int, separators: Sequence[str], needed: str
) -> tuple[list[str], int, str]:
    """Return the names of the columns, the line after them, and what parts them."""
    found: tuple[list[str], int, str] = ([], first + 1, separators[0])
    for separator in separators:
        cells, after = _row(lines, first, separator) if first < len(lines) else ([], first)
        names = [] if isinstance(cells, str) else [cell.strip().casefold() for cell in cells]
        while names and not names[-1]:
            names.pop()
        if (needed in names, len(names)) > (needed in found[0], len(found[0])):
            found = (names, after, separator)
    return found


def _row(lines: Sequence[str], place: int, separator: str) -> tuple[list[str] | str, int]:
    """Return the cells of the row that begins in a line, and the line after it.

    A cell in quotes may hold several lines. Where its quote is never closed, or closed by that of
    another row, what is wrong is returned in place of the cells, and the line after the first.
    """
    taken = 0

    def following() -> Iterator[str]:
        nonlocal taken
        for line in lines[place : place + _MOST_LINES]:
            taken += 1
            yield line + "\n"

    reader = csv.reader(following(), delimiter=separator, skipinitialspace=True, strict=True)
    try:
        return next(reader), place + taken
    except csv.Error as error:
        if "field larger than" in str(error):
            return f"a cell has more than {csv.field_size_limit()} characters", place + 1
        return "a quote is opened and not closed, or closed inside of a cell", place + 1


def _by_column(header: Sequence[str], cells: Sequence[str]) -> Mapping[str, Any] | str:
    beyond = [cell for cell in cells[len(header) :] if cell.strip()]
    nameless = [
        cell for name, cell in zip(header, cells, strict=False) if not name and cell.strip()
    ]
    if beyond or nameless:
        return f"more cells than columns: {(beyond + nameless)[0].strip()[:60]!r}"
    return {name: cell for name, cell in zip(header, cells, strict=False) if name}
