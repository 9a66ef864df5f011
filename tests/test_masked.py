"""Models that fill gaps, with frames before the text: tiny, real, with random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from q2e.errors import ModelError
from q2e.models.base import ModelInfo
from q2e.settings import Settings

pytest.importorskip("transformers", reason="needs the extra `standard`")

from q2e.models.torch.masked import ADDED, Masked, open_masked
from tiny_models import save_masked

INFO = ModelInfo("tiny", "masked", "file:tiny", "none", "en")
ASKED = "Question: what runs here? Answer: [MASK]. Subtitles: the dog runs"
ANSWERS = ("dog", "a little house", "бежит")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_masked(tmp_path_factory.mktemp("masked"), features=8)


@pytest.fixture(scope="module")
def model(folder: Path) -> Masked:
    return open_masked(folder, INFO, Settings())


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(3, 8)).astype(np.float32)


def test_answers_are_weighed_as_the_paper_says(
    model: Masked, folder: Path, frames: np.ndarray
) -> None:
    """The same arithmetic once more, with torch alone beside the stock model."""
    import torch
    from safetensors.torch import load_file
    from transformers import AutoTokenizer, DebertaV2ForMaskedLM

    stock, added = DebertaV2ForMaskedLM.from_pretrained(folder).eval(), load_file(folder / ADDED)
    for layer in range(2):
        block = stock.deberta.encoder.layer[layer]
        for name, dense in (("attention.output", block.attention.output), ("output", block.output)):
            own = f"deberta.encoder.layer.{layer}.{name}.adapter."
            down, up = torch.nn.Linear(16, 2), torch.nn.Linear(2, 16)
            down.load_state_dict({k: added[own + "down." + k] for k in ("weight", "bias")})
            up.load_state_dict({k: added[own + "up." + k] for k in ("weight", "bias")})
            adapter = Adapter(dense.dense, down, up)
            dense.dense = adapter
    words = AutoTokenizer.from_pretrained(folder)
    ids = words(ASKED.replace("[MASK]", words.mask_token), return_tensors="pt")["input_ids"]
    video = "deberta.embeddings.linear_video."
    seen = torch.from_numpy(frames) @ added[video + "weight"].T + added[video + "bias"]
    with torch.no_grad():
        told = torch.cat([seen, stock.get_input_embeddings()(ids)[0]])[None]
        logits = stock(inputs_embeds=told).logits[0, 3:][ids[0] == words.mask_token_id][0]
    ones = [words(f" {one}", add_special_tokens=False)["input_ids"] for one in ANSWERS]
    wanted = torch.stack([logits[one].mean() for one in ones]).softmax(0)
    found = model.fill(ASKED, ANSWERS, frames)
    assert found == pytest.approx(wanted.tolist(), abs=1e-5) and sum(found) == pytest.approx(1)


class Adapter:
    """h + up(relu(down(h))) behind a dense layer, as a module."""

    def __new__(cls, dense: object, down: object, up: object) -> object:
        import torch

        class Both(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.dense, self.down, self.up = dense, down, up

            def forward(self, given: object) -> object:
                hidden = self.dense(given)  # type: ignore[operator]
                return hidden + self.up(torch.relu(self.down(hidden)))  # type: ignore[operator]

        return Both()


def test_frames_and_texts_both_count(model: Masked, frames: np.ndarray) -> None:
    alone, seen = model.fill(ASKED, ANSWERS), model.fill(ASKED, ANSWERS, frames)
    other = model.fill(ASKED.replace("dog", "house"), ANSWERS, frames)
    assert alone != pytest.approx(seen) and seen != pytest.approx(other)
    # No more than ten frames are shown.
    many = np.tile(frames, (9, 1))
    assert model.fill(ASKED, ANSWERS, many) == pytest.approx(model.fill(ASKED, ANSWERS, many[:10]))


@pytest.mark.parametrize(
    ("text", "answers", "numbers", "says"),
    [
        ("no gap", ANSWERS, None, "one \\[MASK\\]"),
        (ASKED, (), None, "and answers"),
        (ASKED, ANSWERS, 5, "vectors of 8 numbers, got 5"),
        ("word " * 600 + "[MASK]", ANSWERS, None, "too long"),
    ],
)
def test_what_cannot_be_filled_is_said(
    model: Masked, text: str, answers: tuple[str, ...], numbers: int | None, says: str
) -> None:
    shown = None if numbers is None else np.zeros((1, numbers), np.float32)
    with pytest.raises(ModelError, match=says):
        model.fill(text, answers, shown)


def test_a_long_text_is_cut_behind_the_gap(model: Masked) -> None:
    assert len(model.fill(ASKED + " dog" * 900, ANSWERS)) == 3


@pytest.mark.slow
def test_damaged_weights_are_named(folder: Path, tmp_path: Path) -> None:
    import shutil

    from safetensors.torch import load_file, save_file

    whole = load_file(folder / ADDED)
    bad = {
        "lacks": {k: v for k, v in whole.items() if "linear_video.bias" not in k},
        "fits no layer": {k: v for k, v in whole.items() if "layer.1.output.adapter.up" not in k},
        "fits nothing": whole | {"deberta.no_such.weight": whole[next(iter(whole))].clone()},
    }
    for says, weights in bad.items():
        copy = tmp_path / says
        shutil.copytree(folder, copy)
        save_file(weights, copy / ADDED)
        with pytest.raises(ModelError, match=says):
            open_masked(copy, INFO, Settings())
    # Without that file it is a plain masked model, which sees nothing.
    plain = tmp_path / "plain"
    shutil.copytree(folder, plain)
    (plain / ADDED).unlink()
    model = open_masked(plain, INFO, Settings())
    assert model.features is None and len(model.fill(ASKED, ANSWERS)) == 3
    with pytest.raises(ModelError, match="shown no frames"):
        model.fill(ASKED, ANSWERS, np.zeros((1, 8), np.float32))
