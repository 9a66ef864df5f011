"""The file layer: what each place promises, and that no address or error shows a credential."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from q2e.errors import ConfigError, MediaError
from q2e.files import remote
from q2e.files.base import Absent, Facts, address_of, local_path, place
from q2e.files.local import LocalFiles
from q2e.files.objects import credentials
from q2e.ingest.manifest import Source, allowed, read_manifest, sources
from q2e.media.discover import discover, is_media_name

#: A folder in each of our scripts.
NAMES = ("video", "видео", "视频", "فيديو", "वीडियो", "วิดีโอ", "비디오", "ビデオ", "vidéo ü")
SECRET = "s3cr3t"


@pytest.mark.parametrize("name", NAMES)
def test_a_place_keeps_its_promises(tmp_path: Path, name: str) -> None:
    address = f"{tmp_path}/{name}/a.bin"
    files, key = place(address)
    assert not files.exists(key)
    for ask in (files.stat, files.read):
        with pytest.raises(Absent, match="is not there"):
            ask(key)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: files.put_if_absent(key, bytes([n]) * 9), range(8)))
    # One alone has written, and what it wrote is whole.
    assert made.count(True) == 1
    assert files.read(key) == bytes([made.index(True)]) * 9
    assert (files.read(key, 2, 4), files.read(key, 8), files.read(key, 20)) == (
        files.read(key)[:2],
        files.read(key)[:1],
        b"",
    )
    files.put_if_absent(f"{key}.srt", b"lines")
    assert [one for one, _ in files.beginning(f"{tmp_path}/{name}/a")] == [key, f"{key}.srt"]
    assert [one for one, _ in files.listed(f"{tmp_path}/{name}")] == [key, f"{key}.srt"]
    files.copy_to(key, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == files.read(key)
    before = files.stat(key).version
    files.remove(key)
    files.remove(key)
    files.put_if_absent(key, b"another")
    assert files.stat(key).version != before


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("s3://videos/a b/ä.mp4", "s3://videos/a b/ä.mp4"),
        (Path("s3://videos/a.mp4"), "s3://videos/a.mp4"),
        ("gs://videos", "gs://videos"),
        ("videos/s3://a", None),
        ("C:/videos", None),
        ("file:///videos/a%20b.mp4", None),
    ],
)
def test_an_address_is_told_from_a_path(given: str | Path, meant: str | None) -> None:
    assert address_of(given) == meant


def test_a_file_address_is_a_path() -> None:
    meant = Path("/videos/a b.mp4")
    assert local_path("file:///videos/a%20b.mp4") == meant
    assert local_path(Path("file:///videos/a%20b.mp4")) == meant


@pytest.mark.parametrize(
    "given",
    [
        f"s3://KEY:{SECRET}@videos/a.mp4",
        f"s3://{SECRET}@videos",
        f"s3://videos:{SECRET}/a",
        "s3://../a",
        "s3://videos/../../a",
        "s3:///a",
        "s3://Videos/a",
    ],
)
def test_an_address_that_cannot_be_one_is_refused(given: str) -> None:
    with pytest.raises(ConfigError, match=r"BUCKET/KEY|credentials") as raised:
        sources([given])
    assert SECRET not in str(raised.value)


def test_a_manifest_names_objects_and_files(tmp_path: Path) -> None:
    table = tmp_path / "list.csv"
    rows = ["path,title", "s3://videos/a.mp4,One", f"s3://k:{SECRET}@videos/b.mp4,Two", "c.mp4,C"]
    table.write_text("\n".join(rows))
    found = sources([table])
    assert [one.where for one in found[:2]] == ["s3://videos/a.mp4", str(tmp_path / "c.mp4")]
    assert "credentials" in found[2].wrong and SECRET not in found[2].wrong


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        ("v/**/*.mp4", ["v/a.mp4", "v/b/c.mp4", "v/b/新闻 d.mp4"]),
        ("v/*.mp4", ["v/a.mp4"]),
        ("v/**", ["v/a.mp4", "v/b/c.mp4", "v/b/新闻 d.mp4", "v/e.MKV"]),
        ("v/*/?.mp4", ["v/b/c.mp4"]),
        ("v/**/[c-e].*", ["v/b/c.mp4", "v/e.MKV"]),
        ("**/新*", ["v/b/新闻 d.mp4"]),
        ("v/.h/*", ["v/.h/f.mp4"]),
        ("v/*.srt", ["v/a.srt"]),
        ("v/*.none", None),
    ],
)
def test_a_pattern_of_addresses_means_what_it_means_on_a_disk(
    pattern: str, matched: list[str] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.mp4", "a.srt", "b/c.mp4", "b/新闻 d.mp4", "e.MKV", ".h/f.mp4", "b/.g.mp4"):
        file = tmp_path / "v" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    folder = LocalFiles()

    class Rooted:
        """The folder as a bucket."""

        def exists(self, name: str) -> bool:
            return (tmp_path / name).is_file()

        def listed(self, name: str) -> Iterator[tuple[str, Facts]]:
            for found, facts in folder.listed(str(tmp_path / name)):
                yield str(Path(found).relative_to(tmp_path)), facts
            hidden = [one for one in tmp_path.rglob(".*.mp4") if name in str(one)]
            yield from ((str(one.relative_to(tmp_path)), Facts(0, "")) for one in hidden)

    monkeypatch.setattr(remote, "place", lambda address: (Rooted(), address.split("/", 3)[3]))
    address = f"s3://bucket/{pattern}"
    if matched is None:
        with pytest.raises(ConfigError, match="matches no object"):
            remote.found_below(address, is_media_name)
        return
    found = remote.found_below(address, is_media_name)
    assert sorted(found) == sorted(f"s3://bucket/{one}" for one in matched)
    on_disk = {str(one.relative_to(tmp_path)) for one in discover([str(tmp_path / pattern)])}
    assert on_disk == set(matched)


def test_a_manifest_on_storage_names_objects_beside_it(tmp_path: Path) -> None:
    rows = ["a.mp4", "", "sub/b 新闻.mp4", "s3://other/c.mp4", "/etc/d.mp4", "../e.mp4"]
    lines = tmp_path / "list.txt"
    lines.write_text("\n".join(rows))
    *named, local, above = read_manifest(lines, "s3://videos/m/list.txt")
    assert [one.where for one in named] == [
        "s3://videos/m/a.mp4",
        "s3://videos/m/sub/b 新闻.mp4",
        "s3://other/c.mp4",
    ]
    assert "line 5: '/etc/d.mp4' is a path of one machine" in local.wrong
    assert "is no address" in above.wrong
    here = [one.where for one in sources([lines]) if not one.wrong]
    assert here[:2] == [str(tmp_path / "a.mp4"), str(tmp_path / "sub" / "b 新闻.mp4")]


def test_credentials_come_from_the_environment_or_the_usual_files(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    assert credentials(home) == {}
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text(
        f"[default]\naws_access_key_id = A\naws_secret_access_key = {SECRET}%\n"
        "[other]\naws_access_key_id = B\naws_secret_access_key = b\naws_session_token = t\n"
    )
    (tmp_path / ".aws" / "config").write_text(
        "[default]\nregion = eu-west-1\n[profile other]\nendpoint_url = http://127.0.0.1:1\n"
    )
    own = {"access_key_id": "A", "secret_access_key": f"{SECRET}%", "region": "eu-west-1"}
    assert credentials(home) == own
    assert credentials({**home, "AWS_PROFILE": "other"}) == {
        "access_key_id": "B",
        "secret_access_key": "b",
        "session_token": "t",
        "endpoint": "http://127.0.0.1:1",
    }
    given = {"AWS_ACCESS_KEY_ID": "C", "AWS_SECRET_ACCESS_KEY": "c", "AWS_REGION": "x"}
    assert credentials({**home, **given}) == {
        "access_key_id": "C",
        "secret_access_key": "c",
        "region": "x",
    }
    (tmp_path / ".aws" / "credentials").write_text(f"aws_secret_access_key {SECRET}")
    with pytest.raises(MediaError) as raised:
        credentials(home)
    assert SECRET not in str(raised.value)


def test_who_may_read_some_folders_reads_no_address(tmp_path: Path) -> None:
    listed = [Source.at("s3://videos/a.mp4"), Source(tmp_path / "b.mp4")]
    inside, outside = allowed(listed, [tmp_path])
    assert (inside, outside) == ([listed[1]], [Path("videos/a.mp4")])
