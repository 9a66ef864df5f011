"""Pictures, clips and text in one space: CLIP-class models of the hub through transformers.

Which classes a checkpoint needs is read off its `config.json`. Torchvision is never needed:
pictures are prepared with Pillow, as the checkpoint's own processor says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from q2e.arrays import Float32, UInt8
from q2e.errors import ConfigError, MissingDependency, ModelError
from q2e.models.base import ImageTextEncoder, ModelInfo
from q2e.models.prompts import encodable
from q2e.models.torch import devices
from q2e.models.torch.devices import Device
from q2e.settings import Settings

#: Raised when the same picture or text would get another vector.
_VERSION = 1
#: Families by `model_type`: each puts pictures and text into one space by `get_*_features`.
FRAMES = frozenset({"clip", "siglip", "siglip2", "chinese_clip", "altclip", "align", "metaclip_2"})
CLIPS = frozenset({"xclip"})
#: Trained on text that is lower case and padded to a fixed length, without a mask.
_PADDED = frozenset({"siglip", "siglip2"})
_MOST_TOKENS = 512


class _Encoder:
    """What encoders of pictures and of clips share: the model, its words, its device."""

    def __init__(self, model: Any, images: Any, words: Any, info: ModelInfo, device: Device):
        self._model = model
        self._images = images
        self._words = words
        self._device = device
        self._kind = str(model.config.model_type)
        if self._kind in _PADDED:
            words.padding_side = "right"
        # Tokenizers of one instance are not safe between threads, models in use are.
        self._lock = Lock()
        self._tokens = _token_limit(model.config, words)
        self.info = replace(info, dimension=_dimension(model), scale=info.scale or _scale(model))
        self.space = f"{info.source}/pictures-{_VERSION}"

    def encode_texts(self, texts: Sequence[str]) -> Float32:
        """Return (n, d) unit vectors of texts in any language; what is too long is cut."""
        # A model has no vector for nothing.
        usable = [encodable(text) or " " for text in texts]
        return self._vectors(self._device.in_batches("texts", usable, self._encode_texts))

    def _encode_texts(self, texts: Sequence[str]) -> Float32:
        fixed = self._kind in _PADDED
        with self._lock:
            tokens = self._words(
                [text.lower() for text in texts] if fixed else list(texts),
                padding="max_length" if fixed else True,
                truncation=True,
                max_length=self._tokens,
                return_tensors="pt",
            )
        if fixed:
            tokens.pop("attention_mask", None)
        return self._run(self._model.get_text_features, **tokens)

    def _run(self, features: Callable[..., Any], **inputs: Any) -> Float32:
        """Return what a method of the model answers as (n, d) unit vectors."""
        import torch

        with torch.inference_mode():
            moved = {
                name: value.to(self._device.name, self._device.dtype)
                if value.is_floating_point()
                else value.to(self._device.name)
                for name, value in inputs.items()
            }
            answer = features(**moved)
        pooled = answer if torch.is_tensor(answer) else answer.pooler_output
        return unit(pooled.float().cpu().numpy(), self.info.id)

    def _vectors(self, batches: Sequence[Float32]) -> Float32:
        if not batches:
            return np.zeros((0, self.info.dimension or 0), np.float32)
        return np.concatenate(batches)

    def _prepared(self, images: Sequence[UInt8]) -> dict[str, Any]:
        from PIL import Image

        pictures = [Image.fromarray(np.ascontiguousarray(image)) for image in images]
        return dict(self._images(images=pictures, return_tensors="pt"))


class FrameEncoder(_Encoder):
    """A model trained on pictures with text; a clip is the mean of its frames.

    The mean is that of CLIP4Clip's parameter-free head (Luo et al. 2021): frames are made unit
    vectors, averaged, and made a unit vector again.
    """

    def encode_images(self, images: Sequence[UInt8]) -> Float32:
        """Return (n, d) unit vectors of RGB uint8 pictures of shape (h, w, 3)."""
        return self._vectors(self._device.in_batches("images", images, self._encode_images))

    def _encode_images(self, images: Sequence[UInt8]) -> Float32:
        return self._run(self._model.get_image_features, **self._prepared(images))

    def encode_clips(self, clips: Sequence[Sequence[UInt8]]) -> Float32:
        """Return (n, d) unit vectors of clips, each some RGB uint8 pictures in order of time."""
        frames = self.encode_images([image for clip in clips for image in clip])
        return mean_of_clips(frames, [len(clip) for clip in clips], self.info.id)


class ClipEncoder(_Encoder):
    """A model trained on clips of a fixed number of frames with text, such as X-CLIP.

    X-CLIP's prompts that depend on the video are left out: with them a question would have
    another vector for each video, and no index could hold them.
    """

    def encode_clips(self, clips: Sequence[Sequence[UInt8]]) -> Float32:
        """Return (n, d) unit vectors; frames are taken evenly, or repeated where there are few."""
        if any(not len(clip) for clip in clips):
            raise ModelError(f"{self.info.id}: a clip needs at least one picture")
        return self._vectors(self._device.in_batches("clips", clips, self._encode_clips))

    def encode_images(self, images: Sequence[UInt8]) -> Float32:
        """Return (n, d) unit vectors of pictures, each taken as a clip that stands still."""
        return self.encode_clips([[image] for image in images])

    def _encode_clips(self, clips: Sequence[Sequence[UInt8]]) -> Float32:
        count = int(self._model.config.vision_config.num_frames)
        chosen = [clip[index] for clip in clips for index in evenly(len(clip), count)]
        pixels = self._prepared(chosen)["pixel_values"]
        shaped = pixels.reshape(len(clips), count, *pixels.shape[-3:])
        return self._run(self._model.get_video_features, pixel_values=shaped)


class TwoTowers:
    """Pictures from one model, text from another that was taught the first one's space.

    This is how M-CLIP and the multilingual CLIP of sentence-transformers work.
    """

    def __init__(self, pictures: ImageTextEncoder, words: Any) -> None:
        if pictures.info.dimension != words.info.dimension:
            raise ConfigError(
                f"image = {pictures.info.id} has {pictures.info.dimension} dimensions, "
                f"image_text = {words.info.id} has {words.info.dimension}: they share no space"
            )
        self._pictures, self._words = pictures, words
        self.info = replace(pictures.info, languages=words.info.languages)
        self.space = f"{pictures.space}+{words.space}"

    def encode_images(self, images: Sequence[UInt8]) -> Float32:
        """Return (n, d) unit vectors of RGB uint8 pictures."""
        return self._pictures.encode_images(images)

    def encode_clips(self, clips: Sequence[Sequence[UInt8]]) -> Float32:
        """Return (n, d) unit vectors of clips, as the model of pictures makes them."""
        frames = self.encode_images([image for clip in clips for image in clip])
        return mean_of_clips(frames, [len(clip) for clip in clips], self.info.id)

    def encode_texts(self, texts: Sequence[str]) -> Float32:
        """Return (n, d) unit vectors of texts in any language of the text model."""
        vectors: Float32 = self._words.encode_plain(texts)
        return vectors


# -- shared by all encoders of pictures --------------------------------------------------------


def unit(vectors: Any, owner: str) -> Float32:
    """Return (n, d) vectors at unit length. Raises ModelError where a number is not finite."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(vectors).all() or not length.all():
        raise ModelError(
            f"{owner} answered vectors without direction; where it runs in half precision, set  "
            "precision = fp32"
        )
    return np.asarray(vectors / length, np.float32)


