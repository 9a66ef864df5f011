"""OpenCLIP's checkpoints under the classes of transformers answer what OpenCLIP's own would.

The reference is OpenCLIP's architecture written down again here, whose weights have its names.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from safetensors.torch import save_file
from torch import nn

import tiny_models as tiny
from q2e.errors import ModelError
from q2e.models.adapters import adapt
from q2e.settings import load_settings

WIDTH, LAYERS, SIDE, PATCH, OUT, CONTEXT = 128, 2, 32, 8, 24, 77


class Block(nn.Module):
    """A residual block: attention and a perceptron, each behind a layer norm."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, width // 64, batch_first=True)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = nn.ModuleDict(
            {"c_fc": nn.Linear(width, 4 * width), "c_proj": nn.Linear(4 * width, width)}
        )

    def forward(self, x: Any, mask: Any) -> Any:
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False, attn_mask=mask)[0]
        return x + self.mlp["c_proj"](nn.functional.gelu(self.mlp["c_fc"](self.ln_2(x))))


class Transformer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(Block(width) for _ in range(LAYERS))

    def forward(self, x: Any, mask: Any = None) -> Any:
        for block in self.resblocks:
            x = block(x, mask)
        return x


class Vision(nn.Module):
    """The tower of pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.class_embedding = nn.Parameter(torch.randn(WIDTH))
        self.positional_embedding = nn.Parameter(torch.randn((SIDE // PATCH) ** 2 + 1, WIDTH))
        self.proj = nn.Parameter(torch.randn(WIDTH, OUT))
        self.conv1 = nn.Conv2d(3, WIDTH, PATCH, PATCH, bias=False)
        self.ln_pre, self.ln_post = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.transformer = Transformer(WIDTH)

    def forward(self, pixels: Any) -> Any:
        x = self.conv1(pixels).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_embedding.expand(len(x), 1, -1), x], 1)
        x = self.transformer(self.ln_pre(x + self.positional_embedding))
        return self.ln_post(x[:, 0]) @ self.proj


class Clip(nn.Module):
    """CLIP's own transformer of text beside the tower of pictures."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.visual = Vision()
        self.token_embedding = nn.Embedding(vocabulary, WIDTH)
        self.positional_embedding = nn.Parameter(torch.randn(CONTEXT, WIDTH))
        self.transformer = Transformer(WIDTH)
        self.ln_final = nn.LayerNorm(WIDTH)
        self.text_projection = nn.Parameter(torch.randn(WIDTH, OUT))
        self.logit_scale = nn.Parameter(torch.tensor(4.60517))

    def encode_text(self, ids: Any) -> Any:
        mask = torch.full((CONTEXT, CONTEXT), float("-inf")).triu(1)
        x = self.token_embedding(ids) + self.positional_embedding
        x = self.ln_final(self.transformer(x, mask))
        return x[torch.arange(len(ids)), ids.argmax(-1)] @ self.text_projection


def _vision_config() -> dict[str, Any]:
    return {"image_size": SIDE, "layers": LAYERS, "width": WIDTH, "patch_size": PATCH}


def _save(folder: Path, weights: dict[str, Any], text: dict[str, Any], words: Any) -> Path:
    config = {"embed_dim": OUT, "vision_cfg": _vision_config(), "text_cfg": text}
    tiny.write_json(folder / "open_clip_config.json", {"model_cfg": config, "preprocess_cfg": {}})
    kept = {name: value.detach().contiguous() for name, value in weights.items()}
    save_file(kept, folder / "open_clip_model.safetensors")
    words.save_pretrained(folder)
    return folder


def _unit(rows: Any) -> Any:
    found = rows.detach().numpy()
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def _pixels(model: Any) -> Any:
    return model._prepared([tiny.picture(n) for n in range(3)])["pixel_values"]


