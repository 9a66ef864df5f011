"""Text files in the encodings of the world: what is stated or plain first, then what is likely."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

#: Bytes that are looked at where the encoding is not plain.
_LOOKED_AT = 200_000
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\0\0", "utf-32-le"),
    (b"\0\0\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
#: Share of damaged places up to which a text is UTF-8 with damage, and no other encoding.
_DAMAGE = 0.02
#: Encodings that are tried, the likeliest first.
_TRIED = 8
#: The encodings in which files of a language are met, the commonest first.
_USUAL = {
    "ru": "cp1251 koi8-r cp866 iso8859-5 mac-cyrillic",
    "uk": "cp1251 koi8-u cp866 iso8859-5",
    "bg": "cp1251 koi8-r cp866 iso8859-5",
    "sr": "cp1251 cp1250 iso8859-5 iso8859-2",
    "ar": "cp1256 iso8859-6",
    "fa": "cp1256",
    "ur": "cp1256",
    "he": "cp1255 iso8859-8",
    "el": "cp1253 iso8859-7 cp737",
    "tr": "cp1254 iso8859-9 cp857",
    "th": "cp874 tis-620",
    "vi": "cp1258",
    "ja": "cp932 euc_jis_2004",
    "ko": "cp949 johab",
    "zh": "gb18030 big5hkscs",
    **dict.fromkeys(("pl", "cs", "sk", "hu", "hr", "sl", "ro"), "cp1250 iso8859-2 cp852"),
    **dict.fromkeys(("lt", "lv", "et"), "cp1257 iso8859-13 iso8859-4"),
    **dict.fromkeys(
        ("de", "en", "es", "fr", "it", "pt", "nl", "sv", "no", "da", "fi", "ca", "id"),
        "cp1252 iso8859-15 cp850 mac-roman",
    ),
}
#: Those in which tags are written that say they are Latin.
_COMMON = {usual.split()[0] for usual in _USUAL.values()} - {"cp1252"} | {"big5hkscs", "koi8-r"}
#: Four letters beyond ASCII in a row, or a sign inside a word: real Latin text hardly has them,
#: wrongly read text is full.
_ODD = re.compile(
    "[\u0080-\u00ff\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u2013-\u2122\udc80-\udcff]{4}"
    "|(?<=[A-Za-z])[\u00a1-\u00b6\u00b8-\u00bf](?=[a-z])"
)
_OTHER = re.compile("[\u0370-\u1dff\u1f00-\u1fff\u2c00-\u2fff\u3040-\uffef]")
_MIXED = re.compile(f"(?<=[A-Za-z]){_OTHER.pattern}|{_OTHER.pattern}(?=[A-Za-z])")
_MOST_MIXED = 0.4
#: Words of ASCII alone, which read alike in all encodings and tell the language of the others.
_PLAIN_WORDS = re.compile(rb"(?<![^\s'(\"-])[A-Za-z']+(?![^\s'.,:;!?)\"-])")
#: What Western text hardly goes beyond, and how sure the statistics are that know nothing.
_WESTERN = re.compile(r"[\x00-\x7f àâçéèêëîïìôòùûäöüßñáíóúåøÀÂÇÉÈÊÎÌÔÒÙÄÖÜÑÁÍÓÚÅØ¿¡«»‘’“”–—…€°ªº]*")
_UNSURE, _CLUELESS = 0.06, 0.025
_SHIFTS = re.compile(rb"\x1b\$[)@AB(]")
_SURROGATES = re.compile("[\ud800-\udfff]")


def decoded(raw: bytes, language: str | None = None) -> str | None:
    """Return the text of a file, or None where its encoding cannot be told.

    A byte order mark, UTF-16 and UTF-8 are plain; else the likeliest encoding counts in which all
    of it reads as text, those of `language` (ISO 639-1) first.
    """
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return raw[len(mark) :].decode(encoding, "replace")
    if b"\0" in raw[:_LOOKED_AT]:
        return _wide(raw)
    try:
        text = raw.decode("utf-8")
        return text if not _SHIFTS.search(raw[:_LOOKED_AT]) else _shifted(raw) or text
    except UnicodeDecodeError:
        text = raw.decode("utf-8", "replace")
    if text.count("\ufffd") <= _DAMAGE * sum(not one.isascii() for one in text):
        return text
    for encoding in _likeliest(raw[:_LOOKED_AT], language):
        text = raw.decode(encoding, "replace")
        if _reads(text):
            return text
    return None


def mended(texts: Mapping[str, str]) -> dict[str, str]:
    """Return short texts of one origin, read anew where they were read in a wrong encoding.

    Tags of music and films are often in the encoding of the country they were written in and said
    to be Latin: `Ïðèâåò` is Привет. Bytes that are no text yet are surrogate escapes.
    """
    kept = {key: _SURROGATES.sub("\ufffd", text) for key, text in texts.items()}
    raw = {key: found for key, text in texts.items() if (found := _bytes_behind(text)) is not None}
    for key, one in raw.items():
        with suppress(UnicodeDecodeError):
            kept[key] = one.decode("utf-8")
    odd = {key: one for key, one in raw.items() if _ODD.search(texts[key])}
    likely = _likeliest(b"\n".join(odd.values()), None) if odd else []
    for encoding in (name for name in likely if name in _COMMON):
        again = {key: one.decode(encoding, "replace") for key, one in odd.items()}
        if _are_letters(again.values()):
            # All of a file is of one country: `¾HÄR§g` is 鄧麗君 beside another name in Big5.
            others = {key: one for key, one in raw.items() if key not in odd}
            for key, one in others.items():
                read = one.decode(encoding, "replace")
                if _are_letters([read]) and not _MIXED.search(read):
                    again[key] = read
            kept |= again
            break
    for key in (key for key in raw if "\ufffd" in kept[key]):
        kept[key] = decoded(raw[key]) or kept[key]
    return kept


def _are_letters(texts: Iterable[str]) -> bool:
    return all(one.isalpha() or unicodedata.category(one)[0] == "M" for one in _beyond(texts))


def _beyond(texts: Iterable[str]) -> Iterator[str]:
    """Yield what is neither ASCII nor punctuation."""
    for one in "".join(texts):
        if not one.isascii() and unicodedata.category(one)[0] not in "PZ":
            yield one


def _bytes_behind(text: str) -> bytes | None:
    """Return the bytes of a text that may have been read in a wrong encoding."""
    if text.isascii():
        return None
    for encoding, errors in (
        ("latin-1", "strict"),
        ("cp1252", "strict"),
        ("utf-8", "surrogateescape"),
    ):
        with suppress(UnicodeEncodeError):
            raw = text.encode(encoding, errors)
            return raw if encoding != "utf-8" or _SURROGATES.search(text) else None
    return None


def _wide(raw: bytes) -> str | None:
    """Return UTF-16 or UTF-32 text without a byte order mark, whose zeros tell where they stand."""
    head = raw[:_LOOKED_AT]
    for encoding in ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be"):
        text = head[: len(head) // 4 * 4].decode(encoding, "replace")
        if _reads(text) and (text.isascii() or any(one in text for one in (" ", "\n"))):
            return raw.decode(encoding, "replace")
    text = raw.decode("utf-8", "replace")
    said = text.replace("\0", "")
    return text if said.strip() and _reads(said) else None


def _shifted(raw: bytes) -> str | None:
    """Return text of seven bits that changes its alphabet by escapes, as old Japanese mail does."""
    for encoding in ("iso2022_jp_2", "iso2022_kr"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _likeliest(raw: bytes, language: str | None) -> list[str]:
    """Return the names of encodings in which bytes may be text, the likeliest first."""
    import chardet

    eras = chardet.EncodingEra
    found = chardet.detect_all(
        raw, ignore_threshold=True, encoding_era=eras.ALL & ~eras.MAINFRAME, compat_names=False
    )
    sure = {str(one["encoding"]): float(one["confidence"]) for one in found if one["encoding"]}
    names, top = list(sure), max(sure.values(), default=0.0)
    language = language or _language_of(raw)
    usual = _USUAL.get(language or "", "").split()
    own = [name for name in names if name in usual]
    if usual and top < _CLUELESS and _decodes(raw, usual[0]):
        own = [usual[0]]
    own += [name for name in usual if name not in names and _decodes(raw, name)]
    if not own and top < _UNSURE and _WESTERN.fullmatch(raw.decode("cp1252", "replace")):
        own = ["cp1252"]
    return list(dict.fromkeys((*own, *names[:_TRIED])))


def _language_of(raw: bytes) -> str | None:
    """Return the language of the words that are ASCII, or None where they tell none.

    English ones tell none: they are names of columns as often, and English needs no other letters.
    """
    from q2e.text.language import detect

    words = b" ".join(_PLAIN_WORDS.findall(raw)).decode("ascii")
    if 3 * len(words) < sum(map(str.isalpha, raw.decode("latin-1"))):
        return None
    found = detect(words)
    return found if found != "en" else None


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(raw)  # which may end within a letter
    except UnicodeDecodeError:
        return False
    return True


def _reads(text: str) -> bool:
    """Return whether a text is hardly damaged: without control characters and the like.

    `ÿ` is what the highest byte becomes, and boxes are what other high ones do: both are in
    hardly any text.
    """
    wrong = sum(
        one in "\ufffdÿ"
        or "\u2500" <= one <= "\u25ff"
        or (one not in "\t\n\r\f\v" and unicodedata.category(one) in ("Cc", "Cn", "Co", "Cs"))
        for one in text
    )
    # No word is half in Latin letters and half in others: `Mьller` is Müller.
    mixed, other = len(_MIXED.findall(text)), len(_OTHER.findall(text))
    return wrong <= _DAMAGE * len(text) and mixed <= _MOST_MIXED * other
