"""LoRA on a tiny LLaVA of random weights: the same data path, and only adapters change."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import tiny_models
from q2e.cli import app
from q2e.decoding.doors import frames_at
from q2e.errors import ConfigError, ModelError
from q2e.heads.feature_files import save
from q2e.heads.features import FeatureSet
from q2e.media.scan import uniform_times
from q2e.methods.rerank.base import Tools
from q2e.methods.rerank.joint import SEEN
from q2e.methods.rerank.mmi import _scorer
from q2e.mmi.knowledge import pool, vectors
from q2e.mmi.synthetic import SyntheticConfig, synthetic
from q2e.mmi.ways import KnowledgeWays
from q2e.models.base import ModelInfo
from q2e.models.registry import Models
from q2e.settings import load_settings
from q2e.store.memory import MemoryStore
from q2e.types import Decomposition, Video

torch = pytest.importorskip("torch")
pytest.importorskip("peft")
pytest.importorskip("transformers")

from q2e.mmi.tuned import opened, tower_vectors  # noqa: E402


@pytest.fixture(scope="module")
def features() -> FeatureSet:
    made = synthetic(SyntheticConfig(groups=12, orders=2, dimension=16, vocabulary=10, grid=0))
    words = tuple(f"{name} 影片" for name in made.text_ids)
    return replace(made, texts=words)


def llava() -> Any:
    from transformers import (
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
    )

    torch.manual_seed(0)
    vision = CLIPVisionConfig(
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=8,
        patch_size=4,
    )
    text = LlamaConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=128,
    )
    return LlavaForConditionalGeneration(LlavaConfig(vision_config=vision, text_config=text))


def tokenize(text: str) -> list[int]:
    return [1 + ord(letter) % 60 for letter in text]


def test_adapters_learn_and_all_else_stays(features: FeatureSet, tmp_path: Path) -> None:
    from q2e.heads.schedule import TrainConfig
    from q2e.mmi.lora import LoraSettings, tune

    model = llava()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    config = TrainConfig(
        steps=30, masked_steps=10, batch=8, check_every=10, learning_rate=5e-3, patience=0
    )
    objective, done = tune(
        model, tokenize, features, config, LoraSettings(rank=4, dropout=0.0), tmp_path
    )
    assert done.log[-1].loss < done.log[1].loss
    after = objective.state_dict()
    for name, value in before.items():
        place = name.removeprefix("model.language_model.")
        for new in (name, f"language.base_model.model.{place}"):
            if new in after:
                assert torch.equal(after[new], value), name
    trained = {name for name, value in objective.named_parameters() if value.requires_grad}
    assert all("lora_" in name or name == "log_scale" for name in trained) and len(trained) == 9
    assert (tmp_path / "adapters" / "adapter_config.json").is_file()
    texts, videos = objective.vectors(features, "cpu")
    assert texts.shape == videos.shape == (len(features.frames), 32)


def test_padding_changes_nothing(features: FeatureSet) -> None:
    from q2e.mmi.lora import LlavaObjective, LoraSettings

    objective = LlavaObjective(llava(), tokenize, LoraSettings()).eval()
    texts, videos = objective.vectors(features, "cpu", size=5)
    alone = objective.vectors(features, "cpu", size=1)
    assert torch.allclose(texts, alone[0], atol=1e-5)
    assert torch.allclose(videos, alone[1], atol=1e-5)


def test_what_does_not_fit_is_refused(features: FeatureSet) -> None:
    from q2e.heads.schedule import TrainConfig
    from q2e.mmi.lora import LlavaObjective, LoraSettings, tune

    small = synthetic(SyntheticConfig(groups=10, orders=2, dimension=8, grid=0))
    with pytest.raises(ConfigError, match="vision tower"):
        tune(llava(), tokenize, small, TrainConfig())
    objective = LlavaObjective(llava(), tokenize, LoraSettings())
    with pytest.raises(ConfigError, match="words"):
        objective.batch(replace(features, texts=()), [(0, 0), (1, 1)], "cpu")


# -- in the loop --------------------------------------------------------------------------------


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Matrices this small are slower on several threads, and many times so on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A tiny LLaVA, and the folder of its adapters, tuned on real pictures by the command."""
    folder = tmp_path_factory.mktemp("tuned")
    base, out = tiny_models.save_seeing(folder / "llava"), folder / "adapters"
    tower = opened(base, load_settings())
    frames = [
        tower_vectors(tower, [tiny_models.picture(5 * video + n) for n in range(3)])
        for video in range(8)
    ]
    texts = tuple(tiny_models.NINE.values())[:8]
    made = FeatureSet(
        frames=tuple(frames),
        tokens=tuple(one[:1] for one in frames),
        video=np.arange(8),
        video_ids=tuple(f"v{n}" for n in range(8)),
        text_ids=tuple(f"t{n}" for n in range(8)),
        split=("train",) * 6 + ("val",) * 2,
        texts=texts,
        space="tiny llava tower",
    )
    save(made, folder / "features.npz")
    given = ["mmi", "tune", folder / "features.npz", "--model", base, "--out", out, "--json"]
    given += ["--steps", 6, "--masked-steps", 2, "--batch", 3, "--learning-rate", "0.05"]
    done = CliRunner().invoke(app, [str(one) for one in [*given, "--check-every", 2]])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["source"] == f"file:{out}"
    return base, out


