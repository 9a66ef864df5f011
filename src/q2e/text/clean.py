"""Makes text from media, titles and transcripts harmless to show, store and tokenize."""

from __future__ import annotations

import unicodedata

from q2e.text.forms import normalised

#: Joiners without which Persian, Hindi and emoji read differently; all other format characters
#: (directional overrides, invisible tags, soft hyphens) can only hide or reorder text.
_JOINERS = "\u200c\u200d"
_DROPPED = {"Cc", "Cf", "Cs", "Co"}


def clean(text: str, limit: int) -> str:
    """Return `text` in NFC and on one line, without invisible characters, `limit` long at most.

    NULs, other control characters, directional overrides, lone surrogates and private-use
    characters go; runs of white space become one space; no combining mark is cut off its letter.
    """
    kept = []
    # Four times the limit leaves room for what is dropped and bounds the work on hostile text.
    for character in text[: 4 * limit + 64]:
        if character.isspace():
            kept.append(" ")
        elif character in _JOINERS or unicodedata.category(character) not in _DROPPED:
            kept.append(character)
    result = normalised("NFC", " ".join("".join(kept).split()))
    end = limit
    while 0 < end < len(result) and _joined(result[end]):
        end -= 1
    return result[:end].rstrip()


def storable(text: str) -> str:
    """Return text without NULs and lone surrogates, which no encoding and no database takes."""
    return text.encode("utf-8", "ignore").decode("utf-8").replace("\0", "")


def _joined(character: str) -> bool:
    return character in _JOINERS or unicodedata.category(character) in ("Mn", "Me", "Mc")
