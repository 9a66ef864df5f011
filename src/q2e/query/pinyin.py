"""Chinese names of people as they are written in Latin letters: Li Qiang, Peng Shuai.

No table holds all people. A family name is one of some three hundred characters, and what follows
it is read as it is spelt; so a name in Han letters can be told by its sound.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise

from q2e.query.elsewhere import elsewhere
from q2e.text.names import reading

_WORD = re.compile(r"[^\W\d_]+")
#: Letters of a question that are read, and of a given name: zhuangzhuang.
_LONGEST, _GIVEN = 300, 12
#: The family names of most people in China, simplified.
_FAMILY = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许邓冯韩曹曾彭萧肖蔡潘田董袁于余叶蒋杜苏魏程"
    "吕丁沈任姚卢傅钟姜崔谭廖范汪陆金石戴贾韦夏邱方侯邹熊孟秦白江阎薛尹段雷黎史龙陶贺顾毛郝龚邵万钱"
    "严赖覃洪武莫孔汤向常温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁"
    "尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆"
    "农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师仇栾隋商刁"
    "沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝习"
)
#: Family names that are read otherwise than the character alone.
_READ = {
    "曾": "zeng", "翟": "zhai", "覃": "qin", "单": "shan", "解": "xie", "缪": "miao", "卜": "bu",
    "仇": "qiu", "查": "zha",
}  # fmt: skip
#: How syllables begin and end; what these allow and nobody says is found nowhere.
_SYLLABLE = re.compile(
    r"(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?"
    r"(?:iang|iong|uang|ang|eng|ing|ong|ian|iao|uai|uan|van|ai|an|ao|ei|en|er|ia|ie|in|iu|ou|ua|"
    r"ue|ui|un|uo|ve|vn|a|e|i|o|u|v)"
)


@cache
def families() -> dict[str, frozenset[str]]:
    """Return the family names (simplified characters) by how they are read."""
    found: dict[str, set[str]] = {}
    for character in _FAMILY:
        found.setdefault(_READ.get(character, reading(character)), set()).add(character)
    return {said: frozenset(own) for said, own in found.items()}


def people(question: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return what may be people in a question: a family name's reading, and the syllables after it.

    Two words are taken for one where the first is read as a family name and the second is one or
    two syllables; where both could be divided otherwise, each way is returned. Names that the table
    of names knows are left to it.
    """
    words = _WORD.findall(question[:_LONGEST].lower().replace("'", ""))
    return tuple(
        (family, given)
        for family, name in pairwise(words)
        if family in families() and len(name) <= _GIVEN and not elsewhere(f"{family} {name}")
        for given in syllables(name)
        if len(given) <= 2
    )


def syllables(word: str) -> list[tuple[str, ...]]:
    """Return every way to divide a word into syllables of Chinese; none where there is none."""
    if not word:
        return [()]
    starts = {match.group() for end in range(1, 7) if (match := _SYLLABLE.fullmatch(word[:end]))}
    return [(first, *rest) for first in starts for rest in syllables(word[len(first) :])]
