"""Where a clause says of a noun what it does not do: `ein Hund, der nicht bellt`, `짖지 않는 개`.

A clause that belongs to a noun describes what is looked for; a sentence of its own does not (`der
Hund bellt nicht`), nor do sayings (`eine Liebe, die keine Grenzen kennt`) and titles (`The Man Who
Wasn't There`). The verb is what is left out, with all that belongs to it.
"""

from __future__ import annotations

import re
from functools import cache

from q2e.query.left import Left
from q2e.query.negation_verbs_words import AFTER, BEFORE, CLAUSES, SAYINGS, SPEAKERS
from q2e.query.negation_words import words

#: Longest question that is read, in characters and in words, and words of its noun.
_LONGEST, _WORDS, _NOUN = 100, 14, 6
_NOT_PLAIN = re.compile(
    r"[\"“”„«»「」『』()]|\w:|(?<!\S)-\w|\b(?:NOT|OR|AND|THEN|BEFORE|AFTER|DURING|WITHIN)\b"
)
_SPACED = ("en", "de", "fr", "es", "ru", "ar", "ko", "hi")
_JOINS = re.compile(r"[,;.!?،؛]|(?<!\S)(?:but|aber|sondern|mais|pero|sino|но|а|لكن|بل|लेकिन)(?!\S)")
#: Japanese verbs: the last sound of what stands before `ない`, and that of the plain form.
_PLAIN_SOUND = dict(zip("かがさたなばまらわ", "くぐすつぬぶむるう", strict=True))
_HANGUL, _FINALS = ord("가"), 28
_NIEUN, _RIEUL, _HIEUH = 4, 8, 27


def undone(text: str) -> Left | None:
    """Return what a clause of a noun says is not done, or None where none does."""
    if len(text) > _LONGEST or len(text.split()) > _WORDS or _NOT_PLAIN.search(text):
        return None
    for language in _languages(text):
        for pattern in _patterns(language):
            match = pattern.fullmatch(text.rstrip(" .。"))
            if match and (found := _read(match, language)):
                return found
    return None


def _languages(text: str) -> tuple[str, ...]:
    """Return whose clauses a text may have; the words of Latin ones are in no other language."""
    if re.search("[\u3040-\u30ff]", text):
        return ("ja",)
    by_script = (
        ("ko", "\uac00-\ud7a3"),
        ("th", "\u0e00-\u0e7f"),
        ("hi", "\u0900-\u097f"),
        ("ar", "\u0600-\u06ff"),
        ("ru", "\u0400-\u04ff"),
        ("zh", "\u4e00-\u9fff"),
    )
    own = tuple(code for code, letters in by_script if re.search(f"[{letters}]", text))
    return own or ("en", "de", "fr", "es")


def _read(match: re.Match[str], language: str) -> Left | None:
    text = match.string
    wanted, unwanted, said = (_pieces(match, kind) for kind in "wxm")
    if not wanted or not unwanted:
        return None
    noun = " ".join(text[start:end] for start, end in wanted).lower()
    verb = " ".join(text[start:end] for start, end in unwanted)
    if _JOINS.search(verb) or len(noun.split()) > _NOUN:
        return None
    if _is_sentence(noun, text[wanted[-1][0] : wanted[-1][1]], language):
        return None
    if _is_saying(verb.lower(), language):
        return None
    if language == "de" and not _ends_in_a_verb(match, verb):
        return None
    own = _plain_form(verb, text[said[0][0] : said[-1][1]], language)
    return Left(wanted, unwanted, said, own) if own else None


def _pieces(match: re.Match[str], kind: str) -> tuple[tuple[int, int], ...]:
    found = [match.span(name) for name in match.re.groupindex if name[0] == kind]
    return tuple(sorted(piece for one in found if (piece := _trimmed(match.string, *one))))


def _trimmed(text: str, start: int, end: int) -> tuple[int, int] | None:
    while start < end and text[start] in " ,，、　":
        start += 1
    while start < end and text[end - 1] in " ,，、　":
        end -= 1
    return (start, end) if start < end else None


def _is_sentence(noun: str, last: str, language: str) -> bool:
    if language not in _SPACED:
        begins = any(noun.startswith(one) for one in SPEAKERS[language])
        return begins or any(last.startswith(one) for one in AFTER.get(language, ()))
    own = noun.split()
    if own[0] in SPEAKERS[language] and (len(own) == 1 or own[0] not in _ARTICLES):
        return True
    if own[-1] in BEFORE[language]:
        return True
    return any(last.split()[0].startswith(one) for one in AFTER.get(language, ()))


#: Begin a noun as well as a saying.
_ARTICLES = words("el la los las das die der")


def _ends_in_a_verb(match: re.Match[str], left_out: str) -> bool:
    """Whether a German clause ends as clauses do, and its words are not those of a noun."""
    found = match.groupdict()
    return left_out.split()[-1].islower() or bool(found.get("m3")) or "w1" in found


def _is_saying(verb: str, language: str) -> bool:
    known = SAYINGS[language]
    if language in ("zh", "th"):
        return verb in known or any(verb.startswith(one) for one in known if language == "th")
    if language == "ja":
        return any(verb.endswith(one) for one in known)
    return not known.isdisjoint(verb.split())


def _plain_form(verb: str, said: str, language: str) -> str:
    """Return the verb as it is where it is done: 吠え of 吠えない is 吠える, 쓰 of 쓰지 않은 쓴.

    Nothing where it is no verb.
    """
    if language == "ja":
        if verb.endswith("し"):
            return verb[:-1] + "する"
        sound = _PLAIN_SOUND.get(verb[-1])
        return verb[:-1] + sound if sound else verb + "る"
    if language != "ko":
        return verb
    if said in ("안", "못"):
        return verb if _final(verb[-1]) == _NIEUN else ""
    if any(one in said for one in ("않은", "못한")):
        if (final := _final(verb[-1])) in (0, _HIEUH):
            return verb[:-1] + chr(ord(verb[-1]) - final + _NIEUN)
        return verb + "은"
    stem = verb[:-1] + chr(ord(verb[-1]) - _RIEUL) if _final(verb[-1]) == _RIEUL else verb
    return stem + "는"


def _final(syllable: str) -> int:
    return (ord(syllable) - _HANGUL) % _FINALS if "가" <= syllable <= "힣" else 0


@cache
def _patterns(language: str) -> tuple[re.Pattern[str], ...]:
    return tuple(map(re.compile, CLAUSES[language]))
