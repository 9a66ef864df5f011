"""Tiny checkpoints of real architectures: random weights, a real tokenizer, the hub's layout.

Each is built from its architecture's own configuration class and saved as its makers save theirs,
so that a test loads it by the path that a user's model takes.
"""

from __future__ import annotations

import json
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from q2e.arrays import UInt8
from q2e.query.knowledge import load

#: The same thing said in nine languages.
NINE = {
    "zh": "一个孩子和狗一起玩",
    "ja": "子供が犬と遊んでいる",
    "ko": "아이가 개와 놀고 있다",
    "ar": "طفل يلعب مع كلب",
    "ru": "ребёнок играет с собакой",
    "hi": "एक बच्चा कुत्ते के साथ खेल रहा है",
    "th": "เด็กกำลังเล่นกับสุนัข",
    "de": "ein Kind spielt mit einem Hund",
    "en": "a child plays with a dog",
}


def picture(number: int, height: int = 40, width: int = 56) -> UInt8:
    """Return a picture of random noise, the same for the same number."""
    return np.random.default_rng(number).integers(0, 256, (height, width, 3), np.uint8)


@cache
def _trained(bytes_too: bool = True, as_xlmr: bool = False) -> str:
    """Return a BPE tokenizer of 600 pieces, learnt from questions of many languages.

    Its alphabet is that of bytes, or the characters themselves, as in Gemma's.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    if bytes_too:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    rest = ["</s>", "<unk>", "<mask>"]
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=[*(["<s>", "<pad>"] if as_xlmr else ["<pad>", "<s>"]), *rest],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet() if bytes_too else [],
        show_progress=False,
    )
    texts = list(NINE.values())
    if bytes_too:
        texts += [text for texts in load().plain.values() for text in texts]
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> $B </s>",
        special_tokens=[("<s>", 0 if as_xlmr else 1), ("</s>", 2)],
    )
    return str(tokenizer.to_str())


def words(limit: int = 77, bytes_too: bool = True, as_xlmr: bool = False) -> Any:
    """Return the tokenizer as transformers knows one."""
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(_trained(bytes_too, as_xlmr)),
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
        cls_token="<s>",
        sep_token="</s>",
        model_max_length=limit,
    )


_TEXT = {
    "vocab_size": 600,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 77,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
_VISION = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 32,
    "patch_size": 8,
}


def _frames_model(kind: str) -> tuple[Any, Any]:
    """Return the model and the processor of pictures of an architecture."""
    import transformers as t

    clip = {
        "size": {"shortest_edge": 32},
        "crop_size": {"height": 32, "width": 32},
    }
    if kind == "clip":
        config = t.CLIPConfig(text_config=_TEXT, vision_config=_VISION, projection_dim=12)
        return t.CLIPModel(config), t.CLIPImageProcessor(**clip)
    if kind == "siglip":
        text = _TEXT | {"max_position_embeddings": 64, "projection_size": 16}
        config = t.SiglipConfig(text_config=text, vision_config=_VISION)
        return t.SiglipModel(config), t.SiglipImageProcessor(size={"height": 32, "width": 32})
    if kind == "siglip2":
        text = _TEXT | {"max_position_embeddings": 64, "projection_size": 16}
        vision = {key: value for key, value in _VISION.items() if key != "image_size"}
        config = t.Siglip2Config(text_config=text, vision_config=vision | {"num_patches": 16})
        return t.Siglip2Model(config), t.Siglip2ImageProcessor(patch_size=8, max_num_patches=16)
    if kind == "chinese_clip":
        text = _TEXT | {"max_position_embeddings": 128, "type_vocab_size": 2}
        config = t.ChineseCLIPConfig(text_config=text, vision_config=_VISION, projection_dim=12)
        return t.ChineseCLIPModel(config), t.ChineseCLIPImageProcessor(
            size={"height": 32, "width": 32}, do_center_crop=False
        )
    if kind == "altclip":
        text = _TEXT | {"max_position_embeddings": 130, "project_dim": 12}
        config = t.AltCLIPConfig(text_config=text, vision_config=_VISION, projection_dim=12)
        return t.AltCLIPModel(config), t.CLIPImageProcessor(**clip)
    if kind == "metaclip_2":
        config = t.MetaClip2Config(text_config=_TEXT, vision_config=_VISION, projection_dim=12)
        return t.MetaClip2Model(config), t.CLIPImageProcessor(**clip)
    if kind == "xclip":
        vision = _VISION | {
            "num_frames": 4,
            "mit_hidden_size": 12,
            "mit_intermediate_size": 32,
            "mit_num_hidden_layers": 1,
            "mit_num_attention_heads": 2,
            "drop_path_rate": 0.0,
        }
        config = t.XCLIPConfig(
            text_config=_TEXT,
            vision_config=vision,
            projection_dim=12,
            prompt_layers=1,
            prompt_num_attention_heads=2,
        )
        return t.XCLIPModel(config), t.VideoMAEImageProcessor(**clip)
    raise ValueError(kind)


def save_pictures(folder: Path, kind: str) -> Path:
    """Save a tiny model of pictures and text of a kind into a folder."""
    import torch

    torch.manual_seed(1)
    model, images = _frames_model(kind)
    for name, weight in model.named_parameters():
        # Random tokens are too alike to be told apart among 64 places.
        if name.endswith("token_embedding.weight"):
            weight.data.mul_(30)
    model.eval().save_pretrained(folder)
    images.save_pretrained(folder)
    limit = int(model.config.text_config.max_position_embeddings)
    words(limit, bytes_too=kind != "siglip2").save_pretrained(folder)
    return folder


def _xlmr() -> Any:
    from transformers import XLMRobertaConfig

    return XLMRobertaConfig(**_TEXT | {"max_position_embeddings": 130, "type_vocab_size": 1})


def save_sentences(folder: Path, onnx: bool = False) -> Path:
    """Save a tiny multilingual text encoder as sentence-transformers does, or exported to ONNX."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer import modules
    from transformers import XLMRobertaModel

    torch.manual_seed(2)
    base = folder.with_name(folder.name + "-base")
    XLMRobertaModel(_xlmr()).eval().save_pretrained(base)
    words(128).save_pretrained(base)
    transformer = modules.Transformer(str(base), max_seq_length=128)
    pooling = modules.Pooling(transformer.get_embedding_dimension(), "mean")
    model = SentenceTransformer(modules=[transformer, pooling, modules.Normalize()], device="cpu")
    model.save(str(folder), create_model_card=False)
    if onnx:
        _export(XLMRobertaModel.from_pretrained(folder), folder, "last_hidden_state")
    return folder


