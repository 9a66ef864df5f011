"""Where a sentence leaves something out in languages that say so after it, or without spaces.

Chinese, Japanese, Korean, Hindi and Thai: `没有狗的房间`, `犬以外の動物`, `안경 없는 고양이`,
`बिना चश्मे की बिल्ली`, `ห้องที่ไม่มีสุนัข`. Only a short sentence without quotes is read so, and only where
both what is wanted and what is left out are there.
"""

from __future__ import annotations

import re
from functools import cache

from q2e.query.left import Left
from q2e.query.slots import languages_by_script

#: Longest sentence that leaves something out, in characters.
LONGEST = 60


#: `w` is what is wanted, in one piece or two, `x` what is left out, `m` what says so.
_SENTENCES = {
    "zh": (
        r"(?P<w1>.*?[^还並并从從毫就都也有是，,]|)(?P<m>没有|沒有|不含有?|不带|不帶|不包[含括])"
        r"(?P<x>[^的，,]{1,8})的(?P<w>.+)",
        r"(?P<w1>|.*[，, ]|[一这那].)(?P<m>[无無])(?P<x>[^的，,]{1,4})的(?P<w>.+)",
        r"(?P<w1>.*?)(?P<m>不|没|沒)(?P<x>[戴穿拿骑騎抽吃喝系繫][^的，,]{1,6})的(?P<w>.+)",
        r"(?P<w>.*?[^还並并从從毫就都也有，,]{2})[，, ]?(?:里|裡|裏|中|上)?"
        r"(?P<m>但?没有|但?沒有|但?不含|但?不包[含括]|[但而]?不是|不要|除了|排除)(?P<x>[^的，,]{1,8})",
        r"(?P<m>除[了去]?)(?P<x>[^，,]{1,8}?)(?:以外|之外|外)的?[，,]?(?P<w>.+)",
        r"(?P<x>[^，,]{1,8}?)(?P<m>以外|之外)的(?P<w>.+)",
    ),
    "ja": (
        r"(?P<w1>(?:.+[にでがはを、，])?)(?P<x>[^、，にでがはを]{1,10}?)"
        r"(?P<m>以外の|なしの|無しの|抜きの|の[居い]?ない|が[居い]?ない|ではない|じゃない|でない|を除いた|を除く"
        r"|を含まない)(?P<w>.+)",
        r"(?P<w1>)(?P<x>[^、，]{2,8}?て)(?P<m>い?ない)(?P<w>.{1,8})",
        r"(?P<w>.+?)[、， 　](?:ただし|でも)?(?P<x>[^、，]{1,10}?)"
        r"(?P<m>以外|なし|無し|抜き|ではない|じゃない|[をは]除く)",
        r"(?P<w>.+?)(?:に|で)は?(?P<x>[^、，]{1,10}?)(?P<m>[がは][居い]?ない)",
    ),
    "ko": (
        r"(?P<w1>(?:.+?(?:에서|에|,) )?)(?P<x>\S+(?: \S+)?) ?"
        r"(?P<m>없는|없이|아닌|말고|빼고|제외한|이외의|외의) (?P<w>.+)",
        r"(?P<w>.+?),? (?P<x>[^\s,]+) (?P<m>없음|없이|제외|빼고|말고|아님)",
    ),
    "hi": (
        r"(?P<w1>)(?P<m>बिना|बग़ैर|बगैर) (?P<x>\S+(?: \S+)?) (?:के|की|का|वाले|वाली|वाला) (?P<w>.+)",
        r"(?P<w1>)(?P<x>\S+(?: \S+)?) (?P<m>(?:के|की) (?:बिना|अलावा|सिवाय?|बग़ैर|बगैर)|को छोड़कर) "
        r"(?P<w>.+)",
        r"(?P<w>.+?),? (?P<x>\S+) (?P<m>के बिना|के अलावा|को छोड़कर)",
        r"(?P<w>.+?) (?P<m>बिना|बग़ैर|बगैर) (?P<x>\S+(?: \S+)?)(?: के)?",
        r"(?P<w>.+?),? (?:लेकिन|मगर|पर|और|जिसमें|जिनमें|जहाँ|जहां|जिसके पास) (?P<x>\S+(?: \S+)?) "
        r"(?P<m>नहीं|न|ना)(?: है| हैं| हो| हों)?",
        r"(?P<w>[^ ,]+(?: [^ ,]+)?),? (?P<x>\S+) (?P<m>नहीं)",
    ),
    "th": (
        r"(?P<w>.+?) ?(?P<m>(?:ที่|ซึ่ง|แต่|โดย)?(?:ไม่มี|ไม่ใช่|ปราศจาก|ไม่รวม)|ยกเว้น|นอกจาก|ที่ไม่(?!ใช่|มี|ได้))"
        r"(?P<x>.+)",
    ),
}
#: Words of a sentence or a saying: where one of the first is what is wanted, or begins it; where
#: what is left out is, begins or ends with one of the second.
_WANTED = {
    "zh": "我 你 您 他 她 它 我们 你们 他们 她们 它们 谁 誰 这 這 那 这里 那里 世上 "
    "有没有 是不是 为什么 從 从",
    "ja": "私 僕 俺 君 彼 彼女 これ それ あれ ここ そこ 誰 何",
    "ko": "나는 내가 너는 네가 그는 그녀는 우리는 누가 이것은 저는 제가 것 수",
    "hi": "मैं मैंने तुम तू वह वे यह हम आप कौन क्या क्यों कभी मुझे उसे मेरा मेरे इससे उससे कोई कुछ",
    "th": "ฉัน ผม เขา เธอ เรา คุณ มัน ใคร ทำไม นี่ นั่น นี้ ยัง",
}
_UNWANTED = {
    "zh": "人知道 什么 什麼 关系 關係 问题 办法 只 仅 僅 线 線 限 名 数 數 辜 聊 声 聲 形 私 助 尽 "
    "盡 情 比 论 論 法 花果 锡 錫 边 邊 价 價 奈 知 力 耻 关 關 所 意 用 尾熊 主 家可归 "
    "吗 嗎 呢 想到",
    "ja": "仕方 しかた 問題 意味 関係 間違い しょう 例 限り 切り 終わり だけ 名前 そう わけ "
    "はず こと もの",
    "ko": "끝 말 상관 관계 수 이름 어쩔 틀림 의미 소용 변함 쉴 다름 만 뿐 뿐만 만이 뿐이 "
    "끊임 거침 더할",
    "hi": "शक वजह कारण रुके किसी कुछ कोई सोचे सिर्फ केवल यह इस उस इसके उसके",
    "th": "ใคร อะไร วัน ทาง ที่สิ้นสุด แค่ เพียง นี้ นั้น ปัญหา ความหมาย เหตุผล เคย สาย เงื่อนไข",
}
_QUOTES = re.compile('["“”„«»「」『』()?？]')
_STOPS = re.compile("(?<=[^ ]) ?(?:ใน|บน|ข้าง|ใต้|ริม|(?<!เคลื่อน)ที่(?=.))")


