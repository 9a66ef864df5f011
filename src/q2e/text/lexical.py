"""What a text is found by in the lexical index: its tokens, its Han characters one by one,
and the letter groups of its names."""

from __future__ import annotations

from q2e.text.names import name_grams
from q2e.text.tokens import characters, tokens

#: Raised when the same text would give other terms; an index then makes its terms again.
TERMS_VERSION = 4


def indexed(text: str) -> tuple[str, ...]:
    """Return all terms of a text; the letter groups are marked and meet no token."""
    return (*tokens(text), *characters(text), *name_grams(text))
