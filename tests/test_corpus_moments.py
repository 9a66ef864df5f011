"""Moments of all videos in one ranking: the order, the reasons, pages, and the file of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import q2e
from q2e.cli import app
from q2e.errors import EvaluationError
from q2e.search.moment_runs import write_moments
from q2e.search.moments import ranked
from q2e.types import Decomposition, Hit, Moment, Query, Reason, Results, Video


def found(*hits: tuple[float, tuple[float, ...]]) -> Results:
    """Return a search of videos by score, with moments by theirs."""
    made = tuple(
        Hit(
            rank,
            Video(f"v{rank}", f"v{rank}.mp4", 9.0),
            score,
            tuple(Moment(at, at + 1.0, own, at) for at, own in enumerate(moments)),
            (Reason("speech", "query", 1.0, score, 1, 0.0, score),),
        )
        for rank, (score, moments) in enumerate(hits, 1)
    )
    return Results(Query("q"), made, Decomposition("q"))


def test_a_moment_is_worth_its_share_of_its_video() -> None:
    results = found((4.0, (2.0, 1.5, 0.1)), (3.0, (9.0,)), (-1.0, (2.0, 1.0)))
    whole = ranked(results, 10)
    told = [(hit.video.id, hit.moments[0].start_s, hit.score) for hit in whole]
    assert told[:4] == [("v1", 0.0, 4.0), ("v1", 1.0, 3.0), ("v2", 0.0, 3.0), ("v1", 2.0, 0.2)]
    assert [one[2] for one in told[4:]] == [-1.0, -1.0]
    assert [hit.rank for hit in whole] == [1, 2, 3, 4, 5, 6]
    for hit in whole:
        assert sum(one.contribution for one in hit.why) == pytest.approx(hit.score)
    pages = [hit for at in (0, 2, 4) for hit in ranked(results, 2, at)]
    assert pages == list(whole.hits)
    assert [ranked(results, 2, at).info["more"] for at in (0, 2, 4)] == [True, True, False]
    # An order that a strategy made again is kept, whatever the scores say.
    again = ranked(found((1.0, (1.0,)), (5.0, (1.0, 0.5))), 10)
    assert [hit.video.id for hit in again] == ["v1", "v2", "v2"]


def test_moments_of_the_samples_are_those_of_the_search(
    sample_index: q2e.Index, tmp_path: Path
) -> None:
    given: dict[str, Any] = {"confidence": 0.0, "moments_per_video": 3}
    searched = sample_index.search("snow on a mountain", top=8, **given)
    moments = sample_index.moments("snow on a mountain", top=8, **given)
    assert len(moments) == 8 and moments.hits[0].moments[0] == searched.hits[0].moments[0]
    known = {(hit.video.id, one.start_s): hit for hit in searched for one in hit.moments}
    for hit in moments:
        of = known[hit.video.id, hit.moments[0].start_s]
        assert (hit.certainty, hit.confidence) == (of.certainty, of.confidence)
        assert hit.score <= of.score
    then = sample_index.moments("snow on a mountain", top=4, offset=4, **given)
    assert [one.moments for one in then] == [one.moments for one in moments.hits[4:]]

    questions, out, run = (tmp_path / name for name in ("q.tsv", "m.json", "r.run"))
    questions.write_text("q1\ta giant panda\nq2\tsnow\n")
    place = ["--index", str(sample_index.directory)]
    asked = [
        "run",
        "--queries",
        str(questions),
        "--out",
        str(run),
        "--moments",
        str(out),
        "-n",
        "5",
    ]
    assert CliRunner().invoke(app, [*asked, *place]).exit_code == 0
    assert [len(one) for one in json.loads(out.read_text()).values()] == [5, 5]
    measured = CliRunner().invoke(
        app, ["eval", "moments", str(out), "--truths", str(out), "--json"]
    )
    assert json.loads(measured.stdout)["measures"]["mIoU"] == pytest.approx(1.0)
    shown = CliRunner().invoke(app, ["moments", "a giant panda", "-n", "3", "--json", *place])
    assert [one["rank"] for one in json.loads(shown.stdout)["hits"]] == [1, 2, 3]


def test_a_run_of_moments_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    questions, out = tmp_path / "q.tsv", tmp_path / "m.json"
    questions.write_text("q1\tsnow\nq2\tسحاب\nq3\t湖\n", encoding="utf-8")
    asked: list[str] = []

    def find(text: str, fails: str = "") -> Results:
        if text == fails:
            raise KeyboardInterrupt
        asked.append(text)
        return ranked(found((2.0, (1.0,))), 3)

    with pytest.raises(KeyboardInterrupt):
        write_moments(questions, out, lambda text: find(text, "湖"), {"top": 3})
    part = tmp_path / "m.json.part"
    # The machine went down while a line was written.
    part.write_text(part.read_text(encoding="utf-8") + '["q3", [["v', encoding="utf-8")
    with pytest.raises(EvaluationError, match="other settings or another index"):
        write_moments(questions, out, find, {"top": 4})
    assert write_moments(questions, out, find, {"top": 3}) == 2
    assert asked == ["snow", "سحاب", "湖"] and not part.exists()
    told = json.loads(out.read_text(encoding="utf-8"))
    assert list(told) == ["q1", "q2", "q3"] and told["q3"] == [["v1", 0.0, 1.0]]
    part.write_text('{"top": 3}\n["q9", []]\n')
    with pytest.raises(EvaluationError, match="'q9', which is not asked"):
        write_moments(questions, out, find, {"top": 3})
