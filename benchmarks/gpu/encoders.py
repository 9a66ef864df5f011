"""Frames and texts a second of encoders at full size, with random weights, and their memory.

    python -m benchmarks.gpu.encoders                      # every full-size architecture
    python -m benchmarks.gpu.encoders --tiny --device cpu  # only checks that the script runs

Weights do not change speed or memory, so none are downloaded; what a model finds means nothing.
The batch size is the one that `q2e.models.torch.devices` takes from the free memory.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from q2e.models.base import ModelInfo
from q2e.models.torch import devices
from q2e.models.torch.pictures import ClipEncoder, FrameEncoder
from q2e.settings import load_settings

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

#: Architecture: class, width, layers, heads, patch and side of the picture tower; text width,
#: layers, heads; vocabulary. As in the checkpoints' published configurations.
SIZES = {
    "clip-vit-b-32": ("clip", 768, 12, 12, 32, 224, 512, 12, 8, 49_408),
    "clip-vit-l-14": ("clip", 1024, 24, 16, 14, 224, 768, 12, 12, 49_408),
    "clip-vit-h-14": ("clip", 1280, 32, 16, 14, 224, 1024, 24, 16, 49_408),
    "siglip2-base-patch16-256": ("siglip", 768, 12, 12, 16, 256, 768, 12, 12, 256_000),
    "siglip2-so400m-patch16-256": ("siglip", 1152, 27, 16, 16, 256, 1152, 27, 16, 256_000),
    "xclip-base-patch32": ("xclip", 768, 12, 12, 32, 224, 512, 12, 8, 49_408),
}
TINY = {
    "tiny-clip": ("clip", 32, 2, 2, 16, 64, 32, 2, 2, 600),
    "tiny-siglip": ("siglip", 32, 2, 2, 16, 64, 32, 2, 2, 600),
    "tiny-xclip": ("xclip", 32, 2, 2, 16, 64, 32, 2, 2, 600),
}


def built(size: tuple[Any, ...]) -> tuple[Any, Any]:
    """Return a model of an architecture with random weights, and its processor of pictures."""
    import transformers as t

    kind, width, layers, heads, patch, side, text_width, text_layers, text_heads, vocabulary = size
    vision = {
        "hidden_size": width,
        "intermediate_size": 4 * width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "patch_size": patch,
        "image_size": side,
    }
    text = {
        "hidden_size": text_width,
        "intermediate_size": 4 * text_width,
        "num_hidden_layers": text_layers,
        "num_attention_heads": text_heads,
        "vocab_size": vocabulary,
        "max_position_embeddings": 64 if kind == "siglip" else 77,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }
    square = {"height": side, "width": side}
    if kind == "siglip":
        config = t.SiglipConfig(text_config=text | {"projection_size": width}, vision_config=vision)
        return t.SiglipModel(config), t.SiglipImageProcessor(size=square)
    images = t.CLIPImageProcessor(size={"shortest_edge": side}, crop_size=square)
    if kind == "xclip":
        mit = {
            "num_frames": 8,
            "mit_hidden_size": text_width,
            "mit_intermediate_size": 4 * text_width,
            "mit_num_attention_heads": text_heads,
        }
        return t.XCLIPModel(
            t.XCLIPConfig(text_config=text, vision_config=vision | mit, projection_dim=text_width)
        ), images
    config = t.CLIPConfig(text_config=text, vision_config=vision, projection_dim=text_width)
    return t.CLIPModel(config), images


def measured(name: str, size: tuple[Any, ...], device: str, seconds: float) -> dict[str, Any]:
    """Return frames a second, texts a second and the greatest memory of one architecture."""
    import torch

    import tiny_models

    where = devices.choose(load_settings(device=device, threads=4))
    model, images = built(size)
    model = model.to(where.name, where.dtype).eval()
    kind = ClipEncoder if size[0] == "xclip" else FrameEncoder
    encoder = kind(model, images, tiny_models.words(), ModelInfo(name, "", name, "", ""), where)
    picture = np.random.default_rng(0).integers(0, 256, (360, 640, 3), np.uint8)
    count = 512 if where.name != "cpu" else 16
    if where.name == "cuda":
        torch.cuda.reset_peak_memory_stats()
    result: dict[str, Any] = {"model": name, "device": where.name, "numbers": str(where.dtype)}
    result["parameters"] = sum(weight.numel() for weight in model.parameters())
    for what, encode, items in (
        ("frames", encoder.encode_images, [picture] * count),
        ("texts", encoder.encode_texts, list(tiny_models.NINE.values()) * (count // 8)),
    ):
        encode(items[:8])
        done, began = 0, time.perf_counter()
        while time.perf_counter() - began < seconds:
            assert np.isfinite(encode(items)).all()
            done += len(items)
        result[f"{what}_per_s"] = round(done / (time.perf_counter() - began), 1)
    if where.name == "cuda":
        result["memory_bytes"] = int(torch.cuda.max_memory_allocated())
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda", "mps"])
    parser.add_argument("--tiny", action="store_true", help="tiny sizes: checks the script only")
    parser.add_argument("--seconds", type=float, default=5.0, help="time for each measurement")
    given = parser.parse_args()
    for name, size in (TINY if given.tiny else SIZES).items():
        print(json.dumps(measured(name, size, given.device, given.seconds)), flush=True)


if __name__ == "__main__":
    main()
