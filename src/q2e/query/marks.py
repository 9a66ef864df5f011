"""Splits a question into marks and says which of its words are operators of the query language.

A word is an operator only where a plain sentence would hardly have it:

* in capitals, unless the whole question is;
* `then`, `before`, `after`, `during`, `or`, `and` between two quoted phrases, parentheses or
  fields, and `first time`, `every time` in front of one, where no words stand free beside them;
* `or` and `and` inside of parentheses, where no words stand free outside of them;
* `not`, `without` and the like of six languages where they exclude (`q2e.query.negation`): not
  after a verb (`is not`), not where they qualify (`not only`).

Everything else is text, and a question in which nothing is recognised stays exactly as typed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Literal

from q2e.channel_facts import known
from q2e.query.negation import exclusion

#: Names before a colon that filter, with the name each goes by.
FILTER_FIELDS = {
    "lang": "lang",
    "language": "lang",
    "after": "after",
    "since": "after",
    "before": "before",
    "until": "until",
    "duration": "duration",
    "tag": "tag",
    "channel": "channel",
    "video": "video",
}

MarkKind = Literal["word", "phrase", "open", "close", "field", "operator", "minus"]


@dataclass(frozen=True, slots=True)
class Mark:
    """One piece of a question, from character `start` to `end`."""

    kind: MarkKind
    start: int
    end: int
    text: str
    """The word, the inside of the quotes, the name of the field, or of the operator."""
    value: str = ""
    """What a field is given; empty where a parenthesis follows."""
    quoted: bool = False


#: Closing quotes, by the quote that opens.
CLOSING = {'"': '"', "“": "”", "„": "“”", "«": "»", "「": "」", "『": "』"}
#: A closing quote that ends a word, by the quote that opens.
_CLOSED = {
    opening: re.compile(rf"[{closing}](?=\s|[),.;!?…，。、；！？]|$)")
    for opening, closing in CLOSING.items()
}
_ORDERS = ("then", "before", "after", "during")
#: Words that join what stands on both of their sides.
JOINS = (*_ORDERS, "or", "and")
_OPERATORS = (*_ORDERS, "or", "and", "not", "within", "first time", "every time")
_NUMBER = r"\d{1,9}(?:\.\d{1,9})?"
_TIME = re.compile(rf"(?:{_NUMBER}(?:h|m|s|hours?|min(?:utes?)?|sec(?:onds?)?))+|\d{{1,9}}:[0-5]\d")
_FIELD = re.compile(r"([a-z_]+)[:：]")


def channel_fields() -> dict[str, str]:
    """Return the names before a colon that search one channel, with the channel of each."""
    return {name: name for name in known()} | {"screen": "screen_text"}


def fields() -> tuple[str, ...]:
    """Return all names that mean something before a colon."""
    return tuple(dict.fromkeys((*FILTER_FIELDS, *channel_fields())))


def marks(text: str) -> tuple[Mark, ...] | None:
    """Return the marks of a question, or None where it is a plain sentence."""
    found = _inside(_without_sentences(operators(split(text), text), text))
    special = any(mark.kind in ("field", "operator", "minus") for mark in found)
    return tuple(found) if special else None


def seconds(text: str) -> float | None:
    """Return the seconds of `90s`, `2m`, `1h30m`, `1.5h`, `2 minutes` or `2:30`, or None."""
    bare = text.replace(" ", "").lower()
    if not _TIME.fullmatch(bare):
        return None
    if ":" in bare:
        minutes, rest = bare.split(":")
        return 60.0 * int(minutes) + int(rest)
    unit = {"h": 3600.0, "m": 60.0, "s": 1.0}
    parts = re.findall(rf"({_NUMBER})([hms])", bare)
    return sum(float(number) * unit[letter] for number, letter in parts)


def misspelt(name: str) -> str | None:
    """Return the field that a name before a colon was probably meant to be."""
    close = get_close_matches(name, fields(), 1, 0.8)
    return close[0] if close and name not in fields() else None


# -- splitting ----------------------------------------------------------------------------------
def split(text: str) -> list[Mark]:
    """Return the pieces of a text, all words still being words."""
    found: list[Mark] = []
    place = depth = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        mark = _minus(text, place, found) or _one(text, place, depth)
        depth += (mark.kind == "open") - (mark.kind == "close")
        found.append(mark)
        place = mark.end
    return found


def _minus(text: str, place: int, found: list[Mark]) -> Mark | None:
    """Return the mark of a `-` that excludes what follows it at once."""
    after = text[place + 1 : place + 2]
    apart = place == 0 or text[place - 1].isspace() or text[place - 1] == "("
    if text[place] != "-" or not apart or not (after.isalpha() or after in CLOSING):
        return None
    if found and found[-1].kind == "minus":
        return None
    return Mark("minus", place, place + 1, "-")


def _one(text: str, place: int, depth: int) -> Mark:
    letter = text[place]
    if letter in CLOSING and (phrase := _phrase(text, place)):
        return phrase
    if letter == "(":
        return Mark("open", place, place + 1, "(")
    if letter == ")" and depth:
        return Mark("close", place, place + 1, ")")
    if field := _field(text, place, depth):
        return field
    end = _word_end(text, place, depth)
    return Mark("word", place, end, text[place:end])


def _phrase(text: str, place: int) -> Mark | None:
    """Return a quoted phrase, whose closing quote ends a word."""
    closed = _CLOSED[text[place]].search(text, place + 1)
    if closed is None:
        return None
    inside = " ".join(text[place + 1 : closed.start()].split())
    return Mark("phrase", place, closed.end(), inside, quoted=True) if inside else None


def _field(text: str, place: int, depth: int) -> Mark | None:
    match = _FIELD.match(text, place)
    if match is None or match.group(1) not in fields():
        return None
    name, value_at = match.group(1), match.end()
    first = text[value_at : value_at + 1]
    if not first or first.isspace() or first == "/":
        return None
    if first == "(" and name in channel_fields():
        return Mark("field", place, value_at, name)
    if first in CLOSING and (phrase := _phrase(text, value_at)):
        return Mark("field", place, phrase.end, name, phrase.text, quoted=True)
    end = _word_end(text, value_at, depth)
    return Mark("field", place, end, name, text[value_at:end])


def _word_end(text: str, place: int, depth: int) -> int:
    end = place
    opened = 0
    while end < len(text) and not text[end].isspace():
        if text[end] == "(":
            opened += 1
        elif text[end] == ")" and opened:
            opened -= 1
        elif text[end] == ")" and depth:
            break
        end += 1
    return max(end, place + 1)


# -- operators ----------------------------------------------------------------------------------
def operators(found: list[Mark], text: str) -> list[Mark]:
    """Return the marks with those words turned into operators that are such."""
    shouted = _shouted(found)
    done: list[Mark] = []
    number = 0
    while number < len(found):
        mark = _operator(found, number, done, shouted, text)
        if mark is None:
            done.append(found[number])
            number += 1
            continue
        while done and done[-1].start >= mark.start:
            done.pop()
        done.append(mark)
        while number < len(found) and found[number].start < mark.end:
            number += 1
    return done


def _without_sentences(found: list[Mark], text: str) -> list[Mark]:
    """Take small words that join for words again where others stand free: it is a sentence."""
    if not _free(found):
        return found

    def joins(mark: Mark) -> bool:
        small = text[mark.start : mark.end] == mark.text
        return mark.kind == "operator" and small and mark.text not in ("not", "within")

    return [replace(mark, kind="word") if joins(mark) else mark for mark in found]


def _inside(found: list[Mark]) -> list[Mark]:
    """Turn `or` and `and` between what stands in parentheses into operators."""
    if _free(found):
        return found
    done: list[Mark] = []
    depth = 0
    for number, mark in enumerate(found):
        depth += (mark.kind == "open") - (mark.kind == "close")
        beside = [one.kind for one in found[max(0, number - 1) : number + 2]]
        joins = depth > 0 and mark.kind == "word" and mark.text in ("or", "and")
        if joins and len(beside) == 3 and beside[0] != "open" and beside[2] != "close":
            mark = replace(mark, kind="operator")
        done.append(mark)
    return done


def _free(found: list[Mark]) -> bool:
    """Whether a word stands outside of parentheses that belongs to no operator."""
    depth = 0
    taken = False
    for mark in found:
        depth += (mark.kind == "open") - (mark.kind == "close")
        if mark.kind != "word":
            taken = mark.kind == "minus" or mark.text in ("not", "within")
        elif not depth and not taken:
            return True
    return False


def _shouted(found: list[Mark]) -> bool:
    """Whether all words are in capitals, so that capitals say nothing."""
    names = {part for name in _OPERATORS for part in name.upper().split()}
    others = [mark.text for mark in found if mark.kind == "word" and mark.text not in names]
    cased = [word for word in others if word.upper() != word.lower()]
    return bool(cased) and all(word == word.upper() for word in cased)


def _operator(
    found: list[Mark], number: int, done: list[Mark], shouted: bool, text: str
) -> Mark | None:
    mark = found[number]
    if mark.kind != "word":
        return None
    after = found[number + 1] if number + 1 < len(found) else None
    name, end = mark.text.lower(), mark.end
    if name in ("first", "every"):
        if after is None or after.text.lower() != "time":
            return None
        name, end = f"{name} time", after.end
        after = found[number + 2] if number + 2 < len(found) else None
    loud = text[mark.start : end].isupper()
    if not loud and (span := exclusion(found, number, done, text)):
        return Mark("operator", *span, "not")
    if name not in _OPERATORS:
        return None
    if not loud and (name == "not" or text[mark.start : end] != name):
        return None
    said = Mark("operator", mark.start, end, name)
    if loud:
        return None if shouted else said
    before = done[-1] if done else None
    if name.endswith("time"):
        return said if after is not None and _closed(after, "open") else None
    if name == "within":
        return said if _is_time(found, number + 1) and _in_order(done) else None
    if before is None or after is None:
        return None
    return said if (_closed(before, "close") or _limited(done)) and _closed(after, "open") else None


def _closed(mark: Mark, parenthesis: MarkKind) -> bool:
    """Whether a mark beside an operator shows where the words it joins begin or end."""
    return mark.kind in ("phrase", "field", parenthesis)


def _limited(done: list[Mark]) -> bool:
    """Whether what was read last is the time of a `within`."""
    last = next((mark for mark in reversed(done) if mark.kind != "word"), None)
    return last is not None and (last.kind, last.text) == ("operator", "within")


def _is_time(found: list[Mark], number: int) -> bool:
    return number < len(found) and found[number].text[:1].isdecimal()


def _in_order(done: list[Mark]) -> bool:
    return any(mark.kind == "operator" and mark.text in _ORDERS for mark in done)
