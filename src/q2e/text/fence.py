"""Puts text read from videos between marks before it enters a prompt, so that it stays data.

Transcripts, screen text and titles are written by strangers and may hold instructions. A fence
has a random mark that the text cannot know; whatever is inside is quoted material.
"""

from __future__ import annotations

import secrets
import unicodedata

from q2e.text.clean import clean as harmless

#: Characters of fenced text in all, and of one line.
MAX_CHARACTERS = 4_000
_CUT = " [cut]"


def fence(text: str, limit: int = MAX_CHARACTERS, mark: str | None = None) -> str:
    """Return `text` cleaned, cut to `limit` characters, between a pair of marks.

    `mark` is random unless given, which tests and trainings do; it never occurs inside.
    """
    mark = mark or secrets.token_hex(8)
    body = clean(text, limit)
    while mark in body:
        body = body.replace(mark, "")
    return f"<<data {mark}>>\n{body}\n<<end {mark}>>"


def clean(text: str, limit: int = MAX_CHARACTERS) -> str:
    """Return `text` as `q2e.text.clean` leaves it, without marks of prompts, cut to `limit`.

    It is one line, because a line that starts like a new turn of a dialogue is the commonest
    trick; angle brackets lose their meaning as marks, and unassigned characters go.
    """
    known = "".join(one for one in text[: 8 * limit] if unicodedata.category(one) != "Cn")
    kept = harmless(known, 2 * limit)
    kept = kept.replace("<<", "‹‹").replace(">>", "››").replace("<|", "‹|")
    return kept if len(kept) <= limit else harmless(kept, limit - len(_CUT)) + _CUT
