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

import q2e
import tiny_models
from q2e.cli import app
from q2e.decoding.doors import frames_at
from q2e.errors import ConfigError, ModelError
from q2e.features import of_index
from q2e.heads.feature_files import load, save
from q2e.heads.features import FeatureSet
from q2e.media.scan import uniform_times
from q2e.methods.rerank.base import Tools
from q2e.methods.rerank.joint import SEEN
from q2e.methods.rerank.mmi import _scorer
from q2e.mmi.knowledge import pool, vectors
from q2e.mmi.scorer import enc_prompt
from q2e.mmi.synthetic import SyntheticConfig, synthetic
from q2e.mmi.ways import KnowledgeWays
from q2e.models.base import ModelInfo
from q2e.models.registry import Models
from q2e.outlines import outlined as outlined_of
from q2e.settings import load_settings
from q2e.store.memory import MemoryStore
from q2e.types import Decomposition, Video

torch = pytest.importorskip("torch")
pytest.importorskip("peft")
pytest.importorskip("transformers")

from q2e.mmi.tuned import enc_of, open_tuned, opened, tower_vectors  # noqa: E402


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


# -- skeletons ----------------------------------------------------------------------------------

#: Two scenes by their skeletons: what tells them apart is said on both sides.
SCENES = ("who and what: a dog", "who and what: 一只猫")


def outlined(features: FeatureSet) -> FeatureSet:
    """Return features with a skeleton of each side that says which scene it is."""
    scene = [SCENES[number % 2] for number in range(len(features.frames))]
    texts = tuple(scene[video] for video in features.video.tolist())
    return replace(features, video_outlines=tuple(scene), text_outlines=texts)


def asks(prompt: str) -> list[int]:
    """Return a short prompt of what is said of both, as a chat template would make one."""
    said = [line for line in prompt.splitlines() if line.startswith("who and what")]
    return [1, *tokenize(said[0]), 2, *tokenize(said[1]), 3]


def test_the_loss_of_skeletons_is_eq_10_by_the_model_itself(features: FeatureSet) -> None:
    from q2e.heads.losses import symmetric_infonce
    from q2e.mmi.enc import Enc
    from q2e.mmi.lora import LlavaObjective, LoraSettings

    settings = LoraSettings(relevance=0.7, skeleton=0.2, asked=3)
    model, enc = llava(), Enc(asks, lambda answer: {"yes": 5, "no": 9}[answer])
    objective = LlavaObjective(model, tokenize, settings, enc=enc).eval()
    told, pairs = outlined(features), [(0, 0), (1, 1), (2, 2), (3, 3)]
    batch = objective.batch(told, pairs, "cpu")
    texts, videos = objective.vectors(told, "cpu")
    likeness = (objective.log_scale.exp() * texts[:4] @ videos[:4].T).detach()

    def odds(text: int, video: int) -> float:
        prompt = asks(enc_prompt(told.text_outlines[text], told.video_outlines[video]))
        # The whole model, as a search asks it, without padding.
        logits = model(input_ids=torch.tensor([prompt])).logits[0, -1].detach()
        return float(logits[5] - logits[9])

    error = 0.0
    for text in range(3):
        wrong = max((v for v in range(4) if v != text), key=lambda v: float(likeness[text, v]))
        error += np.log1p(np.exp(-odds(text, text))) / 6 + np.log1p(np.exp(odds(text, wrong))) / 6
    wanted = 0.7 * float(symmetric_infonce(likeness)) + 0.2 * error
    assert float(objective.contrast(batch).detach()) == pytest.approx(wanted, abs=1e-4)
    objective.contrast(batch).backward()
    grown = {name for name, one in objective.named_parameters() if one.grad is not None}
    assert all("lora_" in name or name == "log_scale" for name in grown)
    # Without skeletons, or without a share for them, the vectors alone.
    for other in (features, told):
        without = replace(settings, skeleton=0.2 if other is features else 0.0)
        plain = LlavaObjective(llava(), tokenize, without, enc=enc).eval()
        loss = float(plain.contrast(plain.batch(other, pairs, "cpu")).detach())
        assert loss == pytest.approx(float(symmetric_infonce(likeness)), abs=1e-4)


def test_the_model_learns_to_compare_skeletons(features: FeatureSet, tmp_path: Path) -> None:
    from q2e.heads.schedule import TrainConfig
    from q2e.mmi.enc import Enc
    from q2e.mmi.lora import LoraSettings, tune

    told = outlined(features)
    enc = Enc(asks, lambda answer: {"yes": 5, "no": 9}[answer])
    config = TrainConfig(
        steps=40, masked_steps=0, batch=8, check_every=20, learning_rate=2e-2, patience=0, warmup=5
    )
    settings = LoraSettings(rank=8, dropout=0.0, relevance=0.0, skeleton=1.0)
    objective, done = tune(llava(), tokenize, told, config, settings, tmp_path, enc=enc)
    assert done.log[-1].loss < 0.6 < done.log[0].loss + 0.2

    def share() -> float:
        pairs = [(one, other) for one in SCENES for other in SCENES]
        with torch.no_grad():
            odds = objective.eval().log_odds(pairs, "cpu").reshape(2, 2)
        return float(((odds.diagonal() > odds[0, 1]) & (odds.diagonal() > odds[1, 0])).all())

    assert share() == 1.0
    with objective.language.disable_adapter():
        assert share() == 0.0
    # Other skeletons are another training.
    with pytest.raises(ConfigError, match="other settings or features"):
        changed = replace(told, video_outlines=("x",) * len(told.video_outlines))
        tune(llava(), tokenize, changed, config, settings, tmp_path, enc=enc)


