"""Unicode's normal forms of hostile text, in bounded time and size."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Literal

Form = Literal["NFC", "NFD", "NFKC", "NFKD"]
#: Marks that one letter may carry: no script needs more, and sorting them costs their square.
#: From the stream-safe text format of Unicode Standard Annex 15, section 13.
MOST_MARKS = 30
#: Shorter texts cost little whatever they hold.
_SHORT = 1_024
#: Where marks are that a normal form puts in order.
_MARKED = (
    (0x300, 0x3100),
    (0xA600, 0xAC00),
    (0xFB1E, 0xFB1F),
    (0xFE20, 0xFE30),
    (0x10000, 0x1F000),
)
_SECOND_PLANE = "\U00010000"
_WAVE = "\uff5e"


def normalised(form: Form, text: str) -> str:
    """Return `text` in a normal form, without the marks of a letter beyond the thirtieth."""
    if text.isascii():
        return text
    return unicodedata.normalize(form, text if len(text) <= _SHORT else _stream_safe(text))


def bounded(text: str, most: int) -> str:
    """Return what of a text may be handed to native code: NFKC, `most` code points at most.

    Without NULs, which end a C string, and lone surrogates, which have no UTF-8 form. No code
    point of the result grows any more when a tokenizer normalises it: U+FDFA alone is 18.
    """
    text = text[:most].replace("\0", " ")
    # SentencePiece keeps the wave dash of Japanese and Chinese, so models know it as it is.
    form = _WAVE.join(normalised("NFKC", piece) for piece in text.split(_WAVE))[:most]
    return form.encode("utf-8", "replace").decode("utf-8")


def _stream_safe(text: str) -> str:
    return _crowds().sub(lambda match: match.group()[:MOST_MARKS], text)


@cache
def _crowds() -> re.Pattern[str]:
    marks = (chr(code) for area in _MARKED for code in range(*area))
    found = "".join(filter(unicodedata.combining, marks))
    # A class is looked up in a table where all of it lies in the first plane, else gone through.
    low = f"[{''.join(one for one in found if one < _SECOND_PLANE)}]"
    high = f"[{''.join(one for one in found if one >= _SECOND_PLANE)}]"
    return re.compile(f"(?:{low}|{high})(?:{low}|{high}){{{MOST_MARKS},}}")
