"""How eleven languages say that something is not done, in a clause that belongs to a noun.

`w` is what is wanted, `x` what is left out, `m` what says so, each in one piece or several.
"""

from __future__ import annotations

from q2e.query.negation_words import words

_NOUN = r"(?P<w>[^,.;:!?¿¡،؟]+?)"
_DE_WHICH = (
    r"(?:(?:auf|in|an|bei|mit|von|unter|über|vor|hinter|neben) )?"
    r"(?:der|die|das|dem|den|denen|welche[rsmn]?)|wo"
)
_DE_NO = r"(?:nicht|kein|keine|keinen|keinem|keiner|keines|nie|niemals)"
_DE_IS = r"(?P<m3> (?:ist|sind|war|waren|hat|haben|hatte|hatten|gibt))?"
_FR_WHICH = r"(?:qui|que|où|(?:dans|sur|avec|chez) (?:lequel|laquelle|lesquel(?:le)?s|qui))"
_FR_SUBJECT = r"(?: (?:il|elle|on|ils|elles))?"
_FR_NO = r"(?:pas|plus|jamais|point)"
_FR_HAS = r"(?:n['’](?:est|a|ont|était|avait|étaient|avaient|y a|y avait)|ne sont|est|a|ont|sont)"
_ES_WHICH = r"(?:que|quien|quienes|donde|en (?:el|la|los|las) (?:que|cual|cuales))"
_ES_IS = (
    r"(?: (?:es|sea|sean|son|está|están|hay|tiene|tienen|era|eran|estaba|estaban|había))?"
    r"(?: (?:nadie|ningún|ninguna))?"
)
_RU_WHICH = r"(?:(?:в|на|у|по|с|за|к|из|под|над|возле) )?котор[а-я]{2,3}|где"
_RU_NOW = r"(?: (?:сейчас|никогда|уже|ещё|никто|ничего|вообще|совсем))*"
_RU_DOING = r"[а-яё]+(?:ющ|ящ|ущ|ащ)(?:ий|ая|ее|ие|его|ей|их|ую)(?:ся)?"
_RU_DONE = r"[а-яё]+(?:ющ|ящ|ущ|ащ|вш)(?:ий|ая|ее|ие|его|ей|их|ую)(?:ся)?"
_AR_WHICH = r"(?:الذي|التي|الذين|اللذان|اللتان|اللواتي|اللاتي)"
_KO_PLACE = r"(?P<w1>(?:.+?(?:에서|에|,) )?)"
_KO_NOT = r"지(?:는|도)? (?:않는|않은|않던|않고|못하는|못한|못하던)(?: 있는| 채)?"
_JA_PLACE = r"(?P<w1>(?:[^、，]+?[でに、，])?)"
_JA_STEM = (
    "(?:[泳脱急騒嗅防研注漕稼]が|(?<![がの])い"
    "|[かさたなばまらわえけげせぜてでねべめれきぎしじちびみり見着寝出来])"
)
_HI_WHICH = r"(?:जो|जिसने|जिन्होंने|(?:जिस|जिन)(?:का|की|के|में|पर|को| में| पर| के)?(?: पास)?|जहाँ|जहां)"
_HI_IS = r"(?P<m3>(?: (?:है|हैं|हो|हों|था|थी|थे|रहा|रही|रहे|हुआ|हुई|हुए))*)"
_ZH_VERBS = (
    "叫|吠|笑|哭|跑|走|飞|飛|睡|说|說|唱|跳|游|遊|动|動|坐|站|躺|咬|玩|踢|打|做|写|寫|看|读|讀|开|開"
    "|工作|下雨|抽|吃|喝|戴|穿|骑|騎|拿|抱|带|帶"
)