def left_out(text: str) -> Left | None:
    """Return what a sentence leaves out, or None where it leaves out nothing."""
    if len(text) > LONGEST or text.isascii() or _QUOTES.search(text):
        return None
    language = _language(text)
    patterns = _patterns(language)
    if language == "zh":  # or Japanese without kana
        patterns += _patterns("ja")
    for pattern in patterns:
        match = pattern.fullmatch(text)
        if match and (found := _read(match, language)):
            return found
    return None


def _language(text: str) -> str:
    from q2e.text.language import detect

    return detect(text) or next(iter(languages_by_script(text)), "")


def _read(match: re.Match[str], language: str) -> Left | None:
    pieces = [match.span(name) for name in match.re.groupindex if name.startswith("w")]
    wanted = [_trimmed(match.string, *piece) for piece in sorted(pieces)]
    wanted = [(start, end) for start, end in wanted if start < end]
    start, end = _trimmed(match.string, *match.span("x"))
    if language == "th" and (stop := _STOPS.search(match.string, start + 1, end)):
        wanted.append((stop.end() - len(stop.group().lstrip()), end))
        end = stop.start()
    if language == "ko" and _marked(match.string[start:end]):
        end -= 1
    words = [match.string[one:two] for one, two in wanted]
    unwanted = match.string[start:end]
    if not unwanted or not words or _is_one(words[0], _WANTED[language].split(), language):
        return None
    if any(
        unwanted == one or _begins(unwanted, one, language) for one in _UNWANTED[language].split()
    ):
        return None
    if language == "ja" and unwanted.endswith(("だけ", "のみ")):
        return None
    return Left(tuple(wanted), ((start, end),), (match.span("m"),))


def _is_one(words: str, known: list[str], language: str) -> bool:
    if language in ("ko", "hi"):
        return words.split()[0] in known
    short = language == "zh"
    return words in known or any(words.startswith(one) for one in known if short or len(one) > 1)


def _marked(noun: str) -> bool:
    """Whether a Korean noun ends in a particle, as its syllable before shows: 개가, 책을.

    이 is also the end of many nouns (고양이), and stays.
    """
    if len(noun) < 2 or not "가" <= noun[-2] <= "힣":
        return False
    closed = (ord(noun[-2]) - ord("가")) % 28 > 0
    return noun[-1] in ("을은" if closed else "가를는")


def _begins(unwanted: str, word: str, language: str) -> bool:
    if language in ("ko", "hi"):
        return unwanted.split()[-1 if language == "ko" else 0] == word
    return unwanted.startswith(word)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start] in " ,，、　":
        start += 1
    while start < end and text[end - 1] in " ,，、　。":
        end -= 1
    return start, end


@cache
def _patterns(language: str) -> tuple[re.Pattern[str], ...]:
    return tuple(map(re.compile, _SENTENCES.get(language, ())))
