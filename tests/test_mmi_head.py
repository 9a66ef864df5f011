"""Key-images and inductive reasoning: hand-computed cases, and numpy equal to PyTorch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from q2e.errors import ConfigError
from q2e.mmi.keyimages import disparity, key_times, members, segments, weights_in
from q2e.mmi.reason import (
    Head,
    HeadConfig,
    attend,
    grid_places,
    initial_weights,
    prepare,
    relations,
)


def vectors(*shape: int, seed: int = 0) -> np.ndarray:
    made = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    return made / np.linalg.norm(made, axis=-1, keepdims=True)


def scene(counts: list[int], d: int = 8, seed: int = 0) -> np.ndarray:
    """Frames that stay the same but for small noise, and change between scenes."""
    base = vectors(len(counts), d, seed=seed)
    frames = np.repeat(base, counts, axis=0) + 0.01 * vectors(sum(counts), d, seed=seed + 1)
    return (frames / np.linalg.norm(frames, axis=1, keepdims=True)).astype(np.float32)


# -- key-images -------------------------------------------------------------------------------


def test_segments_begin_where_frames_differ() -> None:
    assert segments(scene([4, 3, 5])).tolist() == [0] * 4 + [1] * 3 + [2] * 5


def test_the_largest_changes_are_kept() -> None:
    frames = scene([3] * 20, d=32)
    assert segments(frames, most=5).max() == 4
    assert disparity(frames)[0] == 0


@pytest.mark.parametrize("count", [1, 2, 7])
def test_a_still_video_is_one_key_image(count: int) -> None:
    assert segments(np.repeat(vectors(1, 8), count, axis=0)).tolist() == [0] * count


@pytest.mark.parametrize("frames", [np.zeros((0, 4), np.float32), np.zeros(4, np.float32)])
def test_no_frames_is_an_error(frames: np.ndarray) -> None:
    with pytest.raises(ConfigError, match="shape"):
        segments(frames)


def test_weights_sum_to_one_inside_each_segment() -> None:
    segment = np.array([0, 0, 1, 1, 1])
    weights = weights_in(members(segment), np.arange(5.0))
    assert weights.sum(axis=1) == pytest.approx([1, 1])
    assert (weights[0, 2:] == 0).all() and weights[1, 4] > weights[1, 3]
    assert key_times(segment, np.linspace(0, 1, 5)) == pytest.approx([0.125, 0.75])


def test_uniform_by_length_is_the_mean_of_all_frames() -> None:
    config = HeadConfig(8, alpha="uniform", beta="length", temporal="none", spatial="none")
    frames = scene([4, 1, 7])
    mean = frames.mean(axis=0)
    assert Head.untrained(config).video(frames) == pytest.approx(mean / np.linalg.norm(mean))


def test_weights_by_question_turn_to_it() -> None:
    frames = scene([4, 4, 4], d=16)
    config = HeadConfig(16, alpha="query", beta="query")
    head = Head.untrained(config)
    plain = Head.untrained(HeadConfig(16)).video(frames)
    assert head.video(frames, query=frames[5]) @ frames[5] > plain @ frames[5]
    with pytest.raises(ConfigError, match="query="):
        head.video(frames)


# -- reasoning --------------------------------------------------------------------------------


def test_attention_with_the_identity_is_self_attention() -> None:
    x = vectors(5, 8).astype(np.float64)
    w = {f"t_{name}": vectors(8, 8, seed=n) for n, name in enumerate(("query", "key", "value"))}
    scores = (x @ w["t_query"]) @ (x @ w["t_key"]).T / np.sqrt(8)
    by_hand = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True) @ (x @ w["t_value"])
    assert attend(x, np.eye(5), w, "t", 8**-0.5) == pytest.approx(by_hand)


def test_relations_are_nearness_and_likeness_in_rows_of_one() -> None:
    config = HeadConfig(2, share=0.5, reach=0.25)
    x = np.array([[1.0, 0.0], [0.0, 1.0]])
    far = relations(x, np.array([[0.0], [1.0]]), config)
    near = 0.5 * np.exp(-4)
    assert far == pytest.approx(np.array([[1, near], [near, 1]]) / (1 + near))
    assert grid_places(2).tolist() == [[0.25, 0.25], [0.25, 0.75], [0.75, 0.25], [0.75, 0.75]]


def test_an_untrained_head_leaves_sentences_and_still_videos_as_they_are() -> None:
    head = Head.untrained(HeadConfig(8))
    sentence = vectors(1, 8)
    assert head.text(sentence) == pytest.approx(sentence[0], abs=1e-6)
    assert head.video(np.repeat(sentence, 6, axis=0)) == pytest.approx(sentence[0], abs=1e-6)


def test_an_untrained_head_smooths_towards_neighbours_in_time() -> None:
    config = HeadConfig(9, spatial="none", share=1.0)
    different = np.eye(9)
    mix = relations(different, np.linspace(0, 1, 9)[:, None], config)
    weight = attend(different, mix, initial_weights(config), "temporal", config.factor)
    assert (np.diff(weight[0]) < 0).all() and (np.diff(weight[8]) > 0).all()
    assert weight[4].argmax() == 4 and weight[4, 3] == pytest.approx(weight[4, 5])


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"dimension": 0}, "dimension"),
        ({"temporal": "h"}, "temporal"),
        ({"share": 2.0}, "share"),
    ],
)
def test_a_head_that_cannot_be_is_refused(change: dict[str, object], match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        HeadConfig(**({"dimension": 8} | change))  # type: ignore[arg-type]


def test_features_that_do_not_fit_are_refused() -> None:
    config = HeadConfig(8, grid=2)
    with pytest.raises(ConfigError, match="regions"):
        prepare(config, vectors(3, 8))
    with pytest.raises(ConfigError, match="times"):
        prepare(HeadConfig(8), vectors(3, 8), np.zeros(2))
    with pytest.raises(ConfigError, match="NaN"):
        prepare(HeadConfig(8), np.full((3, 8), np.nan, np.float32))
    with pytest.raises(ConfigError, match="weights do not fit"):
        Head(HeadConfig(8), initial_weights(HeadConfig(9)))


# -- the same in PyTorch ----------------------------------------------------------------------

CONFIGS = [
    HeadConfig(12),
    HeadConfig(12, grid=2, alpha="learned", beta="learned"),
    HeadConfig(12, temporal="self", spatial="self", positions=True),
    HeadConfig(12, temporal="none", alpha="disparity", beta="disparity"),
    HeadConfig(12, spatial="none", scale=0.0, alpha="uniform", beta="uniform"),
    HeadConfig(12, temporal="none", spatial="none", beta="closeness"),
    HeadConfig(12, grid=3, spatial="self", skeleton_dimension=5),
]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_numpy_and_torch_are_equal_for_any_number_of_key_images(config: HeadConfig) -> None:
    pytest.importorskip("torch")
    _compare(config, [[1], [3, 2], [1, 4, 2, 2, 1, 3], [1] * 40], [1, 2, 30], seed=3)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=9), min_size=1, max_size=4),
    st.integers(0, 1000),
)
def test_numpy_and_torch_are_equal_on_any_batch(counts: list[list[int]], seed: int) -> None:
    pytest.importorskip("torch")
    _compare(HeadConfig(12, grid=2, alpha="learned"), counts, [1, 4], seed)


def _compare(config: HeadConfig, counts: list[list[int]], lengths: list[int], seed: int) -> None:
    import torch

    from q2e.mmi.module import HeadModule, pad_texts, pad_videos

    rng = np.random.default_rng(seed)
    weights = {
        name: (value + 0.3 * rng.normal(size=value.shape)).astype(np.float32)
        for name, value in initial_weights(config).items()
    }
    head = Head(config, weights)
    module = HeadModule(config)
    module.load(head)
    clips = []
    for number, count in enumerate(counts):
        frames = scene(count, config.dimension, seed=seed + number)
        regions = vectors(len(frames), config.grid**2, config.dimension, seed=number)
        times = np.sort(rng.random(len(frames))) * 60
        clips.append(prepare(config, frames, times, regions if config.grid else None))
    texts = [vectors(length, config.dimension, seed=length) for length in lengths]
    with torch.no_grad():
        videos = module.video(pad_videos(clips)).numpy()
        said = module.text(pad_texts(texts)).numpy()
    assert np.abs(videos - np.stack([head.vector(clip) for clip in clips])).max() < 1e-5
    assert np.abs(said - np.stack([head.text(text) for text in texts])).max() < 1e-5
    if config.skeleton_dimension:
        one, two = vectors(3, 5), vectors(4, 5, seed=9)
        with torch.no_grad():
            logits = module.skeleton(torch.from_numpy(one), torch.from_numpy(two))
        assert np.abs(logits.sigmoid().numpy() - head.skeleton(one, two)).max() < 1e-5
    back = module.head()
    assert all((back.weights[name] == weights[name]).all() for name in weights)


def test_query_weights_are_equal_too() -> None:
    torch = pytest.importorskip("torch")
    from q2e.mmi.module import HeadModule, pad_videos

    config = replace(CONFIGS[0], alpha="query", beta="query")
    clips = [prepare(config, scene([2, 3], 12), query=vectors(1, 12, seed=n)[0]) for n in range(3)]
    head = Head.untrained(config)
    with torch.no_grad():
        made = HeadModule(config).video(pad_videos(clips)).numpy()
    assert np.abs(made - np.stack([head.vector(clip) for clip in clips])).max() < 1e-5