def test_a_tuned_model_is_a_source_and_plain_is_its_base(tuned: tuple[Path, Path]) -> None:
    from q2e.mmi.lora import LlavaObjective, LoraSettings
    from q2e.mmi.weights import open_head

    base, out = tuned
    info = ModelInfo("tuned", "mmi", f"file:{out}", "its own", "its own")
    model: Any = open_head(out, info, load_settings())
    texts = list(tiny_models.NINE.values())
    untouched = opened(base, load_settings())
    objective = LlavaObjective(untouched._model, untouched.numbers, LoraSettings()).eval()
    with torch.inference_mode():
        wanted = objective.of_texts(texts, "cpu").numpy()
    np.testing.assert_allclose(model.plain.text_vectors(texts), wanted, atol=1e-5)
    assert np.abs(model.text_vectors(texts) - wanted).max() > 1e-3
    frames = model.pictures([tiny_models.picture(n) for n in range(3)])
    assert frames.shape == (3, 16)
    changed = model.video_vector(frames) - model.plain.video_vector(frames)
    assert np.abs(changed).max() > 1e-3
    assert np.linalg.norm(model.video_vector(frames)) == pytest.approx(1, abs=1e-4)
    yes, no = model.probability("Is this a dog?", ("yes", "no"))
    assert yes + no == pytest.approx(1) and (yes, no) != model.plain.probability(
        "Is this a dog?", ("yes", "no")
    )
    told, plain = (one.encode_passage_tokens(["a dog"])[0] for one in (model, model.plain))
    assert told.shape == plain.shape and np.abs(told - plain).max() > 1e-3


#: When frames of a video of four seconds are looked at.
SEEN_S = uniform_times(4.0, SEEN)


class Kept(MemoryStore):
    """A store that scorers can be kept for."""

    __hash__ = object.__hash__


def test_the_joint_score_takes_everything_from_the_tuned_model(
    tuned: tuple[Path, Path], samples: Path, tmp_path: Path
) -> None:
    profile = tmp_path / "own.toml"
    profile.write_text(f'base = "local"\n[optional]\nmmi = "file:{tuned[1]}"\n')
    settings = load_settings(profile=str(profile))
    store = Kept()
    videos = [
        Video(name, str(samples / "clips" / f"{name}.mp4"), 4.0)
        for name in ("launch-18", "reel-01")
    ]
    for video in videos:
        store.put_video(video)
    tools = Tools(settings, Models(settings), time.monotonic() + 300, store, Decomposition)
    request, found = Decomposition("a rocket is launched", "en"), {}
    for adapted in (True, False):
        scorer = _scorer(store, tools, KnowledgeWays(k=1), adapted)
        model: Any = scorer.tuned
        assert model is not None and scorer.model is model and scorer.vision is model
        assert model.space == "tiny llava tower" + " without adapters" * (not adapted)
        # A model this small writes no skeleton, however long it takes.
        brief = replace(scorer, timeout_s=0.05)
        found[adapted] = brief.scores([request], videos)
        assert brief.how["logits"] == 2 and brief.how["skeleton without model"] == 3
        seen = model.pictures([frame.image for frame in frames_at(videos[0].path, SEEN_S)])
        wanted = model.text_vectors([request.query])[0] @ model.video_vector(seen)
        assert brief.relevance([request.query], videos)[0, 0] == pytest.approx(wanted, abs=1e-4)
        points = vectors(model, pool("text"))
        assert scorer.questions("text") == KnowledgeWays(k=1).chosen(pool("text"), points)
    assert np.isfinite(found[True]).all()
    assert np.abs(found[True] - found[False]).max() > 1e-4


def test_a_folder_without_its_base_is_refused(tuned: tuple[Path, Path], tmp_path: Path) -> None:
    from q2e.mmi.tuned import open_tuned

    info = ModelInfo("tuned", "mmi", "file:x", "its own", "its own")
    about = json.loads((tuned[1] / "tuned.json").read_text("utf-8"))
    for changed, said in (
        ({"base": str(tmp_path / "gone")}, "is gone"),
        ({"version": 9}, "version 9"),
        ({"settings": None}, "cannot be read"),
    ):
        (tmp_path / "tuned.json").write_text(json.dumps(about | changed))
        with pytest.raises(ModelError, match=said):
            open_tuned(tmp_path, info, load_settings())
    with pytest.raises(ModelError, match="cannot be loaded"):
        opened(tiny_models.save_language(tmp_path / "words"), load_settings())
