"""Settings: who has the last word, what is refused, and that what is written is read back."""

from __future__ import annotations

from pathlib import Path

import pytest

from q2e.errors import ConfigError
from q2e.settings import Settings, load_settings
from q2e.settings_file import CONFIG_NAME, write_setting, write_settings


def test_arguments_come_before_the_environment_and_that_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / CONFIG_NAME).write_text("top = 1\nthreads = 1\nchunk_words = 11\n", "utf-8")
    monkeypatch.setenv("Q2E_TOP", "2")
    monkeypatch.setenv("Q2E_THREADS", "2")
    found = load_settings(tmp_path, threads=3)
    assert (found.top, found.threads, found.chunk_words) == (2, 3, 11)


@pytest.mark.parametrize("text", ["a\nb", '\t"\\', "\x7f\x01", "C:\\x", "日本語 \u2028"])
def test_what_is_written_is_read_back(tmp_path: Path, text: str) -> None:
    given = Settings(language_model=text, remote_code=(text, "b"), threads=7, confident=True)
    write_settings(tmp_path, given)
    assert load_settings(tmp_path) == given
    write_setting(tmp_path, "language_model", text + "!")
    assert load_settings(tmp_path).language_model == text + "!"


def test_changing_one_setting_leaves_all_else_as_somebody_wrote_it(tmp_path: Path) -> None:
    text = """# Ours
top = 5  # few
profile = "standard"  # bigger
channels = [
    "frame",  # what is seen
    'speech',
]
"""
    (tmp_path / CONFIG_NAME).write_text(text, "utf-8")
    write_setting(tmp_path, "profile", "local")
    write_setting(tmp_path, "threads", 2)
    written = (tmp_path / CONFIG_NAME).read_text("utf-8")
    assert written == text.replace('"standard"', '"local"') + "threads = 2\n"
    assert load_settings(tmp_path).channels == ("frame", "speech")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("Q2E_CHANNELS", "frame,speech", "Q2E_CHANNELS='frame,speech': must be a JSON list"),
        ("Q2E_CHANNELS", '["smell"]', "unknown channel 'smell'"),
        ("Q2E_TOP", "many", "setting top = 'many'"),
        ("Q2E_THREADS", "0", "setting threads = '0'"),
    ],
)
def test_a_bad_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as raised:
        load_settings()
    assert says in str(raised.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"top = ", "not valid TOML"),
        (b"\xff", "not valid TOML"),
        (b"colour = 1", "unknown setting"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / CONFIG_NAME).write_bytes(content)
    with pytest.raises(ConfigError, match=says):
        load_settings(tmp_path)