def save_pairs(folder: Path, onnx: bool = False) -> Path:
    """Save a tiny cross-encoder, or one exported to ONNX."""
    import torch
    from transformers import XLMRobertaForSequenceClassification

    torch.manual_seed(3)
    config = _xlmr()
    config.num_labels = 1
    model = XLMRobertaForSequenceClassification(config).eval()
    model.classifier.out_proj.weight.data.mul_(50)
    model.save_pretrained(folder)
    words(128).save_pretrained(folder)
    if onnx:
        _export(model, folder, "logits")
    return folder


def _export(model: Any, folder: Path, output: str) -> None:
    import torch

    class Named(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model.requires_grad_(False)

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            return self.model(input_ids=input_ids, attention_mask=attention_mask)[output]

    (folder / "onnx").mkdir(exist_ok=True)
    model.config._attn_implementation = "eager"
    shape = {0: "n", 1: "t"}
    ids = torch.arange(24).reshape(2, 12) % 600
    with warnings.catch_warnings():
        # The exporter that needs no further packages says that there is a newer one.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Named(),
            (ids, torch.ones_like(ids)),
            str(folder / "onnx" / "model.onnx"),
            input_names=["input_ids", "attention_mask"],
            output_names=[output],
            dynamic_axes={"input_ids": shape, "attention_mask": shape, output: {0: "n"}},
            dynamo=False,
        )


def write_json(file: Path, value: Any) -> None:
    """Write a small JSON file with its folder."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value), "utf-8")


def save_tokens(folder: Path) -> Path:
    """Save a tiny ColBERT as sentence-transformers does: a vector for each token."""
    import torch
    from sentence_transformers import MultiVectorEncoder
    from transformers import XLMRobertaModel

    torch.manual_seed(4)
    base = folder.with_name(folder.name + "-base")
    XLMRobertaModel(_xlmr()).eval().save_pretrained(base)
    words(128).save_pretrained(base)
    MultiVectorEncoder(str(base), device="cpu").save(str(folder), create_model_card=False)
    return folder


CHAT = (
    "{% for m in messages %}{{ m['role'] }}: {% if m['content'] is string %}{{ m['content'] }}"
    "{% else %}{% for c in m['content'] %}{% if c['type'] == 'image' %}<image>"
    "{% else %}{{ c['text'] }}{% endif %}{% endfor %}{% endif %}\n{% endfor %}assistant:"
)


def save_language(folder: Path) -> Path:
    """Save a tiny language model that can chat, if not sensibly."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(5)
    config = Qwen2Config(**_TEXT | {"max_position_embeddings": 512, "num_key_value_heads": 2})
    Qwen2ForCausalLM(config).eval().save_pretrained(folder)
    tokenizer = words(512)
    tokenizer.chat_template = CHAT
    tokenizer.save_pretrained(folder)
    return folder


