"""Runs and judgements in files: round trips and clear refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import q2e
from q2e.cli.eval import app
from q2e.errors import EvaluationError
from q2e.evaluate.direction import turned, unscored
from q2e.evaluate.run_checks import candidate_recall, strange_items
from q2e.evaluate.runs import read_groups, read_qrels, read_run, write_qrels, write_run

IDS = st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1, max_size=8)
RUNS = st.dictionaries(
    IDS, st.dictionaries(IDS, st.floats(-1e30, 1e30), min_size=1, max_size=5), max_size=4
)


@pytest.mark.parametrize("ending", ["trec", "json"])
@settings(deadline=None)
@given(run=RUNS)
def test_runs_survive_writing_and_reading(
    tmp_path_factory: pytest.TempPathFactory, ending: str, run: dict[str, dict[str, float]]
) -> None:
    path = tmp_path_factory.getbasetemp() / f"run.{ending}"
    write_run(path, run)
    assert read_run(path) == run


@pytest.mark.parametrize("ending", ["txt", "json"])
def test_qrels_survive_writing_and_reading(tmp_path: Path, ending: str) -> None:
    qrels = {"q1": {"вода": 2, "火山": 0}, "سؤال": {"x": -1}}
    write_qrels(tmp_path / f"qrels.{ending}", qrels)
    assert read_qrels(tmp_path / f"qrels.{ending}") == qrels


def test_a_trec_run_is_best_first_and_its_rank_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "run.trec"
    write_run(path, {"q": {"a": 1.0, "b": 2.5}}, tag="mine")
    assert path.read_text() == "q Q0 b 1 2.5 mine\nq Q0 a 2 1.0 mine\n"
    path.write_text("\ufeffq Q0 b 99 1 t\r\n\n  q\tQ0 a 1 2e0 t\n")
    assert read_run(path) == {"q": {"b": 1.0, "a": 2.0}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("q Q0 a 1 0.5", "line 1: expected 6 fields .* got 5"),
        ("q Q0 a 1 0.5 t\nq Q0 b 1 high t", "line 2: score must be a finite number, got 'high'"),
        ("q Q0 a 1 nan t", "line 1: score must be a finite"),
        ("q Q0 a 1 1 t\nq Q0 a 2 0 t", "line 2: item 'a' stands twice for query 'q'"),
    ],
)
def test_a_bad_run_names_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "run.trec"
    path.write_text(text)
    with pytest.raises(EvaluationError, match=message):
        read_run(path)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("q.txt", "q 0 a 0.5", "whole number"),
        ("q.txt", "q 0 a", "line 1: expected 4 fields"),
        ("q.txt", "", "holds no judgement"),
        ("q.json", "{", "line 1: not valid JSON"),
        ("q.json", "[1]", "expected"),
        ("q.json", '{"q": 1}', "query 'q' must hold"),
        ("q.json", '{"q": {"a": "1"}}', "must be a number, got '1'"),
        ("q.json", '{"q": {"a": true}}', "must be a number"),
        ("q.json", '{"q": {"a": NaN}}', "must be finite"),
    ],
)
def test_bad_qrels_are_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(EvaluationError, match=message):
        read_qrels(tmp_path / name)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="no such file"):
        read_run(tmp_path / "none.trec")
    (tmp_path / "latin.trec").write_bytes(b"q Q0 \xe9 1 1 t")
    with pytest.raises(EvaluationError, match="UTF-8"):
        read_run(tmp_path / "latin.trec")


def test_ids_with_spaces_cannot_go_to_a_trec_file(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="'my video'"):
        write_run(tmp_path / "run.trec", {"q": {"my video": 1.0}})


def test_a_run_turned_round_has_several_right_texts_a_video() -> None:
    run = {"a": {"v": 3.0, "w": 1.0}, "b": {"v": 2.0, "w": 2.5, "x": 9.0}, "c": {"w": 3.0}}
    qrels = {"a": {"v": 1}, "b": {"v": 2, "x": 0}, "c": {"w": 1}}
    assert turned(run, qrels) == (
        {"v": {"a": 3.0, "b": 2.0}, "w": {"a": 1.0, "b": 2.5, "c": 3.0}},
        {"v": {"a": 1, "b": 2}, "w": {"c": 1}},
    )
    assert "1 of 6 pairs" in unscored(run, qrels)
    assert unscored(run | {"c": {"w": 3.0, "v": 0.0}}, qrels) == ""


def test_candidates_are_what_a_run_holds_where_it_was_ranked_again() -> None:
    run = {"a": {"v": 3.0, "w": 2.0, "x": 1.0}, "b": {"v": 3.0}}
    qrels = {"a": {"w": 1, "x": 1}, "b": {"w": 1}, "c": {"v": 1}}
    about = {"top": 100, "settings": {"rerank": "mmi", "rerank_depth": 2}}
    found = candidate_recall(about, run, qrels)
    assert found == {"strategy": "mmi", "depth": 2, "recall": pytest.approx(0.5 / 3)}
    assert candidate_recall(about | {"top": 1}, run, qrels)["depth"] == 1
    assert candidate_recall({"top": 9, "settings": {"rerank": "none"}}, run, qrels) == {}
    assert candidate_recall(None, run, qrels) == {}


def test_judgements_under_other_names_are_told() -> None:
    run = {"a": {"4f1c": 3.0}, "b": {"77aa": 2.0}}
    (said,) = strange_items(run, {"a": {"flood.mp4": 1}, "b": {"火事.mp4": 1}})
    assert "'4f1c'" in said and "'flood.mp4'" in said
    assert not list(strange_items(run, {"a": {"77aa": 0}}))
    assert not list(strange_items({}, {"a": {"77aa": 1}}))


def test_a_run_ranked_again_says_what_its_candidates_hold(tmp_path: Path) -> None:
    texts = {"quake": "An earthquake shakes Japan.", "ship": "船が港に入る。", "cat": "Кошка спит."}
    lines = [{"video": k, "channel": "caption", "text": v} for k, v in texts.items()]
    evidence, queries, out, qrels = (tmp_path / n for n in ("e.jsonl", "q.tsv", "run", "qrels"))
    evidence.write_text("".join(json.dumps(one) + "\n" for one in lines), encoding="utf-8")
    queries.write_text("q1\tearthquake in Japan\nq2\ta ship in the harbour\n")
    qrels.write_text("q1 0 quake 1\nq2 0 ship 1\nq2 0 nowhere 1\n")
    with q2e.open(tmp_path / "index") as index:
        index.import_evidence(evidence)
        index.run(queries, out, rerank="late_interaction(depth=2)")

    def measured(*more: str) -> str:
        done = CliRunner().invoke(app, ["run", str(out), "--qrels", str(qrels), *more])
        assert done.exit_code == 0, done.output
        return done.stdout

    expected = {"strategy": "late_interaction(depth=2)", "depth": 2, "recall": 0.75}
    assert json.loads(measured("--json"))["candidates"] == expected
    assert "ranked again by late_interaction(depth=2); candidate recall 0.7500" in measured()
    turned = json.loads(measured("--json", "--video-to-text"))
    assert turned["queries"] == 3 and turned["measures"]["Success@1"] == pytest.approx(2 / 3)


def test_groups(tmp_path: Path) -> None:
    path = tmp_path / "groups.tsv"
    path.write_text("q1\ten\n\nq2\tzh\n", encoding="utf-8")
    assert read_groups(path) == {"q1": "en", "q2": "zh"}
    for text, message in (("q1 en", "line 1: expected"), ("q\ta\nq\tb", "line 2: query 'q'")):
        path.write_text(text)
        with pytest.raises(EvaluationError, match=message):
            read_groups(path)
