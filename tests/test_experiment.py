"""Experiments as files: plans, kept results, honest tables, and what is refused."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import q2e
from q2e import renamed
from q2e.cli.eval import app
from q2e.errors import ConfigError, EvaluationError, FusionError
from q2e.evaluate import conduct_matrices
from q2e.evaluate.conduct import conduct
from q2e.evaluate.conduct_index import IndexBench, check_splits
from q2e.evaluate.datasets.own import judged
from q2e.evaluate.experiment import SCORES, Ablation, read_experiment, subsets
from q2e.evaluate.matrix import evaluate_matrices
from q2e.evaluate.measures import parse_measures
from q2e.evaluate.report import html, markdown, shape, table_csv, write_report
from q2e.evaluate.runs import read_run
from q2e.evaluate.scores import ablated
from q2e.methods.fuse.base import fuse_batch
from q2e.methods.normalise.base import normalise
from q2e.plugins import registry
from q2e.survey import find
from q2e.types import Video
from q2e.versions import code_version

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes an experiment over two matrices that agree, and returns its file."""
    random = np.random.default_rng(0)
    hidden = random.normal(size=(60, 60))
    for name in ("a", "b"):
        own = hidden + random.normal(size=(60, 60)) + 2.5 * np.eye(60)
        np.save(tmp_path / f"{name}.npy", own.astype(np.float32))

    def made(text: str) -> Path:
        file = tmp_path / "experiment.toml"
        file.write_text(text + '\n[matrices]\na = "a.npy"\nb = "b.npy"\n', encoding="utf-8")
        return file

    return made


GRID = """
title = "A <grid> & more"
tuned = "nothing"
measures = "Success@1,MRR,MdR"
compare_with = "fuse mean, normalise videos"
[grid]
fuse = ["mean", "max"]
normalise = ["videos", "batch"]
[ablation]
fuse = "mean"
normalise = "videos"
"""


DECLARED = sorted((Path(__file__).parent.parent / "benchmarks" / "experiments").glob("*.toml"))


