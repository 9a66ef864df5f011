"""Translation with NLLB-200 through CTranslate2, offline, from and into 200 languages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from q2e.errors import ConfigError, MissingDependency, ModelError
from q2e.models.base import ModelInfo
from q2e.models.local.whisper import ctranslate2_options
from q2e.models.prompts import encodable
from q2e.settings import Settings

#: ISO 639-1 codes and the names of FLORES-200 that NLLB gives the same languages: those that
#: Whisper hears or `q2e.text.language` tells, as far as NLLB has them.
_NAMED = """
    af afr_Latn  am amh_Ethi  ar arb_Arab  as asm_Beng  az azj_Latn  ba bak_Cyrl  be bel_Cyrl
    bg bul_Cyrl  bn ben_Beng  bo bod_Tibt  bs bos_Latn  ca cat_Latn  cs ces_Latn  cy cym_Latn
    da dan_Latn  de deu_Latn  el ell_Grek  en eng_Latn  es spa_Latn  et est_Latn  eu eus_Latn
    fa pes_Arab  fi fin_Latn  fo fao_Latn  fr fra_Latn  ga gle_Latn  gl glg_Latn  gu guj_Gujr
    ha hau_Latn  he heb_Hebr  hi hin_Deva  hr hrv_Latn  ht hat_Latn  hu hun_Latn  hy hye_Armn
    id ind_Latn  is isl_Latn  it ita_Latn  ja jpn_Jpan  jv jav_Latn  jw jav_Latn  ka kat_Geor
    kk kaz_Cyrl
    km khm_Khmr  kn kan_Knda  ko kor_Hang  lb ltz_Latn  ln lin_Latn  lo lao_Laoo  lt lit_Latn
    lv lvs_Latn  mg plt_Latn  mi mri_Latn  mk mkd_Cyrl  ml mal_Mlym  mn khk_Cyrl  mr mar_Deva
    ms zsm_Latn  mt mlt_Latn  my mya_Mymr  ne npi_Deva  nl nld_Latn  nn nno_Latn  no nob_Latn
    oc oci_Latn  pa pan_Guru  pl pol_Latn  ps pbt_Arab  pt por_Latn  ro ron_Latn  ru rus_Cyrl
    sa san_Deva  sd snd_Arab  si sin_Sinh  sk slk_Latn  sl slv_Latn  sn sna_Latn  so som_Latn
    sq als_Latn  sr srp_Cyrl  su sun_Latn  sv swe_Latn  sw swh_Latn  ta tam_Taml  te tel_Telu
    tg tgk_Cyrl  th tha_Thai  tk tuk_Latn  tl tgl_Latn  tr tur_Latn  tt tat_Cyrl  uk ukr_Cyrl
    ur urd_Arab  uz uzn_Latn  vi vie_Latn  yi ydd_Hebr  yo yor_Latn  yue yue_Hant  zh zho_Hans
"""
LANGUAGES = dict(zip(_NAMED.split()[::2], _NAMED.split()[1::2], strict=True))
_BATCH = 8
_MOST_TOKENS = 256


@dataclass(frozen=True, slots=True, eq=False)
class _Words:
    """A tokenizer as two functions: text to pieces and back."""

    cut: Callable[[str], list[str]]
    join: Callable[[Sequence[str]], str]


class Nllb:
    """Translates lines of text; what is too long is cut to the model's length."""

    def __init__(self, model: Any, words: _Words, info: ModelInfo) -> None:
        self._model = model
        self._words = words
        self._lock = Lock()
        self.info = info

    def translate(self, texts: Sequence[str], source: str | None, target: str) -> list[str]:
        """Return `texts` in the language `target`; both are ISO 639-1 codes or NLLB's names.

        A text in a language that NLLB does not know, or that nothing tells, comes back as it is.
        Raises ConfigError for such a `target`.
        """
        into = _name(target)
        if into is None:
            raise ConfigError(
                f"NLLB: language {target!r} is unknown; give one of {', '.join(LANGUAGES)}, or "
                "NLLB's own name such as  eng_Latn"
            )
        spoken = [_name(source or _detected(text)) for text in texts]
        found = list(texts)
        chosen = [
            n for n, name in enumerate(spoken) if texts[n].strip() and name not in (None, into)
        ]
        for start in range(0, len(chosen), _BATCH):
            batch = chosen[start : start + _BATCH]
            with self._lock:
                pieces = [
                    [str(spoken[n]), *self._words.cut(encodable(texts[n])), "</s>"] for n in batch
                ]
            answers = self._model.translate_batch(
                pieces,
                target_prefix=[[into]] * len(batch),
                beam_size=2,
                max_input_length=_MOST_TOKENS,
                max_decoding_length=_MOST_TOKENS,
                no_repeat_ngram_size=4,
            )
            with self._lock:
                for number, answer in zip(batch, answers, strict=True):
                    kept = [piece for piece in answer.hypotheses[0] if piece not in (into, "</s>")]
                    found[number] = self._words.join(kept).strip()
        return found


def open_translator(folder: Path, info: ModelInfo, settings: Settings) -> Nllb:
    """Return the translator of a folder in the layout of CTranslate2.

    Raises ModelError where the folder holds none, MissingDependency without CTranslate2.
    """
    try:
        import ctranslate2
    except ImportError as error:
        raise MissingDependency("faster-whisper", "standard", "translating") from error
    try:
        model = ctranslate2.Translator(str(folder), **ctranslate2_options(settings))
        words = _words(folder)
    except (RuntimeError, ValueError, OSError) as error:
        raise ModelError(f"{info.id} is no translator of CTranslate2: {error}") from error
    return Nllb(model, words, info)


def _words(folder: Path) -> _Words:
    pieces = next(iter(sorted(folder.glob("*.model"))), None)
    if pieces is not None:
        try:
            import sentencepiece
        except ImportError as error:
            raise MissingDependency("sentencepiece", "standard", "translating") from error
        model = sentencepiece.SentencePieceProcessor(model_file=str(pieces))
        return _Words(lambda text: list(model.encode(text, out_type=str)), model.decode)
    file = folder / "tokenizer.json"
    if not file.is_file():
        raise ModelError(f"{folder} holds no tokenizer.json and no SentencePiece model")
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(file))
    return _Words(
        lambda text: list(tokenizer.encode(text, add_special_tokens=False).tokens),
        lambda found: str(tokenizer.decode([tokenizer.token_to_id(one) or 0 for one in found])),
    )


def _detected(text: str) -> str | None:
    from q2e.text.language import detect

    return detect(text)


def _name(language: str | None) -> str | None:
    """Return NLLB's name of a language, None where it has none."""
    if language is not None and len(language) == 8 and language[3] == "_":
        return language
    return LANGUAGES.get(language or "")
