"""Recipes that find stretches: formulas against numpy, losses that fall, a search that uses one."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks import stretches as worlds
from typer.testing import CliRunner

import q2e
from q2e.cli import app
from q2e.errors import ConfigError
from q2e.features import of_index
from q2e.heads.feature_files import save
from q2e.heads.segments import events, joined
from q2e.heads.train import chosen, trained
from q2e.methods.localise.base import Scored
from q2e.plugins import registry

torch = pytest.importorskip("torch")
RUN = CliRunner()


def _unit(x: Any) -> Any:
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


@pytest.mark.parametrize(
    ("name", "world"),
    [
        ("language_free", worlds.flicker),
        ("psvl", worlds.unpaired),
        ("vdi", worlds.doing),
        ("vlanet", worlds.weak),
        ("stal", worlds.brief),
        ("detr(hidden=16)", worlds.framed),
    ],
)
def test_twenty_steps_lower_the_loss(name: str, world: Any, tmp_path: Path) -> None:
    few = {"steps": "20", "check_every": "5", "warmup": "0", "patience": "0", "dropout": "0"}
    choice = chosen("localise", name, few | {"learning_rate": "0.005", "batch": "16"})
    kept, _ = trained(choice, world(50, 0), tmp_path)
    rows = csv.DictReader((tmp_path / "log.csv").read_text().splitlines())
    losses = [float(row["loss"]) for row in rows]
    assert kept.facts["steps"] == 20 and losses[-1] < losses[0], losses
    # In a search nothing says which stretch is meant.
    asked = replace(world(5, 0).subset("test"), spans_s=None)
    found_s, worth = choice.bound.stretches_of(kept.weights, asked)
    assert len(found_s) == len(worth) and (found_s >= 0).all() and (found_s <= 24).all()


def test_a_localiser_is_the_formula() -> None:
    from q2e.heads.blocks.spans import stretches
    from q2e.heads.blocks.stretched import Stretched

    rng = np.random.default_rng(0)
    made = Stretched(6, 5, 4, 1, 0.0).double()
    with torch.no_grad():
        for one in made.parameters():
            one.add_(0.3 * torch.randn(one.shape).double())
    frames = _unit(rng.normal(size=(2, 8, 6)))
    real = np.array([[1] * 8, [1] * 6 + [0] * 2], bool)
    frames[~real] = 0.0
    text = _unit(rng.normal(size=(2, 5)))
    weights = {key: value.numpy() for key, value in made.state_dict().items()}
    expected = np.zeros((2, 10))
    for row in range(2):
        shown = frames[row][real[row]]
        count = len(shown)
        seen = _unit(shown @ weights["seen.weight"].T)
        like = np.pad(seen @ _unit(text[row] @ weights["said.weight"].T), 1)
        like = sum(weights["near"][k] * like[k : k + count] for k in range(3))
        for number, (low, high) in enumerate(stretches(4)):
            middle = (np.arange(count) + 0.5) / count
            own = like[(middle >= low) & (middle < high)].mean()
            share = high - low
            rest = 0.0 if share == 1 else (like.mean() - share * own) / (1 - share)
            worth = np.exp(weights["log_scale"]) * (own - rest) * share**0.25
            expected[row, number] = worth + weights["prior"][number]
    given = [torch.from_numpy(one) for one in (frames, real, text)]
    np.testing.assert_allclose(made(*given).detach().numpy(), expected, atol=1e-6)


def test_the_right_stretch_is_wanted_most_and_near_ones_more_than_far_ones() -> None:
    from q2e.heads.blocks.spans import stretches
    from q2e.heads.blocks.stretched import wanted

    bounds = stretches(4)
    flat = torch.zeros(1, len(bounds), requires_grad=True)
    wanted(flat, bounds, torch.tensor([[0.25, 0.75]])).backward()
    gain = dict(zip(map(tuple, bounds.tolist()), (-flat.grad[0]).tolist(), strict=True))
    assert max(gain, key=gain.__getitem__) == (0.25, 0.75)
    assert gain[0.25, 1.0] > gain[0.75, 1.0] and gain[0.75, 1.0] < 0


def test_events_are_runs_that_are_alike_and_neighbours_join() -> None:
    rng = np.random.default_rng(1)
    shown = _unit(rng.normal(size=(3, 16)))
    frames = np.repeat(shown, (6, 8, 10), axis=0) + 0.1 * rng.normal(size=(24, 16))
    starts = events(frames.astype(np.float32), 3)
    np.testing.assert_array_equal(starts, [0, 6, 14, 24])
    np.testing.assert_allclose(
        joined(starts, 2) * 24, [[0, 6], [0, 14], [6, 14], [6, 24], [14, 24]]
    )
    assert events(frames[:3].astype(np.float32), 5).tolist() == [0, 3]


def test_a_pseudo_query_is_what_fits_and_what_stands_beside_it_in_texts() -> None:
    from q2e.heads.blocks.pseudo import corpus_of

    dog, cat, barks, sleeps = np.eye(4, 8, dtype=np.float32)
    texts = [(dog, barks), (dog, barks), (dog, sleeps), (cat, sleeps), (cat,)]
    world = worlds.told([np.eye(4, 8)] * 5, [np.stack(one) for one in texts], [[0, 1]] * 5)
    corpus = corpus_of(world)
    place = {name: int((corpus.words @ one).argmax()) for name, one in
             (("dog", dog), ("cat", cat), ("barks", barks), ("sleeps", sleeps))}  # fmt: skip
    assert corpus.nouns(0.9 * dog + 0.1 * cat, 2).tolist() == [place["dog"], place["cat"]]
    beside = corpus.goes_with(np.array([place["dog"]]))
    assert beside[place["barks"]] == pytest.approx(2 / 3)
    assert beside[place["sleeps"]] == pytest.approx(1 / 3)
    assert beside[place["dog"]] == beside[place["cat"]] == 0


def test_moments_of_a_head_are_apart_and_inside_and_hold_what_was_seen() -> None:
    at = np.arange(30) + 0.5
    seen = Scored.of(at - 0.5, at + 0.5, np.sin(at), at // 10, frame_s=at, duration_s=30.0,
                     instant=np.ones(30, bool))  # fmt: skip
    spans = ((5.0, 9.0), (6.0, 12.0), (20.0, 20.2), (-3.0, 4.0), (0.0, 30.0))
    given = replace(seen, proposed=(spans, (0.4, 0.3, 0.1, 0.15, 0.05)))
    found = registry().one("localise", "head(longest_s=20)").bound.moments(given, 5)
    assert [(one.start_s, one.end_s, one.score) for one in found] == [
        (5.0, 9.0, 0.4), (0.0, 4.0, 0.15), (19.6, 20.6, 0.1)
    ]  # fmt: skip
    assert all(one.start_s <= one.frame_s <= one.end_s and one.members for one in found)
    plain = registry().one("localise", "contrast(longest_s=20)").bound
    assert registry().one("localise", "head(longest_s=20)").bound.moments(seen, 5) == plain.moments(
        seen, 5
    )


def test_words_that_surrogates_show_weigh_more_and_only_surrogates_are_compared() -> None:
    from q2e.heads.blocks.surrogate import SurrogateObjective

    rng = np.random.default_rng(3)
    made = SurrogateObjective(6, 5, 4, 3, 2, 0.0).double().eval()
    words, shown = _unit(rng.normal(size=(2, 3, 4))), _unit(rng.normal(size=(3, 6, 4)))
    said = np.array([[1, 1, 1], [1, 1, 0]], bool)
    words[~said] = 0.0
    expected, every = np.zeros((2, 3)), np.zeros((2, 3, 6))
    for t, v in np.ndindex(2, 3):
        own = words[t][said[t]]
        among = np.argsort(-shown[v] @ _unit(own.sum(axis=0)))[:2]
        fit = own @ shown[v][among].T
        heat = np.exp(10 * fit)
        heard = np.exp(10 * (heat / heat.sum(axis=1, keepdims=True) * fit).sum(axis=1))
        every[t, v] = shown[v] @ _unit(heard / heard.sum() @ own)
        expected[t, v] = every[t, v][among].mean()
    found = made.compared(*map(torch.from_numpy, (words, said, shown)))
    np.testing.assert_allclose(found[0].detach().numpy(), expected, atol=1e-9)
    np.testing.assert_allclose(found[1].detach().numpy(), every, atol=1e-9)


def test_changes_are_differences_of_neighbours_and_gates_leave_out_what_is_not_said() -> None:
    from q2e.heads.blocks.moving import changed, gated
    from q2e.heads.blocks.spans import Told

    rng = np.random.default_rng(4)
    frames, real = rng.normal(size=(1, 5, 6)), np.array([[1, 1, 1, 1, 0]], bool)
    own = frames[0, :4]
    moved = [own[1] - own[0], own[2] - own[0], own[3] - own[1], own[3] - own[2]]
    found = changed(torch.from_numpy(frames), torch.from_numpy(real)).numpy()
    np.testing.assert_allclose(found[0, :4], _unit(np.array(moved)), atol=1e-9)
    gate = torch.nn.Linear(6, 1).double()
    words, said = _unit(rng.normal(size=(1, 3, 6))), np.array([[1, 1, 0]], bool)
    weight = np.exp(words[0, :2] @ gate.weight.detach().numpy()[0])
    told = Told(
        *[torch.zeros(1)] * 2, torch.from_numpy(words), torch.from_numpy(said), torch.zeros(1)
    )
    np.testing.assert_allclose(
        gated(gate, told).detach().numpy()[0],
        _unit(weight / weight.sum() @ words[0, :2]),
        atol=1e-9,
    )


def test_a_chamfer_distance_takes_the_nearest_on_both_sides() -> None:
    from q2e.heads.blocks.regions import RegionObjective

    world = worlds.brief(5, 0)
    made = RegionObjective(24, 24, 8, 4, 0.0, 0.2, 0.5, True).eval()
    batch = made.batch(world, [(0, 0), (1, 1)], "cpu")
    found = made.distances(batch, batch.told.tokens, batch.told.said).detach().numpy()
    weights = {key: value.numpy() for key, value in made.state_dict().items()}

    def at(x: Any, side: str) -> Any:
        return _unit(_unit(x) @ weights[f"{side}.weight"].T + weights[f"{side}.bias"])

    for row in range(2):
        words = at(world.tokens[row], "said")
        for number, (low, high) in enumerate(made.bounds):
            own = at(world.regions[row][round(low * 24) : round(high * 24)], "seen").reshape(-1, 8)
            away = ((own[:, None] - words[None]) ** 2).sum(-1)
            expected = away.min(axis=1).mean() + away.min(axis=0).mean()
            assert found[row, number] == pytest.approx(expected, abs=1e-5)


def test_generalised_overlap_and_the_cheapest_matching() -> None:
    from itertools import permutations

    from q2e.heads.blocks.queries import edged, giou, margins, matched, middled
    from q2e.heads.blocks.spans import Told

    one, other = torch.tensor([[0.0, 0.4], [0.0, 0.2]]), torch.tensor([[0.2, 0.6], [0.6, 1.0]])
    # Half of each is shared: .2 of .6, all of the hull; nothing is shared, .4 of 1 is of neither.
    np.testing.assert_allclose(giou(one, other).numpy(), [1 / 3, -0.4], atol=1e-6)
    np.testing.assert_allclose(edged(middled(other)).numpy(), other.numpy(), atol=1e-6)
    cost = np.random.default_rng(5).random((4, 4))
    found = matched([cost])[0]
    best = min(permutations(range(4)), key=lambda order: cost[range(4), order].sum())
    assert found[:, 1].tolist() == list(best)
    salient = torch.tensor([[0.9, 0.1, 0.8, 0.0]])
    real, span = torch.ones(1, 4, dtype=torch.bool), torch.tensor([[0.0, 0.5]])
    told = Told(*[torch.zeros(1)] * 1, real, *[torch.zeros(1)] * 2, span)
    # Pairs of (inside, outside): .9 and .8, .9 and .0, .1 and .8, .1 and .0.
    expected = (0.1 + 0.0 + 0.9 + 0.1) / 4
    assert float(margins(salient, told)) == pytest.approx(expected)


def test_an_index_trains_a_head_without_texts_and_finds_moments_by_it(
    sample_index: q2e.Index, tmp_path: Path
) -> None:
    silent = of_index(sample_index, own=()).features
    assert not silent.texts and len(silent.tokens) == len(silent.frames)
    dealt = ("train", "val", "test")
    silent = replace(silent, split=tuple(dealt[n % 3] for n in range(len(silent.frames))))
    save(silent, tmp_path / "silent.npz")
    out = tmp_path / "head"
    train = ["train", "localise", str(tmp_path / "silent.npz"), "--out", str(out)]
    train += ["--recipe", "language_free(steps=6, check_every=3, batch=8)"]
    done = RUN.invoke(app, train)
    assert done.exit_code == 0, (done.output, done.exception)
    plain, headed = (
        {
            hit.video.id: [(one.start_s, one.end_s) for one in hit.moments]
            for hit in sample_index.search("ein Eisbär im Schnee", confidence=0.0, **way)
        }
        for way in ({}, {"localise": "head", "moment_head": str(out)})
    )
    assert plain.keys() == headed.keys() and plain != headed
    with pytest.raises(ConfigError, match="train one with  q2e train localise"):
        sample_index.search("snow", localise="head")
    about = out / "head.json"
    about.write_text(about.read_text().replace(silent.space, "elsewhere"))
    with pytest.raises(ConfigError, match="learnt from vectors of 'elsewhere'"):
        sample_index.search("snow", localise="head", moment_head=str(out))
