"""Addresses of stores: how they are written, and that no password is kept or shown."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from q2e.cli import app
from q2e.errors import ConfigError, MissingDependency, StoreError
from q2e.plugins import registry
from q2e.settings import load_settings
from q2e.store.postgres import place
from q2e.store.postgres.place import Place
from q2e.written import without_secrets

SECRET = "s3cret:wörd"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("postgresql", "postgresql"),
        ("postgresql://", "postgresql"),
        (" postgresql://q2e@host:5433/films ", "postgresql://q2e@host:5433/films"),
        ("postgresql:///films?host=/run/postgresql", "postgresql:///films?host=/run/postgresql"),
        ("postgresql:///?service=q2e", "postgresql:///?service=q2e"),
        ("postgresql://a:1,b:2/films", "postgresql://a:1,b:2/films"),
        ("postgresql(address='postgresql://q2e@h/архив')", "postgresql://q2e@h/архив"),
    ],
)
def test_an_address_is_a_store_and_reads_back(text: str, kept: str, tmp_path: Path) -> None:
    chosen = registry().one("store", text)
    assert str(chosen) == kept and chosen == registry().one("store", kept)
    assert chosen["address"] == (kept if "://" in kept else "postgresql://")
    assert load_settings(tmp_path, store=text).store == kept


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("postgres://host/films", "did you mean 'postgresql'"),
        ("sqlite://films", "unknown parameter of store sqlite 'address'"),
        ("postgresql(address='host')", "must be"),
        ("postgresql://[::1/films", "postgresql://user@host/database"),
    ],
)
def test_another_address_is_told_what_is_allowed(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        registry().one("store", text)


HOLDING = (
    f"postgresql://q2e:{SECRET}@host/films",
    f"postgresql://q2e:{SECRET}@/films?host=/run",
    f"postgresql://q2e:a/b@{SECRET}@host/films",
    f"postgresql://q2e@host/films?password={SECRET}",
    f"postgresql://q2e@host/films?connect_timeout=3&sslpassword={SECRET}",
    f"postgresql(address='postgresql://q2e:{SECRET}@host/films')",
    f"postgresql(address='postgresql://q2e:{SECRET}@host/films'",
    f"sqlite(address='postgresql://q2e:{SECRET}@host/films')",
    f"nothing://q2e:{SECRET}@host/films",
)


@pytest.mark.parametrize("text", HOLDING)
def test_a_password_is_refused_unsaid(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "q2e.toml").write_text(f'store = "{text}"\n', "utf-8")
    monkeypatch.setenv("Q2E_STORE", text)
    for given in ({"directory": tmp_path}, {"directory": None}, {"directory": None, "store": text}):
        with pytest.raises(ConfigError) as error:
            load_settings(**given)  # type: ignore[arg-type]
        assert not any(part in str(error.value) for part in ("s3cret", "wörd", SECRET))
    if text == HOLDING[0]:
        assert "PGPASSWORD" in str(error.value) and ".pgpass" in str(error.value)


def test_no_command_keeps_or_says_a_password(tmp_path: Path) -> None:
    clip, index = tmp_path / "clip.mp4", tmp_path / "i"
    clip.touch()
    asked = ["index", str(clip), "--index", str(index)]
    commands = [[*asked, "--store", HOLDING[2]], [*asked, "--set", f"store={HOLDING[0]}"]]
    done = [CliRunner().invoke(app, command) for command in commands]
    assert not index.exists()
    index.mkdir()
    (index / "q2e.toml").write_text(f'store = "{HOLDING[0]}"\n', "utf-8")
    for command in (["status", "--json"], ["search", "lake"], ["config"]):
        done.append(CliRunner().invoke(app, [*command, "--index", str(index)]))
    for one in done:
        told = f"{one.output}{one.stderr}{one.exception}"
        assert one.exit_code and not any(part in told for part in ("s3cret", "wörd")), told


def test_secrets_are_stars_and_the_rest_is_not() -> None:
    assert without_secrets("http://u:p@h/v1 x") == "http://u:***@h/v1 x"
    assert without_secrets("postgresql://u@h/d?password=a&b=c") == (
        "postgresql://u@h/d?password=***&b=c"
    )
    for plain in ("postgresql://u@h:5432/d", "rrf(k=5)", "http://127.0.0.1:8080/v1#name"):
        assert without_secrets(plain) == plain


def test_without_the_client_the_command_to_install_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    opener = registry().one("store", "postgresql://host/films").bound
    for read_only in (True, False):
        with pytest.raises(MissingDependency, match=r'pip install "q2e\[postgres\]"'):
            opener(tmp_path / "index.sqlite", read_only, 0.0)


def test_the_file_that_names_a_schema_is_read_as_written(tmp_path: Path) -> None:
    file = tmp_path / "Мой архив #1.q2e" / "index.postgresql"
    assert place.read(file) is None
    made = Place(place.fresh(file).schema, 'a "quoted" \\ 名\n.toml')
    assert place.write(file, made, new=True) and place.read(file) == made
    assert not place.write(file, place.fresh(file), new=True) and place.read(file) == made
    assert len({place.fresh(file).schema for _ in range(9)}) == 9
    for text in (
        "",
        "schema = 'public'",
        'schema = "q2e_a\\"; DROP SCHEMA x"',
        "schema = 3",
        "\xff",
    ):
        file.write_bytes(text.encode("latin-1"))
        with pytest.raises(StoreError, match="names no schema"):
            place.read(file)
