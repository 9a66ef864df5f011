"""Recipes that find stretches: formulas against numpy, losses that fall, a search that uses one."""

from __future__ import annotations

import csv
import json
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


@pytest.mark.parametrize("name", list(worlds.TRIALS))
def test_twenty_steps_lower_the_loss(name: str, tmp_path: Path) -> None:
    trial = worlds.TRIALS[name]
    few = {"steps": "20", "check_every": "5", "warmup": "0", "patience": "0", "dropout": "0"}
    choice = chosen("localise", trial.recipe, few)
    kept, _ = trained(choice, trial.world(100, 0), tmp_path)
    rows = csv.DictReader((tmp_path / "log.csv").read_text().splitlines())
    losses = [float(row["loss"]) for row in rows]
    assert kept.facts["steps"] == 20 and losses[-1] < losses[0], losses


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
    asked = ["search", "ein Eisbär im Schnee", "--index", str(sample_index.directory), "--json"]
    by_head = [*asked, "--localise", "head", "--set", f"moment_head={out}"]
    answers = [RUN.invoke(app, one) for one in (asked, by_head)]
    assert all(one.exit_code == 0 for one in answers), answers[1].exception
    plain, headed = (_moments(one.stdout) for one in answers)
    assert plain.keys() == headed.keys() and plain != headed
    with pytest.raises(ConfigError, match="train one with  q2e train localise"):
        sample_index.search("snow", localise="head")
    about = out / "head.json"
    about.write_text(about.read_text().replace(silent.space, "elsewhere"))
    with pytest.raises(ConfigError, match="learnt from vectors of 'elsewhere'"):
        sample_index.search("snow", localise="head", moment_head=str(out))


def _moments(text: str) -> dict[str, list[tuple[float, float]]]:
    return {
        hit["path"]: [(one["start_s"], one["end_s"]) for one in hit["moments"]]
        for hit in json.loads(text)["hits"]
    }
