"""Contrast captions by rule and by a model, and how often a score tells them apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import q2e
from q2e.cli import app
from q2e.errors import EvaluationError
from q2e.evaluate.contrast import KINDS, Contrast, _by_kind, _won, by_rule, read_captions
from q2e.evaluate.contrast_model import by_model
from q2e.models.language import language_model
from q2e.models.registry import Models
from q2e.settings import Settings
from scripted_model import Asked, scripted

CAPTION = "Two red birds sit on a branch, then a man walks away."
MADE = {
    "entity": "Two red fishes sit on a branch, then a man walks away.",
    "action": "Two red birds dance on a branch, then a man walks away.",
    "attribute": "Two blue birds sit on a branch, then a man walks away.",
    "count": "Five red birds sit on a branch, then a man walks away.",
    "relation": "Two red birds sit under a branch, then a man walks away.",
    "order": "A man walks away, then two red birds sit on a branch.",
    "hallucination": "Two red birds sit on a branch, then a man walks away, next to",
}


def test_rules_change_one_thing_of_each_kind() -> None:
    made = {one.kind: one.contrast for one in by_rule("v", CAPTION)}
    assert list(made) == list(KINDS)
    for kind, text in MADE.items():
        assert made[kind].startswith(text), kind
    assert [one.kind for one in by_rule("v", "花が咲いている")] == ["hallucination"]
    assert {one.contrast for one in by_rule("v", "A 12 km walk")} >= {"A 25 km walk"}


def test_a_kind_is_told_apart_where_the_caption_scores_higher() -> None:
    pairs = [("entity", _won(0.4, 0.3)), ("entity", _won(0.3, 0.3)), ("order", _won(0.1, 0.2))]
    found = {kind: (told.pairs, told.auc.value) for kind, told in _by_kind(pairs)}  # type: ignore[arg-type]
    assert found == {"entity": (2, 0.75), "order": (1, 0.0), "all": (3, 0.5)}


def test_captions_are_lines_of_video_and_caption(tmp_path: Path) -> None:
    file = tmp_path / "captions.tsv"
    file.write_text("a.mp4\tA cat.\n\nb.mp4\t猫がいる。\n", "utf-8")
    assert read_captions(file) == [("a.mp4", "A cat."), ("b.mp4", "猫がいる。")]
    file.write_text("a.mp4\tA cat.\nno caption\n", "utf-8")
    with pytest.raises(EvaluationError, match=r"line 2.*no caption.*a tab"):
        read_captions(file)


@pytest.mark.parametrize(
    ("caption", "changed"),
    [
        ("قطة سوداء تنام", "قطة بيضاء تنام"),
        ("Eine Katze schläft", "Ein Hund schläft"),
        ("Un gato duerme", "Un perro duerme"),
        ("一只黑猫在睡觉", "一只白猫在睡觉"),
        ("แมวกำลังนอน", "หมากำลังนอน"),
    ],
)
def test_a_model_makes_them_in_the_caption_s_language(caption: str, changed: str) -> None:
    def said(asked: Asked) -> str:
        assert caption in asked.prompt
        told = [("entity", changed), ("entity", "x"), ("action", caption)]
        return json.dumps({"contrasts": [{"kind": kind, "caption": text} for kind, text in told]})

    with scripted(said) as server:
        settings = Settings(language_model=server.source, threads=1)
        made = list(by_model(language_model(settings, Models(settings)), "v", caption))
    assert made == [Contrast("v", caption, "entity", changed)]


def test_texts_tell_a_caption_from_what_is_wrong(tmp_path: Path) -> None:
    said = ("a black dog sleeps on a red sofa", "two boats sail on a wide river at night")
    rows = [
        {"video": f"v{number}", "channel": "caption", "text": text, "start": 0, "end": 5}
        for number, text in enumerate(said)
    ]
    (tmp_path / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    index = q2e.open(tmp_path / "index")
    index.import_evidence(tmp_path / "rows.jsonl")
    index.close()
    file, made = tmp_path / "captions.tsv", tmp_path / "made.tsv"
    file.write_text("".join(f"v{number}\t{text}\n" for number, text in enumerate(said)), "utf-8")
    words = ["eval", "contrast", str(file), "--index", str(tmp_path / "index"), "--out", str(made)]
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    # What a video is described by to the letter is nearer than anything made of it.
    assert told["captions"] == 2 and list(told["scores"]) == ["told"]
    assert all(one["auc"] == 1 for one in told["scores"]["told"].values())
    assert len(made.read_text("utf-8").splitlines()) == told["contrasts"] > 6
