"""Judging one's own hits in the terminal, measuring them, and leaving channels out."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

import q2e
from q2e.cli.eval import app
from q2e.errors import EvaluationError
from q2e.evaluate.labels import Labels
from q2e.evaluate.leave_out import leave_one_out
from q2e.evaluate.measures import parse_measures


@pytest.fixture
def mine(tmp_path: Path, sample_index: q2e.Index) -> Path:
    shutil.copytree(sample_index.directory, tmp_path / "index")
    return tmp_path / "index"


def _run(*arguments: object, typed: str = "") -> str:
    done = CliRunner().invoke(app, [str(one) for one in arguments], input=typed)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_hits_are_judged_with_one_key_each(mine: Path) -> None:
    question = "weasels have eaten the telephone system"
    out = _run("label", question, "--index", mine, "--top", 3, typed="y\nx\nn\nu\n2\nq\n")
    assert "3 hits to judge" in out
    known = Labels(mine).all()
    assert [one.relevance for one in known] == [1, 2]
    assert known[0].end is not None and known[0].query == question
    # What was judged is not shown again.
    again = _run("label", question, "--index", mine, "--top", 3, typed="s\n")
    assert "1 hits to judge, 2 judged before" in again
    found = json.loads(_run("labels", "--index", mine, "--json"))
    assert found["labels"] == 2 and found["measures"]["R@10"] == 1.0 and found["intervals"] == {}
    assert "2 labels of 1 questions" in _run("labels", "--index", mine)


def test_a_second_judgement_of_a_video_replaces_the_first(mine: Path) -> None:
    out = _run("label", "a giant panda", "--index", mine, "--top", 1, typed="Y\n")
    assert "perhaps seen: giant panda" in out
    _run("label", "a giant panda", "--index", mine, "--top", 1, "--again", typed="n\n")
    assert [one.relevance for one in Labels(mine).all()] == [0]


@pytest.mark.slow
def test_leaving_out_says_which_channel_earns_its_keep(
    sample_index: q2e.Index, samples: Path
) -> None:
    with (samples / "queries.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    queries = {str(number): row["query"] for number, row in enumerate(rows)}
    qrels = {
        str(number): {sample_index.find(Path(row["expected"]).name).id: 1}
        for number, row in enumerate(rows)
    }
    found = leave_one_out(sample_index, queries, qrels, parse_measures("MRR")[0])
    by_name = {one.channel: one for one in found.channels}
    assert set(by_name) == set(sample_index.status().evidence)
    assert by_name["speech"].verdict == "earns its keep"
    for one in found.channels:
        brought = found.everything.value - one.without
        assert one.brings.value == pytest.approx(brought) and one.p_holm >= one.p_value
    with pytest.raises(EvaluationError, match="label hits first"):
        leave_one_out(sample_index, queries, {}, parse_measures("MRR")[0])
    with pytest.raises(EvaluationError, match="no mean difference"):
        leave_one_out(sample_index, queries, qrels, parse_measures("MnR")[0])


def test_channels_speaks_json(mine: Path) -> None:
    _run("label", "weasels have eaten the telephone system", "--index", mine, typed="y\nq\n")
    found = json.loads(_run("channels", "--index", mine, "--measure", "MRR", "--json"))
    assert found["queries"] == 1
    assert {one["verdict"] for one in found["channels"]} <= {
        "earns its keep", "costs more than it brings", "not shown either way"
    }  # fmt: skip
    told = _run("channels", "--index", mine)
    assert found["channels"] and all(one["channel"] in told for one in found["channels"])
