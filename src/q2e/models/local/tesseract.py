"""Reads lines in scripts the main reader lacks, with Debian's tesseract where it is installed."""

from __future__ import annotations

import re
import subprocess
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from q2e.arrays import UInt8
from q2e.errors import ModelError
from q2e.models.base import ModelInfo
from q2e.processes import clean_environment, program

#: Language packs by the script they read, named as in Unicode.
SCRIPTS: dict[str, tuple[str, ...]] = {
    "ARABIC": ("ara", "fas", "urd", "pus", "uig"),
    "ARMENIAN": ("hye",),
    "BENGALI": ("ben", "asm"),
    "CYRILLIC": ("rus", "ukr", "bel", "bul", "srp", "mkd", "kaz", "kir", "mon", "tgk"),
    "DEVANAGARI": ("hin", "mar", "nep", "san"),
    "ETHIOPIC": ("amh", "tir"),
    "GEORGIAN": ("kat",),
    "GREEK": ("ell",),
    "GUJARATI": ("guj",),
    "GURMUKHI": ("pan",),
    "HANGUL": ("kor",),
    "HEBREW": ("heb", "yid"),
    "KANNADA": ("kan",),
    "KHMER": ("khm",),
    "LAO": ("lao",),
    "MALAYALAM": ("mal",),
    "MYANMAR": ("mya",),
    "SINHALA": ("sin",),
    "TAMIL": ("tam",),
    "TELUGU": ("tel",),
    "THAI": ("tha",),
}
_LINE_HEIGHT = 48
_MARGIN = 16
_TIMEOUT_S = 30
#: Mean word confidence from which a line counts; lines in a script that no pack reads stay below.
_CONFIDENT = 0.8
_IN_SCRIPT = 0.7
#: Scripts written without spaces, and the share of the line's height that is one in Hangul:
#: tesseract puts spaces between pieces of words there.
_UNSPACED = ("THAI", "LAO", "KHMER", "MYANMAR")
_HANGUL_SPACE = 0.25


@dataclass(frozen=True, slots=True)
class Line:
    """What a line says, and how sure the reader is, from 0 to 1."""

    text: str
    confidence: float
    script: str


class Tesseract:
    """Debian's tesseract with the language packs found, run as a program of its own."""

    info = ModelInfo(
        id="debian:tesseract-ocr",
        task="screen text",
        source="debian:tesseract-ocr",
        licence="Apache-2.0",
        languages="those of the installed packs",
        citation="Smith, An Overview of the Tesseract OCR Engine, 2007",
        note="apt install tesseract-ocr tesseract-ocr-rus tesseract-ocr-ara tesseract-ocr-kor ...",
    )

    def __init__(self, packs: Sequence[str] | None = None) -> None:
        if packs is None:
            packs = installed_packs()
        self.packs = {
            script: tuple(pack for pack in known if pack in packs)
            for script, known in SCRIPTS.items()
            if any(pack in packs for pack in known)
        }
        if not self.packs:
            raise ModelError(
                "tesseract has no language pack of use: run  apt install tesseract-ocr "
                "tesseract-ocr-rus  (or -ara, -kor, -hin, -tha, ...)"
            )

    @property
    def version(self) -> str:
        """Changes whenever the same picture would give other lines."""
        packs = "+".join(pack for found in self.packs.values() for pack in found)
        return f"tesseract-{_program_version()}/{packs}/1"

    def read_lines(self, lines: Sequence[UInt8]) -> list[Line | None]:
        """Return what each RGB picture of one line says, or None where it cannot be read.

        The first of the two widest lines that can be read tells the script of all.
        """
        answers: list[Line | None] = [None] * len(lines)
        widest = sorted(range(len(lines)), key=lambda i: -lines[i].shape[1] / lines[i].shape[0])
        all_packs = [pack for found in self.packs.values() for pack in found]
        for index in widest[:2]:
            first = self._read([lines[index]], all_packs)[0]
            if first is None:
                continue
            answers[index] = first
            rest = [other for other in widest if other != index]
            packs = self.packs[first.script]
            for other, line in zip(
                rest, self._read([lines[other] for other in rest], packs), strict=True
            ):
                answers[other] = line
            break
        return answers

    def _read(self, lines: Sequence[UInt8], packs: Sequence[str]) -> list[Line | None]:
        if not lines:
            return []
        page, tops = _page(lines)
        words: list[list[_Word]] = [[] for _ in lines]
        for word in _words(_run(page, packs)):
            row = int(np.searchsorted(tops, word.top + word.height / 2)) - 1
            words[max(row, 0)].append(word)
        return [_line(found, set(self.packs)) for found in words]


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    confidence: float
    left: int
    top: int
    width: int
    height: int


