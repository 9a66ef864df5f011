"""Subtitles, descriptions and manifests in many encodings, and all that is read of one."""

from __future__ import annotations

import json
from pathlib import Path

from q2e.errors import MediaError
from q2e.ingest.manifest import read_manifest
from q2e.media.beside import subtitle_files
from q2e.media.sidecar import sidecar_chapters, sidecar_record, subtitle_problems, subtitles
from q2e.text.chunk import chunk
from q2e.text.clean import clean
from q2e.text.encodings import mended
from q2e.text.language import detect
from q2e.text.lexical import indexed

_LINES = {
    "utf-8": "強い地震がありました。|भूकंप आया|แผ่นดินไหว|وقع زلزال قوي",
    "cp1251": "Сегодня утром в городе произошёл пожар.|Никто не пострадал.",
    "cp1256": "اندلع صباح اليوم حريق في المدينة.|لم يصب أحد.",
    "gbk": "今天早上城里发生了火灾。|没有人受伤。",
    "cp932": "今朝、市内で火事がありました。|けが人はいません。",
    "utf-16": "오늘 아침 시내에서 불이 났습니다.|다친 사람은 없습니다.",
    "cp1252": "Heute früh brannte es – „alle“ sind wohlauf.|Où étiez-vous ?",
}
_DESCRIPTION = {
    "title": "津波 2011",
    "description": "Zeile 1\nZeile 2",
    "upload_date": "20110311",
    "timestamp": 1_299_826_800,
    "language": "pt-BR",
    "tags": ["津波", "tsunami"],
    "categories": ["News"],
    "uploader": "Harbour TV",
    "chapters": [{"start_time": 0, "end_time": 9.5, "title": "The harbour"}],
    "photoTakenTime": {"timestamp": "1680652800", "formatted": "5 Apr 2023"},
}


def cue_seeds(folder: Path) -> list[Path]:
    paths = []
    for encoding, lines in _LINES.items():
        for kind, head, mark in ((".srt", "", ","), (".vtt", "WEBVTT\n\n", ".")):
            text = head + "".join(
                f"{n}\n00:00:0{n}{mark}000 --> 00:00:0{n}{mark}900\n<i>{line}</i>\n\n"
                for n, line in enumerate(lines.split("|"), 1)
            )
            paths.append(folder / f"{encoding}{kind}")
            paths[-1].write_bytes(text.encode(encoding))
    events = "[Events]\nFormat: Layer, Start, End, Style, Name, L, R, V, Effect, Text\n"
    spoken = "Dialogue: 0,0:00:01.00,0:00:02.50,D,,0,0,0,,{\\i1}Hi{\\i0}\\Nyou, all\n"
    paths.append(folder / "station.ass")
    paths[-1].write_text(events + spoken * 3)
    return paths


def feed_cues(path: Path) -> None:
    """Read what lies beside a video, as the speech channel does."""
    video = path.with_name("input.mp4")
    subtitle_files(video)
    subtitle_problems(video)
    found = subtitles(video)
    for piece in chunk(found.lines, 60) if found is not None else ():
        text = clean(piece.text, 2_000)
        detect(text)
        indexed(text)


def json_seeds(folder: Path) -> list[Path]:
    paths = [folder / f"{name}.json" for name in ("whole", "tags", "utf16")]
    paths[0].write_text(json.dumps(_DESCRIPTION, ensure_ascii=False))
    paths[1].write_text(json.dumps(_DESCRIPTION | {"tags": "a, b; c"}, indent=1))
    paths[2].write_bytes(json.dumps(_DESCRIPTION, ensure_ascii=False).encode("utf-16"))
    return paths


def feed_json(path: Path) -> None:
    video = path.with_name("input.mp4")
    sidecar_chapters(video)
    try:
        record = sidecar_record(video)
    except MediaError:
        return
    mended({name: value for name, value in record.items() if isinstance(value, str)})


def table_seeds(folder: Path) -> list[Path]:
    rows = [
        ("path", "title", "description", "date", "language", "tags"),
        ("a.mp4", "पृथ्वी", "one\ntwo", "2020-01-31", "HI", "news, sport"),
        ("b.mp4", 'say "yes"', "", "31.12.2021", "German", ""),
        ("", "", "", "", "", ""),
        ("/films/c.mkv", "Пожар", "", "2020", "", "x"),
    ]
    paths = []
    for name, separator, encoding in (
        ("comma.csv", ",", "utf-8"),
        ("semicolon.csv", ";", "utf-8-sig"),
        ("tab.tsv", "\t", "utf-16"),
    ):
        quoted = [['"' + cell.replace('"', '""') + '"' for cell in row] for row in rows]
        paths.append(folder / name)
        paths[-1].write_bytes("\r\n".join(map(separator.join, quoted)).encode(encoding))
    paths.append(folder / "lines.jsonl")
    objects = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    paths[-1].write_text("\n".join(json.dumps(one, ensure_ascii=False) for one in objects))
    return paths


def feed_table(path: Path) -> None:
    for _ in read_manifest(path):
        pass
