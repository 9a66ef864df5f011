"""Asked of the best of each row and of a panel: the same answers, and a proof that holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import q2e
from conftest import SIXTY
from q2e.methods.fuse.base import fuse
from q2e.methods.fuse.witnesses import NORMAL, Grounds, centred
from q2e.methods.normalise.base import normalise
from q2e.plugins import registry
from q2e.registry import Choice
from q2e.search import near
from q2e.search.prove import RISING
from q2e.store.engine import Request
from q2e.store.exact import ExactEngine, lowest
from q2e.store.part import Part
from q2e.types import Filters

QUESTIONS = (
    "a giant panda", "earthquake damages buildings", "oso polar", "颐和园的花展", "снег",
    "panda -bear", "dog OR snow",
)  # fmt: skip
#: Rules of fusion in which a higher score in a row never lowers the whole.
RULES = [one.choice({}) for one in registry().all("fuse") if one.facts.get("scale") in RISING]


@pytest.mark.parametrize("text", QUESTIONS)
def test_all_candidates_give_the_full_ranking(sample_index: q2e.Index, text: str) -> None:
    full = sample_index.search(text, top=30, confidence=0.0)
    same = sample_index.search(text, top=30, confidence=0.0, candidates=len(sample_index))
    assert [h.video.id for h in same] == [h.video.id for h in full]
    assert [h.score for h in same] == pytest.approx([h.score for h in full], abs=1e-5)
    assert [h.certain for h in same] == [h.certain for h in full]
    assert full.info["candidates"] is None
    told = same.info["candidates"]
    assert (told["videos"], told["exact"]) == (len(sample_index), True)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Makes the panel a part of the samples."""
    monkeypatch.setattr(near, "PANEL", 7)
    yield 7


@pytest.mark.parametrize("text", QUESTIONS)
def test_a_part_is_searched_like_the_whole(sample_index: q2e.Index, few: int, text: str) -> None:
    store = sample_index.store
    index = q2e.open(sample_index.directory)  # whose searches have met no larger panel
    found = index.search(text, top=3, confidence=0.0, candidates=4)
    told = found.info["candidates"]
    assert told["panel"] == few and told["videos"] < len(store.table().video_ids)
    assert found.info["videos"] == len(store.table().video_ids)
    for hit in found:
        assert sum(reason.contribution for reason in hit.why) == pytest.approx(hit.score, abs=1e-6)
        assert hit.moments and hit.moments[0].end_s <= hit.video.duration_s
    index.close()


def test_filters_choose_before_the_best_are_taken(sample_index: q2e.Index, few: int) -> None:
    index = q2e.open(sample_index.directory)
    shortest = sorted(index.videos(), key=lambda one: one.duration_s)[2].duration_s
    full = index.search("people", longest_s=shortest, confidence=0.0)
    found = index.search("people", longest_s=shortest, confidence=0.0, candidates=len(full))
    assert full.hits and {hit.video.id for hit in found} == {hit.video.id for hit in full}
    index.close()


