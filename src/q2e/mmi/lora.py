"""Fine-tunes a LLaVA-class model by LoRA on the same cached features as a head.

The features are what the model's own vision tower makes of frames, so only its projector and its
language model run; low-rank adapters of the latter are trained, all else stays. Texts need their
words (`texts` of the feature set) and the model's tokenizer. Where both sides have skeletons in
words (`text_outlines`, `video_outlines`) the same adapters learn to compare them (eqs. 9 and 10).
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from q2e.arrays import Float32
from q2e.errors import ConfigError, MissingDependency
from q2e.heads.features import FeatureSet
from q2e.heads.losses import symmetric_infonce
from q2e.heads.objective import Objective
from q2e.heads.schedule import TrainConfig
from q2e.heads.trainer import Trained, Watch, train
from q2e.mmi.enc import Enc, mistaken, skeleton_loss
from q2e.mmi.reason import HeadConfig, prepare
from q2e.mmi.scorer import RELEVANCE, SKELETON

#: Where the adapters of a training lie, in peft's own form.
ADAPTERS = "adapters"
Tokenize = Callable[[str], Sequence[int]]


@dataclass(frozen=True, slots=True)
class LoraSettings:
    """Size of the adapters, and the layers they are put on."""

    rank: int = 8
    alpha: int = 16
    dropout: float = 0.05
    layers: tuple[str, ...] = ("q_proj", "v_proj")
    key_images: int = 16
    """Most key-images of a video; the words of the prompt, so to speak."""
    relevance: float = RELEVANCE
    """lambda_r of eq. 10: share of the loss of vectors, where there are skeletons to compare."""
    skeleton: float = SKELETON
    """lambda_s of eq. 10: share of the loss of skeletons; 0 leaves them out."""
    asked: int = 8
    """Texts of a batch whose skeletons are compared, each with a right and a wrong video."""


@dataclass(frozen=True, slots=True, eq=False)
class LlavaBatch:
    """Key-images (B, K, d) of the vision tower, token numbers (B, M), and which are real.

    `outlines` are B skeletons of a text and of its video, written out, or none.
    """

    keys: Tensor
    shown: Tensor
    numbers: Tensor
    said: Tensor
    outlines: tuple[tuple[str, str], ...] = ()


class LlavaObjective(Objective):
    """The losses of training for a LLaVA-class model with adapters."""

    def __init__(
        self,
        model: Any,
        tokenize: Tokenize,
        settings: LoraSettings,
        language: Any = None,
        enc: Enc | None = None,
    ) -> None:
        """Put new adapters on the model's language model, or take `language` that has some.

        `enc` says how it is asked about skeletons; without it they are not learnt from.
        """
        super().__init__()
        self.projector = model.model.multi_modal_projector
        self.words = model.get_input_embeddings()
        self.output = model.lm_head
        self.log_scale = nn.Parameter(torch.tensor(2.659))
        self.settings = settings
        self._tokenize, self._enc = tokenize, enc
        self.language = self._adapted(model, settings) if language is None else language

    @staticmethod
    def _adapted(model: Any, settings: LoraSettings) -> Any:
        try:
            from peft import LoraConfig, get_peft_model
        except ImportError as error:
            raise MissingDependency("peft", "lora", "fine-tuning by LoRA") from error
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        adapters = LoraConfig(
            r=settings.rank,
            lora_alpha=settings.alpha,
            lora_dropout=settings.dropout,
            target_modules=list(settings.layers),
        )
        with warnings.catch_warnings():
            # peft asks transformers in a way that transformers no longer likes.
            warnings.simplefilter("ignore", FutureWarning)
            return get_peft_model(model.model.language_model, adapters)

    def batch(
        self, features: FeatureSet, pairs: Sequence[tuple[int, int]], device: Any
    ) -> LlavaBatch:
        """Return pairs of (video, text) as tensors."""
        videos = [self._key_images(features.frames[video]) for video, _ in pairs]
        texts = [np.asarray(self._tokenize(_texts(features)[text]) or [0]) for _, text in pairs]
        keys, shown = _padded(videos, np.float32, device)
        numbers, said = _padded(texts, np.int64, device)
        outlines = tuple(
            (features.text_outlines[text], features.video_outlines[video])
            for video, text in pairs
            if features.video_outlines
        )
        return LlavaBatch(keys, shown, numbers, said, outlines)

    def masked(self, batch: LlavaBatch) -> Tensor:
        """Return -log P(T | V) - log P(V | T), each item guessed from those before it.

        A causal model cannot see behind a mask; it predicts the next token, and the next
        key-image among all of the batch by InfoNCE.
        """
        video, text = self.projector(batch.keys), self.words(batch.numbers)
        length = video.shape[1]
        hidden = self._run(video, batch.shown, text, batch.said)
        guess = self.output(hidden[:, length - 1 : -1])
        loss = F.cross_entropy(guess[batch.said], batch.numbers[batch.said])

        length = text.shape[1]
        hidden = self._run(text, batch.said, video, batch.shown)
        guess = F.normalize(hidden[:, length - 1 : -1][batch.shown], dim=-1)
        choices = F.normalize(video[batch.shown], dim=-1)
        right = torch.arange(len(choices), device=choices.device)
        return loss + F.cross_entropy(self.log_scale.exp() * guess @ choices.T, right)

    def contrast(self, batch: LlavaBatch) -> Tensor:
        """Return eq. 10 as a loss: 0.6 of the InfoNCE of L_r, and 0.3 of the error of L_s.

        L_r is the likeness of the last states of texts and videos, L_s what the model itself says
        of their skeletons; without skeletons the first term alone, whole.
        """
        video = self._last(self.projector(batch.keys), batch.shown)
        text = self._last(self.words(batch.numbers), batch.said)
        likeness = self.log_scale.exp() * text @ video.T
        relevance = symmetric_infonce(likeness)
        if self._enc is None or not batch.outlines or not self.settings.skeleton:
            return relevance
        right, wrong = self._compared(batch.outlines, likeness)
        error = skeleton_loss(right, wrong)
        return self.settings.relevance * relevance + self.settings.skeleton * error

    def _compared(
        self, outlines: Sequence[tuple[str, str]], likeness: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return log-odds (n,) of texts with their own video, and with the one most like it."""
        count = min(self.settings.asked, len(outlines))
        own, other = range(count), mistaken(likeness)[:count].tolist()
        pairs = [outlines[text] for text in own]
        pairs += [(outlines[n][0], outlines[wrong][1]) for n, wrong in zip(own, other, strict=True)]
        odds = self.log_odds(pairs, likeness.device)
        return odds[:count], odds[count:]

    def log_odds(self, pairs: Sequence[tuple[str, str]], device: Any) -> Tensor:
        """Return L_s (n,) of pairs of skeletons as log(P(yes) / P(no)) by the model (eq. 9)."""
        if self._enc is None:
            raise ConfigError("skeletons are compared by a model with a chat template: give `enc`")
        asked = [np.asarray(self._enc.prompt(*pair)) for pair in pairs]
        numbers, said = _padded(asked, np.int64, device)
        items = self.words(numbers)
        hidden = self.language(inputs_embeds=items, attention_mask=said.long()).last_hidden_state
        logits = self.output(hidden[:, -1])[:, list(self._enc.answers)].float()
        return logits[:, 0] - logits[:, 1]

    def agreement(self, features: FeatureSet, device: Any, most: int = 100) -> float | None:
        """Return how often L_s puts a text's own video above the wrong one most like it by L_r.

        Of the first `most` texts; None without skeletons or without a second video.
        """
        if self._enc is None or not features.video_outlines or len(features.frames) < 2:
            return None
        texts, videos = self.vectors(features, device)
        right, likeness = torch.from_numpy(features.video), texts @ videos.T
        likeness[torch.arange(len(right)), right] = -torch.inf
        wrong, above = likeness.argmax(dim=1).tolist(), 0
        count = min(most, len(texts))
        with torch.no_grad():
            for text in range(count):
                pairs = [
                    (features.text_outlines[text], features.video_outlines[video])
                    for video in (int(right[text]), wrong[text])
                ]
                odds = self.log_odds(pairs, device)
                above += bool(odds[0] > odds[1])
        return above / count

    def vectors(self, features: FeatureSet, device: Any, size: int = 32) -> tuple[Tensor, Tensor]:
        """Return all h_T (T, d) and h_v (V, d) on the CPU, without gradients."""
        texts, videos = [], []
        with torch.no_grad():
            for at in range(0, len(features.tokens), size):
                texts.append(self.of_texts(_texts(features)[at : at + size], device))
            for at in range(0, len(features.frames), size):
                videos.append(self.of_videos(features.frames[at : at + size], device))
        return torch.cat(texts), torch.cat(videos)

    def of_texts(self, texts: Sequence[str], device: Any) -> Tensor:
        """Return the unit vectors h_T (n, d) of texts on the CPU."""
        rows = [np.asarray(self._tokenize(text) or [0]) for text in texts]
        numbers, said = _padded(rows, np.int64, device)
        return self._last(self.words(numbers), said).float().cpu()

    def of_tokens(self, texts: Sequence[str], device: Any) -> list[Tensor]:
        """Return the unit states (m, d) of the tokens of each text on the CPU."""
        rows = [np.asarray(self._tokenize(text) or [0]) for text in texts]
        numbers, said = _padded(rows, np.int64, device)
        items, real = self.words(numbers), said.long()
        hidden = self.language(inputs_embeds=items, attention_mask=real).last_hidden_state
        states = F.normalize(hidden.float(), dim=-1).cpu()
        return [state[own] for state, own in zip(states, said.cpu(), strict=True)]

    def of_videos(self, frames: Sequence[Float32], device: Any) -> Tensor:
        """Return the unit vectors h_v (n, d) of videos, each frames (m, d), on the CPU."""
        keys, shown = _padded([self._key_images(one) for one in frames], np.float32, device)
        keys = keys.to(next(self.projector.parameters()).dtype)
        return self._last(self.projector(keys), shown).float().cpu()

    def _run(self, first: Tensor, first_real: Tensor, then: Tensor, then_real: Tensor) -> Tensor:
        real = torch.cat([first_real, then_real], dim=1)
        both = torch.cat([first, then.to(first.dtype)], dim=1)
        return self.language(inputs_embeds=both, attention_mask=real.long()).last_hidden_state

    def _last(self, items: Tensor, real: Tensor) -> Tensor:
        hidden = self.language(inputs_embeds=items, attention_mask=real.long()).last_hidden_state
        # Padding stands before the items, so the last place is always real.
        return F.normalize(hidden[:, -1], dim=-1)

    def _key_images(self, frames: Float32) -> Any:
        """Return the (K, d) mean frame vectors of a video's segments."""
        config = HeadConfig(frames.shape[1], most=self.settings.key_images)
        clip = prepare(config, frames)
        return clip.inside @ clip.frames / clip.inside.sum(axis=1, keepdims=True)


