"""Quotes in the language of the question, where a translator is set; the original is cited.

Without one, quotes stay in the language in which they were said. A translation is checked as what
a model writes is: one with a number that the original lacks is not shown.
"""

from __future__ import annotations

from dataclasses import replace

from q2e.answer.base import Tools, Work
from q2e.answer.check import forms, numbers
from q2e.errors import Q2EError
from q2e.text.clean import clean
from q2e.types import Sentence

#: Characters of a translation.
MOST = 2_000


def translate(work: Work, tools: Tools) -> Work:
    """Translate the quotes that are in other languages than the question."""
    target = work.language
    foreign = [one for one in work.draft if _foreign(one, target)]
    if target is None or not foreign or not tools.models.has("translator"):
        return work
    said: dict[Sentence, Sentence] = {}
    try:
        translator = tools.models.translator
        for one in foreign:
            (text,) = translator.translate([one.text], one.citations[0].language, target)
            told = clean(text, MOST)
            if told and told != one.text and set(numbers(told)) <= forms(one.text):
                said[one] = replace(one, text=told, quoted=False)
    except Q2EError as error:
        work = work.noting(f"the quotes were not translated: {error}")
    if not said:
        return work
    work = replace(work, draft=tuple(said.get(one, one) for one in work.draft))
    counted = "1 quote was" if len(said) == 1 else f"{len(said)} quotes were"
    return work.noting(f"{counted} translated by {translator.info.id}; the originals are cited")


def _foreign(sentence: Sentence, target: str | None) -> bool:
    own = sentence.citations[0].language
    return sentence.quoted and own is not None and own != target
