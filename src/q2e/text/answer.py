"""Tells what a model says from what it says when it has nothing to say."""

from __future__ import annotations

import re

from q2e.text.fence import clean

#: Whole answers that mean nothing, in the languages we test; compared by their letters alone.
_NOTHING = frozenset(
    {
        "not available", "not applicable", "na", "none", "null", "unknown",
        "unavailable", "no text", "no speech", "no caption", "no summary", "no translation",
        "not specified", "not mentioned", "not stated", "unspecified", "empty", "no information",
        "nicht verfügbar", "keine angabe", "unbekannt", "no disponible", "desconocido", "ninguno",
        "non disponible", "inconnu", "aucun", "недоступно", "неизвестно", "нет данных",
        "غير متوفر", "غير متاح", "غير معروف", "لا يوجد", "उपलब्ध नहीं", "अज्ञात",
        "ไม่มีข้อมูล", "ไม่ทราบ",
        "不可用", "无", "無", "未知", "没有", "暂无", "不明", "なし", "該当なし", "利用不可",
        "없음", "해당 없음", "알 수 없음", "사용할 수 없음",
    }
)  # fmt: skip
#: Ways in which models refuse or speak of themselves instead of the video.
_REFUSED = re.compile(
    r"^(i'?m sorry|sorry,|i can(no|')t\b|i am (unable|not able)|as an ai\b|i'?m (unable|an ai)\b"
    r"|unfortunately, i\b|there is no (text|transcript|speech|caption|information)\b)",
    re.IGNORECASE,
)


def content(text: str, limit: int) -> str:
    """Return a model's text cleaned and cut to `limit` characters; empty where it says nothing.

    "Not available", "N/A", "无", a refusal or mere punctuation is no content of a video.
    """
    said = clean(text, limit).strip("\"'“”‘’` ")
    plain = _letters(said)
    if not plain or plain in _SAID_NOTHING:
        return ""
    return "" if _REFUSED.match(said.replace("’", "'")) else said


def json_in(answer: str) -> str:
    """Return the JSON object in an answer that may stand in a fence of code; else all of it."""
    start, end = answer.find("{"), answer.rfind("}")
    return answer[start : end + 1] if 0 <= start < end else answer


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()


_SAID_NOTHING = frozenset(map(_letters, _NOTHING))
