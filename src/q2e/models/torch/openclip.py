"""Checkpoints of OpenCLIP, run by classes of transformers: its own package wants torchvision.

Towers of pictures are vision transformers; text is read by CLIP's own transformer, or by XLM-R
with mean pooling, as in the multilingual models of LAION. Weights are renamed, not changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from q2e.arrays import Float32
from q2e.errors import ModelError
from q2e.models.base import ModelInfo
from q2e.models.torch import devices
from q2e.models.torch.devices import Device
from q2e.models.torch.pictures import FrameEncoder, damaged, processor_of
from q2e.settings import Settings

_CONTEXT = 77
#: Names of a block of OpenCLIP's transformers, and what transformers calls the same.
_BLOCK = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "attn.out_proj": "self_attn.out_proj",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}
_VISION = {
    "class_embedding": "vision_model.embeddings.class_embedding",
    "conv1.weight": "vision_model.embeddings.patch_embedding.weight",
    "positional_embedding": "vision_model.embeddings.position_embedding.weight",
    "ln_pre.weight": "vision_model.pre_layrnorm.weight",
    "ln_pre.bias": "vision_model.pre_layrnorm.bias",
    "ln_post.weight": "vision_model.post_layernorm.weight",
    "ln_post.bias": "vision_model.post_layernorm.bias",
}
_TEXT = {
    "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
    "positional_embedding": "text_model.embeddings.position_embedding.weight",
    "ln_final.weight": "text_model.final_layer_norm.weight",
    "ln_final.bias": "text_model.final_layer_norm.bias",
}
#: Checkpoints without a configuration of their own: that of OpenCLIP's list, by their source.
_UNSTATED: dict[str, dict[str, Any]] = {
    "hub:laion/CLIP-ViT-H-14-frozen-xlm-roberta-large-laion5B-s13B-b90k": {
        "embed_dim": 1024,
        "vision_cfg": {
            "image_size": 224,
            "layers": 32,
            "width": 1280,
            "head_width": 80,
            "patch_size": 14,
        },
        "text_cfg": {"hf_model_name": "xlm-roberta-large", "hf_pooler_type": "mean_pooler"},
    }
}


def configuration(folder: Path, info: ModelInfo) -> dict[str, Any] | None:
    """Return what a folder, or else OpenCLIP's list, states of a checkpoint; None of others."""
    file = folder / "open_clip_config.json"
    if file.is_file():
        stated: dict[str, Any] = json.loads(file.read_text("utf-8"))
        return stated
    return {"model_cfg": _UNSTATED[info.id]} if info.id in _UNSTATED else None


def load_openclip(folder: Path, info: ModelInfo, settings: Settings) -> OpenClip:
    """Return the encoder of a folder whose configuration is known, with safetensors.

    Raises ModelError where the towers are of another kind, or a weight is missing.
    """
    from safetensors.torch import load_file

    stated = configuration(folder, info)
    if stated is None:
        raise damaged(info, "no open_clip_config.json")
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise damaged(info, "no safetensors; `q2e models pull` fetches them")
    device = devices.choose(settings)
    weights = load_file(files[0])
    model = _Towers(weights, stated["model_cfg"], info)
    for module in model.modules:
        module.to(device.name, device.dtype).eval()
    return OpenClip(model, _pictures(stated), _tokenizer(folder, info), info, device)


def _tokenizer(folder: Path, info: ModelInfo) -> Any:
    """Return a folder's tokenizer; where it is but one file, it is that of XLM-R."""
    if (folder / "tokenizer_config.json").is_file() or not (folder / "tokenizer.json").is_file():
        return processor_of("AutoTokenizer", folder, info)
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"),
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
    )


class OpenClip(FrameEncoder):
    """A model of OpenCLIP: pictures, clips by the mean of their frames, and text."""

    def __init__(self, model: Any, images: Any, words: Any, info: ModelInfo, device: Device):
        super().__init__(model, images, words, info, device)
        self.info = replace(self.info, dimension=model.dimension)

    def _encode_texts(self, texts: Sequence[str]) -> Float32:
        with self._lock:
            tokens = self._words(
                list(texts),
                padding="max_length",
                truncation=True,
                max_length=self._model.context,
                return_tensors="pt",
            )
        return self._run(self._model.get_text_features, input_ids=tokens["input_ids"])