def test_feedback_under_filters_is_that_of_the_videos_that_are_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that filters leave out lend no scores: a part knows few of them, the whole all."""
    monkeypatch.setattr(near, "PANEL", 60)
    with (tmp_path / "lines.jsonl").open("w", encoding="utf-8") as lines:
        for number in range(300):
            text = f"{SIXTY[number % 60]} {SIXTY[7 * number % 60]}"
            one = {"video": f"v{number:03}", "channel": "speech", "text": text}
            lines.write(json.dumps(one) + "\n")
    with q2e.open(tmp_path / "index") as index:
        index.import_evidence(tmp_path / "lines.jsonl")
        names = [f"v{number:03}" for number in range(0, 300, 7)]
        found = 0
        questions = ("地震", "ракета", "un concert", "snow storm", "火災", "attentat", "ураган")
        for text in questions:
            asked = {"videos": names, "confidence": 0.0, "top": 20, "duplicates": "keep"}
            full, part = index.search(text, **asked), index.search(text, candidates=300, **asked)
            found += len({hit.video.id for hit in full} & {hit.video.id for hit in part})
        assert found >= 0.95 * 20 * len(questions), found


@pytest.mark.parametrize("only", [{}, {"channels": ["speech"]}, {"languages": ["en"]}], ids=str)
def test_the_panel_tells_what_an_engine_misses(
    sample_index: q2e.Index, few: int, monkeypatch: pytest.MonkeyPatch, only: dict[str, list[str]]
) -> None:
    def told(text: str) -> tuple[int, int]:
        with q2e.open(sample_index.directory) as index:
            said = index.search(text, candidates=4, **only).info["candidates"]
        assert said["panel"] == few
        return said["expected"], said["recalled"]

    texts = ("a giant panda", "snow", "un concert")
    whole = [told(text) for text in texts]
    assert all(expected == recalled for expected, recalled in whole)
    assert sum(expected for expected, _ in whole) >= 3
    best = ExactEngine.best

    def forgetful(self: ExactEngine, asked: list[Request], filters: Filters, k: int) -> object:
        return [
            [one._replace(videos=one.videos[1:]) for one in channels]
            for channels in best(self, asked, filters, k)
        ]

    monkeypatch.setattr(ExactEngine, "best", forgetful)
    less = [told(text) for text in texts]
    assert [expected for expected, _ in less] == [expected for expected, _ in whole]
    assert 0 < sum(recalled for _, recalled in less) < sum(expected for expected, _ in less)


def test_likes_are_near_though_no_row_brings_them(sample_index: q2e.Index, few: int) -> None:
    index = q2e.open(sample_index.directory)
    found = index.search("a giant panda", confidence=0.0, top=30)
    far = [hit.video.id for hit in found if hit.video.has_video][-1]
    assert index.search("a giant panda", like=(far,), candidates=1, confidence=0.0).hits
    assert index.search("", examples=(f"{far}@0.5",), candidates=1, confidence=0.0).hits
    index.close()


# -- the proof ----------------------------------------------------------------------------------
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.sampled_from(RULES))
@settings(max_examples=250, deadline=None)
@example(0, 1, RULES[0])
def test_no_video_outside_scores_above_the_bound(seed: int, k: int, rule: Choice) -> None:
    """In 250 times 40 cases: a video that no row brought is put beside the others, at weight 0."""
    random = np.random.default_rng(seed)
    rows = int(random.integers(1, 6))
    every = random.normal(0, 2, (rows, 60))
    every[random.random(every.shape) < 0.3] = np.nan
    held = np.arange(20)  # the panel
    best = np.argsort(-np.nan_to_num(every, nan=-np.inf), axis=1)[:, :k]
    inside = np.union1d(held, best.ravel())
    outside = np.setdiff1d(np.arange(60), inside)
    if not len(outside):
        return
    floor = np.sort(np.nan_to_num(every, nan=-np.inf), axis=1)[:, -k - 1]
    channels = tuple(random.choice(["frame", "speech", "metadata"], rows).tolist())
    leads = tuple(random.random(rows) < 0.7)
    ghost = np.where(np.isfinite(floor), floor, np.nan)[:, None]
    many = np.append(np.where(np.isin(inside, held), 2.5, 1.0), 0.0)

    def score(column: np.ndarray) -> float:
        raw = np.hstack((every[:, inside], column))
        level = normalise(raw, "none", floor=np.zeros(rows))
        grounds = Grounds(raw, channels, leads, {"frame": NORMAL}, many)
        level = replace(level, grounds=grounds, stands_for=many)
        return float(fuse(level, rule, np.ones(rows)).score[-1])

    bound = score(ghost)
    for video in outside.tolist():
        assert score(every[:, video, None]) <= bound + 1e-9


# -- the engine and the part of a collection ------------------------------------------------------
def test_an_engine_returns_the_best_by_the_best_piece(sample_index: q2e.Index) -> None:
    store, text = sample_index.store, sample_index.models.text
    engine, table = ExactEngine(store), store.table()
    query = text.encode_queries(["a giant panda", "snow"])
    rows, matrix = store.vectors(text.space)
    scores = (query @ matrix.T).max(axis=0)
    for best in engine.best([Request("meaning", "query", text.space, query)], Filters(), 3)[0]:
        own = table.channel[rows] == table.code(best.channel)
        by_video = {
            name: scores[own & (table.video[rows] == number)].max(initial=-np.inf)
            for number, name in enumerate(table.video_ids)
        }
        ranked = sorted(by_video.items(), key=lambda pair: -pair[1])
        assert [name for name, _ in ranked[:3]] == list(best.videos)[:3]
        assert best.floor == pytest.approx(ranked[3][1])


def test_a_part_scores_words_by_the_numbers_of_the_whole(sample_index: q2e.Index) -> None:
    store = sample_index.store
    table = store.table()
    part = Part.of(ExactEngine(store), table.video_ids[3:9], table.video_ids[5:7])
    rows, scores = part.lexical(("panda", "the"))
    all_rows, all_scores = store.lexical(("panda", "the"))
    known = dict(zip(table.evidence_id[all_rows].tolist(), all_scores.tolist(), strict=True))
    found = dict(zip(part.table().evidence_id[rows].tolist(), scores.tolist(), strict=True))
    own = set(part.table().evidence_id.tolist())
    assert found == {one: score for one, score in known.items() if one in own}
    assert part.table().stands_for.sum() == pytest.approx(len(table.video_ids))  # type: ignore[union-attr]
    assert [one.text for one in part.evidence([0, 1])] == [
        one.text for one in store.evidence(np.searchsorted(table.evidence_id, sorted(own)[:2]))
    ]


def test_the_panel_is_the_same_whatever_came_first() -> None:
    names = [f"{number:x}" for number in range(300)]
    panel = lowest(names, 50)
    assert set(panel) == set(lowest(names[::-1], 50))
    fewer = set(lowest(names[:-30], 50))
    assert len(fewer & set(panel)) >= 40  # a tenth of the videos more moves a tenth of the panel
    assert lowest(names[:9], 50) == tuple(names[:9])


def test_videos_that_stand_for_others_count_as_often() -> None:
    row = np.array([1.0, 2.0, np.nan, 4.0])
    twice = np.array([1.0, 2.0, 4.0, 1.0])
    plain = np.repeat(row, twice.astype(int))
    first = np.cumsum([0, *twice.astype(int)])[:-1]
    assert centred(row, twice) == pytest.approx(centred(plain)[first], nan_ok=True)
