"""Which classes of sounds a word names, in eleven languages: `sound:applause`, `sound:掌声`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files

from q2e.text.folding import fold
from q2e.types import Clause

#: The channel whose evidence names classes of sounds.
CHANNEL = "sound"
_LONGEST = 200


def classes_of(words: str) -> tuple[str, ...]:
    """Return the classes that words name, as evidence names them, the plainest first.

    The words are those of one row of `data/sound_words.tsv`, or a class itself; () for others.
    """
    return _classes().get(_key(words), ())


def heard(clause: Clause, there: Callable[[str], bool]) -> Clause:
    """Return a clause in which a sound that is named stands for its classes, exactly.

    `sound:applause` becomes `sound:"applause" or sound:"clapping"`, of classes that are `there`.
    Where none is, words are searched by their meaning, as other words are; in quotes they stay.
    """
    if clause.kind == "text":
        return _any(clause, there)
    parts: list[Clause] = []
    for part in clause.parts:
        if part.kind == "not" and (inner := heard(part.parts[0], there)) is not part.parts[0]:
            # Not one of them is none of them.
            several = inner.parts if inner.kind == "any" else (inner,)
            parts += [replace(part, parts=(one,)) for one in several]
        else:
            parts.append(heard(part, there))
    same = len(parts) == len(clause.parts) and all(map(_is, parts, clause.parts))
    return clause if same else replace(clause, parts=tuple(parts))


def _any(clause: Clause, there: Callable[[str], bool]) -> Clause:
    if clause.channel != CHANNEL:
        return clause
    found = [name for name in classes_of(clause.text) if there(name)]
    if not found:
        return clause
    exact = tuple(replace(clause, text=name, exact=True) for name in found)
    if len(exact) == 1:
        return exact[0]
    return Clause("any", parts=exact, start=clause.start, end=clause.end)


def _is(one: Clause, other: Clause) -> bool:
    return one is other


@cache
def _classes() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for row in rows():
        names = tuple(row[0].split("|"))
        for words in row[1:]:
            for word in words.split("|"):
                found[_key(word)] = names
    for name in (files("q2e") / "data" / "sounds.txt").read_text(encoding="utf-8").splitlines():
        found.setdefault(_key(name), (name.lower(),))
    return found


def rows() -> Sequence[list[str]]:
    """Return the table of words: classes, then the words of each language, in that order."""
    text = (files("q2e") / "data" / "sound_words.tsv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return [line.split("\t") for line in lines[1:]]


def _key(words: str) -> str:
    return " ".join(fold(words, _LONGEST).split())