class _Towers:
    """Both towers, with the methods that transformers' own models have."""

    def __init__(self, weights: dict[str, Any], config: dict[str, Any], info: ModelInfo) -> None:
        from types import SimpleNamespace

        self._info = info
        self.dimension = int(config["embed_dim"])
        text = config["text_cfg"]
        self.context = int(text.get("context_length", _CONTEXT))
        self.config = SimpleNamespace(
            model_type="open_clip",
            projection_dim=self.dimension,
            text_config=SimpleNamespace(max_position_embeddings=self.context),
        )
        self.logit_scale = weights["logit_scale"]
        act = "quick_gelu" if config.get("quick_gelu") else "gelu"
        self._vision = self._vision_tower(weights, config["vision_cfg"], act)
        self._is_hf = "hf_model_name" in text
        make = self._xlmr_tower if self._is_hf else self._text_tower
        self._text = make(weights, text, act)
        self.modules = [self._vision, *(self._text if self._is_hf else (self._text,))]

    def get_image_features(self, pixel_values: Any) -> Any:
        return self._vision(pixel_values=pixel_values).image_embeds

    def get_text_features(self, input_ids: Any) -> Any:
        if not self._is_hf:
            return self._text(input_ids=input_ids).text_embeds
        encoder, projection = self._text
        mask = (input_ids != encoder.config.pad_token_id).long()
        hidden = encoder(input_ids=input_ids, attention_mask=mask).last_hidden_state
        weight = mask.unsqueeze(-1).to(hidden.dtype)
        return projection((hidden * weight).sum(1) / weight.sum(1))

    def _vision_tower(self, weights: dict[str, Any], config: dict[str, Any], act: str) -> Any:
        from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

        if not isinstance(config.get("layers"), int) or "timm_model_name" in config:
            raise ModelError(f"{self._info.id}: its tower of pictures is no plain ViT")
        width = int(config["width"])
        own = {k.removeprefix("visual."): v for k, v in weights.items() if k.startswith("visual.")}
        model = CLIPVisionModelWithProjection(
            CLIPVisionConfig(
                hidden_size=width,
                intermediate_size=round(width * float(config.get("mlp_ratio", 4.0))),
                num_hidden_layers=config["layers"],
                num_attention_heads=width // int(config.get("head_width", 64)),
                image_size=int(config["image_size"]),
                patch_size=int(config["patch_size"]),
                projection_dim=self.dimension,
                hidden_act=act,
            )
        )
        named = _renamed(own, _VISION, "vision_model.encoder.layers")
        named["visual_projection.weight"] = own["proj"].T.contiguous()
        return self._filled(model, named)

    def _text_tower(self, weights: dict[str, Any], config: dict[str, Any], act: str) -> Any:
        from transformers import CLIPTextConfig, CLIPTextModelWithProjection

        own = {k.removeprefix("text."): v for k, v in weights.items() if "visual." not in k}
        width = int(config["width"])
        last = int(config["vocab_size"]) - 1
        model = CLIPTextModelWithProjection(
            CLIPTextConfig(
                vocab_size=last + 1,
                hidden_size=width,
                intermediate_size=4 * width,
                num_hidden_layers=int(config["layers"]),
                num_attention_heads=int(config["heads"]),
                max_position_embeddings=self.context,
                projection_dim=self.dimension,
                hidden_act=act,
                # As in CLIP, the text is read off its last token, which has the highest number.
                bos_token_id=last - 1,
                eos_token_id=last,
            )
        )
        named = _renamed(own, _TEXT, "text_model.encoder.layers")
        named["text_projection.weight"] = own["text_projection"].T.contiguous()
        return self._filled(model, named)

    def _xlmr_tower(self, weights: dict[str, Any], config: dict[str, Any], act: str) -> Any:
        import torch
        from transformers import XLMRobertaConfig, XLMRobertaModel

        pooler = config.get("hf_pooler_type", config.get("pooler_type"))
        if "xlm-roberta" not in config["hf_model_name"] or pooler != "mean_pooler":
            raise ModelError(f"{self._info.id}: its text is read by {config['hf_model_name']}")
        start = "text.transformer."
        own = {k.removeprefix(start): v for k, v in weights.items() if k.startswith(start)}
        places, width = own["embeddings.position_embeddings.weight"].shape
        layers = {int(k.split(".")[2]) for k in own if k.startswith("encoder.layer.")}
        encoder = XLMRobertaModel(
            XLMRobertaConfig(
                vocab_size=own["embeddings.word_embeddings.weight"].shape[0],
                hidden_size=width,
                num_hidden_layers=len(layers),
                num_attention_heads=max(1, width // 64),
                intermediate_size=own["encoder.layer.0.intermediate.dense.weight"].shape[0],
                max_position_embeddings=places,
                type_vocab_size=own["embeddings.token_type_embeddings.weight"].shape[0],
                pad_token_id=1,
                layer_norm_eps=1e-5,
            ),
            add_pooling_layer=False,
        )
        own = {k: v for k, v in own.items() if "position_ids" not in k and "pooler" not in k}
        projection: Any = torch.nn.Identity()
        if "text.proj.0.weight" in weights:
            first, last = weights["text.proj.0.weight"], weights["text.proj.2.weight"]
            projection = torch.nn.Sequential(
                torch.nn.Linear(*reversed(first.shape), bias=False),
                torch.nn.GELU(),
                torch.nn.Linear(*reversed(last.shape), bias=False),
            )
            projection[0].weight.data, projection[2].weight.data = first, last
        elif "text.proj.weight" in weights:
            matrix = weights["text.proj.weight"]
            projection = torch.nn.Linear(*reversed(matrix.shape), bias=False)
            projection.weight.data = matrix
        return self._filled(encoder, own), projection

    def _filled(self, model: Any, named: dict[str, Any]) -> Any:
        """Return a tower with all its weights. Raises ModelError where one is missing or left."""
        try:
            lacking, left = model.load_state_dict(named, strict=False)
        except RuntimeError as error:
            raise damaged(self._info, error) from error
        lacking = [name for name in lacking if not name.endswith("position_ids")]
        if lacking or left:
            what = f"{len(lacking)} weights are missing, {len(left)} unknown"
            raise damaged(self._info, f"{what}, such as {[*lacking, *left][0]}")
        return model


def _renamed(own: dict[str, Any], names: dict[str, str], layers: str) -> dict[str, Any]:
    """Return weights of one tower under the names of transformers."""
    found = {names[name]: value for name, value in own.items() if name in names}
    for name, value in own.items():
        match = re.match(r"transformer\.resblocks\.(\d+)\.(.+)", name)
        if match is None:
            continue
        block, rest = f"{layers}.{match[1]}", match[2]
        if rest.startswith("attn.in_proj_"):
            kind = rest.removeprefix("attn.in_proj_")
            for part, piece in zip("qkv", value.chunk(3), strict=True):
                found[f"{block}.self_attn.{part}_proj.{kind}"] = piece.contiguous()
            continue
        head, _, kind = rest.rpartition(".")
        found[f"{block}.{_BLOCK.get(head, head)}.{kind}"] = value
    return found


def _pictures(stated: dict[str, Any]) -> Any:
    """Return the processor that resizes the shorter side and takes the middle, as OpenCLIP does."""
    try:
        from transformers import CLIPImageProcessorPil as CLIPImageProcessor
    except ImportError:
        from transformers import CLIPImageProcessor

    side = int(stated["model_cfg"]["vision_cfg"]["image_size"])
    usual = stated.get("preprocess_cfg") or {}
    numbers = {
        name: list(np.array(usual[key], float))
        for name, key in (("image_mean", "mean"), ("image_std", "std"))
        if key in usual
    }
    return CLIPImageProcessor(
        size={"shortest_edge": side}, crop_size={"height": side, "width": side}, **numbers
    )
