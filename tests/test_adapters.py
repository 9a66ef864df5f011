"""Models of the hub, loaded by the path a user takes: tiny checkpoints of each architecture."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sentence_transformers")

import tiny_models as tiny
from q2e.errors import ConfigError, ModelError
from q2e.models.adapters import adapt
from q2e.models.registry import Models
from q2e.models.torch.devices import Device
from q2e.models.torch.pictures import evenly
from q2e.settings import Settings, load_settings

KINDS = ("clip", "siglip", "siglip2", "chinese_clip", "altclip", "metaclip_2", "xclip")
FRAMES = KINDS[:-1]


@pytest.fixture(scope="session")
def settings() -> Settings:
    return load_settings(threads=1, device="cpu")


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of tiny checkpoints; each is made when first asked for."""
    yield tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def encoders(models: Path, settings: Settings) -> dict[str, Any]:
    return {
        kind: adapt(f"file:{tiny.save_pictures(models / kind, kind)}", "image", settings)
        for kind in KINDS
    }


@pytest.fixture(scope="session")
def sentences(models: Path) -> Path:
    return tiny.save_sentences(models / "multilingual-e5-tiny", onnx=True)


@pytest.fixture(scope="session")
def pairs(models: Path) -> Path:
    return tiny.save_pairs(models / "pairs", onnx=True)


def _without_onnx(folder: Path) -> Path:
    other = folder.with_name(folder.name + "-torch")
    if not other.exists():
        shutil.copytree(folder, other)
        shutil.rmtree(other / "onnx")
    return other


# -- pictures and clips ----------------------------------------------------------------------------
@pytest.mark.parametrize("kind", KINDS)
def test_vectors_are_of_unit_length_and_one_space(encoders: dict[str, Any], kind: str) -> None:
    encoder = encoders[kind]
    pictures = encoder.encode_images([tiny.picture(number) for number in range(3)])
    clips = encoder.encode_clips([[tiny.picture(0), tiny.picture(1)], [tiny.picture(2)]])
    texts = encoder.encode_texts(list(tiny.NINE.values()))
    assert pictures.shape == (3, encoder.info.dimension)
    assert clips.shape == (2, encoder.info.dimension)
    assert texts.shape == (9, encoder.info.dimension)
    for vectors in (pictures, clips, texts):
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert encoder.info.scale and encoder.space.startswith("file:")


@pytest.mark.parametrize("kind", KINDS)
def test_nine_languages_have_nine_vectors(encoders: dict[str, Any], kind: str) -> None:
    vectors = encoders[kind].encode_texts(list(tiny.NINE.values()))
    assert len(np.unique(vectors.round(7), axis=0)) == 9


