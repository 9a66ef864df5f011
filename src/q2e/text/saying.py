"""How likely a recognised or stored piece of text says something about its video.

Debris of recognition ("ck", "Hmm"), stock phrases that recognisers write over noise and tags of
encoders and sites say nothing. Nothing is deleted because of it: whoever looks is told.
"""

from __future__ import annotations

import math
import re

from q2e.text.chunk import UNSPACED_LETTER
from q2e.text.language import detect
from q2e.text.tokens import spaced

#: Below this chance a piece is told to say little.
LITTLE = 0.5
#: Log-odds: of an empty text, by the logarithm of its letters, by the recogniser's log-odds above
#: `_USUAL`, and of words of a language. Logistic regression on 134 pieces of 40 real clips, left
#: out clip by clip (docs/research/truth.md).
_EMPTY, _LETTERS, _SURE, _LANGUAGE = -3.36, 0.81, 0.28, 1.4
#: Confidence that recognisers usually state, by channel: a word of Whisper's, a line of writing.
_USUAL = {"speech": 0.5, "screen_text": 0.9}
#: What a letter of a script without spaces counts for, beside letters of others.
_UNSPACED = 3
#: Whole texts that nobody said, or that thank and greet and tell nothing apart.
_STOCK = re.compile(
    r"(thanks?( you)?( (so|very) much)?( for (watching|listening))?|please subscribe|you|bye( bye)?"
    r"|vielen dank|danke( schön| fürs zuschauen)?|merci( beaucoup)?( d avoir regardé)?"
    r"|(muchas )?gracias( por ver( el video)?)?|obrigad[oa]|grazie( mille)?"
    r"|(большое )?спасибо( за просмотр)?|продолжение следует"
    r"|शुक्रिया|(बहुत )?धन्यवाद|شكرا( جزيلا)?( على المشاهدة)?|شكرًا( لكم)?"
    r"|ขอบคุณ(มาก)?(ครับ|ค่ะ)?|(시청해 ?주셔서 )?(감사합니다|고맙습니다)"
    r"|(ご(視聴|清聴))?ありがとうございま(した|す)|谢谢(大家|观看|收看)?|謝謝(大家|觀看|收看)?"
    r"|(h?m+|uh+|ah+|oh+)( (h?m+|uh+|ah+|oh+))*)",
    re.IGNORECASE,
)
#: Credits of subtitles, and tags that encoders and sites leave in files and pictures.
_CREDITS = re.compile(
    r"subtitle[sd]? by|captions? by|untertitel (von|im auftrag)|sous-?titr\w* (par|réalis)"
    r"|subtítulos (por|realizados)|legendas? (por|pela)|sottotitoli (di|creati|a cura)"
    r"|субтитры (сделал|создавал|делал|подогнал)|ترجمة (نانسي|بواسطة)|उपशीर्षक"
    r"|คำบรรยายโดย|자막 ?(제작|by)|字幕(由|製作|制作|by|志愿者|提供)|amara\.org"
    r"|(cropped|resized|edited|created|made|converted|downloaded|compressed|recorded) "
    r"(with|by|from|using) [\w .-]{0,40}(\.(com|net|org|io|app)|handbrake|ffmpeg|bandicam)"
    r"|^(lavf|lavc|x26[45]|handbrake|ffmpeg)[\d. ]*|^(www\.)?[\w-]+\.(com|net|org|io|tv)$",
    re.IGNORECASE,
)
#: Log-odds of what is stock.
_STOCK_ODDS = -3.0


def chance_to_say(
    text: str, channel: str = "", confidence: float | None = None, videos: int = 1
) -> float:
    """Return the chance, in 0 to 1, that a piece of text says something about its video.

    By its letters, whether it has words of a language, how sure its recogniser was (None: as usual)
    and in how many videos the same text stands: odds fall in proportion.
    """
    plain = " ".join(spaced(text).split())
    if _STOCK.fullmatch(plain) or _CREDITS.search(text.strip()):
        return _chance(_STOCK_ODDS)
    letters = sum(map(str.isalnum, text)) + (_UNSPACED - 1) * len(UNSPACED_LETTER.findall(text))
    odds = _EMPTY + _LETTERS * math.log1p(letters) + _LANGUAGE * (detect(text) is not None)
    if confidence is not None and channel in _USUAL:
        odds += _SURE * (_log_odds(confidence) - _log_odds(_USUAL[channel]))
    return _chance(odds - math.log(max(videos, 1)))


def _log_odds(chance: float) -> float:
    bounded = min(max(chance, 0.01), 0.995)
    return math.log(bounded / (1.0 - bounded))


def _chance(odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-odds))
