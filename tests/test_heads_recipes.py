"""Recipes of training: formulas against numpy, worlds in which each must win, the command."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from q2e.cli import app
from q2e.errors import ConfigError, MissingDependency, ModelError
from q2e.heads.feature_files import load, save
from q2e.heads.features import FeatureSet
from q2e.heads.train import chosen, opened, recipes
from q2e.heads.train import trained as train_by
from q2e.plugins import registry
from test_docs import _sections

RUN = CliRunner()
DIMENSION = 24


def _unit(x: Any) -> Any:
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def _world(kind: str, videos: int = 400, seed: int = 0) -> FeatureSet:
    """Return videos in which what `kind` trains is needed.

    head: one frame of eight fits the text. eye: features are another, noisy view of the texts.
    localise: one sixth or more of the video shows what the text says. compose: the text says by
    which direction the video meant differs from the example.
    """
    rng = np.random.default_rng(seed)
    meaning = _unit(rng.normal(size=(videos, DIMENSION)))
    frames = [_unit(rng.normal(size=(8, DIMENSION))) for _ in range(videos)]
    tokens = [meaning[video][None] for video in range(videos)]
    video, more = np.arange(videos), {}
    if kind == "head":
        for one, own in zip(frames, meaning, strict=True):
            one[rng.integers(8)] = _unit(own + 0.5 * _unit(rng.normal(size=DIMENSION)))
    elif kind == "eye":
        mix = rng.normal(size=(DIMENSION, 60))
        frames = [own[None] @ mix + 0.3 * rng.normal(size=(1, 60)) for own in meaning]
    elif kind == "localise":
        frames = [_unit(rng.normal(size=(12, DIMENSION))) for _ in range(videos)]
        begin = rng.integers(0, 5, size=videos)
        end = begin + rng.integers(1, 3, size=videos)
        concepts = _unit(rng.normal(size=(6, DIMENSION)))
        said = rng.integers(6, size=videos)
        for number, one in enumerate(frames):
            one[2 * begin[number] : 2 * end[number]] += 2 * concepts[said[number]]
        tokens = [concepts[one][None] for one in said]
        more = {"spans_s": np.stack([2.0 * begin, 2.0 * end], axis=1)}
        more["times_s"] = tuple(np.arange(12) + 0.5 for _ in range(videos))
    else:
        turns = _unit(rng.normal(size=(4, DIMENSION)))
        kinds = rng.integers(4, size=videos // 2)
        meaning[1::2] = _unit(meaning[::2] - 3.0 * turns[kinds])
        frames = [own[None] for own in meaning]
        tokens = [turns[kind][None] for kind in kinds]
        video = np.arange(1, videos, 2)
        more = {"example": np.arange(0, videos, 2)}
    splits = ["train", "train", "train", "val", "test"]
    return FeatureSet(
        frames=tuple(one.astype(np.float32) for one in frames),
        tokens=tuple(one.astype(np.float32) for one in tokens),
        video=video,
        video_ids=tuple(f"v{number}" for number in range(videos)),
        text_ids=tuple(f"t{number}" for number in range(len(tokens))),
        split=tuple(splits[(number // 2) % 5] for number in range(videos)),
        space="made-up",
        data="made up by a test",
        licence="none needed",
        **more,
    )


@pytest.mark.parametrize(
    ("kind", "text", "measure", "least"),
    [
        ("eye", "cca(directions=16)", "R@1", 0.5),
        ("head", "xpool(steps=60, check_every=30)", "R@1", 0.5),
        ("compose", "combiner(steps=80, check_every=20, learning_rate=0.003)", "MRR", 0.6),
        ("localise", "mcn(steps=120, learning_rate=0.005)", "R@1 IoU>=0.5", 0.5),
    ],
)
def test_a_recipe_wins_in_the_world_it_is_for_and_comes_back_from_disk(
    kind: str, text: str, measure: str, least: float, tmp_path: Path
) -> None:
    if kind != "eye":
        pytest.importorskip("torch")
    world = _world(kind, 300)
    choice = chosen(kind, text, {})
    kept, _ = train_by(choice, world, tmp_path)
    again, recipe = opened(tmp_path)
    test = world.subset("test")
    found = recipe.figures(again.weights, test)
    assert found == choice.bound.figures(kept.weights, test)
    assert (again.kind, again.recipe, again.licence) == (kind, str(choice), "none needed")
    assert again.facts["videos"] == sum(one == "train" for one in world.split)
    assert found[measure] > least, found
    if kind == "head":
        mean = chosen("head", "meanpool(steps=60, check_every=20)", {}).bound
        assert mean.figures(mean.train(world).weights, test)["R@1"] < found["R@1"] - 0.1
    elif kind == "localise":
        untrained = mean_overlap_of_the_whole(test)
        assert found["mIoU"] > untrained + 0.1
    elif kind == "compose":
        vectors = np.stack([one[0] for one in test.frames])
        scores = vectors[test.example] @ vectors.T  # the example alone, without its text
        scores[np.arange(len(scores)), test.example] = -1
        hits = (scores.argmax(axis=1) == test.video).mean()
        assert found["R@1"] > hits + 0.1, (found, hits)


def mean_overlap_of_the_whole(features: FeatureSet) -> float:
    """Return what answering with the whole video would get."""
    assert features.spans_s is not None
    return float((np.diff(features.spans_s).ravel() / 12).mean())


def test_attention_is_the_formula_and_begins_as_a_mean_weighted_by_likeness() -> None:
    torch = pytest.importorskip("torch")
    from q2e.heads.blocks.attention import TextAttention

    rng = np.random.default_rng(1)
    texts, frames = rng.normal(size=(3, 8)), rng.normal(size=(2, 5, 8))
    real = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], bool)
    made = TextAttention(8, 0.0).double()

    def norm(x: Any) -> Any:
        return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)

    def expected(w: dict[str, Any]) -> Any:
        def linear(x: Any, name: str) -> Any:
            return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

        out = np.zeros((3, 2, 8))
        for t, v in np.ndindex(3, 2):
            shown = norm(frames[v][real[v]])
            query = linear(norm(texts[t]), "query")
            logits = linear(shown, "key") @ query / np.sqrt(8)
            weights = np.exp(logits - logits.max())
            seen = weights / weights.sum() @ linear(shown, "value")
            seen = norm(linear(seen, "out"))
            out[t, v] = norm(seen + linear(seen, "linear"))
        return _unit(out)

    given = [torch.from_numpy(x) for x in (texts, frames, real)]
    for _ in range(2):
        state = {name: value.numpy() for name, value in made.state_dict().items()}
        np.testing.assert_allclose(made(*given).detach().numpy(), expected(state), atol=1e-9)
        with torch.no_grad():
            for name in ("query", "key", "value", "out", "linear"):
                getattr(made, name).weight.add_(0.3 * torch.randn(8, 8).double())


def test_what_is_before_training_is_the_cosine_of_the_mean() -> None:
    pytest.importorskip("torch")
    world = _world("head", 40)
    means = _unit(np.stack([_unit(one).mean(axis=0) for one in world.frames]))
    expected = np.stack([one[0] for one in world.tokens]) @ means.T
    for name in ("meanpool", "seqtransf"):
        recipe = chosen("head", name, {}).bound
        made = recipe.objective(world)
        made.eval()
        np.testing.assert_allclose(made.scores(world, "cpu").numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("text", ["seqtransf(steps=20)", "xpool(steps=20, batch=16)"])
def test_twenty_steps_are_better_than_none_and_stop_and_resume_alike(
    text: str, tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    world = _world("head", 200)
    choice = chosen("head", text, {"check_every": "5", "patience": "0", "warmup": "2"})
    whole = choice.bound.train(world, tmp_path / "whole")

    def stumble(line: Any, total: int) -> None:
        if line.step == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        choice.bound.train(world, tmp_path / "two", stumble)
    again = choice.bound.train(world, tmp_path / "two")
    assert all((whole.weights[name] == again.weights[name]).all() for name in whole.weights)
    losses = [
        float(line.split(",")[2])
        for line in (tmp_path / "two" / "log.csv").read_text().splitlines()[1:]
    ]
    assert losses[-1] < losses[0]


def test_the_recipe_of_mmi_gives_the_bits_of_its_own_command(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from q2e.mmi.synthetic import SyntheticConfig, synthetic

    path = tmp_path / "set.npz"
    save(synthetic(SyntheticConfig(groups=20, dimension=16, vocabulary=12, grid=0)), path)
    sizes = {"steps": 10, "masked_steps": 5, "batch": 16, "check_every": 5}
    old = ["mmi", "train", str(path), "--out", str(tmp_path / "old")]
    old += [part for key, value in sizes.items() for part in (f"--{key}".replace("_", "-"), value)]
    new = ["train", "mmi", str(path), "--out", str(tmp_path / "new")]
    new += [part for key, value in sizes.items() for part in ("--set", f"{key}={value}")]
    for command in (old, new):
        done = RUN.invoke(app, [str(part) for part in command])
        assert done.exit_code == 0, (done.output, done.exception)
    one, two = ((tmp_path / name / "mmi.safetensors").read_bytes() for name in ("old", "new"))
    assert one == two
    shown = RUN.invoke(app, ["eval", "head", str(path), "--head", str(tmp_path / "new"), "--json"])
    answer = json.loads(shown.stdout)
    assert answer.keys() == _sections()["q2e eval head"].keys()
    again = RUN.invoke(app, [*(str(part) for part in new), "--json"])
    assert json.loads(again.stdout).keys() == _sections()["q2e train"].keys()
    assert answer["kind"] == "mmi" and set(answer["figures"]) == {"R@1", "R@5", "R@10", "MRR"}


def test_train_and_measure_as_a_person_types_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    path, out = tmp_path / "eye.npz", tmp_path / "eye"
    save(_world("eye", 100), path)
    command = ["train", "eye", str(path), "--out", str(out), "--set", "directions=8"]
    done = RUN.invoke(app, command)
    assert done.exit_code == 0, (done.output, done.exception)
    assert "learnt from made up by a test; licence none needed" in done.stdout
    assert "below some 800" in done.stderr
    table = tmp_path / "scores.npy"
    done = RUN.invoke(app, ["eval", "head", str(path), "--head", str(out), "--matrix", str(table)])
    assert "cca(directions=8) on test" in done.stdout and np.load(table).shape == (20, 20)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("ear synthetic", "unknown kind of training 'ear'"),
        ("head synthetic", "say which recipe of head:  --recipe "),
        ("head synthetic --recipe cca", "cca trains eye: run  q2e train eye --recipe cca"),
        ("head synthetic --recipe xpol", "did you mean 'xpool'"),
        ("head synthetic --recipe xpool --set stepps=3", "did you mean 'steps'"),
        ("head synthetic --recipe xpool --set steps=0", "must be a whole number from 1 on"),
        ("compose synthetic", "needs the example that each text changes"),
        ("localise synthetic --recipe mcn", "needs to know which stretch"),
        ("eye nowhere.npz", "no such file"),
    ],
)
def test_what_cannot_be_trained_is_told_with_the_next_step(
    command: str, said: str, tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    save(_world("head", 20), tmp_path / "set.npz")
    words = command.replace("synthetic", str(tmp_path / "set.npz")).split()
    done = RUN.invoke(app, ["train", *words, "--out", str(tmp_path / "out")])
    assert isinstance(done.exception, ConfigError) and said in str(done.exception)


def test_a_kind_without_a_recipe_says_how_to_bring_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from q2e.heads import train

    monkeypatch.setattr(train, "recipes", lambda kind: ())
    with pytest.raises(ConfigError, match="a package brings one by a method of the kind"):
        chosen("localise", None, {})


def test_every_kind_has_a_recipe() -> None:
    assert {kind: recipes(kind) for kind in ("eye", "compose", "localise", "mmi")} == {
        "eye": ("cca",),
        "compose": ("combiner",),
        "localise": ("detr", "language_free", "mcn", "psvl", "stal", "vdi", "vlanet"),
        "mmi": ("mmi",),
    }
    assert {"meanpool", "seqtransf", "xpool"} <= set(recipes("head"))


def test_without_pytorch_the_command_to_get_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from q2e.heads import recipe

    monkeypatch.setattr(recipe, "find_spec", lambda name: None)
    for kind, name in (("head", "xpool"), ("mmi", "mmi")):
        with pytest.raises(MissingDependency, match=r'pip install "q2e\[mmi\]"'):
            chosen(kind, name, {}).bound.train(_world("head", 20))


def test_damage_and_other_dimensions_are_seen(tmp_path: Path) -> None:
    world = _world("eye", 50)
    kept, note = train_by(registry().one("training", "cca"), world, tmp_path)
    assert "30 pairs" in note and kept.facts["steps"] == 0
    other = replace(world, frames=tuple(one[:, :5] for one in world.frames))
    with pytest.raises(ConfigError, match="features of 60 dimensions"):
        opened(tmp_path)[1].scores(kept.weights, other)
    data = bytearray((tmp_path / "head.npz").read_bytes())
    data[100] ^= 1
    (tmp_path / "head.npz").write_bytes(data)
    with pytest.raises(ModelError, match="damaged"):
        opened(tmp_path)
    with pytest.raises(ConfigError, match="q2e train"):
        opened(tmp_path / "nowhere")


@pytest.mark.parametrize("kind", ["eye", "localise", "compose"])
def test_what_recipes_need_is_kept_in_the_file(kind: str, tmp_path: Path) -> None:
    world = _world(kind, 40)
    if kind == "eye":
        labels = np.ones((40, 3), np.float32)
        world = replace(world, labels=labels, text_labels=2 * labels)
    save(world, tmp_path / "set.npz")
    back = load(tmp_path / "set.npz")
    for name in ("labels", "text_labels", "spans_s", "example"):
        own, other = getattr(world, name), getattr(back, name)
        assert (own is None) == (other is None) and (own is None or (own == other).all())
    assert (back.data, back.licence) == (world.data, world.licence)
    test = back.subset("test")
    if test.example is not None:
        ids = world.video_ids
        assert [test.video_ids[one] for one in test.example] == [
            ids[one]
            for one, own in zip(world.example, world.video, strict=True)  # type: ignore[arg-type]
            if world.split[int(own)] == "test"
        ]