def test_a_stopped_training_by_skeletons_goes_on_bit_for_bit(
    features: FeatureSet, tmp_path: Path
) -> None:
    from q2e.heads.schedule import TrainConfig
    from q2e.mmi.enc import Enc
    from q2e.mmi.lora import LoraSettings, tune

    told = outlined(features)

    def marked(prompt: str) -> list[int]:
        return tokenize("".join(line for line in prompt.splitlines() if "data" in line[:6]))

    enc = Enc(marked, lambda answer: {"yes": 5, "no": 9}[answer])
    config = TrainConfig(steps=4, masked_steps=0, batch=6, check_every=2, learning_rate=1e-2)
    kept = []
    for name, stops in (("whole", False), ("stopped", True)):
        for again in range(1 + stops):

            def watch(*_: Any, stop: bool = stops and not again) -> None:
                if stop:
                    raise KeyboardInterrupt

            try:
                _, done = tune(
                    llava(), tokenize, told, config, LoraSettings(), tmp_path / name, watch, enc
                )
            except KeyboardInterrupt:
                continue
            kept.append(done.state)
    assert kept[0].keys() == kept[1].keys()
    assert all(torch.equal(kept[0][name], kept[1][name]) for name in kept[0])


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


@pytest.mark.slow
def test_from_an_index_to_a_model_that_has_learnt_to_compare(
    sample_index: q2e.Index, tuned: tuple[Path, Path], tmp_path: Path
) -> None:
    index, features = str(sample_index.directory), tmp_path / "tune.npz"
    rows = [f"{video.title or video.id}\t{video.id}" for video in sample_index.videos()]
    (tmp_path / "judged.tsv").write_text("\n".join(["query\texpected", *rows]), "utf-8")
    more = ["--questions", tmp_path / "judged.tsv", "--frames", 2, "--json"]
    given = ["features", index, "--tower", tuned[0], "--skeletons", "--out", features, *more]
    done = CliRunner().invoke(app, [str(one) for one in given])
    assert done.exit_code == 0, (done.output, done.exception)
    assert json.loads(done.stdout)["skeletons"] and "without a model" in done.stderr
    made = load(features)
    assert made.dimension == 16 and made.space == "llava/vision tower"
    assert all(made.text_outlines) and all(made.video_outlines)
    # By hash too few of so few videos would be in val.
    count = len(made.frames)
    save(replace(made, split=("train",) * (count - 6) + ("val",) * 6), features)
    given = ["mmi", "tune", features, "--model", tuned[0], "--out", tmp_path / "out", "--json"]
    given += ["--steps", 4, "--masked-steps", 0, "--batch", 4, "--asked", 2, "--check-every", 2]
    done = CliRunner().invoke(app, [str(one) for one in [*given, "--learning-rate", "0.02"]])
    assert done.exit_code == 0, (done.output, done.exception)
    told = json.loads(done.stdout)["agreement"]
    assert told.keys() == {"before", "after"} and all(0 <= one <= 1 for one in told.values())
    # What was learnt is what a search asks: the same words, the same answers.
    info = ModelInfo("tuned", "mmi", f"file:{tmp_path}", "its own", "its own")
    model = open_tuned(tmp_path / "out", info, load_settings())
    asked = enc_prompt(made.text_outlines[0], made.video_outlines[0])
    yes, no = model.probability(asked, ("yes", "no"))
    assert (yes, no) != model.plain.probability(asked, ("yes", "no"))
    # Marks around skeletons are drawn anew for each prompt.
    model._objective._enc = replace(enc_of(model), ask=lambda prompt: model.chat_numbers(asked))
    with torch.inference_mode():
        odds = model._objective.log_odds([(made.text_outlines[0], made.video_outlines[0])], "cpu")
    assert float(odds[0]) == pytest.approx(np.log(yes / no), abs=1e-3)


@pytest.mark.slow
def test_what_an_index_says_itself_is_left_out_of_skeletons(sample_index: q2e.Index) -> None:
    own = ("title", "caption", "summary", "speech")
    made = of_index(sample_index, own=own).features
    with_own = outlined_of(made, sample_index).features
    without = outlined_of(made, sample_index, own).features
    said = [(made.texts[n], video) for n, video in enumerate(made.video.tolist())]
    spoken = [(text, video) for text, video in said if len(text) > 20]
    assert any(text[:60] in with_own.video_outlines[video] for text, video in spoken)
    assert not any(text[:60] in without.video_outlines[video] for text, video in spoken)
    assert with_own.text_outlines == without.text_outlines


def test_a_folder_without_its_base_is_refused(tuned: tuple[Path, Path], tmp_path: Path) -> None:
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
