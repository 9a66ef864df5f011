"""Training: feature files, exact resumption, weights as a source, and a margin over baselines."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from q2e.errors import ConfigError, ModelError
from q2e.heads.feature_files import dealt, load, save
from q2e.heads.features import FeatureSet
from q2e.mmi.features import config_for
from q2e.mmi.reason import Head, HeadConfig
from q2e.mmi.synthetic import SyntheticConfig, synthetic
from q2e.mmi.weights import about_head, load_head, save_head

SMALL = SyntheticConfig(groups=20, dimension=16, vocabulary=12, frames=(1, 3))


@pytest.fixture(scope="module")
def small() -> FeatureSet:
    rng = np.random.default_rng(0)
    made = synthetic(SMALL)
    skeletons = rng.normal(size=(len(made.frames), 6)).astype(np.float32)
    return replace(made, video_skeletons=skeletons, text_skeletons=skeletons)


# -- features ---------------------------------------------------------------------------------


def test_a_feature_set_comes_back_as_it_was(small: FeatureSet, tmp_path: Path) -> None:
    save(small, tmp_path / "set.npz")
    back = load(tmp_path / "set.npz")
    for name in ("frames", "tokens", "times_s", "regions"):
        for one, two in zip(getattr(small, name), getattr(back, name), strict=True):
            assert (one == two).all()
    assert (back.video == small.video).all() and back.split == small.split
    assert back.group == small.group and back.space == small.space and back.texts == ()
    assert back.text_skeletons is not None and (back.text_skeletons == small.text_skeletons).all()


def test_lines_of_json_are_read_in_any_language(tmp_path: Path) -> None:
    rows = [
        {
            "id": f"影片{number}",
            "frames": [[1.0, float(number)]],
            "texts": [{"id": f"t{number}", "text": "ภาพ", "tokens": [[1, 0], [0, 1]]}],
            "split": split,
        }
        for number, split in enumerate(("train", "val", "test"))
    ]
    path = tmp_path / "set.jsonl"
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    features = load(path)
    assert features.video_ids[0] == "影片0" and features.texts == ("ภาพ",) * 3
    assert features.subset("val").video_ids == ("影片1",)
    assert features.subset("val").relevance().tolist() == [[1.0]]


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("{", "no feature set"),
        ('{"id": 1, "frames": [], "texts": []}', "no video or no text"),
        (
            '{"id": 1, "frames": [[1]], "texts": [{"tokens": [[1]]}, {"tokens": [[1, 2]]}]}',
            "dimensions",
        ),
        ('{"id": 1, "frames": [[NaN, 2]], "texts": [{"tokens": [[1, 1]]}]}', "NaN"),
        ('{"id": 1, "split": "x", "frames": [[1]], "texts": [{"tokens": [[1]]}]}', "split"),
    ],
)
def test_features_that_cannot_be_used_are_refused(tmp_path: Path, content: str, match: str) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text(content, "utf-8")
    with pytest.raises(ConfigError, match=match):
        load(path)


def test_splits_by_hash_stay_when_videos_are_added() -> None:
    ids = [f"v{number}" for number in range(1000)]
    assert dealt(ids)[:500] == dealt(ids[:500])
    assert 60 < dealt(ids).count("val") < 140


def test_batches_hold_every_video_once_and_groups_together(small: FeatureSet) -> None:
    batches = small.batches(8, seed=1, epoch=2)
    assert batches == small.batches(8, seed=1, epoch=2) != small.batches(8, seed=1, epoch=3)
    videos = [video for batch in batches for video, _ in batch]
    assert sorted(videos) == list(range(len(small.frames)))
    assert {small.group[video] for video, _ in batches[0][:4]} == {small.group[batches[0][0][0]]}


def test_the_synthetic_set_is_what_it_says() -> None:
    one, two = synthetic(SMALL), synthetic(SMALL)
    assert all((a == b).all() for a, b in zip(one.frames, two.frames, strict=True))
    of_test = {name for name, split in zip(one.group, one.split, strict=True) if split == "test"}
    of_train = {name for name, split in zip(one.group, one.split, strict=True) if split == "train"}
    assert of_test and not of_test & of_train
    means = np.stack([frames.mean(axis=0) for frames in one.frames])
    unit = means / np.linalg.norm(means, axis=1, keepdims=True)
    likeness = unit @ unit.T
    same = np.array(one.group)[:, None] == np.array(one.group)[None]
    np.fill_diagonal(same, False)
    assert likeness[same].mean() > likeness[~same].mean() + 0.2


# -- training ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def quick() -> object:
    pytest.importorskip("torch")
    from q2e.heads.schedule import TrainConfig

    return TrainConfig(
        steps=20, masked_steps=10, batch=16, accumulate=2, warmup=3, check_every=5, patience=0
    )


def test_interrupted_and_resumed_is_bit_for_bit_uninterrupted(
    small: FeatureSet, quick: object, tmp_path: Path
) -> None:
    from q2e.heads.checkpoint import Line
    from q2e.mmi.train import train_head

    config = config_for(small, alpha="learned")
    whole, done = train_head(small, config, quick, tmp_path / "whole")  # type: ignore[arg-type]

    for stop in (5, 20):

        def stumble(line: Line, total: int, stop: int = stop) -> None:
            if line.step == stop:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            train_head(small, config, quick, tmp_path / "two", stumble)  # type: ignore[arg-type]
    again, resumed = train_head(small, config, quick, tmp_path / "two")  # type: ignore[arg-type]
    assert all((whole.weights[name] == again.weights[name]).all() for name in whole.weights)
    assert [(x.step, x.loss, x.validation) for x in done.log] == [
        (x.step, x.loss, x.validation) for x in resumed.log
    ]
    assert resumed.best_step == done.best_step
    rows = list(csv.DictReader((tmp_path / "two" / "log.csv").read_text().splitlines()))
    assert [int(row["step"]) for row in rows] == [5, 10, 15, 20, 25, 30]
    assert rows[0]["stage"] == "masked" and rows[-1]["stage"] == "contrast"
    changed = replace(quick, seed=1)  # type: ignore[type-var]
    with pytest.raises(ConfigError, match="other settings"):
        train_head(small, config, changed, tmp_path / "two")


def test_masked_prediction_learns(small: FeatureSet) -> None:
    pytest.importorskip("torch")
    from q2e.heads.schedule import TrainConfig
    from q2e.mmi.train import train_head

    config = TrainConfig(masked_steps=60, steps=1, batch=32, check_every=10, warmup=5)
    _, done = train_head(small, config_for(small), config)
    assert done.log[5].loss < done.log[0].loss - 0.3


def test_reduced_precision_and_early_stopping(small: FeatureSet) -> None:
    pytest.importorskip("torch")
    from q2e.heads.schedule import TrainConfig
    from q2e.mmi.train import train_head

    config = TrainConfig(
        steps=400,
        masked_steps=2,
        batch=32,
        check_every=2,
        patience=2,
        precision="bfloat16",
        learning_rate=1e-6,
    )
    head, done = train_head(small, config_for(small), config)
    assert done.stopped_early and done.steps < 100
    assert all(value.dtype == np.float32 for value in head.weights.values())


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"batch": 1}, "batch"),
        ({"precision": "int8"}, "precision"),
        ({"mask_rate": 0.0}, "mask_rate"),
        ({"steps": 0}, "steps"),
    ],
)
def test_settings_that_cannot_be_are_refused(change: dict[str, object], match: str) -> None:
    pytest.importorskip("torch")
    from q2e.heads.schedule import TrainConfig

    with pytest.raises(ConfigError, match=match):
        TrainConfig(**change)  # type: ignore[arg-type]


def test_what_cannot_be_trained_is_refused(small: FeatureSet, quick: object) -> None:
    from q2e.heads.trainer import device
    from q2e.mmi.train import train_head

    with pytest.raises(ConfigError, match="query"):
        train_head(small, config_for(small, beta="query"), quick)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="device"):
        device("abacus")


def test_exported_weights_come_back_and_damage_is_seen(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    head = Head.untrained(HeadConfig(6, alpha="learned"))
    save_head(Head(head.config, head.weights, "space/1"), tmp_path, steps=3)
    back = load_head(tmp_path)
    assert back.config == head.config and back.space == "space/1"
    assert all((back.weights[name] == head.weights[name]).all() for name in head.weights)
    assert about_head(tmp_path)["facts"] == {"steps": 3}
    data = bytearray((tmp_path / "mmi.safetensors").read_bytes())
    data[-1] ^= 1
    (tmp_path / "mmi.safetensors").write_bytes(data)
    with pytest.raises(ModelError, match="damaged"):
        load_head(tmp_path)
    (tmp_path / "mmi.json").write_text('{"version": 9}')
    with pytest.raises(ModelError, match="version 9"):
        load_head(tmp_path)
    with pytest.raises(ModelError, match="holds no"):
        load_head(tmp_path / "nowhere")


@pytest.mark.slow
def test_order_is_told_apart_where_means_and_self_attention_cannot() -> None:
    pytest.importorskip("torch")
    from q2e.heads.ranks import reciprocal_rank
    from q2e.heads.schedule import TrainConfig
    from q2e.mmi.train import train_head

    features = synthetic(
        SyntheticConfig(groups=200, dimension=24, vocabulary=14, frames=(3, 5), grid=0, noise=0.2)
    )
    test = features.subset("test")
    config = TrainConfig(
        steps=350, masked_steps=0, batch=64, learning_rate=3e-3, check_every=50, dropout=0.0
    )
    found = {}
    for name, changes in {
        "full": {},
        "mean": {"temporal": "none", "spatial": "none", "alpha": "uniform"},
        "self": {"temporal": "self", "spatial": "self"},
    }.items():
        head, _ = train_head(features, config_for(features, **changes), config)
        texts = np.stack([head.text(tokens) for tokens in test.tokens]).astype(np.float64)
        videos = np.stack(
            [head.video(f, t) for f, t in zip(test.frames, test.times_s, strict=True)]
        ).astype(np.float64)
        found[name] = reciprocal_rank(texts @ videos.T, test.relevance())
    assert found["full"] > max(found["mean"], found["self"]) + 0.2, found