@pytest.mark.parametrize("file", DECLARED, ids=lambda file: file.stem)
def test_our_own_experiments_are_read_and_written_in_the_words_of_now(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    renamed._warn.cache_clear()
    found = read_experiment(file, Path("anywhere"))
    assert found.rows and found.compare_with in {row.name for row in found.rows}
    assert not caplog.records


def test_a_grid_makes_every_combination(write: Write) -> None:
    found = read_experiment(write(GRID))
    assert [row.name for row in found.rows] == [
        f"fuse {rule}, normalise {mode}"
        for rule, mode in itertools.product(("mean", "max"), ("videos", "batch"))
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour = 1", "unknown key 'colour'"),
        ("[settings]\nfuze = 'mean'", "unknown key 'fuze'"),
        ("[grid]\nfuse = 'mean'", "must be a list"),
        ("[[row]]\nfuse = 'mean'", "needs a name"),
        ("compare_with = 'x'", "is no row"),
        ("[data]\nset = 'msrvtt_1ka'\nfolder = '.'", "either a data set"),
        ("[data]\ndirection = 'both'", "both directions, always"),
        ("[ablation]\nscores = ['video']", "scores must be"),
        ("measures = 'good'", "unknown measure"),
        ("title =", "not valid TOML"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(write: Write, text: str, said: str) -> None:
    with pytest.raises(EvaluationError, match=said):
        read_experiment(write(text))


def test_what_was_measured_is_kept_and_a_stopped_experiment_goes_on(
    write: Write, tmp_path: Path
) -> None:
    plan, out = read_experiment(write(GRID)), tmp_path / "out"
    first = conduct(plan, out)
    files = {path: path.stat().st_mtime_ns for path in (out / "rows").iterdir()}
    assert len(files) == 5
    gone = next(iter(files))
    gone.unlink()
    again = conduct(plan, out)
    later = {path: path.stat().st_mtime_ns for path in (out / "rows").iterdir()}
    assert [path for path in files if later[path] != files[path]] == [gone]
    assert [row.values for row in again.rows] == [row.values for row in first.rows]
    # Other scores under the same names are other results.
    np.save(tmp_path / "a.npy", np.load(tmp_path / "a.npy") + np.eye(60))
    assert conduct(plan, out).rows[0].values != first.rows[0].values


def test_other_code_measures_anew(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, out = read_experiment(write(GRID)), tmp_path / "out"
    conduct(plan, out)
    # As an edited formula, prompt or word list does.
    monkeypatch.setattr(conduct_matrices, "code_version", lambda: "another")
    conduct(plan, out)
    assert len(list((out / "rows").iterdir())) == 10
    # As an edited formula of a plugin does, which is no part of our code.
    monkeypatch.setattr("q2e.registry.files_of", lambda module: [plan.matrices["a"]])
    for rule in registry().all("fuse"):
        rule.__dict__.pop("version", None)
    conduct(plan, out)
    assert len(list((out / "rows").iterdir())) == 15
    for rule in registry().all("fuse"):
        rule.__dict__.pop("version", None)


def test_differences_are_paired_and_corrected(write: Write, tmp_path: Path) -> None:
    outcome = conduct(read_experiment(write(GRID)), tmp_path / "out")
    assert len(outcome.differences) == 3
    base = outcome.rows[0]
    for row in outcome.rows[1:]:
        one = outcome.differences[row.name]
        change = row.values["Success@1"] - base.values["Success@1"]
        assert one["difference"] == pytest.approx(change)
        assert one["p_holm"] >= one["p"]


# -- the paper's 31 combinations --------------------------------------------------------------
def test_five_scores_have_thirty_one_subsets() -> None:
    assert len(list(subsets(SCORES))) == 31


def test_subsets_are_fused_as_in_a_search() -> None:
    random = np.random.default_rng(1)
    matrices = {name: random.random((4, 9)) for name in SCORES}
    matrices["sequel"][:, 3] = np.nan
    found = dict(ablated(matrices, Ablation(SCORES, "entropy_sum"), event_weight=0.1))
    assert len(found) == 31
    chosen = ("video", "query", "sequel")
    stack = np.stack([matrices[name] for name in chosen])
    level = normalise(stack, "none", floor=np.zeros(3))
    assert np.allclose(found[chosen], fuse_batch(level, "entropy_sum", [1.0, 1.0, 0.1]))
    assert np.allclose(found[("video",)], matrices["video"])


# -- the report ---------------------------------------------------------------------------------
class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.captions: list[str] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [v or "" for k, v in attrs if k in ("src", "href", "srcset", "data")]
        if tag == "caption":
            self.captions.append("")
            self._open = True

    def handle_endtag(self, tag: str) -> None:
        self._open = self._open and tag != "caption"

    def handle_data(self, data: str) -> None:
        if self._open:
            self.captions[-1] += data


def test_the_page_fetches_nothing_and_every_table_is_marked(write: Write, tmp_path: Path) -> None:
    outcome = conduct(read_experiment(write(GRID)), tmp_path / "out")
    text = html(outcome)
    page = _Page()
    page.feed(text)
    assert page.addresses == [] and "script" not in page.tags and "http:" not in text
    assert "https:" not in text and "url(" not in text
    assert "A &lt;grid&gt; &amp; more" in text
    assert page.tags.count("svg") == 2 and "polyline" in page.tags
    assert len(page.captions) >= 4
    for caption in page.captions:
        assert "ransductive" in caption and "tuned: nothing" in caption and "machine:" in caption
    assert "marked T): 2 of 4 rows" in page.captions[0]
    tables = markdown(outcome).count("|---")
    assert tables and markdown(outcome).count("machine:") == sum(
        line.startswith("|---") for line in markdown(outcome).splitlines()
    )


def test_every_format_has_the_same_figures(write: Write, tmp_path: Path) -> None:
    outcome = conduct(read_experiment(write(GRID)), tmp_path / "out")
    written = write_report(outcome, tmp_path / "out")
    assert [path.name for path in written] == [
        "report.html", "report.md", "report.csv", "results.json"
    ]  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(table_csv(outcome))))
    assert {row["table"] for row in rows} == {"rows", "subsets"}
    assert {row["group"] for row in rows} == {"all", "videos to texts"}
    found = json.loads((tmp_path / "out" / "results.json").read_text("utf-8"))
    assert found == json.loads(json.dumps(shape(outcome)))
    for row in outcome.rows:
        value = row.values["Success@1"]
        assert f"{100 * value:.1f}" in markdown(outcome)
        assert any(float(one["Success@1"]) == pytest.approx(value, abs=1e-6) for one in rows)


# -- faults that are refused --------------------------------------------------------------------
@pytest.mark.needs_data
def test_a_permuted_copy_of_a_real_matrix_is_refused(dev_data: Path, tmp_path: Path) -> None:
    folder = dev_data / "cap4video"
    video, titles = (np.load(folder / f"msrvtt_{n}_matrix.npy") for n in ("video", "titles"))
    order = np.random.default_rng(0).permutation(len(titles))
    moved = titles[np.ix_(order, order)]

    def hits(other: np.ndarray) -> float:
        fused = fuse_batch(normalise(np.stack([video, other]), "videos"), "mean")
        return evaluate_matrices(
            [fused], measures=parse_measures("Success@1")
        ).queries_to_items.values["Success@1"]

    # What it would have claimed: more than 20 points too much.
    assert hits(moved) - hits(titles) > 0.20
    np.save(tmp_path / "video.npy", video)
    np.save(tmp_path / "moved.npy", moved)
    file = tmp_path / "e.toml"
    file.write_text('[matrices]\nvideo = "video.npy"\nmoved = "moved.npy"\n', encoding="utf-8")
    with pytest.raises(FusionError, match="different item order"):
        conduct(read_experiment(file), tmp_path / "out")


@pytest.mark.needs_data
def test_the_published_figures_come_out_of_the_experiment_that_ships(
    dev_data: Path, tmp_path: Path
) -> None:
    file = Path(__file__).parent.parent / "benchmarks" / "experiments" / "cap4video.toml"
    outcome = conduct(read_experiment(file, dev_data), tmp_path)
    found = {
        row.name: [round(100 * row.values[f"Success@{k}"], 1) for k in (1, 5, 10)]
        for row in outcome.rows
    }
    assert found["0.73 video + 0.27 captions"] == [49.1, 74.8, 83.0]
    assert found["video alone"] == [48.0, 73.0, 82.9]
    assert found["captions alone"] == [29.7, 55.8, 66.6]
    assert any("5 queries repeat" in warning for warning in outcome.warnings)


def test_videos_in_another_split_are_refused(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("v1\nv2\n", encoding="utf-8")
    check_splits(["v3"], {"train": tmp_path / "train.txt"})
    with pytest.raises(EvaluationError, match=r"1 test videos .* 'v2' in train"):
        check_splits(["v2", "v3"], {"train": tmp_path / "train.txt"})


def test_a_bank_that_holds_test_queries_is_refused() -> None:
    random = np.random.default_rng(0)
    scores, bank = random.random((8, 8)), random.random((5, 8))
    clean = evaluate_matrices([scores], banks=[bank], mode="bank")
    assert not clean.transductive
    with pytest.raises(EvaluationError, match="1 test queries stand in bank 1"):
        evaluate_matrices([scores], banks=[np.vstack([bank, scores[3]])], mode="bank")
    with pytest.raises(EvaluationError, match="bank 1 is"):
        evaluate_matrices([scores], banks=[bank[:, :3]], mode="bank")
    with pytest.raises(EvaluationError, match="'bank' alone"):
        evaluate_matrices([scores], banks=[bank], mode="videos")


# -- over an index ------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def own_set(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Path:
    """The sample questions in the layout of anybody's own set."""
    folder = tmp_path_factory.mktemp("own")
    with (samples / "queries.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    lines = [
        {"query": row["query"], "video": Path(row["expected"]).name, "group": row["channel"]}
        for row in rows
    ]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (folder / "queries.jsonl").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.slow
def test_an_experiment_on_real_videos(
    own_set: Path, sample_index: q2e.Index, tmp_path: Path
) -> None:
    file = tmp_path / "own.toml"
    file.write_text(
        f"""
        measures = "Success@1,MRR"
        compare_with = "as it is"
        [data]
        set = "own"
        folder = "{own_set}"
        index = "{sample_index.directory}"
        [[row]]
        name = "as it is"
        [[row]]
        name = "without pictures"
        without = ["frame"]
        [ablation]
        """,
        encoding="utf-8",
    )
    outcome = conduct(read_experiment(file), tmp_path / "out")
    assert outcome.warnings == ()
    whole, blind = outcome.rows
    assert whole.values["Success@1"] > 0.7
    assert blind.groups["frame"]["Success@1"] < whole.groups["frame"]["Success@1"]
    names = {row.name for row in outcome.subsets}
    assert {"video", "query", "video + query"} <= names and len(names) >= 3
    assert sum("no score" in one for one in outcome.warnings) <= 1


def test_the_questions_of_the_samples_are_a_set_as_they_are(
    sample_index: q2e.Index, samples: Path, tmp_path: Path
) -> None:
    (tmp_path / "queries.tsv").write_bytes((samples / "queries.tsv").read_bytes())
    file = tmp_path / "own.toml"
    file.write_text(
        f"""
        measures = "Success@1"
        [data]
        set = "own"
        folder = "{tmp_path}"
        index = "{sample_index.directory}"
        """,
        encoding="utf-8",
    )
    outcome = conduct(read_experiment(file), tmp_path / "out")
    assert outcome.warnings == ()
    assert outcome.rows[0].values["Success@1"] > 0.7
    assert {"de", "en", "zh"} <= outcome.rows[0].groups.keys()


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("query\tclip", "no column 'video' (or expected, answer); it has query, clip"),
        ("asked\tvideo", "no column 'query' (or question); it has asked, video"),
    ],
)
def test_other_columns_are_refused_with_those_that_serve(
    head: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "queries.tsv"
    path.write_text(f"{head}\na dog\tdog.mp4\n", encoding="utf-8")
    with pytest.raises(EvaluationError, match=re.escape(said)):
        judged(path)


def test_a_video_is_found_by_the_end_of_its_path_and_as_run_files_name_it() -> None:
    videos = [
        Video(f"{number}{number}", f"/home/me/{name}", 1.0)
        for number, name in enumerate(("clips/my cat.mp4", "old/my cat.mp4", "old/dog.mp4"))
    ]
    for name, id in (("clips/my cat.mp4", "00"), ("old/my_cat.mp4", "11"), ("dog.mp4", "22")):
        assert find(videos, name).id == id
    for name, said in (("my cat.mp4", "fits 2"), ("my_cat.mp4", "fits 2"), ("at.mp4", "not in")):
        with pytest.raises(ConfigError, match=said):
            find(videos, name)


def test_settings_from_elsewhere_are_part_of_what_was_measured(
    own_set: Path, sample_index: q2e.Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "own.toml"
    place = f'index = "{sample_index.directory}"\n'
    file.write_text(f'[data]\nset = "own"\nfolder = "{own_set}"\n{place}', encoding="utf-8")
    plan = read_experiment(file)
    before = IndexBench(plan, tmp_path, None).fingerprint(plan.rows[0])
    assert IndexBench(plan, tmp_path, None).fingerprint(plan.rows[0]) == before
    monkeypatch.setenv("Q2E_MUST_NOT", "0.5")
    after = IndexBench(plan, tmp_path, None).fingerprint(plan.rows[0])
    assert after.key != before.key
    assert after.version == before.version
    assert after.version.startswith(f"{code_version()} ")
    assert after.space == before.space
    assert set(after.space.split()) == set(sample_index.store.spaces())
    monkeypatch.setenv("Q2E_MUST_NOT", "-1")
    with pytest.raises(ConfigError, match="must_not"):
        conduct(plan, tmp_path / "out")


@pytest.mark.slow
def test_videos_rank_the_texts_of_a_real_set(
    own_set: Path, sample_index: q2e.Index, tmp_path: Path
) -> None:
    text = f"""
        measures = "Success@1,R@1,MdR,MnR,RSum"
        top = 3
        [data]
        set = "own"
        folder = "{own_set}"
        index = "{sample_index.directory}"
        direction = "WAY"
        [settings]
        rerank = "late_interaction"
        rerank_depth = 2
        [ablation]
        scores = ["query"]
        """
    file = tmp_path / "own.toml"
    file.write_text(text.replace("WAY", "both"), encoding="utf-8")
    both = conduct(read_experiment(file), tmp_path / "out")
    row = both.rows[0]
    # As computed by hand from the run: each video's best right text among all texts.
    run = read_run(next((tmp_path / "out" / "runs").glob("*.run")))
    lines = (own_set / "queries.jsonl").read_text("utf-8").splitlines()
    texts: dict[str, set[str]] = {}
    for number, line in enumerate(lines, 1):
        video = sample_index.find(json.loads(line)["video"]).id
        texts.setdefault(video, set()).add(str(number))
    ranks = []
    for video, right in texts.items():
        scores = {query: found[video] for query, found in run.items() if video in found}
        order = sorted(scores, key=lambda query: -scores[query])
        ranks.append(min(order.index(query) + 1 for query in right))
    assert any(len(right) > 1 for right in texts.values())
    assert row.backward["MnR"] == pytest.approx(float(np.mean(ranks)))
    assert row.backward["Success@1"] == pytest.approx(float(np.mean(np.array(ranks) == 1)))
    assert 0 < row.backward["R@1"] < row.backward["Success@1"] < 1
    assert both.subsets[0].backward["RSum"] > 0
    assert "## Videos to texts" in markdown(both) and "<h2>Videos to texts</h2>" in html(both)
    assert "first 2 were ranked again by late_interaction" in row.notes[0]
    file.write_text(text.replace("WAY", "video-to-text"), encoding="utf-8")
    alone = conduct(read_experiment(file), tmp_path / "out").rows[0]
    assert alone.transductive and alone.values == row.backward
    assert set(alone.per_query["MnR"]) == set(texts)
    file.write_text(text.replace("WAY", "sideways"), encoding="utf-8")
    with pytest.raises(EvaluationError, match="known: text-to-video, video-to-text, both"):
        read_experiment(file)


def test_a_query_that_is_indexed_and_a_video_that_is_not_are_warned_of(tmp_path: Path) -> None:
    (tmp_path / "queries.csv").write_text(
        "query,video\nпожар на складе,v1\n橋が崩れる,gone\n", encoding="utf-8"
    )
    (tmp_path / "evidence.jsonl").write_text(
        '{"video": "v1", "channel": "caption", "text": "Пожар  на складе"}\n'
        '{"video": "v2", "channel": "caption", "text": "一只狗在跑"}\n',
        encoding="utf-8",
    )
    file = tmp_path / "e.toml"
    text = '[data]\nset = "own"\nfolder = "."\n[grid]\nprofile = ["local"]\n'
    file.write_text(text, encoding="utf-8")
    outcome = conduct(read_experiment(file), tmp_path / "out")
    assert outcome.about["profile"] == "local" and (tmp_path / "out" / "index-local").is_dir()
    assert any("1 queries are indexed word for word" in one for one in outcome.warnings)
    assert any("1 of 3 videos" in one and "'gone'" in one for one in outcome.warnings)
    assert outcome.rows[0].values["R@10"] == 0.5


# -- commands -----------------------------------------------------------------------------------
def test_commands_say_the_same_as_json(write: Write, tmp_path: Path) -> None:
    file, out = write(GRID), tmp_path / "out"
    done = CliRunner().invoke(app, ["experiment", str(file), "--out", str(out), "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert len(found["rows"]) == 4 and (out / "report.html").is_file()
    assert found["machine"]["cores"] and found["tuned"] == "nothing"


def test_a_data_set_is_written_for_the_other_commands(own_set: Path, tmp_path: Path) -> None:
    arguments = ["datasets", "own", "--folder", str(own_set), "--write", str(tmp_path), "--json"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    names = {Path(path).name for path in json.loads(done.stdout)["written"]}
    assert names == {"qrels.txt", "queries.tsv", "videos.txt", "groups.tsv"}
    listed = CliRunner().invoke(app, ["datasets", "--json"])
    assert len(json.loads(listed.stdout)["datasets"]) >= 20
    nothing = CliRunner().invoke(app, ["datasets", "tvr", "--folder", str(tmp_path), "--json"])
    assert nothing.exit_code == 1 and json.loads(nothing.stdout)["usable"] is False
