"""Puts text read from videos between marks before it enters a prompt, so that it stays data.

Transcripts, screen text and titles are written by strangers and may hold instructions. A fence
has a random mark that the text cannot know; whatever is inside is quoted material.
"""

from __future__ import annotations

import secrets
import unicodedata

#: Characters of fenced text in all, and of one line.
MAX_CHARACTERS = 4_000
_CUT = " [cut]"


def fence(text: str, limit: int = MAX_CHARACTERS, mark: str | None = None) -> str:
    """Return `text` cleaned, cut to `limit` characters, between a pair of marks.

    `mark` is random unless given, which only tests do; it never occurs inside.
    """
    mark = mark or secrets.token_hex(8)
    body = clean(text, limit)
    while mark in body:
        body = body.replace(mark, "")
    return f"<<data {mark}>>\n{body}\n<<end {mark}>>"


def clean(text: str, limit: int = MAX_CHARACTERS) -> str:
    """Return `text` without control, invisible and direction-changing characters, cut to `limit`.

    Line breaks and tabs become spaces, because a line that starts like a new turn of a dialogue
    is the commonest trick; angle brackets lose their meaning as marks.
    """
    kept = "".join(
        " " if letter.isspace() else letter
        for letter in text[: limit * 4]
        if letter.isspace() or unicodedata.category(letter) not in {"Cc", "Cf", "Co", "Cs", "Cn"}
    )
    kept = " ".join(kept.replace("<<", "‹‹").replace(">>", "››").replace("<|", "‹|").split())
    return kept if len(kept) <= limit else kept[: limit - len(_CUT)] + _CUT
