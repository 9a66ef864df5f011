"""Matrices from files: measured as published, refused where they do not fit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from q2e.cli.eval import app
from q2e.errors import ConfigError, EvaluationError, FusionError
from q2e.evaluate.matrix import evaluate_matrices, load_ids, load_matrix, query_groups
from q2e.evaluate.measures import parse_measures

HITS = parse_measures("Success@1,Success@5,Success@10")


def invoke(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def answer(*arguments: object) -> dict:
    return json.loads(invoke(*arguments, "--json"))


@pytest.fixture(scope="module")
def cap4video(dev_data: Path) -> list[Path]:
    folder = dev_data / "cap4video"
    return [folder / "msrvtt_video_matrix.npy", folder / "msrvtt_titles_matrix.npy"]


def percent(values: dict[str, float]) -> list[float]:
    return [round(100 * values[f"Success@{k}"], 1) for k in (1, 5, 10)]


@pytest.mark.needs_data
def test_the_published_figures_of_real_matrices(cap4video: list[Path]) -> None:
    video, titles = answer("matrix", cap4video[0]), answer("matrix", cap4video[1])
    assert percent(video["measures"]) == [48.0, 73.0, 82.9]
    assert percent(titles["measures"]) == [29.7, 55.8, 66.6]
    weighted = answer("matrix", *cap4video, "--fuse", "sum", "--weights", "0.73,0.27")
    assert percent(weighted["measures"]) == [49.1, 74.8, 83.0]
    assert not weighted["transductive"]


@pytest.mark.needs_data
@pytest.mark.parametrize(
    ("rule", "ties", "hit"),
    [
        ("entropy", "average", 51.6),
        ("mean", "average", 50.7),
        ("max", "average", 50.1),
        ("exponential", "average", 52.8),
        ("rrf", "average", 40.7),
        ("rrf", "optimistic", 44.5),  # the figure often quoted counts ties in its favour
    ],
)
def test_the_reference_arithmetic_on_a_batch(
    cap4video: list[Path], rule: str, ties: str, hit: float
) -> None:
    options = ("--normalise", "batch", "--temperature", 100, "--fuse", rule, "--ties", ties)
    found = answer("matrix", *cap4video, *options, "--measures", "Success@1,Success@5,Success@10")
    assert percent(found["measures"])[0] == hit
    assert found["transductive"] and any("transductive" in note for note in found["notes"])
    assert any("Success@1 0.4450" in note for note in found["notes"]) == (
        (rule, ties) == ("rrf", "average")
    )


@pytest.mark.needs_data
@pytest.mark.parametrize(
    ("rule", "hit"),
    [
        ("entropy(shares=False)", 49.9),
        ("mean", 49.8),
        ("max", 49.6),
        ("exponential(sign='+')", 43.5),
        ("exponential", 50.6),
    ],
)
def test_the_order_of_rules_in_the_paper_on_its_scale(
    cap4video: list[Path], rule: str, hit: float
) -> None:
    options = ("--normalise", "batch", "--temperature", 50, "--measures", "Success@1")
    found = answer("matrix", *cap4video, *options, "--fuse", rule)
    assert 100 * found["measures"]["Success@1"] == pytest.approx(hit)


def test_each_matrix_has_its_temperature_and_a_softmax_may_follow(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    near = random.normal(size=(6, 6)) * 0.1 + 0.1 * np.eye(6)
    files = []
    for name, table in (("a", near), ("b", 30 * near + random.normal(size=(6, 6)))):
        files.append(tmp_path / f"{name}.npy")
        np.save(files[-1], table)
    one, own = (
        answer("matrix", *files, "--normalise", "batch", "--fuse", "mean", "--temperature", heat)
        for heat in ("50", "50,1")
    )
    assert one["settings"]["temperature"] == 50 and own["settings"]["temperature"] == [50, 1]
    tables = [np.load(file) for file in files]
    powers = [np.exp(heat * table) for heat, table in zip((50, 1), tables, strict=True)]
    mean = sum(power / power.sum(axis=0) for power in powers)
    hits = float((mean.argmax(axis=1) == np.arange(6)).mean())
    assert own["measures"]["Success@1"] == pytest.approx(hits)
    fused = answer("matrix", *files, "--fuse", "sum", "--after", "dual_softmax(temperature=1)")
    assert fused["transductive"] and any("dual_softmax" in note for note in fused["notes"])
    total = tables[0] + tables[1]
    weighed = total * np.exp(total) / np.exp(total).sum(axis=0)
    hits = float((weighed.argmax(axis=1) == np.arange(6)).mean())
    assert fused["measures"]["Success@1"] == pytest.approx(hits)
    for refused, said in (
        (("--temperature", "1,2"), "one for each matrix"),
        (("--normalise", "batch", "--temperature", "1,2,3"), "comma"),
        (("--after", "videos"), "over the batch"),
    ):
        with pytest.raises(ConfigError, match=said):
            invoke("matrix", *files, *refused)


@pytest.mark.needs_data
def test_a_single_matrix_in_batch_mode(cap4video: list[Path]) -> None:
    found = [answer("matrix", path, "--normalise", "batch") for path in cap4video]
    assert [percent(one["measures"])[0] for one in found] == [52.7, 32.3]
    assert any("5 queries repeat" in note for note in found[0]["notes"])


@pytest.mark.needs_data
@pytest.mark.parametrize("mode", ["videos", "bank"])
def test_single_query_modes_never_fall_below_the_best_channel(
    cap4video: list[Path], mode: str
) -> None:
    found = answer("matrix", *cap4video, "--normalise", mode)
    assert found["measures"]["Success@1"] >= 0.477 and not found["transductive"]


def test_both_directions_and_relevance(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[0.9, 0.1, 0.5], [0.2, 0.3, 0.8]]))
    np.save(tmp_path / "rel.npy", np.array([[1, 0, 1], [0, 1, 0]]))
    found = answer(
        "matrix",
        tmp_path / "a.npy",
        "--relevant",
        tmp_path / "rel.npy",
        "--measures",
        "R@1,Success@1,MdR,MnR",
    )
    assert found["measures"] == {"R@1": 0.25, "Success@1": 0.5, "MdR": 1.5, "MnR": 1.5}
    assert found["items_to_queries"]["Success@1"] == pytest.approx(2 / 3)
    assert (found["queries"], found["items"]) == (2, 3)
    assert "queries to items" in invoke(
        "matrix", tmp_path / "a.npy", "--relevant", tmp_path / "rel.npy"
    )


def test_matrices_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    texts = random.normal(size=(80, 12))
    one = texts @ texts.T
    order = random.permutation(80)
    with pytest.raises(FusionError, match="different item order"):
        evaluate_matrices([one, one[np.ix_(order, order)]], measures=HITS)
    with pytest.raises(FusionError, match="item 0"):
        evaluate_matrices([np.eye(2), np.eye(2)], ids=[["a", "b"], ["b", "a"]])
    with pytest.raises(EvaluationError, match="as many id lists"):
        evaluate_matrices([np.eye(2), np.eye(2)], ids=[["a", "b"]])
    with pytest.raises(EvaluationError, match="1 ids for 2 items"):
        evaluate_matrices([np.eye(2)], ids=[["a"]])
    with pytest.raises(EvaluationError, match="no score matrix"):
        evaluate_matrices([])
    with pytest.raises(EvaluationError, match="two different queries"):
        evaluate_matrices([np.ones((3, 3))], mode="bank")


def test_files_that_are_no_matrices_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.npy"
    with pytest.raises(EvaluationError, match="no such file"):
        load_matrix(path)
    path.write_bytes(b"not numpy")
    with pytest.raises(EvaluationError, match=r"not a \.npy"):
        load_matrix(path)
    for bad, message in (
        (np.zeros(3), "one matrix"),
        (np.array([["a"]]), "one matrix"),
        (np.zeros((0, 3)), "empty"),
        (np.array([[np.inf]]), "infinite"),
    ):
        np.save(path, bad)
        with pytest.raises(EvaluationError, match=message):
            load_matrix(path)
    np.save(path, np.array([[{}]], dtype=object), allow_pickle=True)
    with pytest.raises(EvaluationError, match=r"not a \.npy"):
        load_matrix(path)


def test_id_lists_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    path.write_text("вода\n火山\n", encoding="utf-8")
    assert load_ids(path) == ["вода", "火山"]
    path.write_text("a\nb\na\n")
    with pytest.raises(EvaluationError, match="line 3: 'a' stands in line 1 too"):
        load_ids(path)
    path.write_text("a\n\nb\n")
    with pytest.raises(EvaluationError, match="line 2: empty"):
        load_ids(path)


def test_repeated_queries_are_one_group() -> None:
    stack = np.array([[[1.0, np.nan], [0.0, 1.0], [1.0, np.nan]]])
    groups = query_groups(stack)
    assert groups[0] == groups[2] != groups[1]


def test_settings_that_do_not_exist_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.eye(3))
    for options, error in (
        (("--ties", "lucky"), ConfigError),
        (("--weights", "1,2"), ConfigError),
        (("--weights", "x"), ConfigError),
        (("--normalise", "magic"), ConfigError),
        (("--fuse", "rrf(q=1)"), ConfigError),
        (("--measures", "F1"), EvaluationError),
    ):
        with pytest.raises(error):
            invoke("matrix", tmp_path / "a.npy", *options)


def test_runs_are_measured_by_group(tmp_path: Path) -> None:
    (tmp_path / "run.trec").write_text("q1 Q0 a 1 2 t\nq1 Q0 b 2 1 t\n")
    (tmp_path / "qrels.txt").write_text("q1 0 b 1\nq2 0 a 1\n")
    (tmp_path / "by.tsv").write_text("q1\ten\nq2\tзапрос\n", encoding="utf-8")
    arguments = ("run", tmp_path / "run.trec", "--qrels", tmp_path / "qrels.txt")
    found = answer(*arguments, "--measures", "MRR,MnR", "--by", tmp_path / "by.tsv", "--per-query")
    assert found["measures"] == {"MRR": 0.25, "MnR": None}
    assert found["missing"] == ["q2"] and found["queries"] == 2
    assert found["groups"]["en"] == {"queries": 1, "measures": {"MRR": 0.5, "MnR": 2.0}}
    assert found["per_query"]["MRR"] == {"q1": 0.5, "q2": 0.0}
    assert "nDCG@10" in invoke(*arguments) and "q1" in invoke(*arguments, "--per-query")
    (tmp_path / "by.tsv").write_text("q1\ten\n")
    with pytest.raises(EvaluationError, match="1 judged queries have no group"):
        invoke(*arguments, "--by", tmp_path / "by.tsv")


def test_runs_are_compared(tmp_path: Path) -> None:
    (tmp_path / "a.trec").write_text("q1 Q0 a 1 2 t\nq1 Q0 b 2 1 t\n")
    (tmp_path / "b.json").write_text('{"q1": {"b": 1}, "q2": {"a": 1}}')
    (tmp_path / "qrels.txt").write_text("q1 0 b 1\nq2 0 a 1\n")
    arguments = (
        "compare",
        tmp_path / "a.trec",
        tmp_path / "b.json",
        "--qrels",
        tmp_path / "qrels.txt",
    )
    found = answer(*arguments, "--measures", "R@1")
    assert found["measures"]["R@1"]["difference"]["value"] == 1.0
    assert [row["query"] for row in found["measures"]["R@1"]["gained"]] == ["q1", "q2"]
    assert found["missing_a"] == ["q2"] and found["missing_b"] == []
    assert "2 gained, 0 lost" in invoke(*arguments)
