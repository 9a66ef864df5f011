"""What a question is about: the topic of "what is said about X", and words that only ask."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from q2e.answer.wanted import without_cues
from q2e.query.parts import words_of_meaning

#: How each language asks what is said about something; `{x}` is that, `{who}` who says it.
_FRAMES: dict[str, tuple[str, ...]] = {
    "ar": (r"^ماذا (?:قيل|يقال|قالوا|يقولون) (?:عن|حول|بشأن) {x}$",
           r"^ماذا (?:قال|قالت|يقول|تقول) {who} (?:عن|حول|بشأن) {x}$"),
    "de": (r"^was (?:wird|wurde|wurden|werden|ist) (?:hier |denn |alles )?(?:über|von|zu[mr]?) {x} "
           r"(?:gesagt|erzählt|berichtet|gesprochen|erwähnt)$",
           r"^was sagt man (?:über|zu[mr]?) {x}$",
           r"^was sag(?:t|te|en|ten) {who} (?:über|zu[mr]?) {x}$"),
    "en": (r"^what (?:is|was|were|has been|have been) (?:being )?(?:said|told|mentioned|reported) "
           r"(?:about|of|on|regarding|concerning) {x}$",
           r"^what (?:do|does|did) {who} (?:say|tell us|tell|mention|report) "
           r"(?:about|of|on|regarding|concerning) {x}$"),
    "es": (r"^qué (?:se (?:dice|dijo|ha dicho|cuenta)|dicen|dijeron|cuentan) "
           r"(?:sobre|de|del|acerca del?) {x}$",
           r"^qué (?:dice|dijo|cuenta|ha dicho) {who} (?:sobre|acerca del?) {x}$"),
    "fr": (r"^(?:que|qu['’]est-ce (?:que l['’]on|qu['’]on)|qu['’]a-t-on) "
           r"(?:dit-on|dit|a-t-on dit) (?:sur|de|du|des|au sujet d[eu]|à propos d[eu]) {x}$",
           r"^(?:que|qu['’]est-ce que) (?:dit|a dit|disent|raconte) {who} "
           r"(?:sur|au sujet d[eu]|à propos d[eu]) {x}$"),
    "hi": (r"^{x} के (?:बारे में|विषय में) क्या (?:कहा|बताया|बोला|कहते)(?: (?:गया|जाता|जा रहा|हैं?|था))*$",),
    "ja": (r"^{x}(?:について|に関して|のことを)(?:は)?(?:何|なに|なん|どう)(?:と|を|が)?"
           r"(?:言|いっ|話|述べ|語)\S*$",),
    "ko": (r"^{x}에 (?:대해|대해서|관해|관해서|대하여)(?:서)? "
           r"(?:무엇을|무엇이라고|뭐라고|무슨 말을|어떤 말을) (?:했|말|하|이야기)\S*$",),
    "ru": (r"^что (?:сказано|говорится|говорят|сказали|рассказывают|рассказали) (?:об?|про) {x}$",
           r"^что (?:сказала?|говорит|рассказала?|рассказывает) {who} (?:об?|про) {x}$"),
    "th": (r"^(?:มีการ)?(?:พูด|กล่าว)ถึง{x}ว่า(?:อย่างไร|อะไร|ยังไง)\S*$",
           r"^(?:มีการ)?(?:พูด|กล่าว)อะไร(?:บ้าง)?เกี่ยวกับ{x}$"),
    "zh": (r"^(?:关于|關於|对于|對於|对|對){x}[,，]?(?:都)?"
           r"(?:说|說|讲|講|谈|談|提)(?:到|了|过|過)*(?:些)?什[么麼]$",),
}  # fmt: skip
#: Words by which a question asks, and which no answer repeats; a language's function words are
#: left out before.
_ASKING = {
    "ar": "ماذا متى أين كيف لماذا كم عدد قيل قال قالت يقول حدث يحدث يعرف الذي",
    "de": "viel viele vielen wieviel wieviele hoch lange weit groß alt oft welches welchen welchem "
    "wem wen wessen woher wohin weshalb wieso sagt sagte sagen gesagt erzählt passiert passierte "
    "geschah geschieht heißt gibt",
    "en": "many much long far often what when where who whom whose which why how said say says "
    "tell told tells mention mentioned about happen happens happened know known called does did "
    "exactly kind anything anybody anyone something",
    "es": "cuánto cuánta cuántos cuántas cuándo dónde quién quiénes qué cuál cuáles cómo dice dijo "
    "dicho dicen sabe pasa pasó pasado ocurre ocurrió sucedió hay sobre",
    "fr": "combien quand qui quoi quel quelle quels quelles comment pourquoi dit dits dire disent "
    "raconte sait passe passé arrive arrivé sujet propos est-ce",
    "hi": "कितने कितनी कितना क्या कौन कब कहाँ कहां किसने किसे कैसे क्यों कहा कहते बताया गया बारे हुआ",
    "ja": "何 誰 言 起",
    "ko": "무엇 무엇을 무엇이 뭐라고 언제 어디 어디에 누가 누구 몇 얼마나 어떻게 왜 대해 "
    "했나요 말했나요 하나요 인가요 였나요 이었나요 있나요 되나요",
    "ru": "сколько когда где кто кого кому кем куда откуда какой какая какое какие каком какого "
    "почему зачем как что сказано сказал сказала говорит говорят говорится произошло случилось "
    "происходит называется",
    "th": "อะไร เมื่อไร เมื่อไหร่ ที่ไหน ใคร กี่ เท่าไร อย่างไร ทำไม",
    "zh": "什么 什麼 谁 誰 哪里 哪裡 哪儿 何时 多少 几 为什么 為什麼 怎么 怎麼 如何 发生 說 说",
}  # fmt: skip
#: What Korean puts behind a stem: endings of questions, of the past, and particles.
_KOREAN_ENDS = (
    re.compile(r"(?:(?:이었|였|인)?(?:나요|가요|습니까|니까|는가|을까요|까요|는지|죠|요))$"),
    re.compile(r"(?:하였|되었|했|됐|었|았|였|한|된|하는|되는)$"),
    re.compile(r"(?:에서|에게|으로|까지|부터|이라고|라고|은|는|이|가|을|를|의|에|와|과|도|만|로)$"),
)
_UNSPACED = ("ja", "th", "zh")
#: Letters by which words with other endings are known.
_STEM = 4
_EDGES = '?？؟¿!！.。 \t\u00a0«»“”"„'
_X, _WHO = r"(?P<x>\S.{0,200}?)", r"(?P<who>\S.{0,80}?)"


@dataclass(frozen=True, slots=True)
class Topic:
    """What is asked about, and who is asked to have said it, as they are written."""

    about: str
    who: str = ""


def topic(question: str, language: str | None = None) -> Topic | None:
    """Return the X of "what is said about X"; None where a question asks for something else.

    Where the language is not known, or not one of those here, the frames of all are tried.
    """
    text = " ".join(question.strip(_EDGES).split())
    for pattern in _patterns(language if language in _FRAMES else ""):
        if found := pattern.match(text):
            parts = found.groupdict()
            return Topic(parts["x"].strip(_EDGES), (parts.get("who") or "").strip())
    return None


def only_asks(word: str, language: str | None = None) -> bool:
    """Whether a word of a question only asks, so that no answer need repeat it."""
    return word.casefold() in _asking(language if language in _ASKING else "")


def about(question: str, language: str | None = None) -> list[str]:
    """Return the words of a question that an answer may repeat, without endings in Korean."""
    text = without_cues(question, language)
    for word in _ASKING[language].split() if language in _UNSPACED else ():
        text = text.replace(word, " ") if len(word) > 1 else text
    words = words_of_meaning(text, language)
    return [stem(word, language) for word in words if not only_asks(word, language)]


def stem(word: str, language: str | None) -> str:
    """Return a Korean word without its particle or the ending of a question; others as they are."""
    if language != "ko":
        return word
    for ending in _KOREAN_ENDS:
        bare = ending.sub("", word)
        word = bare if len(bare) > 1 else word
    return word


def stands(token: str, held: set[str]) -> bool:
    """Whether a word stands among others, with any ending."""
    if token in held:
        return True
    if len(token) > _STEM:
        stem = token[: max(_STEM, len(token) - 2)]
        return any(one.startswith(stem) for one in held)
    return len(token) > 2 and any(
        one.startswith(token) and len(one) <= len(token) + 2 for one in held
    )


@cache
def _patterns(language: str) -> tuple[re.Pattern[str], ...]:
    frames = _FRAMES[language] if language else tuple(one for of in _FRAMES.values() for one in of)
    return tuple(
        re.compile(one.replace("{x}", _X).replace("{who}", _WHO), re.IGNORECASE) for one in frames
    )


@cache
def _asking(language: str) -> frozenset[str]:
    rows = [_ASKING[language]] if language else list(_ASKING.values())
    return frozenset(word.casefold() for row in rows for word in row.split())
