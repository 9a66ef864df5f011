"""What every strategy of answering promises: strangers' words change nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import q2e
from answering import PLANTED, liar
from q2e.errors import ConfigError
from q2e.plugins import registry
from q2e.types import Answer
from scripted_model import Asked, scripted

#: Strategies that a server answers; the other one needs a model that fills gaps.
SERVED = [name for name in registry().names("answer") if name != "frozen"]
ASK = "When did the mill burn down?"


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> q2e.Index:
    """A true line, others, and instructions in eight languages and three channels."""
    folder = tmp_path_factory.mktemp("every")
    rows = [_row("mill", "speech", "The mill burned down on Monday.")]
    rows += [_row(f"other-{n}", "speech", f"We talk about garden number {n}.") for n in range(5)]
    rows += [
        _row(f"mill-{language}", channel, f"mill burn down: {text}")
        for language, text in PLANTED.items()
        for channel in ("speech", "caption", "metadata")
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