@pytest.mark.parametrize("kind", KINDS)
def test_a_vector_does_not_depend_on_what_is_encoded_with_it(
    encoders: dict[str, Any], kind: str
) -> None:
    encoder = encoders[kind]
    images = [tiny.picture(number, 30 + 9 * number, 64) for number in range(6)]
    texts = [*tiny.NINE.values(), "x"]
    alone = np.concatenate([encoder.encode_images([image]) for image in images])
    np.testing.assert_allclose(encoder.encode_images(images), alone, atol=1e-5)
    alone = np.concatenate([encoder.encode_texts([text]) for text in texts])
    np.testing.assert_allclose(encoder.encode_texts(texts), alone, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_long_empty_and_broken_texts_are_encoded(encoders: dict[str, Any], kind: str) -> None:
    texts = ["犬" * 3000, "a dog " * 900, "", "\0 \ud800"]
    assert encoders[kind].encode_texts(texts).shape[0] == 4
    assert encoders[kind].encode_texts([]).shape == (0, encoders[kind].info.dimension)
    assert encoders[kind].encode_images([]).shape == (0, encoders[kind].info.dimension)


@pytest.mark.parametrize("kind", FRAMES)
def test_a_clip_is_the_mean_of_its_frames_in_any_order(encoders: dict[str, Any], kind: str) -> None:
    encoder = encoders[kind]
    frames = [tiny.picture(number) for number in range(4)]
    mean = encoder.encode_images(frames).mean(axis=0)
    clip = encoder.encode_clips([frames])[0]
    np.testing.assert_allclose(clip, mean / np.linalg.norm(mean), atol=1e-5)
    np.testing.assert_allclose(encoder.encode_clips([frames[::-1]])[0], clip, atol=1e-5)
    np.testing.assert_allclose(
        encoder.encode_clips([frames[:1]]), encoder.encode_images(frames[:1]), atol=1e-5
    )


def test_a_model_of_clips_sees_the_order_of_frames(encoders: dict[str, Any]) -> None:
    frames = [tiny.picture(number) for number in range(4)]
    encoder = encoders["xclip"]
    forth, back = encoder.encode_clips([frames, frames[::-1]])
    assert not np.allclose(forth, back, atol=1e-4)


def test_frames_are_taken_evenly() -> None:
    assert evenly(8, 4) == [1, 3, 5, 7]
    assert evenly(1, 4) == [0, 0, 0, 0]
    assert evenly(3, 3) == [0, 1, 2]


def test_a_clip_without_frames_is_refused(encoders: dict[str, Any]) -> None:
    for kind in ("clip", "xclip"):
        with pytest.raises(ModelError, match="at least one picture"):
            encoders[kind].encode_clips([[tiny.picture(0)], []])


def test_one_instance_serves_threads(encoders: dict[str, Any]) -> None:
    encoder = encoders["clip"]
    texts = list(tiny.NINE.values()) * 3
    expected = encoder.encode_texts(texts)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(encoder.encode_texts, [texts] * 8):
            np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_space_changes_with_the_weights(models: Path, settings: Settings) -> None:
    first = tiny.save_pictures(models / "again", "clip")
    before = adapt(f"file:{first}", "image", settings).space
    weights = first / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert adapt(f"file:{first}", "image", settings).space != before


def test_half_precision_gives_nearly_the_same(models: Path, encoders: dict[str, Any]) -> None:
    half = load_settings(threads=1, device="cpu", precision="bf16")
    images = [tiny.picture(number) for number in range(3)]
    found = adapt(f"file:{models / 'clip'}", "image", half).encode_images(images)
    assert (found * encoders["clip"].encode_images(images)).sum(axis=1).min() > 0.99


def test_a_missing_weight_is_an_error_and_never_made_up(models: Path, settings: Settings) -> None:
    from safetensors.numpy import load_file, save_file

    folder = tiny.save_pictures(models / "holed", "clip")
    tensors = load_file(folder / "model.safetensors")
    tensors.pop("visual_projection.weight")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"1 weights are missing, such as visual_projection"):
        adapt(f"file:{folder}", "image", settings)


def test_a_damaged_folder_is_one_plain_error(models: Path, settings: Settings) -> None:
    folder = tiny.save_pictures(models / "cut", "clip")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(ModelError, match="cannot be loaded"):
        adapt(f"file:{folder}", "image", settings)


def test_pickled_weights_are_not_loaded(models: Path, settings: Settings) -> None:
    import torch

    folder = tiny.save_pictures(models / "pickled", "clip")
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="cannot be loaded"):
        adapt(f"file:{folder}", "image", settings)


def test_an_unknown_kind_names_the_known_ones(tmp_path: Path, settings: Settings) -> None:
    tiny.write_json(tmp_path / "config.json", {"model_type": "sniffer"})
    with pytest.raises(ModelError, match=r"'sniffer' have no adapter here; known: .*siglip2"):
        adapt(f"file:{tmp_path}", "image", settings)


def test_a_model_that_needs_a_plugin_says_so(settings: Settings) -> None:
    with pytest.raises(ConfigError, match="examples/plugin-encoder"):
        adapt("hub:LanguageBind/LanguageBind_Video_FT@main", "video", settings)


def test_words_may_come_from_another_model_of_the_space(
    models: Path, sentences: Path, encoders: dict[str, Any], tmp_path: Path
) -> None:
    profile = tmp_path / "two.toml"
    profile.write_text(
        f'base = "local"\n[models]\nimage = "file:{models / "siglip"}"\n'
        f'[optional]\nimage_text = "file:{sentences}"\n'
    )
    both = Models(load_settings(profile=str(profile), threads=1, device="cpu")).image
    words = adapt(f"file:{sentences}", "text", load_settings(threads=1))
    np.testing.assert_allclose(both.encode_texts(["犬"]), words.encode_plain(["犬"]), atol=1e-6)
    image = [tiny.picture(0)]
    np.testing.assert_allclose(
        both.encode_images(image), encoders["siglip"].encode_images(image), atol=1e-6
    )
    assert words.space in both.space
    profile.write_text(profile.read_text().replace("/siglip", "/clip"))
    with pytest.raises(ConfigError, match="share no space"):
        _ = Models(load_settings(profile=str(profile), threads=1, device="cpu")).image