@cache
def installed_packs() -> tuple[str, ...]:
    """Return the language packs of the installed tesseract; none where it is not installed."""
    if program("tesseract") is None:
        return ()
    listed = _call(["--list-langs"])
    return tuple(line.strip() for line in listed.splitlines()[1:] if line.strip() != "osd")


@cache
def _program_version() -> str:
    match = re.search(r"tesseract v?([\d.]+)", _call(["--version"]))
    return match[1] if match else "unknown"


def _call(arguments: Sequence[str], picture: bytes = b"") -> str:
    try:
        done = subprocess.run(
            [program("tesseract") or "tesseract", *arguments],
            input=picture,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=True,
            env=clean_environment(OMP_THREAD_LIMIT="1"),
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"tesseract took longer than {_TIMEOUT_S} s for one picture") from error
    except (OSError, subprocess.CalledProcessError) as error:
        raise ModelError(f"tesseract failed ({error}): reinstall tesseract-ocr") from error
    return done.stdout.decode("utf-8", "replace")


def _run(page: UInt8, packs: Sequence[str]) -> str:
    height, width = page.shape[:2]
    picture = b"P6 %d %d 255\n" % (width, height) + page.tobytes()
    # One line (7) is read as such; several make a block of lines (6).
    mode = "7" if height == _LINE_HEIGHT + 2 * _MARGIN else "6"
    return _call(["stdin", "stdout", "-l", "+".join(packs), "--psm", mode, "tsv"], picture)


def _page(lines: Sequence[UInt8]) -> tuple[UInt8, list[int]]:
    """Return the lines one below the other at one height, and where each begins."""
    import cv2

    scaled = []
    for line in lines:
        height, width = line.shape[:2]
        size = (max(8, min(4096, round(width * _LINE_HEIGHT / height))), _LINE_HEIGHT)
        grey = cv2.cvtColor(cv2.resize(line, size, interpolation=cv2.INTER_CUBIC), 7)
        # Dark on light is what tesseract was trained on.
        scaled.append(255 - grey if np.median(grey) < 128 else grey)
    step = _LINE_HEIGHT + 2 * _MARGIN
    page = np.full(
        (step * len(lines), max(line.shape[1] for line in scaled) + 2 * _MARGIN), 255, np.uint8
    )
    for row, line in enumerate(scaled):
        top = row * step
        # The line's own ground around it: an edge would be read as a letter.
        page[top : top + step] = round(float(np.median(line)))
        page[top + _MARGIN : top + step - _MARGIN, _MARGIN : _MARGIN + line.shape[1]] = line
    return np.repeat(page[:, :, None], 3, axis=2), [row * step for row in range(len(lines))]


def _words(table: str) -> list[_Word]:
    words = []
    for row in table.splitlines()[1:]:
        cells = row.split("\t")
        if len(cells) == 12 and cells[0] == "5" and cells[11].strip():
            left, top, width, height = map(int, cells[6:10])
            words.append(_Word(cells[11].strip(), float(cells[10]) / 100, left, top, width, height))
    return words


def _line(words: Sequence[_Word], known: set[str]) -> Line | None:
    text = ""
    for index, word in enumerate(words):
        before = words[index - 1] if index else None
        text += word.text if before is None or _torn(before, word) else f" {word.text}"
    letters = [unicodedata.name(letter, "?").split(" ")[0] for letter in text if letter.isalpha()]
    if len(letters) < 2:
        return None
    script = max(set(letters), key=letters.count)
    confidence = float(
        np.average([word.confidence for word in words], weights=[len(w.text) for w in words])
    )
    pure = letters.count(script) / len(letters) >= _IN_SCRIPT
    if script not in known or not pure or confidence < _CONFIDENT:
        return None
    return Line(text, confidence, script)


def _torn(before: _Word, word: _Word) -> bool:
    """Return whether two pieces belong to one word."""
    script = unicodedata.name(word.text[0], "?").split(" ")[0]
    gap = word.left - (before.left + before.width)
    return script in _UNSPACED or (script == "HANGUL" and gap < _HANGUL_SPACE * _LINE_HEIGHT)
