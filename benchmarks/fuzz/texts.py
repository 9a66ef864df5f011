"""Questions, and everything else that is read as text."""

from __future__ import annotations

import json
import tempfile
from functools import cache
from pathlib import Path

import q2e

QUESTION_TOKENS = tuple(
    token.encode("utf-8", "surrogatepass")
    for token in (
        *('"', "(", ")", "-", "+", " or ", " and ", " not ", " then ", " near ", "*", "~", "\\"),
        *("lang:", "since:", "until:", "channel:", "video:", "tag:", "said:", "seen:", ":", "2024"),
        *("\0", "\u202e", "\u200d", "\ufdfa", "\ud83d", "\ufeff", "\u0301" * 9, "🎉", "ß", "İ"),
        *("洪水", "наводнение", "فيضان", "बाढ़", "น้ำท่วม", "홍수", "x" * 2_000, " " * 99, "\n"),
    )
)

_QUESTIONS = (
    "a dog on the beach",
    '"flood in Valencia" since:2024-10 lang:es',
    "said:earthquake then seen:(ruins or rescue) -drill",
    "землетрясение в Пхохане 2017",
    "فيضانات في ليبيا",
    "颱風登陸臺灣",
    "गाँव में बाढ़",
    "東京で花火が上がる",
)


def question_seeds(folder: Path) -> list[Path]:
    return _written(folder, "question", [text.encode() for text in _QUESTIONS])


def feed_question(path: Path) -> None:
    """Parse a question and search a small index for it, as the command line hands it over."""
    text = path.read_bytes().decode("utf-8", "surrogateescape")[:4_000]
    index = _index()
    index.parse(text)
    index.search(text, top=3)


@cache
def _index() -> q2e.Index:
    folder = Path(tempfile.mkdtemp(prefix="q2e-fuzz-index-"))
    lines = [
        {"video": f"v{number}", "channel": "speech", "text": text, "start": 1.0, "end": 4.0}
        for number, text in enumerate(_QUESTIONS)
    ]
    evidence = folder / "evidence.jsonl"
    evidence.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    index = q2e.open(folder / "index")
    index.import_evidence(evidence)
    return index


def _written(folder: Path, suffix: str, inputs: list[bytes]) -> list[Path]:
    paths = [folder / f"{number}.{suffix}" for number in range(len(inputs))]
    for path, raw in zip(paths, inputs, strict=True):
        path.write_bytes(raw)
    return paths