def test_clips_own_text_tower(tmp_path: Path) -> None:
    torch.manual_seed(0)
    # The end of a text has the highest number, by which CLIP finds it.
    words = tiny.words()
    words.add_special_tokens({"eos_token": "<end>"})
    words._tokenizer.post_processor = None
    last = words.convert_tokens_to_ids("<end>")
    model = Clip(last + 1).eval()
    text = {"context_length": CONTEXT, "vocab_size": last + 1, "width": WIDTH}
    text |= {"heads": WIDTH // 64, "layers": LAYERS}
    folder = _save(tmp_path / "clip", model.state_dict(), text, words)
    encoder = adapt(f"file:{folder}", "image", load_settings(threads=1, device="cpu"))
    with torch.no_grad():
        np.testing.assert_allclose(
            encoder.encode_images([tiny.picture(n) for n in range(3)]),
            _unit(model.visual(_pixels(encoder))),
            atol=1e-4,
        )
        ids = torch.zeros((2, CONTEXT), dtype=torch.long)
        ids[0, :4] = torch.tensor([5, 9, 77, last])
        ids[1, :6] = torch.tensor([8, 9, 200, 31, 64, last])
        found = encoder._model.get_text_features(ids)
        np.testing.assert_allclose(_unit(found), _unit(model.encode_text(ids)), atol=1e-4)
    assert encoder.info.scale == pytest.approx(100, rel=1e-3) and encoder.info.dimension == OUT


def test_xlmr_with_mean_pooling_in_nine_languages(tmp_path: Path) -> None:
    from transformers import XLMRobertaConfig, XLMRobertaModel

    torch.manual_seed(1)
    vision = Vision().eval()
    text = XLMRobertaModel(
        XLMRobertaConfig(
            vocab_size=600,
            hidden_size=64,
            num_hidden_layers=2,
            num_attention_heads=1,
            intermediate_size=96,
            max_position_embeddings=130,
            type_vocab_size=1,
            pad_token_id=1,
            layer_norm_eps=1e-5,
        ),
        add_pooling_layer=False,
    ).eval()
    first, second = nn.Linear(64, 44, bias=False), nn.Linear(44, OUT, bias=False)
    weights = {f"visual.{name}": value for name, value in vision.state_dict().items()}
    weights |= {f"text.transformer.{name}": value for name, value in text.state_dict().items()}
    weights |= {"text.proj.0.weight": first.weight, "text.proj.2.weight": second.weight}
    weights["logit_scale"] = torch.tensor(4.60517)
    stated = {"hf_model_name": "xlm-roberta-base", "hf_pooler_type": "mean_pooler"}
    folder = _save(tmp_path / "xlmr", weights, stated, tiny.words(128, as_xlmr=True))
    encoder = adapt(f"file:{folder}", "image", load_settings(threads=1, device="cpu"))
    texts = list(tiny.NINE.values())
    found = encoder.encode_texts(texts)
    ids = encoder._words(texts, padding="max_length", max_length=CONTEXT, return_tensors="pt")
    with torch.no_grad():
        mask = (ids["input_ids"] != 1).long()
        hidden = text(input_ids=ids["input_ids"], attention_mask=mask).last_hidden_state
        mean = (hidden * mask[..., None]).sum(1) / mask.sum(-1, keepdim=True)
        expected = _unit(second(nn.functional.gelu(first(mean))))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    alone = np.concatenate([encoder.encode_texts([text]) for text in texts])
    np.testing.assert_allclose(found, alone, atol=1e-5)
    assert encoder.encode_texts(["long " * 500, ""]).shape == (2, OUT)
    assert encoder.encode_clips([[tiny.picture(0), tiny.picture(1)]]).shape == (1, OUT)


def test_a_missing_weight_and_an_unknown_tower_are_refused(tmp_path: Path) -> None:
    model = Clip(600)
    text = {"vocab_size": 600, "width": WIDTH, "heads": 2, "layers": LAYERS}
    weights = dict(model.state_dict())
    weights.pop("visual.ln_post.bias")
    folder = _save(tmp_path / "holed", weights, text, tiny.words())
    settings = load_settings(threads=1, device="cpu")
    with pytest.raises(ModelError, match=r"1 weights are missing.*post_layernorm"):
        adapt(f"file:{folder}", "image", settings)
    file = folder / "open_clip_config.json"
    stated = json.loads(file.read_text())
    stated["model_cfg"]["vision_cfg"]["timm_model_name"] = "convnext_base"
    file.write_text(json.dumps(stated))
    with pytest.raises(ModelError, match="no plain ViT"):
        adapt(f"file:{folder}", "image", settings)


def test_a_pickled_checkpoint_is_pulled_as_safetensors_and_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hub_server import Hub, running
    from q2e.models.fetch import hub as pulling
    from q2e.models.fetch.sources import find, parse

    words = tiny.words()
    model = Clip(600).eval()
    text = {"vocab_size": 600, "width": WIDTH, "heads": WIDTH // 64, "layers": LAYERS}
    folder = _save(tmp_path / "old", model.state_dict(), text, words)
    (folder / "open_clip_model.safetensors").unlink()
    torch.save(model.state_dict(), folder / "open_clip_pytorch_model.bin")
    served = Hub()
    served.add("laion/old", folder)
    monkeypatch.setenv("Q2E_CACHE", str(tmp_path / "cache"))
    with running(served):
        monkeypatch.setenv("HF_ENDPOINT", served.address)
        source = parse("hub:laion/old@main")
        here = pulling.pull(source)
        assert find(source) == here
        names = {file.name for file in here.iterdir()}
        assert "open_clip_model.safetensors" in names
        assert not any(name.endswith(".bin") for name in names)
        encoder = adapt(str(source), "image", load_settings(threads=1, device="cpu"))
        with torch.no_grad():
            np.testing.assert_allclose(
                encoder.encode_images([tiny.picture(n) for n in range(3)]),
                _unit(model.visual(_pixels(encoder))),
                atol=1e-4,
            )
        touched = tmp_path / "touched"

        class Evil:
            def __reduce__(self) -> Any:
                return (Path.touch, (touched,))

        torch.save({"weight": Evil()}, folder / "open_clip_pytorch_model.bin")
        served.add("laion/evil", folder)
        with pytest.raises(ModelError, match="is not allowed"):
            pulling.pull(parse("hub:laion/evil@main"))
        assert not touched.exists()


def test_a_checkpoint_without_a_configuration_is_known_by_its_name(tmp_path: Path) -> None:
    from dataclasses import replace

    from q2e.models.base import ModelInfo
    from q2e.models.profiles import load
    from q2e.models.torch.openclip import _tokenizer, configuration

    source = load("paper")["image"].partition("@")[0]
    info = ModelInfo(source, "image", source=source, licence="MIT", languages="many")
    stated = configuration(tmp_path, info)
    assert stated is not None and stated["model_cfg"]["embed_dim"] == 1024
    assert configuration(tmp_path, replace(info, id="hub:a/b")) is None
    # Its tokenizer is one file, without the configuration that transformers writes beside it.
    words = tiny.words(as_xlmr=True)
    words._tokenizer.save(str(tmp_path / "tokenizer.json"))
    tokens = _tokenizer(tmp_path, info)(
        list(tiny.NINE.values()), padding="max_length", max_length=77
    )
    assert {len(ids) for ids in tokens["input_ids"]} == {77}
