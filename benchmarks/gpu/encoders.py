"""Frames and texts a second of encoders at full size, with random weights, and their memory.

    python -m benchmarks.gpu.encoders                      # every full-size architecture
    python -m benchmarks.gpu.encoders --only siglip2-base-patch16-256 --device cpu
    python -m benchmarks.gpu.encoders --tiny --device cpu  # only checks that the script runs

Weights do not change speed or memory, so none are downloaded; what a model finds means nothing.
The batch size is the one that `q2e.models.torch.devices` takes from the free memory. Beside speed
it says how far vectors of one model are apart (1 - cosine, the worst of a few pictures or texts)
made one by one and together, in half precision and in full, and by an ONNX export of the picture
tower and by PyTorch. After `--minutes` no further architecture is begun.
"""

from __future__ import annotations

import argparse
import copy
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from q2e.models.base import ModelInfo
from q2e.models.torch import devices
from q2e.models.torch.devices import Device
from q2e.models.torch.pictures import ClipEncoder, FrameEncoder, unit
from q2e.settings import load_settings

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

#: Threads on a CPU; pictures and texts whose vectors are compared.
THREADS, PICTURES = 4, 3
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


def measured(
    name: str, size: tuple[Any, ...], device: str, seconds: float, onnx: bool = True
) -> dict[str, Any]:
    """Return speed, memory and parity of one architecture."""
    import torch

    import tiny_models

    where = devices.choose(load_settings(device=device, threads=THREADS))
    model, images = built(size)
    model = model.to(where.name, where.dtype).eval()
    kind = ClipEncoder if size[0] == "xclip" else FrameEncoder
    about = ModelInfo(name, "", name, "", "")
    encoder = kind(model, images, tiny_models.words(), about, where)
    picture = np.random.default_rng(0).integers(0, 256, (360, 640, 3), np.uint8)
    count = 512 if where.name != "cpu" else 8
    if where.name == "cuda":
        torch.cuda.reset_peak_memory_stats()
    result: dict[str, Any] = {"model": name, "device": where.name, "numbers": str(where.dtype)}
    result["parameters"] = sum(weight.numel() for weight in model.parameters())
    for what, encode, items in (
        ("frames", encoder.encode_images, [picture] * count),
        ("texts", encoder.encode_texts, list(tiny_models.NINE.values()) * (count // 8)),
    ):
        encode(items[:4])
        done, began, spent_s = 0, time.perf_counter(), time.process_time()
        while time.perf_counter() - began < seconds:
            assert np.isfinite(encode(items)).all()
            done += len(items)
        result[f"{what}_per_s"] = round(done / (time.perf_counter() - began), 2)
        result[f"processor_s_per_{what[:-1]}"] = round((time.process_time() - spent_s) / done, 3)
    if where.name == "cuda":
        result["memory_bytes"] = int(torch.cuda.max_memory_allocated())
    else:
        result["memory_bytes"] = resident_bytes()
    result["apart"] = parity(encoder, kind, about, where, onnx and kind is FrameEncoder)
    return result


def parity(encoder: Any, kind: Any, about: ModelInfo, where: Device, onnx: bool) -> dict[str, Any]:
    """Return how far vectors are apart that should be one, as 1 - cosine, the worst of some."""
    import torch

    import tiny_models

    pictures = [tiny_models.picture(number, 120, 160) for number in range(PICTURES)]
    said = list(tiny_models.NINE.values())[:PICTURES]
    together = encoder.encode_images(pictures)
    alone = np.concatenate([encoder.encode_images([one]) for one in pictures])
    found = {"pictures, one by one": apart(together, alone)}
    alone = np.concatenate([encoder.encode_texts([one]) for one in said])
    found["texts, one by one"] = apart(encoder.encode_texts(said), alone)
    if onnx:
        found["pictures, ONNX"] = apart(together, by_onnx(encoder, pictures))
    other = torch.float32 if where.dtype != torch.float32 else torch.bfloat16
    model = encoder._model.to(other)
    again = kind(model, encoder._images, encoder._words, about, Device(where.name, other))
    numbers = str(other if other != torch.float32 else where.dtype).removeprefix("torch.")
    found[f"pictures, {numbers}"] = apart(together, again.encode_images(pictures))
    return found


def apart(one: Any, other: Any) -> float:
    """Return the greatest 1 - cosine of rows of unit vectors."""
    return float(f"{float(np.max(1 - np.sum(one.astype(np.float64) * other, axis=1))):.2e}")


def by_onnx(encoder: Any, pictures: Any) -> Any:
    """Return unit vectors by ONNX Runtime of the picture tower, exported in full precision."""
    import onnxruntime
    import torch

    class Pictures(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = copy.deepcopy(encoder._model).float().cpu().requires_grad_(False)

        def forward(self, pixel_values: Any) -> Any:
            found = self.model.get_image_features(pixel_values=pixel_values)
            return found if torch.is_tensor(found) else found.pooler_output

    pixels = encoder._prepared(pictures)["pixel_values"].float()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter that needs no package says there is another
        file = Path(folder) / "pictures.onnx"
        module = Pictures()
        module.model.config.vision_config._attn_implementation = "eager"
        torch.onnx.export(
            module,
            (pixels[:2],),
            str(file),
            input_names=["pixel_values"],
            output_names=["vectors"],
            dynamic_axes={"pixel_values": {0: "n"}, "vectors": {0: "n"}},
            dynamo=False,
        )
        del module
        session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
        rows = [session.run(None, {"pixel_values": one[None].numpy()})[0] for one in pixels]
    return unit(np.concatenate(rows), "the export")


def resident_bytes() -> int:
    """Return the most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda", "mps"])
    parser.add_argument("--tiny", action="store_true", help="tiny sizes: checks the script only")
    parser.add_argument("--only", nargs="*", help="architectures by name")
    parser.add_argument("--no-onnx", action="store_true", help="without the ONNX export")
    parser.add_argument("--seconds", type=float, default=3.0, help="time for each measurement")
    parser.add_argument("--minutes", type=float, default=3.5, help="when no more is begun")
    given = parser.parse_args()
    sizes, began = (TINY if given.tiny else SIZES), time.perf_counter()
    names = [name for name in sizes if not given.only or name in given.only]
    for name in names:
        if time.perf_counter() - began > 60 * given.minutes:
            print(json.dumps({"model": name, "left out": "no time"}), flush=True)
        elif len(names) > 1:
            # Each in a process of its own, so that its memory is its own.
            again = [sys.executable, "-m", "benchmarks.gpu.encoders", *sys.argv[1:]]
            subprocess.run([*again, "--only", name], check=True)
        else:
            row = measured(name, sizes[name], given.device, given.seconds, not given.no_onnx)
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
