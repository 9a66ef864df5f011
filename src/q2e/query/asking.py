"""Whether a text is put as a question, by its mark or by words that ask, in eleven languages.

Many people leave the mark out, and Thai has none. Where spaces part words, a word that asks stands
at the beginning, behind a preposition at most; else it stands anywhere, or at the end.
"""

from __future__ import annotations

import re

#: What a question ends in, by script; Greek and Armenian ones too.
_MARKS = ("?", "？", "؟", "՞", "⁇", ";")
#: Characters that are read.
_LONGEST = 1_000
#: Words that open a question; several languages share some, and none opens a mere name.
_OPENING = (
    # Arabic
    "متى|أين|اين|لماذا|ماذا|كيف|كم|هل|بماذا|لمن|أي"
    "|من (?:هو|هي|هم|الذي|قال|فاز|قتل|كان)|ما (?:هو|هي|اسم|عدد|سبب|لون|الذي)"
    # German: "wie" also opens what is no question
    "|wer|wen|wem|wessen|wann|wo|wohin|woher|warum|wieso|weshalb|wozu|womit|wofür|wodurch"
    "|welche[nmrs]?|was(?! (?:jemand|man)\\b)"
    "|wie (?:viele?|oft|lange?|hoch|weit|alt|groß|schnell|heißt|hieß|kam|kann|wird|wurde|ist|war)"
    # English
    "|who|whom|whose|why|which|how (?:many|much|long|far|often|old|tall|high|fast|big)"
    "|what(?! (?:somebody|someone|people|they)\\b)"
    "|(?:when|where|how) (?:is|are|was|were|did|do|does|will|has|have|had|can)"
    "|(?:did|does|is|are|was|were|has|have) (?:the|a|an|there|he|she|it|they|you|anybody|anyone)"
    # Spanish and French
    "|quién(?:es)?|cuándo|dónde|adónde|cuánt[oa]s?|cuál(?:es)?|qué|por qué|cómo"
    "|qui|que|quand|où|combien|pourquoi|comment|quel(?:le)?s?|qu'est-ce|est-ce"
    # Russian
    "|кто|кого|кому|кем|чей|чья|чьё|когда|где|куда|откуда|почему|зачем|сколько|что"
    "|как(?:ой|ая|ое|ие|ого|ому|им|ую|ом)|как (?:называ\\w+|зовут|давно|долго|часто|был\\w*|далеко)"
)
_PREPOSITIONS = (
    "in|on|at|to|from|for|with|by|since|until|about|seit|bis|bei|mit|von|aus|für|um|an|auf|über|de"
    "|a|en|desde|hasta|con|para|sobre|à|dans|depuis|pour|avec|sur|par|в|во|на|с|со|при|из|о|об|для"
    "|до|к|от|في|إلى|من|على|عند|منذ"
)
#: Words that ask where words are not parted, or stand late: Hindi, Japanese, Korean, Thai, Chinese.
_WITHIN = (
    r"(?:^|\s)(?:क्या|कौन|किस(?:ने|का|की|के|को|से|में|े)?|कब|कहाँ|कहां|क्यों|कैसे|कितन[ेीा])(?:\s|$|[?।])"
    "|誰(?!か)|どこ(?!か)|いつ(?!も|か)|なぜ|どうして|どのくらい|どれくらい|いくつ|いくら"
    "|何(?:年|人|個|回|歳|時|が|を|と|の|で|に)"
    "|(?:ですか|ますか|でしたか|ましたか|だろうか|のか)[。.]?$"
    "|누가|누구|언제|어디|무엇|무슨|어떻게|얼마|왜 |몇 |(?:나요|가요|니까|을까)[.]?$"
    "|อะไร|ใคร(?!บางคน)|ผู้ใด|เมื่อ(?:ไร|ไหร่|ใด)|ที่ไหน|ที่ใด|ทำไม|อย่างไร|ยังไง|กี่|เท่า(?:ไร|ไหร่|ใด)"
    "|(?:ปี|วัน|เดือน|เมือง|ประเทศ|คน|อัน|แห่ง|สิ่ง|เหตุ|ทิศ|ราย|ประเภท|ปุ่ม)(?:ใด|ไหน)"
    r"|(?:หรือไม่|หรือเปล่า|ไหม)\s*$"
    "|什[么麼]|谁|誰|哪|多少|多(?:长|高|远|久|深|重|長|遠)|怎[么麼]|为何|為何|何时|何時|如何"
    r"|几(?:个|位|次|人|点|岁|年|天|所)|幾(?:個|位|次|人|點|歲|年|天|所)|[吗嗎呢]$"
)
_OPENS = rf"(?:[¿«\"'„“(]\s*)*(?:(?:{_PREPOSITIONS})\s+)?(?:{_OPENING})(?=\s|$)"
_ASKING = re.compile(f"^{_OPENS}|{_WITHIN}", re.IGNORECASE)
_CLOSING = " \t\n\u00a0»”\"'）)"


def asks(text: str) -> bool:
    """Whether a text is put as a question, by the mark at its end or by a word that asks."""
    own = text[:_LONGEST].strip()
    return text.rstrip(_CLOSING).endswith(_MARKS) or _ASKING.search(own) is not None
