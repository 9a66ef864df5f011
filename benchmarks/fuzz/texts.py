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

_SRT = """1
00:00:00,500 --> 00:00:02,000
Die <i>Uhr</i> geht nach
{\\an8}第二行

2
00:00:02,500 --> 00:00:04,000
- Красная площадь
- ساحة
"""
_SIDECAR = {
    "title": "Tierpark Berlin 動物園",
    "description": "Elefanten baden\nزرافة",
    "upload_date": "20230405",
    "language": "de-DE",
    "tags": ["Zoo", "बाघ"],
    "chapters": [{"start_time": 0, "end_time": 4.5, "title": "Anfang"}],
}
_CSV = "\n".join(
    (
        "path,title,description,date,language,tags",
        'a.mp4,Tierpark,"Elefanten, ""groß""",2023-04-05,de,Zoo;動物園',
        "films/b.mkv,Красная площадь,,,ru,",
    )
)


def subtitle_seeds(folder: Path) -> list[Path]:
    vtt = "WEBVTT\n\nNOTE made\n\n" + _SRT.replace(",", ".")
    made = {"a.srt": _SRT.encode(), "b.vtt": vtt.encode(), "c.srt": _SRT.encode("utf-16")}
    made["d.srt"] = _SRT.encode("cp1251", "replace")
    return _named(folder, made)


def feed_subtitles(path: Path) -> None:
    """Read a file of subtitles as it is read beside a film of its name."""
    from q2e.media.sidecar import subtitles

    subtitles(path.with_suffix(".mp4"))


def sidecar_seeds(folder: Path) -> list[Path]:
    return _named(folder, {"a.json": json.dumps(_SIDECAR).encode()})


def feed_sidecar(path: Path) -> None:
    """Read a description as it is read beside a film of its name."""
    from q2e.media.sidecar import sidecar_record

    sidecar_record(path.with_suffix(".mp4"))


def manifest_seeds(folder: Path) -> list[Path]:
    lines = [{"path": "a.mp4", "title": "Zoo", "tags": ["a", "b"]}, {"path": "ü/b.mkv"}]
    jsonl = "\n".join(map(json.dumps, lines)).encode()
    return _named(folder, {"a.csv": _CSV.encode("utf-8-sig"), "b.jsonl": jsonl})


def feed_manifest(path: Path) -> None:
    """Read a list of files; none of them is looked into."""
    from q2e.ingest.manifest import sources

    sources([path])


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
