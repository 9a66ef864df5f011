"""LoRA on a tiny LLaVA of random weights: the same data path, and only adapters change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from q2e.errors import ConfigError
from q2e.mmi.features import FeatureSet
from q2e.mmi.synthetic import SyntheticConfig, synthetic

pytest.importorskip("torch")
pytest.importorskip("peft")
pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def features() -> FeatureSet:
    made = synthetic(SyntheticConfig(groups=12, orders=2, dimension=16, vocabulary=10, grid=0))
    words = tuple(f"{name} 影片" for name in made.text_ids)
    return replace(made, texts=words)


def llava() -> Any:
    import torch
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
    import torch

    from q2e.mmi.lora import LoraSettings, tune
    from q2e.mmi.schedule import TrainConfig

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
    import torch

    from q2e.mmi.lora import LlavaObjective, LoraSettings

    objective = LlavaObjective(llava(), tokenize, LoraSettings()).eval()
    texts, videos = objective.vectors(features, "cpu", size=5)
    alone = objective.vectors(features, "cpu", size=1)
    assert torch.allclose(texts, alone[0], atol=1e-5)
    assert torch.allclose(videos, alone[1], atol=1e-5)


def test_what_does_not_fit_is_refused(features: FeatureSet) -> None:
    from q2e.mmi.lora import LlavaObjective, LoraSettings, tune
    from q2e.mmi.schedule import TrainConfig

    small = synthetic(SyntheticConfig(groups=10, orders=2, dimension=8, grid=0))
    with pytest.raises(ConfigError, match="vision tower"):
        tune(llava(), tokenize, small, TrainConfig())
    objective = LlavaObjective(llava(), tokenize, LoraSettings())
    with pytest.raises(ConfigError, match="words"):
        objective.batch(replace(features, texts=()), [(0, 0), (1, 1)], "cpu")
