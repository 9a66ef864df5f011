"""What every strategy of answering promises: strangers' words change nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import q2e
from answering import PLANTED, liar, thief
from q2e.errors import ConfigError
from q2e.plugins import registry
from q2e.types import Answer
from scripted_model import Asked, filled, scripted

#: Strategies that a server answers; the other one needs a model that fills gaps.
SERVED = [name for name in registry().names("answer") if name != "frozen"]
#: Those that ask a model, also over texts alone.
SPENDS = [name for name in SERVED if name not in ("article", "extractive", "retrieving")]
ASK = "When did the mill burn down?"


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> q2e.Index:
    """A true line, others, and instructions in eight languages and four channels."""
    folder = tmp_path_factory.mktemp("every")
    rows = [_row("mill", "speech", "The mill burned down on Monday.")]
    rows += [_row(f"other-{n}", "speech", f"We talk about garden number {n}.") for n in range(5)]
    rows += [
        _row(f"mill-{language}", channel, f"mill burn down: {text}")
        for language, text in PLANTED.items()
        for channel in ("speech", "screen_text", "caption", "metadata")
    ]
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    index = q2e.open(folder / "index")
    index.import_evidence(folder / "rows.jsonl")
    return index


def _row(video: str, channel: str, text: str) -> dict[str, object]:
    time = {} if channel == "metadata" else {"start": 0, "end": 5}
    return {"video": video, "channel": channel, "text": text} | time


@pytest.mark.parametrize("how", SERVED)
def test_what_strangers_plant_stays_material_and_a_liar_is_not_believed(
    planted: q2e.Index, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("Q2E_CACHE", str(tmp_path))
    with scripted(liar) as model:
        answer = _asked(planted, how, model.source)
    for asked in model.asked:
        outside = _outside(asked)
        assert not [text for text in PLANTED.values() if text[-12:] in outside], how
    assert isinstance(answer, Answer) and how in answer.how
    # Words that were planted may be quoted as what was said there; the lie is nobody's sentence.
    assert all(one.quoted or "arrested" not in one.text for one in answer.sentences)
    for one in answer.sentences:
        for cited in one.citations:
            assert cited.quote and 0 <= cited.start_s <= cited.end_s


@pytest.mark.parametrize("how", SERVED)
def test_a_true_quote_bears_out_no_lie_and_a_letter_is_no_quote(
    planted: q2e.Index, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("Q2E_CACHE", str(tmp_path))
    with scripted(lambda asked: thief(asked, "The mill burned down on Monday.")) as model:
        answer = _asked(planted, how, model.source)
    assert all(one.quoted or "arrested" not in one.text for one in answer.sentences)


def _asked(index: q2e.Index, how: str, source: str) -> Answer:
    return index.answer(ASK, how=how, language_model=source, vision_model=source)


def _outside(asked: Asked) -> str:
    """Return what of a prompt lies outside of fences, none of which may be closed from within."""
    outside = asked.prompt
    for mark in set(re.findall(r"<<data (\w+)>>", asked.prompt)):
        outside = re.sub(f"<<data {mark}>>.*?<<end {mark}>>", "", outside, flags=re.DOTALL)
    return outside


@pytest.mark.parametrize("how", [*SERVED, "frozen"])
def test_who_lacks_a_model_is_told_which(planted: q2e.Index, how: str) -> None:
    if how in ("article", "extractive"):
        assert planted.answer(ASK).sentences[0].text == "The mill burned down on Monday."
        return
    with pytest.raises(ConfigError, match=r"language_model|vision_model|masked_model"):
        planted.answer(ASK, how=how)


@pytest.mark.parametrize("how", SPENDS)
def test_a_budget_that_is_spent_leaves_quotes(
    planted: q2e.Index, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("Q2E_CACHE", str(tmp_path))
    with scripted(liar) as model:
        answer = _asked(planted, f"{how}(tokens=0)", model.source)
    assert model.asked == [] and answer.spent["calls"] == 0
    assert any("the budget of 0" in note for note in answer.notes), answer.notes
    assert all(one.quoted for one in answer.sentences)
    assert "The mill burned down on Monday." in [one.text for one in answer.sentences]
    assert not any(note.startswith("nothing here answers") for note in answer.notes)


@pytest.mark.parametrize("how", SPENDS)
def test_what_a_model_said_once_is_kept(
    planted: q2e.Index, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def least(asked: Asked) -> str:
        if asked.schema is not None:
            return json.dumps(filled(asked.schema))
        return json.dumps({"sentences": []}) if "cites" in asked.prompt else "Something."

    monkeypatch.setenv("Q2E_CACHE", str(tmp_path))
    with scripted(least) as model:
        one = _asked(planted, how, model.source)
        count = len(model.asked)
        other = _asked(planted, how, model.source)
    assert count and len(model.asked) == count and other.spent["calls"] == 0
    assert (one.sentences, one.notes) == (other.sentences, other.notes)
