"""Makes one form of the ways in which a word is written: case, accents, digits, variants.

The forms of each script are those that its writers take for the same word. What they take for
another word stays apart: Russian й and и, Hindi ड़ and ड, Thai tones, Spanish juego and jugo.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib import resources

from q2e.text.forms import normalised

#: Stand after a letter for what may be written there: `ü` is u or ue, `å` is a or aa.
MAY_E, MAY_A = "\ue000", "\ue001"

#: Spaces that group digits; both marks are ours alone.
_OURS = re.compile(f"[\u00a0\u2007\u2009\u202f{MAY_E}{MAY_A}]")
_EARLY = str.maketrans(dict.fromkeys("\u00a0\u2007\u2009\u202f", "\u066c") | {MAY_E: "", MAY_A: ""})
_MARKS = re.compile("[\u0300-\u036f]+")
_UMLAUT, _RING, _STRESS = "\u0308", "\u030a", "\u0300\u0301"
_CYRILLIC_VOWELS = frozenset("аеиоуыэюяіѣ")
#: Characters that readers do not see, skin tones, and the marks that writers of Arabic and Hebrew
#: leave out.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff"
    "\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f\U000e0100-\U000e01ef"
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u0640\u064b-\u065f\u0670\u06d6-\u06ed]"
)
_DIGIT = re.compile("(?![0-9])\\d")
#: Scripts of India after the plan of ISCII: a letter has the same place in each block.
_BLOCKS = (0x900, 0x980, 0xA00, 0xA80, 0xB00, 0xC00, 0xC80, 0xD00)
_STOPS = {0x19: (0x15, 0x18), 0x1E: (0x1A, 0x1D), 0x23: (0x1F, 0x22), 0x28: (0x24, 0x27)}
_STOPS |= {0x2E: (0x2A, 0x2D)}
_NASALS = re.compile(
    f"[{''.join(chr(block + nasal) for block in _BLOCKS for nasal in _STOPS)}]"
    f"[{''.join(chr(block + 0x4D) for block in _BLOCKS)}]"
)
_Shapes = list[tuple[str, list[tuple[str, str | None]]]]
#: By script: where a character of the first pattern is found, the others are put in their place
#: one after the other; None keeps the letters and digits of what was found.
_SPELT: _Shapes = [
    (
        "[\u0900-\u0dff]",
        [
            ("(?<![डढ])\u093c|(?<=[ਖਗਜਫਲ])\u0a3c|\u0abc|\u0903", ""),
            ("(?<=[\u0904-\u0939\u093e-\u094c])यी", "ई"),
            ("(?<=[\u0904-\u0939\u093e-\u094c])ये", "ए"),
            # Tamil au, typed as e and the letter that its right half looks like.
            ("\u0bc6\u0bb3(?![\u0bbe-\u0bcd])", "\u0bcc"),
            ("\u0b92\u0bb3(?![\u0bbe-\u0bcd])", "\u0b94"),
            ("ஶ்ரீ", "ஸ்ரீ"),
            ("ঙ(?![\u09be-\u09cd])", "ং"),
            ("(?<=[\u0d7a-\u0d7f])\u0d4d", ""),
        ],
    ),
    ("[\u0621\u0626]", [("[\u0626\u0621]\u0648", "\u0648\u0648")]),
    (
        "[\u0e00-\u0eff\u1780-\u17ff]",
        [
            # The order of signs over a letter, and signs that repeat a word or shorten it.
            ("([\u0e48-\u0e4b])([\u0e31\u0e34-\u0e37\u0e4d])", r"\2\1"),
            ("([\u0ec8-\u0ecb])([\u0eb1\u0eb4-\u0eb7\u0ecd])", r"\2\1"),
            ("เเ", "แ"),
            ("[ๆฯໆ]", " "),
            ("្ដ", "្ត"),
        ],
    ),
    (
        "[\u3005\u30a0-\u30ff]",
        [
            # The dot between foreign words, the long mark at their end, vu and its like.
            ("(?<=[ァ-ヺー])・(?=[ァ-ヺ])", ""),
            ("(?<=[ァ-ヺー]{3})ー(?![ァ-ヺー])", ""),
            ("ヴァ", "バ"),
            ("ヴィ", "ビ"),
            ("ヴェ", "ベ"),
            ("ヴォ", "ボ"),
            ("ヴ", "ブ"),
            ("ウィ", "ウイ"),
            ("ウェ", "ウエ"),
            ("ウォ", "ウオ"),
            ("([\u3400-\u9fff])々", r"\1\1"),
        ],
    ),
]
#: After the letters of all scripts are folded.
_WRITTEN: _Shapes = [
    (
        r"\d[^\w]\d\d",
        [
            # Numbers in groups, as one country or another writes them.
            (r"(?<![\da-z.,])\d{1,3}(?:([.,'’٬·])\d{3})(?:\1\d{3})*(?!\d|\1\d)", None),
            (r"(?<![\da-z.,])\d{1,2}(?:,\d{2})+,\d{3}(?![\d,])", None),
            (r"(?<![\da-z.,])(?<!\d )\d{1,3}(?: \d{3})* 000(?!\d| \d)", None),
        ],
    ),
    # U.S.A. is USA.
    (r"\.\w\.", [(r"(?<![\w.])(?:[^\W\d_]\.){2,}(?:[^\W\d_](?!\w))?", None)]),
    ("·", [("(?<=l)·(?=l)", "")]),
]
#: Letters and signs that are written one for the other, by script.
_SAME: dict[str, str | tuple[str, ...]] = {
    "łđðħŧı": "lddhti",
    "øæœþ": (f"o{MAY_E}", "ae", "oe", "th"),
    "\u0623\u0625\u0622\u0671": "\u0627" * 4,  # forms of alef
    "\u0649\u06cc\u06d0\u06cd\u0626": "\u064a" * 5,  # of ya
    "\u0624": "\u0648",
    "\u06a9\u06aa": "\u0643" * 2,  # of kaf
    "\u0629\u06c3\u06d5\u06c1\u06be\u06c0\u06c2": "\u0647" * 7,  # of ha
    "\u06d3": "\u06d2",
    "\u0621": ("",),  # hamza alone
    "\u05f0\u05f1\u05f2": ("\u05d5\u05d5", "\u05d5\u05d9", "\u05d9\u05d9"),
    "ऩऱऴॉऑॅऍੰ": "नरळाआेएਂ",
    "ৎൺൻർൽൾൿൌ": ("ত্", "ണ്", "ന്", "ര്", "ല്", "ള്", "ക്", "ൗ"),
    "ヵヶʻʼʾʿˈ": "カケ'''''",
}
#: Ethiopic letters that sound alike today, in seven orders each.
_ETHIOPIC = {0x1210: 0x1200, 0x1280: 0x1200, 0x1220: 0x1230, 0x12D0: 0x12A0, 0x1340: 0x1338}


def fold(text: str, most: int) -> str:
    """Return a text in which the ways of writing a word are one, `most` characters at most.

    `MAY_E` and `MAY_A` are kept in it.
    """
    if text.isascii():
        return _put(text[:most].casefold(), *_patterns()[1])
    text = text[:most]
    if _OURS.search(text):
        text = text.translate(_EARLY)
    text = normalised("NFKC", text)[:most]
    # Iota subscript is a mark, which casefolding would make a letter.
    apart = unicodedata.normalize("NFD", text).replace("\u0345", "").casefold()
    folded = _UNSEEN.sub("", unicodedata.normalize("NFC", _MARKS.sub(_kept, apart)))
    if not folded.isascii():
        folded = _put(_NASALS.sub(_anusvara, folded), *_patterns()[0]).translate(_letters())
        folded = _DIGIT.sub(lambda match: str(unicodedata.decimal(match.group())), folded)
    return _put(folded, *_patterns()[1])[:most]


def _kept(marks: re.Match[str]) -> str:
    """Return what stays of the marks over and under a letter.

    Askers leave out those of Latin and Greek letters: México, Łódź, Đà Lạt, Αθήνα. Of Cyrillic
    ones the stress and the points of ё alone: й, ї, ѓ and ќ are letters.
    """
    found = marks.group()
    letter = marks.string[marks.start() - 1 : marks.start()]
    if "a" <= letter <= "z" or letter in "łđðøħŧæœ":
        if letter in "aou" and found[0] == _UMLAUT:
            return MAY_E
        return MAY_A if letter == "a" and found[0] == _RING else ""
    if "α" <= letter <= "ω":
        return ""
    if letter in _CYRILLIC_VOWELS:
        points = _UMLAUT if letter == "е" else ""
        return "".join(mark for mark in found if mark not in _STRESS + points)
    return found


Rule = tuple[re.Pattern[str], list[tuple[re.Pattern[str], str | None]]]


def _put(text: str, *rules: Rule) -> str:
    for sign, shapes in rules:
        if sign.search(text):
            for pattern, put in shapes:
                text = pattern.sub(_bare if put is None else put, text)
    return text


def _anusvara(match: re.Match[str]) -> str:
    """Return the sign that stands for a nasal joined to a stop of its own place: हिन्दी, हिंदी."""
    block, nasal = divmod(ord(match.group()[0]), 0x80)
    first, last = _STOPS[nasal]
    after = ord(match.string[match.end() : match.end() + 1] or " ") - block * 0x80
    return chr(block * 0x80 + 0x02) if first <= after <= last else match.group()


def _bare(match: re.Match[str]) -> str:
    return "".join(filter(str.isalnum, match.group()))


@cache
def _patterns() -> tuple[list[Rule], list[Rule]]:
    before, after = (
        [
            (re.compile(sign), [(re.compile(pattern), put) for pattern, put in shapes])
            for sign, shapes in group
        ]
        for group in (_SPELT, _WRITTEN)
    )
    return before, after


@cache
def _letters() -> dict[int, str]:
    """Return what takes the place of single letters and digits, by code point."""
    found: dict[int, str] = {}
    for ones, puts in _SAME.items():
        found |= {ord(one): puts[place] for place, one in enumerate(ones)}
    for block in _BLOCKS:
        found[block + 0x01] = chr(block + 0x02)
    for first, put in _ETHIOPIC.items():
        found |= {first + order: chr(put + order) for order in range(7)}
    found |= {ord("ሃ"): "ሀ", ord("ሓ"): "ሀ", ord("ኃ"): "ሀ", ord("ኣ"): "አ", ord("ዓ"): "አ"}
    found |= {code: chr(code + 0x60) for code in (*range(0x3041, 0x3097), 0x309D, 0x309E)}
    text = resources.files("q2e").joinpath("data", "han.txt").read_text(encoding="utf-8")
    for line in text.splitlines()[1:]:
        found |= {ord(other): line[0] for other in line[1:]}
    return found
