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


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("title\nx\n", "'path'"),
        ("path,colour\na.mp4,red\n", "unknown column 'colour'"),
        ("path\n \n", "line 2: needs a non-empty 'path'"),
        ("path,date\na.mp4,yesterday\n", "line 2: date must be YYYY-MM-DD, got 'yesterday'"),
        ("path\na.mp4,more\n", "line 2: more cells than columns"),
        ("path\na\0.mp4\n", "line 2: needs a non-empty 'path'"),
        ("path\n" + "a" * 200_000 + "\n", "field larger than"),
    ],
)
def test_bad_csv_says_where(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        list(read_manifest(_csv(tmp_path, text)))


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[1]",
        '{"path": 3}',
        '{"path": "a", "tags": [1]}',
        r'{"path": "\ud800"}',
        pytest.param("[" * 100_000, id="deep"),
    ],
)
def test_bad_jsonl_says_where(tmp_path: Path, text: str) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="line 1"):
        list(read_manifest(path))


def test_manifest_must_be_utf8(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b"path\n\xff\xfe.mp4\n")
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