def _texts(features: FeatureSet) -> Sequence[str]:
    if not features.texts:
        raise ConfigError("LoRA needs the words of each text: give `texts` in the features")
    return features.texts


def tune(
    model: Any,
    tokenize: Tokenize,
    features: FeatureSet,
    config: TrainConfig,
    settings: LoraSettings | None = None,
    folder: Path | None = None,
    watch: Watch | None = None,
    enc: Enc | None = None,
) -> tuple[LlavaObjective, Trained]:
    """Train adapters of `model` and return it as the best by the split `val` left it.

    With `enc` and skeletons in the features the model also learns to compare those.

    With a `folder`, checkpoints are kept as for a head, and the adapters in peft's own form under
    `adapters`. Raises ConfigError where the features are not of the model's vision tower.
    """
    used = settings or LoraSettings()
    width = int(model.config.vision_config.hidden_size)
    if features.dimension != width:
        raise ConfigError(
            f"features of dimension {features.dimension}, the model's vision tower makes {width}; "
            "cache the features of that tower"
        )
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    objective = LlavaObjective(model, tokenize, used, enc=enc)
    about = asdict(used) | {"outlines": _digest(features) if enc is not None else ""}
    done = train(objective, features, config, folder, watch, about)
    objective.load_state_dict(done.state)
    if folder is not None:
        objective.language.save_pretrained(str(folder / ADAPTERS))
    return objective, done


def _digest(features: FeatureSet) -> str:
    """Return what tells skeletons in words from others, so that no training mixes them."""
    if not features.video_outlines:
        return ""
    whole = "\0".join((*features.video_outlines, *features.text_outlines))
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def _padded(rows: Sequence[Any], kind: Any, device: Any) -> tuple[Tensor, Tensor]:
    """Return rows as one tensor with zeros before them, and (B, n) which items are real."""
    longest = max(len(row) for row in rows)
    whole = np.zeros((len(rows), longest, *rows[0].shape[1:]), kind)
    real = np.zeros((len(rows), longest), np.bool_)
    for number, row in enumerate(rows):
        whole[number, longest - len(row) :] = row
        real[number, longest - len(row) :] = True
    return torch.from_numpy(whole).to(device), torch.from_numpy(real).to(device)
