"""Answers that go on where they stopped, and quotes that are translated where that is wanted."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

import q2e
from answering import GOOD, QUESTION, script, wrote
from q2e.answer.base import Tools, Work
from q2e.answer.translated import translate
from q2e.errors import ModelError
from q2e.types import Citation, Sentence, Video
from scripted_model import scripted

QUERIES = json.dumps({"queries": ["weasels phone system"]})


def test_an_answer_goes_on_where_its_budget_was_spent(
    sample_index: q2e.Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("Q2E_CACHE", str(tmp_path))
    with scripted(script(lambda asked: wrote(asked, GOOD), queries=QUERIES)) as model:

        def answer() -> q2e.Answer:
            how = "planned(calls=1)"
            return sample_index.answer(QUESTION, how=how, language_model=model.source)

        partial, whole, again = answer(), answer(), answer()
    assert partial.sentences[0].quoted and any("budget" in one for one in partial.notes)
    assert [one.text for one in whole.sentences] == [GOOD[0]] == [again.sentences[0].text]
    assert [one.spent["calls"] for one in (partial, whole, again)] == [1, 1, 0]
    assert len(model.asked) == 2


@dataclass
class Translator:
    said: str
    asked: list[tuple[str | None, str]] = field(default_factory=list)
    info: Any = field(default_factory=lambda: SimpleNamespace(id="small-translator"))

    def translate(self, texts: list[str], source: str | None, target: str) -> list[str]:
        self.asked.append((source, target))
        if self.said == "broken":
            raise ModelError("the translator does not answer")
        return [self.said] * len(texts)


def _translated(said: str | None, language: str = "en") -> tuple[Sentence, tuple[str, ...]]:
    cited = Citation(Video("v", "v.mp4", 9.0), 0.0, 5.0, "El templo cierra 3 días", "speech", "es")
    work = Work("?", language, draft=(Sentence(cited.quote, (cited,)),))
    translator = Translator(said or "")
    models = SimpleNamespace(has=lambda task: said is not None, translator=translator)
    done = translate(work, cast(Tools, SimpleNamespace(models=models)))
    assert done.draft[0].citations == (cited,)
    return done.draft[0], done.notes


def test_quotes_are_translated_only_where_a_translator_is_set() -> None:
    told, notes = _translated("The temple is closed for three days")
    assert (told.text, told.quoted) == ("The temple is closed for three days", False)
    assert notes == ("1 quote was translated by small-translator; the originals are cited",)
    for said, language in ((None, "en"), ("The same", "es"), ("It is closed for 30 days", "en")):
        told, notes = _translated(said, language)
        assert (told.text, told.quoted, notes) == ("El templo cierra 3 días", True, ())
    told, notes = _translated("broken")
    assert told.quoted and "does not answer" in notes[0]


@pytest.mark.slow  # makes a model
def test_a_translator_of_the_real_architecture_leaves_the_original_cited(
    sample_index: q2e.Index, tmp_path: Path
) -> None:
    """Its weights are random, so that what it says is no German: the door and the checks are."""
    for package in ("torch", "transformers", "ctranslate2", "sentencepiece"):
        pytest.importorskip(package)
    import tiny_models as tiny

    source = f"file:{tiny.save_translator(tmp_path / 'nllb')}"
    with q2e.open(sample_index.directory, translator=source, threads=1) as index:
        answer = index.answer("Wer ist Eileen Collins?")
    plain = sample_index.answer("Wer ist Eileen Collins?")
    assert [one.citations for one in answer.sentences] == [one.citations for one in plain.sentences]
    assert plain.sentences[0].citations[0].language == "en"
    changed = [one for one in answer.sentences if not one.quoted]
    assert changed and all(one.text != one.citations[0].quote for one in changed)
    assert any(f"translated by {source}; the originals are cited" in one for one in answer.notes)
