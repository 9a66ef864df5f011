"""Questions, and everything else that is read as text."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
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


SUBTITLE_TOKENS = (
    *(b"\n\n", b"\r\r\n", b" --> ", b"-->", b"00:00:01,000", b"99:59:59.999", b"-00:00:01", b"\\N"),
    *(b"WEBVTT\n\n", b"NOTE ", b"STYLE\n", b"{\\an8}", b"{y:i}", b"<i>", b"<c.red>", b"<", b"&lt;"),
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x00", b"\x1a", b"\xe9", "字幕".encode()),
)
SIDECAR_TOKENS = (
    *(b"{", b"}", b"[", b"]", b'"', b",", b":", b"null", b"true", b"-1e999", b"NaN", b"1" * 400),
    *(b'"title"', b'"tags"', b'"upload_date"', b'"chapters"', b'"timestamp"', b'"language"'),
    *(b"\\ud83d", b"\\u0000", b"\\u202e", b"[" * 2_000, b'{"a":' * 500, b"\xff", b"20240231"),
)
MANIFEST_TOKENS = (
    *(b"path", b"title", b"tags", b",", b";", b"\t", b'"', b'""', b"\r\n", b"\r", b"sep=;\n"),
    *(b"../../etc/passwd", b"/dev/zero", b"\x00", b"\xef\xbb\xbf", b"\xff", b"2024-13-45"),
    *(b"{", b"}", b"[", b"]", b"null", b"\\ud83d", b"=1+1", "ملف".encode(), b"x" * 9_000),
)


def evidence_seeds(folder: Path) -> list[Path]:
    lines = [
        {"video": "v1", "channel": "speech", "text": text, "start": 1.0, "end": 4.0}
        for text in _QUESTIONS
    ]
    return _named(folder, {"a.jsonl": "\n".join(map(json.dumps, lines)).encode()})


def feed_evidence(path: Path) -> None:
    """Read evidence made elsewhere."""
    from q2e.ingest.bring import read_evidence

    for _ in read_evidence(path, None):
        pass


def question_seeds(folder: Path) -> list[Path]:
    made = {f"{number}.question": text.encode() for number, text in enumerate(_QUESTIONS)}
    return _named(folder, made)


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


def _named(folder: Path, made: Mapping[str, bytes]) -> list[Path]:
    for name, raw in made.items():
        (folder / name).write_bytes(raw)
    return [folder / name for name in made]