def mean_of_clips(frames: Float32, counts: Sequence[int], owner: str) -> Float32:
    """Return one unit vector a clip: the mean of its frames' unit vectors."""
    if 0 in counts:
        raise ModelError(f"{owner}: a clip needs at least one picture")
    if not counts:
        return frames
    starts = np.cumsum([0, *counts[:-1]])
    return unit(np.add.reduceat(frames, starts) / np.array(counts)[:, None], owner)


def evenly(have: int, want: int) -> list[int]:
    """Return `want` indices spread evenly over `have` pictures, each the middle of its stretch."""
    return [min(have - 1, int((number + 0.5) * have / want)) for number in range(want)]


def loaded(
    folder: Path, info: ModelInfo, settings: Settings
) -> tuple[Any, Any, Any, ModelInfo, Device]:
    """Return model, picture processor and tokenizer of a folder, as an encoder takes them.

    Raises ModelError where one cannot be loaded, MissingDependency without transformers.
    """
    device = devices.choose(settings)
    try:
        from transformers import AutoModel
    except ImportError as error:
        raise MissingDependency("transformers", "standard", f"the model {info.id}") from error
    model = pretrained(AutoModel, folder, info, device)
    words = processor_of("AutoTokenizer", folder, info)
    images = processor_of("AutoImageProcessor", folder, info)
    return model, images, words, info, device


def pretrained(kind: Any, folder: Path, info: ModelInfo, device: Device, **more: Any) -> Any:
    """Return a model of transformers with every weight from the folder's safetensors.

    Raises ModelError where a weight is missing, which transformers would make up.
    """
    from transformers.utils import logging

    logging.disable_progress_bar()
    from safetensors import SafetensorError

    try:
        model, loading = kind.from_pretrained(
            folder,
            dtype=device.dtype,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
            **more,
        )
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        raise damaged(info, error) from error
    missing = sorted(loading["missing_keys"])
    if missing:
        raise damaged(info, f"{len(missing)} weights are missing, such as {missing[0]}")
    return model.eval().to(device.name)


def processor_of(kind: str, folder: Path, info: ModelInfo) -> Any:
    """Return a tokenizer or picture processor of transformers from a folder."""
    import transformers

    quiet = transformers.utils.logging.get_verbosity()
    transformers.utils.logging.set_verbosity_error()
    try:
        return getattr(transformers, kind).from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise damaged(info, error) from error
    finally:
        transformers.utils.logging.set_verbosity(quiet)


def damaged(info: ModelInfo, problem: object) -> ModelError:
    """Return the error of a folder that holds no usable model."""
    text = " ".join(str(problem).split())[:300]
    return ModelError(f"{info.id} cannot be loaded: {text}; see that its files are whole")


def _token_limit(config: Any, words: Any) -> int:
    text = getattr(config, "text_config", config)
    places = int(getattr(text, "max_position_embeddings", 0) or _MOST_TOKENS)
    if config.model_type == "altclip":
        # Its places are counted as in RoBERTa: from behind that of the padding.
        places -= int(text.pad_token_id) + 1
    return min(places, int(words.model_max_length), _MOST_TOKENS)


def _dimension(model: Any) -> int:
    config = model.config
    found = getattr(config, "projection_dim", None)
    if found is None or config.model_type in _PADDED:
        found = (
            getattr(config.text_config, "projection_size", None) or config.text_config.hidden_size
        )
    return int(found)


def _scale(model: Any) -> float | None:
    logit = getattr(model, "logit_scale", None)
    return None if logit is None else float(np.exp(logit.detach().float().cpu().numpy()).item())