# -- text ------------------------------------------------------------------------------------------
def test_an_export_and_its_original_agree(sentences: Path, settings: Settings) -> None:
    exported = adapt(f"file:{sentences}", "text", settings)
    original = adapt(f"file:{_without_onnx(sentences)}", "text", settings)
    assert (type(exported).__name__, type(original).__name__) == ("OnnxText", "Sentences")
    texts = [*tiny.NINE.values(), "long " * 600, "", "\ud800"]
    np.testing.assert_allclose(
        exported.encode_passages(texts), original.encode_passages(texts), atol=1e-5
    )
    assert exported.info.dimension == original.info.dimension == 16


def test_questions_and_passages_of_e5_have_their_forms(sentences: Path, settings: Settings) -> None:
    encoder = adapt(f"file:{sentences}", "text", settings)
    asked, told = encoder.encode_queries(["dog"]), encoder.encode_passages(["dog"])
    assert not np.allclose(asked, told)
    np.testing.assert_allclose(asked, encoder.encode_plain(["query: dog"]), atol=1e-6)
    np.testing.assert_allclose(told, encoder.encode_plain(["passage: dog"]), atol=1e-6)


@pytest.mark.parametrize("task", ["text", "reranker"])
def test_text_does_not_depend_on_what_is_encoded_with_it(
    sentences: Path, pairs: Path, settings: Settings, task: str
) -> None:
    texts = [*tiny.NINE.values(), "a much longer passage about a dog " * 3]
    for folder in (sentences, _without_onnx(sentences)) if task == "text" else (pairs,):
        model = adapt(f"file:{folder}", task, settings)
        if task == "text":
            alone = np.concatenate([model.encode_passages([text]) for text in texts])
            np.testing.assert_allclose(model.encode_passages(texts), alone, atol=1e-5)
        else:
            alone = np.concatenate([model.score("dog", [text]) for text in texts])
            np.testing.assert_allclose(model.score("dog", texts), alone, atol=1e-5)


def test_pairs_agree_with_their_export(pairs: Path, settings: Settings) -> None:
    passages = list(tiny.NINE.values())
    exported = adapt(f"file:{pairs}", "reranker", settings)
    original = adapt(f"file:{_without_onnx(pairs)}", "reranker", settings)
    assert (type(exported).__name__, type(original).__name__) == ("OnnxPairs", "Pairs")
    np.testing.assert_allclose(
        exported.score("dog", passages), original.score("dog", passages), atol=1e-5
    )
    assert exported.score("dog", []).shape == (0,) and original.score("dog", []).shape == (0,)


def test_tokens_have_a_vector_each(models: Path, settings: Settings) -> None:
    model = adapt(f"file:{tiny.save_tokens(models / 'tokens')}", "late", settings)
    asked = model.encode_query_tokens(list(tiny.NINE.values()))
    told = model.encode_passage_tokens(["a dog", "a dog that plays with a child in a garden"])
    assert len(asked) == 9 and len(told[1]) > len(told[0])
    for vectors in (*asked, *told):
        assert vectors.shape[1] == model.info.dimension
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_code_of_a_repository_runs_only_where_it_is_named(
    sentences: Path, tmp_path: Path, settings: Settings
) -> None:
    folder = _without_onnx(sentences)
    other = tmp_path / "evil"
    shutil.copytree(folder, other)
    touched = tmp_path / "touched"
    (other / "custom.py").write_text(f"open({str(touched)!r}, 'w').close()\nclass T: pass\n")
    tiny.write_json(
        other / "modules.json", [{"idx": 0, "name": "0", "path": "", "type": "custom.T"}]
    )
    with pytest.raises(ModelError, match="remote_code"):
        adapt(f"file:{other}", "text", settings)
    assert not touched.exists()


# -- batches ---------------------------------------------------------------------------------------
def test_a_batch_without_room_is_halved_and_lost_nothing() -> None:
    import torch

    seen: list[int] = []

    def encode(batch: Any) -> list[int]:
        if len(batch) > 2:
            raise torch.OutOfMemoryError("no room")
        seen.append(len(batch))
        return list(batch)

    device = Device("cpu", torch.float32)
    found = device.in_batches("x", list(range(7)), encode)
    assert [one for batch in found for one in batch] == list(range(7))
    assert max(seen) == 2


def test_a_device_that_is_not_here_is_named(models: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(ConfigError, match="device = 'cuda'"):
        adapt(f"file:{models / 'clip'}", "image", load_settings(device="cuda"))
