"""The words of a question that stand for something, as they are written, in any script."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

from q2e.text.tokens import says_something, spaced

#: Words of one question that are told apart, and characters that are read.
MOST, LONGEST = 12, 1_000
#: Words of a question that only names a subject.
_NAME = 2
#: Letters of a run without spaces that are one word, and of the pieces of a longer one.
_WHOLE, _PIECE = 4, 2
#: What stands between words of scripts without spaces and says nothing by itself.
_BETWEEN = {
    "th": "ที่|ของ|และ|กำลัง|กับ|เป็น|ใน|บน|มี|ใต้|จาก|โดย|ให้|ได้|ไป|มา|อยู่|หรือ|ไม่|การ|ความ|คน|ตัว",
    "zh": "的|了|在|是|和|有|着|与|及|把|被|从|对|里|上|下|中|一个|一只|一位|一名|正在|没有|不",
}
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff々ー]+")
#: Stretches of one kind of script.
_RUNS = re.compile(f"{_UNSPACED.pattern}|[^{_UNSPACED.pattern[1:-2]}]+")
_THAI = re.compile("[\u0e00-\u0eff]")
_KANA = re.compile("[\u3040-\u30ff]")
#: Japanese: Han with nothing between, or Katakana; Hiragana are endings and particles.
_JAPANESE = re.compile("[\u3400-\u4dbf\u4e00-\u9fff々]+|[\u30a0-\u30ffー]+")
#: Written with spaces, but told apart by its script.
_KOREAN = "ko 그 이 저 것 수 있는 하는 및 에서 에게 와 과 의 을 를"


def names_alone(text: str, language: str | None = None) -> bool:
    """Whether a text names a subject in a word or two, in any script, and says nothing of it."""
    if len(spaced(text[:LONGEST]).split()) > _NAME:
        return False
    return 0 < len(words_of_meaning(text, language)) <= _NAME


def words_of_meaning(text: str, language: str | None = None, most: int = MOST) -> list[str]:
    """Return the words of a question that stand for something, in order, each once.

    Without the function words of its language (of, der, के), by which languages that write spaces
    are told apart. Scripts without spaces are cut where function words or, in Japanese, other
    letters stand; what is still long is cut in pairs. At most `most`, of the first `LONGEST`
    characters.
    """
    empty = _function_words(language)
    found: list[str] = []
    for run in spaced(text[:LONGEST]).split():
        for word in _RUNS.findall(run):
            if _UNSPACED.match(word):
                found += _cut(word)
            elif _stands(word) and word.casefold() not in empty:
                found.append(word)
    distinct: dict[str, str] = {}
    for word in found:
        distinct.setdefault(word.casefold(), word)
    return list(distinct.values())[:most]


def _stands(word: str) -> bool:
    # A letter alone is what an apostrophe left.
    return says_something(word) and (len(word) > 1 or not word.isalpha())


def _cut(run: str) -> list[str]:
    if _KANA.search(run):
        return _JAPANESE.findall(run)
    thai = _THAI.search(run) is not None
    pieces = [one for one in re.split(_BETWEEN["th" if thai else "zh"], run) if one]
    if thai:
        return [one for one in pieces if len(one) > 1]
    return [
        part
        for one in pieces
        for part in (
            [one]
            if len(one) <= _WHOLE
            else [one[n : n + _PIECE] for n in range(0, len(one), _PIECE)]
        )
    ]


@cache
def _function_words(language: str | None) -> frozenset[str]:
    text = resources.files("q2e").joinpath("data", "telling_words.txt").read_text("utf-8")
    lines = [line for line in (*text.splitlines(), _KOREAN) if not line.startswith("#")]
    told = [line.partition("|")[0].split() for line in lines]
    return frozenset(word.casefold() for name, *words in told if name == language for word in words)
