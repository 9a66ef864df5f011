"""Manifests and the list of what is to be indexed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from q2e.errors import ConfigError
from q2e.ingest.manifest import Record, read_manifest, sources


def _csv(folder: Path, text: str) -> Path:
    path = folder / "list.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_csv_row(tmp_path: Path) -> None:
    path = _csv(
        tmp_path,
        'path,title,description,date,language,tags\na.mp4,पृथ्वी,"一,二",2020-01-31,HI,news;sport\n',
    )
    (row,) = read_manifest(path)
    assert row.path == tmp_path / "a.mp4"
    assert row.record == Record("पृथ्वी", "一,二", "2020-01-31", "hi", ("news", "sport"))


def test_jsonl_row_may_leave_things_out(tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    lines = [{"path": "a.mp4"}, {"path": "/b.mkv", "tags": ["x", " "], "title": None}]
    path.write_text("\n".join(map(json.dumps, lines)) + "\n\n", encoding="utf-8")
    first, second = read_manifest(path)
    assert first.record == Record()
    assert second.path == Path("/b.mkv")
    assert second.record == Record(tags=("x",))


#: A table, and the paths and titles that are plainly meant.
MEANT = [
    ("path,title,date\na.mp4,One,\n,,\n,,\nb.mp4,Two,\n,,\n", [("a.mp4", "One"), ("b.mp4", "Two")]),
    ("path;title\na.mp4;One, two\n", [("a.mp4", "One, two")]),
    ("path\ttitle\na.mp4\tOne, two\n", [("a.mp4", "One, two")]),
    ("sep=;\npath;title\na.mp4;One\n", [("a.mp4", "One")]),
    ('"sep=|"\r\npath|title\r\na.mp4|One\r\n', [("a.mp4", "One")]),
    ("Path, Title ,DATE\na.mp4, One, 2020-01-01\n", [("a.mp4", "One")]),
    ('path, title\na.mp4, "One, two"\n', [("a.mp4", "One, two")]),
    ('path,title\na.mp4,"two\nlines"\nb.mp4,x\n', [("a.mp4", "two\nlines"), ("b.mp4", "x")]),
    ("path,title,,\na.mp4,One,,\n", [("a.mp4", "One")]),
    ('path,title\na.mp4,5" disc\n', [("a.mp4", '5" disc')]),
    ("\n\npath,title\r\na.mp4,One\r\n\r\n", [("a.mp4", "One")]),
    ("path\nfile:///films/a%20b.mp4\n", [("a b.mp4", "")]),
]


@pytest.mark.parametrize(("text", "meant"), MEANT)
def test_what_is_plainly_meant_is_read(
    tmp_path: Path, text: str, meant: list[tuple[str, str]]
) -> None:
    found = list(read_manifest(_csv(tmp_path, text)))
    assert [(row.path.name, row.record and row.record.title) for row in found] == meant
    assert not any(row.wrong for row in found)


def test_a_path_written_as_on_windows_is_found(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips/a.mp4").touch()
    (tmp_path / "clips\\b.mp4").touch()
    rows = read_manifest(_csv(tmp_path, "path\nclips\\a.mp4\nclips\\b.mp4\nclips\\c.mp4\n"))
    assert [str(row.path.relative_to(tmp_path)) for row in rows] == [
        "clips/a.mp4",
        "clips\\b.mp4",
        "clips\\c.mp4",
    ]


@pytest.mark.parametrize("encoding", ["cp1251", "utf-16", "utf-8-sig"])
def test_a_table_is_read_in_its_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes("path;title\na.mp4;Пожар в порту\n".encode(encoding))
    (row,) = read_manifest(path)
    assert row.record == Record("Пожар в порту")


@pytest.mark.parametrize(
    ("stated", "date"),
    [("2020/01/31", "2020-01-31"), ("31.1.2020", "2020-01-31"), ("2020", "2020-01-01")],
)
def test_dates_are_read_where_they_are_sure(tmp_path: Path, stated: str, date: str) -> None:
    (row,) = read_manifest(_csv(tmp_path, f"path,date\na.mp4,{stated}\n"))
    assert row.record == Record(date=date)


#: A row that cannot be used, and what is said; the row after it is read.
WRONG = [
    ("path,date", "a.mp4,yesterday", "line 2: date must be YYYY-MM-DD, got 'yesterday'"),
    ("path,date", "a.mp4,01/02/2020", "line 2: date must be YYYY-MM-DD, got '01/02/2020'"),
    ("path,language", "a.mp4,Klingon", "line 2: language 'Klingon' is unknown"),
    ("path,title", ',"no path"', "line 2: needs a non-empty 'path'"),
    ("path", "a.mp4,more", "line 2: more cells than columns: 'more'"),
    ("path", "a\0.mp4", "line 2: needs a non-empty 'path'"),
    ("path,title", 'a.mp4,"never closed', "line 2: a quote is opened and not closed"),
    ("path,title", 'a.mp4,"one" two', "line 2: a quote is opened and not closed, or closed inside"),
    ("path", "a" * 200_000, "line 2: a cell has more than"),
]


@pytest.mark.parametrize(("header", "row", "says"), WRONG)
def test_a_bad_row_says_where_and_the_next_is_read(
    tmp_path: Path, header: str, row: str, says: str
) -> None:
    found = list(read_manifest(_csv(tmp_path, f"{header}\n{row}\nb.mp4\n")))
    assert [bool(one.wrong) for one in found] == [True, False]
    assert found[0].wrong.startswith(f"list.csv, {says}")
    assert found[1].path == tmp_path / "b.mp4"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("title\nx\n", "must name the columns, with 'path'; it says: title"),
        ("", "must name the columns"),
        ("path,colour\na.mp4,red\n", "unknown column 'colour'; known: path"),
        ("path,title\n" + 'a,"x\n' * 1_500, "so are 1000 rows before it"),
    ],
)
def test_what_is_no_manifest_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        list(read_manifest(_csv(tmp_path, text)))


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[1]",
        '{"path": 3}',
        '{"path": "a", "tags": [1]}',
        '{"path": "a", "colour": "red"}',
        r'{"path": "\ud800"}',
        pytest.param("[" * 100_000, id="deep"),
    ],
)
def test_bad_jsonl_says_where(tmp_path: Path, text: str) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text(f'{text}\n{{"path": "b.mp4"}}\n', encoding="utf-8")
    wrong, right = read_manifest(path)
    assert wrong.wrong.startswith("list.jsonl, line 1: ")
    assert (right.path, right.wrong) == (tmp_path / "b.mp4", "")


def test_what_is_no_text_is_no_manifest(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)
    with pytest.raises(ConfigError, match="UTF-8"):
        list(read_manifest(path))


def test_sources_are_not_doubled_and_a_manifest_row_wins(tmp_path: Path) -> None:
    video = tmp_path / "a.mp4"
    video.write_bytes(b"x")
    manifest = _csv(tmp_path, "path,title\na.mp4,one\n")
    listed = sources([tmp_path, video, manifest])
    assert [(source.path, source.record) for source in listed] == [(video, Record(title="one"))]


def test_a_link_to_itself_is_a_file_that_fails_alone(tmp_path: Path) -> None:
    link = tmp_path / "a.mp4"
    link.symlink_to(link)
    assert [source.path for source in sources([link])] == [link]


def test_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        sources([tmp_path / "nowhere"])
