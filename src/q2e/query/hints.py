"""Says what of a question was taken as plain words though it looks like the query language."""

from __future__ import annotations

import re

from q2e.channel_facts import known
from q2e.query.loose import dangling, open_parenthesis, open_quote
from q2e.query.marks import FILTER_FIELDS, fields, misspelt
from q2e.types import Clause

#: `name:value`, or `name: value`, where a word may begin; not `https://`, `C:\\` or `10:30`.
_NAMED = re.compile(r"(?<![^\s(-])([A-Za-z_]{2,})[:：](?!/)(\s*)(?=\S|$)")


def hint(text: str) -> str:
    """Return one sentence about the first mistake that a question may have, or nothing.

    A question is searched all the same: `speach:flood` may be meant as it stands.
    """
    for match in _NAMED.finditer(text):
        name = match[1].lower()
        if not text[match.end() :].strip() and name in fields():
            return f"{match[1]}: is given nothing and is searched as a word; as in  {name}:WORD"
        if said := _named(*match.groups()):
            return said
    if (start := open_quote(text)) is not None:
        return f"the quote at character {start + 1} is never closed and counts for nothing"
    if (start := open_parenthesis(text)) is not None:
        return f"the ( at character {start + 1} is never closed and counts for nothing"
    if (loose := dangling(text)) is not None:
        after = " within 2m" if loose.text == "within" else ""
        example = f'"dog" {"then" if after else loose.text} "cat"{after}'
        return f"{loose.text} joins nothing here and is searched as a word; as in  {example}"
    return ""


def left_out(text: str, clause: Clause | None) -> str:
    """Return one sentence about what a question was read to leave out, or nothing.

    Of what `NOT` and `-` leave out nothing is said: they mean nothing else.
    """
    parts = () if clause is None or clause.kind != "all" else clause.parts
    found = [
        part.parts[0].text
        for part in parts
        if part.kind == "not" and text[part.start : part.start + 3] != "NOT"
        if not part.parts[0].exact and not part.parts[0].channel
    ]
    if not found:
        return ""
    return f"read as leaving out {', '.join(found)}; in quotes a question is searched as it stands"


def _named(name: str, space: str) -> str:
    small = name.lower()
    if small in fields():
        if space:
            said = f"{name}: before a space is searched as a word; as a field it is"
            return f"{said}  {small}:WORD"
        return "" if name == small else f"{name}: is searched as a word; the field is {small}:"
    if space:
        return ""
    said = f"{name}: is no field and is searched as a word;"
    if meant := misspelt(small):
        return f"{said} did you mean {meant}: ?"
    # `Alien:Covenant` is a title.
    names = ", ".join(dict.fromkeys((*known(), *FILTER_FIELDS.values())))
    return f"{said} fields are {names}" if name == small else ""
