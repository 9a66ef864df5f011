"""Named strategies in a search: in Python and on the command line, with reasons that add up."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import q2e
from q2e.cli import app
from q2e.errors import ConfigError
from q2e.methods.expand.base import Expansion
from q2e.methods.fuse.base import fuse
from q2e.methods.normalise.base import normalise
from q2e.plugins import registry
from q2e.search.widen import pictured

QUESTION = "flood in a city, people rescued by boat"
#: In narrative order; `second` tells the same events backwards.
STORY = ("heavy rain for days", "streets under water and cars floating", "residents shovel mud")
LINES = [
    *(("first", at, text) for at, text in enumerate(STORY)),
    *(("second", at, text) for at, text in enumerate(reversed(STORY))),
    ("third", 0, "a cook slices onions for a soup"),
    ("third", 1, "the river level rises in the city"),
    ("fourth", 0, "洪水淹没城市,人们乘船获救"),
    ("fifth", 0, "فيضان في المدينة"),
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> q2e.Index:
    folder = tmp_path_factory.mktemp("strategies")
    file = folder / "lines.jsonl"
    file.write_text(
        "".join(
            json.dumps({"video": video, "channel": "caption", "text": text,
                        "start": at, "end": at + 1.0}) + "\n"
            for video, at, text in LINES
        ),
        encoding="utf-8",
    )  # fmt: skip
    index = q2e.open(folder / "index", threads=1, duplicates="keep")
    index.import_evidence(file)
    return index


def adds_up(results: q2e.Results) -> None:
    for hit in results:
        assert math.isclose(sum(one.contribution for one in hit.why), hit.score, abs_tol=1e-9)
    scores = [hit.score for hit in results]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("rule", registry().names("pool"))
def test_every_pooling_rule_ranks_with_reasons_that_add_up(index: q2e.Index, rule: str) -> None:
    found = index.search(QUESTION, pool=rule, fuse="entropy_sum", confidence=0.0)
    assert found.info["pool"] == rule
    assert len(found) == 5
    assert "third" not in {hit.video.id for hit in found.hits[:2]}
    adds_up(found)


def test_a_channel_is_pooled_by_its_own_rule(index: q2e.Index) -> None:
    plain, by_mean, by_top = (
        [(hit.video.id, hit.score) for hit in index.search(QUESTION, pool=rule, confidence=0.0)]
        for rule in ("max", '{"caption": "mean"}', "top(m=2)")
    )
    assert by_mean == [
        (hit.video.id, hit.score) for hit in index.search(QUESTION, pool="mean", confidence=0.0)
    ]
    assert len({tuple(plain), tuple(by_mean), tuple(by_top)}) == 3


@pytest.mark.parametrize("rule", ["mean", "schema", "key_events"])
def test_filters_hold_for_pooled_scores(index: q2e.Index, rule: str) -> None:
    for _ in range(2):  # what a rule remembers must not leak past a filter
        found = index.search(QUESTION, pool=rule, languages=["zh"], confidence=0.0)
        assert [hit.video.id for hit in found] == ["fourth"]
        assert len(index.search(QUESTION, pool=rule, confidence=0.0)) == 5


def test_events_in_their_order_beat_the_same_events_backwards(index: q2e.Index) -> None:
    scores = {}
    for rule in ("max", "schema"):
        found = index.search("flood", pool=rule, confidence=0.0, feedback="never")
        by_video = {hit.video.id: hit.score for hit in found}
        scores[rule] = by_video["first"] - by_video["second"]
    assert scores["max"] == pytest.approx(0.0, abs=1e-6)
    assert scores["schema"] > 1e-3


@pytest.mark.parametrize("method", registry().names("expand")[1:])
def test_every_expansion_changes_scores_and_says_what_made_it(
    index: q2e.Index, method: str
) -> None:
    plain = index.search(QUESTION, confidence=0.0)
    found = index.search(QUESTION, expand=method, confidence=0.0)
    assert found.info["expand"]["method"] == method
    assert found.info["expand"]["backend"] in ("events", "evidence")
    assert [hit.score for hit in found] != [hit.score for hit in plain]
    adds_up(found)


def test_an_expansion_of_no_weight_changes_nothing(index: q2e.Index) -> None:
    plain = index.search(QUESTION, confidence=0.0)
    found = index.search(QUESTION, expand="hyde", expand_weight=0.0, confidence=0.0)
    for one, other in zip(found, plain, strict=True):
        assert one.video == other.video
        assert one.score == pytest.approx(other.score, abs=1e-5)


def test_reranking_changes_the_order_of_the_best_alone(index: q2e.Index) -> None:
    plain = index.search(QUESTION, confidence=0.0)
    found = index.search(QUESTION, rerank="late_interaction", rerank_depth=3, confidence=0.0)
    ids = [[hit.video.id for hit in one] for one in (plain, found)]
    assert set(ids[0][:3]) == set(ids[1][:3])
    assert ids[0][3:] == ids[1][3:]
    assert found.info["rerank"]["candidates"] == 3
    adds_up(found)
    added = {hit.video.id: [one.how for one in hit.why].count("rerank") for hit in found}
    assert sum(added.values()) == 2  # the one rated lowest is given nothing
    pages = index.search(
        QUESTION, rerank="late_interaction", rerank_depth=3, confidence=0.0, offset=1, top=2
    )
    assert [hit.video.id for hit in pages] == ids[1][1:3]


def test_unknown_strategies_are_refused(index: q2e.Index) -> None:
    with pytest.raises(ConfigError, match="unknown pool"):
        index.search(QUESTION, pool="magic")
    with pytest.raises(ConfigError, match="expand"):
        index.search(QUESTION, expand="magic")
    with pytest.raises(ConfigError, match="rerank"):
        index.search(QUESTION, rerank="magic")
    with pytest.raises(ConfigError, match="reranker"):
        index.search(QUESTION, rerank="cross_encoder")


def test_the_command_line_takes_strategies(index: q2e.Index, tmp_path: Path) -> None:
    runner = CliRunner()
    options = ["--index", str(index.directory), "--pool", "top", "--expand", "rewrite",
               "--rerank", "late_interaction", "--rerank-depth", "2"]  # fmt: skip
    done = runner.invoke(app, ["search", QUESTION, "--json", *options])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)["index"]
    assert (told["pool"], told["rerank"]["depth"]) == ("top", 2)
    queries, out = tmp_path / "queries.tsv", tmp_path / "out.run"
    queries.write_text(f"q1\t{QUESTION}\n", encoding="utf-8")
    done = runner.invoke(app, ["run", "--queries", str(queries), "--out", str(out), *options])
    assert done.exit_code == 0, done.output
    assert "R@2" in done.output
    assert len(out.read_text().splitlines()) == 5


def test_the_table_of_the_docs_is_that_of_the_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).resolve().parent.parent
    monkeypatch.syspath_prepend(root)
    from benchmarks.strategies import FILE, table

    page = (root / "docs" / "research" / "strategies.md").read_text("utf-8")
    shown = page.partition("--table -->")[2].partition("<!-- end of table")[0].strip()
    assert shown == table(json.loads(FILE.read_text("utf-8"))["figures"])


def test_the_docs_name_every_strategy() -> None:
    root = Path(__file__).resolve().parent.parent
    page = (root / "docs" / "research" / "strategies.md").read_text("utf-8")
    kinds = ("pool", "expand", "rerank")
    for name in (one.name for kind in kinds for one in registry().all(kind)):
        assert f"`{name}`" in page, name


def test_imagined_captions_are_looked_for_in_pictures() -> None:
    class Bridge:
        """Counts words, for the arithmetic around it."""

        info = None
        space = "words"

        def encode_images(self, images: object) -> np.ndarray:
            raise NotImplementedError

        def encode_texts(self, texts: list[str]) -> np.ndarray:
            return np.array([["a" in one, "b" in one] for one in texts], np.float32)

    made = Expansion("hyde", passages={"caption": ("b",), "headline": ("a",)})
    own = pictured(["a"], (made,), Bridge())  # type: ignore[arg-type]
    np.testing.assert_allclose(own.matrix, [[0.5**0.5, 0.5**0.5]], atol=1e-6)
    plain = pictured(["a"], (), Bridge())  # type: ignore[arg-type]
    np.testing.assert_array_equal(plain.matrix, [[1.0, 0.0]])


def test_the_socratic_rule_orders_like_a_product_in_which_the_missing_is_neutral() -> None:
    values = np.array([[2.0, 0.5, -1.0, 1.0], [np.nan, 1.5, 3.0, -2.0]])
    rows = normalise(values, "none", floor=np.zeros(2))
    fused = fuse(rows, "socratic")
    # Values below the floor, where nothing answers, count as the floor.
    factors = 2 / (1 + np.exp(-np.maximum(np.nan_to_num(values), 0.0)))
    np.testing.assert_allclose(np.exp(fused.score), factors.prod(axis=0))
    np.testing.assert_allclose(fused.contribution.sum(axis=0), fused.score)
    assert fused.contribution[1, 0] == 0.0