CLAUSES: dict[str, tuple[str, ...]] = {
    "en": (
        _NOUN
        + r",? (?P<m>(?:that|who|which) (?:(?:do|does|did|is|are|was|were|can|could|will|would"
        r"|has|have|had) (?:not|never|no)|(?:don|doesn|didn|isn|aren|wasn|weren|hasn|haven|hadn|can"
        r"|couldn|won|wouldn)['’]t|cannot|never))(?P<x> .+)",
        _NOUN + r",? (?P<m>(?:where|in which|on which) (?:there (?:is|are|was|were) (?:no|not any)"
        r"|there (?:isn|aren)['’]t any|no one|nobody))(?P<x> .+)",
    ),
    "de": (
        _NOUN
        + rf",? (?P<m>(?:{_DE_WHICH})(?: (?:gerade|jetzt|auch|sich|hier|dort|heute))? {_DE_NO})"
        rf"(?P<x> .*?[a-zäöüß]){_DE_IS}",
        _NOUN + rf", (?P<m>{_DE_WHICH})(?P<x1>(?: \S+){{1,4}}?) (?P<m2>{_DE_NO})"
        rf"(?P<x2> .*?[a-zäöüß]+){_DE_IS}",
        _NOUN + rf", (?P<m>(?:{_DE_WHICH}) {_DE_NO})(?P<x> .+?){_DE_IS}",
        r"(?P<w1>(?:[Ee]ine?|[Dd]er|[Dd]ie|[Dd]as|[Zz]wei|[Vv]iele)? ?)(?P<m>[Nn]icht)"
        r"(?P<x> [a-zäöü]+ende[rnsm]?)(?P<w> [A-ZÄÖÜ].+)",
    ),
    "fr": (
        _NOUN + rf",? (?P<m>{_FR_WHICH}{_FR_SUBJECT} {_FR_HAS} {_FR_NO}(?: de| des)?(?: | d['’]))"
        r"(?P<x>.+)",
        _NOUN + rf",? (?P<m>{_FR_WHICH} (?:personne|rien) (?:ne |n['’]))(?P<x>.+)",
        _NOUN
        + rf",? (?P<m>{_FR_WHICH}{_FR_SUBJECT} (?:ne |n['’]))(?P<x1>(?:(?:se|y|en) |s['’])?\S+)"
        rf"(?P<m2> {_FR_NO}(?: de(?= )| d['’])?)(?P<x2>.*)",
        _NOUN + r",? (?P<m>qui )(?P<x1>(?:se |s['’])?\S+)(?P<m2> pas)"
        r"(?P<x2>(?: (?:à|au|aux|en|dans|sur|la|le|les|du|des) .+)?)",
        _NOUN + r",? (?P<m>qui )(?P<x1>\S+)(?P<m2> pas (?:de |d['’]))(?P<x2>.+)",
    ),
    "es": (_NOUN + rf",? (?P<m>{_ES_WHICH} (?:ya )?(?:no|nunca|jamás){_ES_IS})(?P<x> .+)",),
    "ru": (
        _NOUN + rf",? (?P<m>(?:{_RU_WHICH}){_RU_NOW} не(?: являе?тся| являются)?)(?P<x> .+)",
        _NOUN + rf",? (?P<m>(?:{_RU_WHICH}) (?:нет|нету|не было))(?P<x> .+)",
        r"(?P<w>[^,]+, котор[а-я]{2,3} \S+) (?P<m>не)(?P<x> (?:в|на|с|под) .+)",
        rf"(?P<w1>)(?P<m>[Нн]е)(?P<x> {_RU_DOING})(?P<w> .+)",
        _NOUN + rf", (?P<m>не)(?P<x> {_RU_DONE}(?: .+)?)",
    ),
    "ar": (
        rf"(?P<w>.+?) (?P<m>{_AR_WHICH} (?:لا|لم|لن|ليس|ليست|ليسوا))(?P<x> .+)",
        r"(?P<w>.+?) (?P<m>لا (?:يوجد|توجد) (?:فيه|فيها|به|بها|فيهم))(?P<x> .+)",
        r"(?P<w>(?!ال\S\S)\S+(?: \S+){0,3}?) (?P<m>لا|لم)(?P<x> [يت]\S\S.*)",
    ),
    "ko": (
        _KO_PLACE + rf"(?P<x>\S+(?: \S+)??)(?P<m>{_KO_NOT}) (?P<w>.+)",
        r"(?P<w1>)(?P<x1>(?:\S+[을를] )?)(?P<m>(?<!\S)[안못]) (?P<x2>\S+) (?P<w>.+)",
    ),
    "ja": (
        _JA_PLACE + rf"(?P<x>[^、，]{{0,10}}?{_JA_STEM})(?P<m>ない|なかった)"
        r"(?P<w>(?=[\u4e00-\u9fff\u30a1-\u30fa]).{1,12})",
        _JA_PLACE + rf"(?P<x>[^、，]{{0,10}}?{_JA_STEM})(?P<m>ずに、?|ないで、?)"
        r"(?P<w>(?=[\u4e00-\u9fff\u30a1-\u30fa]).{2,12})",
    ),
    "zh": (
        r"(?P<w1>(?:一[只个個位条條辆輛名群匹隻]|那[个個只隻]|.*[，, ])?)"
        rf"(?P<m>不会|不會|不能|不在|[没沒]有?在|不|没|沒)(?P<x>(?:{_ZH_VERBS})[^的，,]{{0,6}})的(?P<w>.+)",
        r"(?P<w1>)(?P<m>[没沒]有?在)(?P<x>[^的，,]{1,8})的(?P<w>.+)",
        r"(?P<w1>)(?P<m>不是)(?P<x>[^的，,]{1,6})的(?P<w>[^，,]{1,6})",
        r"(?P<w1>)(?P<m>[没沒]人)(?P<x>[^的，,]{1,6})的(?P<w>.+)",
    ),
    "hi": (
        rf"(?P<w>[^,]+?),? (?P<m>{_HI_WHICH})(?P<x1>(?: \S+){{0,4}}?) (?P<m2>नहीं|न|ना)"
        rf"(?P<x2>(?: \S+){{0,4}}?){_HI_IS}",
        r"(?P<w1>)(?P<m>न|ना|नहीं)(?P<x>(?: \S+)? \S+ने) (?P<m2>वाला|वाली|वाले)(?P<w> .+)",
    ),
    "th": (
        r"(?P<w>.+?) ?(?P<m>(?:ที่|ซึ่ง)ไม่ได้)(?P<x>.+)",
        r"(?P<w>.+?) ?(?P<m>ซึ่งไม่)(?P<x>(?!ใช่|มี|ได้).+)",
        r"(?P<w>.+?) ?(?P<m>ที่|ซึ่ง)(?P<x>[^ ไ]\S*?)(?P<m2>ไม่ได้)",
    ),
}
#: Where what is wanted is or begins with one of these, it is a sentence or a saying.
SPEAKERS = {
    "en": words("""
        i he she it they we you those these this that nothing anything everything something things
        what who all one many most there here
    """),
    "de": words(
        "ich du er sie es wir ihr man wer was das dies alles nichts etwas jemand derjenige"
    ),
    "fr": words("""
        ce celui celle ceux celles rien tout chose choses je tu il elle on nous vous ils elles
        c'est qui que
    """),
    "es": words("""
        yo tú él ella nosotros ellos lo el la los las aquel aquello algo nada alguien nadie todo
        ya para por así es sino hasta aunque creo dice dijo
    """),
    "ru": words("я ты он она оно мы вы они кто что то тот та те всё все никто ничто"),
    "ar": words(
        "أنا أنت هو هي هم نحن ما من لماذا كيف هل شيء كل إن أن هذا هذه هناك الذي التي لكن قد"
    ),
    "ko": words("나는 내가 너는 네가 그는 그녀는 우리는 누가 이것은 저는 제가 아무도"),
    "ja": words("私 僕 俺 君 彼 彼女 これ それ あれ ここ そこ 誰 何"),
    "zh": words("我 你 您 他 她 它 我们 你们 他们 她们 谁 誰 这 這 那 是"),
    "hi": words("मैं मैंने तुम तू वह वे यह हम आप कौन क्या क्यों कभी मुझे उसे कुछ कोई सब"),
    "th": words("ฉัน ผม เขา เธอ เรา คุณ มัน ใคร ทำไม นี่ นั่น สิ่ง เรื่อง"),
}
#: Where what is wanted ends with one of these, the clause belongs to a verb or a word that joins.
BEFORE = {
    "en": words(
        "says said say know knows think thinks thought so now fact given me him her them us"
    ),
    "de": words("dass weil ob wenn"),
    "fr": words("parce alors ce dit dis crois pense sais veut fait puis tant bien afin sans"),
    "es": words("""
        por para ya así sino hasta aunque creo dice dicen dijo sabe sé parece espero quiero quiere
        lo el la los las menos más antes después desde siempre es de a en claro verdad
    """),
    "ru": words("то тот та те того тех"),
    "ar": words("أن إن ما من قد أنه أنها إنه إنها بأنه"),
    "ko": words(""),
    "ja": words(""),
    "zh": words(""),
    "hi": words(""),
    "th": words(""),
}
#: Of nouns that follow, in languages that say it before: what is no thing to look for.
AFTER = {
    "ko": words("이유 방법 법 것 때 경우 한 이상 말 사실 수 줄 채 걸 게 건"),
    "ja": words("理由 方法 訳 事 物 場合 時 限 様 日 為 内 間 中 前 後 方が 方法 程 気 私 僕"),
    "zh": words("话 話 原因 理由 时候 時候 方法 办法 情况 情況 事 东西"),
    "hi": words("बात वजह कारण"),
}
#: A word of what is left out with which it is a saying, or cannot be seen or heard to be absent.
SAYINGS = {
    "en": words("""
        only just even yet there over matter exist end ends die dies been anymore any more care
        mean know knows known but exactly really always quite all
    """),
    "de": words("""
        nur mehr grenzen ende endet enden endende endender endendes endenden aufhört stirbt
        vergisst existiert man ich du er sie wir ihr gewinnt weiß so sehr immer alle sondern aber
        sein wahr
    """),
    "fr": words("""
        comme finit finissent fin meurt existe que mais seulement encore toujours tout tous mal
        grave dit sait oublie oublier limites fini finira
    """),
    "es": words("""
        fin nunca termina terminan acaba muere existe existen sabía sabías sabe importa olvida
        olvido olvidar allí sólo solo sino pero que más límites miedo sabes puede pueden
    """),
    "ru": words("""
        знает знают границ кончается кончится заканчивается забыть забуду умирает существует
        просто только но а всё мечтал стареет было может могут хватает стоит
    """),
    "ar": words("""
        يزال تزال يصدق تصدق ينتهي تنتهي ينسى تنسى يمكن تمكن يحصى تحصى يهم يعرف تعرف يوصف توصف
        يقاوم يموت تموت يعلم يقهر تقهر يقدر تقدر سوى إلا بل يكفي تكفي يجوز يغتفر
    """),
    "ko": words("""
        변하 끝나 끊이 멈추 적 작 다르 원하 알 보이 잊 되 잊히 지워지 믿기 남 좋 예상하 기대하 있
        쉽 같 옳 않 맞 모자라 죽 좋은 보이는 되는 되던 된 그래도 그런
    """),
    "ja": words("""
        終わら おわら 変わら かわら 知ら しら 忘れられ 忘れ 信じられ つまら くだら 下ら 足ら たら
        限ら 止まら 分から わから 要ら いら でき 出来 構わ かまわ たまら 堪ら 見え 消え 言え 言わ
        間に合わ かなわ 譲れ あり得 ありえ やま 死な 眠れ 思いがけ なら いけ 思わ 絶え 関わら
        欠かせ 負け 許され 得 しれ 違い 間違い 仕 問題 あまり 余り はじ 限り きり くさ 測れ
        数え切れ 語れ
    """),
    "zh": words("""
        看好 动产 動產 动声色 动摇 動搖 知道 要 敢 懂 管 相信 爱 愛 说谎 開心 开心 打紧 打緊
        说话算数 见 見 做声 带 動心 动心 走运 看 吃 穿 喝 做 打 开 開 说 說
    """),
    "hi": words("कभी खत्म ख़त्म भूलने मरता मरती डरता मानता पता जानता जानते थकता रुकता सिर्फ केवल"),
    "th": words("เคย รู้ มีวัน คาดคิด คาดฝัน ไกล ดี เหมือน ธรรมดา รู้จัก ลืม ตั้งใจ คิด เป็น หวัง"),
}