def save_masked(folder: Path, features: int | None = None) -> Path:
    """Save a tiny DeBERTa that fills gaps; with `features` as FrozenBiLM: frames, adapters."""
    import torch
    from safetensors.torch import save_file
    from transformers import DebertaV2Config, DebertaV2ForMaskedLM

    torch.manual_seed(7)
    more = {"pos_att_type": ["c2p", "p2c"], "relative_attention": True, "type_vocab_size": 0}
    config = DebertaV2Config(**_TEXT | more | {"max_position_embeddings": 512})
    DebertaV2ForMaskedLM(config).eval().save_pretrained(folder)
    words(512).save_pretrained(folder)
    if features:
        made = {
            "deberta.embeddings.linear_video.weight": torch.randn(16, features),
            "deberta.embeddings.linear_video.bias": torch.randn(16),
        }
        for layer in range(2):
            for part in ("attention.output", "output"):
                name = f"deberta.encoder.layer.{layer}.{part}.adapter"
                made |= {f"{name}.down.weight": torch.randn(2, 16)}
                made |= {f"{name}.down.bias": torch.randn(2)}
                made |= {
                    f"{name}.up.weight": torch.randn(16, 2),
                    f"{name}.up.bias": torch.randn(16),
                }
        save_file(made, folder / "frozenbilm.safetensors")
    return folder


def save_seeing(folder: Path) -> Path:
    """Save a tiny language model that sees, of the LLaVA architecture."""
    import torch
    import transformers as t

    torch.manual_seed(6)
    tokenizer = words(512)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    tokenizer.chat_template = CHAT
    image = tokenizer.convert_tokens_to_ids("<image>")
    text = t.Qwen2Config(**_TEXT | {"vocab_size": 608, "num_key_value_heads": 2})
    text.max_position_embeddings = 512
    config = t.LlavaConfig(
        vision_config=t.CLIPVisionConfig(**_VISION), text_config=text, image_token_id=image
    )
    t.LlavaForConditionalGeneration(config).eval().save_pretrained(folder)
    processor = t.LlavaProcessor(
        image_processor=t.CLIPImageProcessor(
            size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
        ),
        tokenizer=tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=CHAT,
    )
    processor.save_pretrained(folder)
    return folder


def save_translator(folder: Path) -> Path:
    """Save a tiny NLLB in the layout of CTranslate2, with a SentencePiece model learnt here."""
    import sentencepiece
    import torch
    from ctranslate2.converters import TransformersConverter
    from transformers import M2M100Config, M2M100ForConditionalGeneration

    torch.manual_seed(7)
    base = folder.with_name(folder.name + "-base")
    base.mkdir()
    lines = [text for texts in load().plain.values() for text in texts] + list(NINE.values())
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_prefix=str(base / "spm"),
        vocab_size=900,
        hard_vocab_limit=False,
        pad_id=3,
        minloglevel=2,
    )
    model = sentencepiece.SentencePieceProcessor(model_file=str(base / "spm.model"))
    pieces = [model.id_to_piece(number) for number in range(len(model))]
    pieces += ["eng_Latn", "deu_Latn", "zho_Hans", "jpn_Jpan", "kor_Hang", "arb_Arab"]
    pieces += ["rus_Cyrl", "hin_Deva", "tha_Thai"]
    config = M2M100Config(
        vocab_size=len(pieces),
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_position_embeddings=512,
        pad_token_id=3,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=2,
    )
    M2M100ForConditionalGeneration(config).eval().save_pretrained(base)

    class Converter(TransformersConverter):  # type: ignore[misc]
        def load_tokenizer(self, tokenizer_class: Any, name: str, **_: Any) -> Any:
            from types import SimpleNamespace

            return SimpleNamespace(
                get_vocab=lambda: {piece: number for number, piece in enumerate(pieces)},
                convert_ids_to_tokens=lambda number: pieces[number],
                special_tokens_map={},
                unk_token="<unk>",
                bos_token="<s>",
                eos_token="</s>",
            )

    Converter(str(base)).convert(str(folder), quantization="int8")
    (folder / "sentencepiece.bpe.model").write_bytes((base / "spm.model").read_bytes())
    return folder
