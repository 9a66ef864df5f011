"""How well speech is recognised, and what is heard where nobody speaks: `benchmarks speech`.

`--data` names a folder with recordings of people that packages hold; nothing of them ships:

- `tuxpaint`: Debian's `tuxpaint-stamps-default` unpacked (GPL-2): words and short phrases in ten
  languages, read by people that its changelog names, with their texts beside them.
- `asterisk/en`, `asterisk/ru`: Debian's `asterisk-core-sounds-en-g722` and `-ru-g722` unpacked
  (CC BY-SA 3.0 and CC BY 3.0), and `asterisk/core-sounds-en.txt`, `-ru.txt` of the same release,
  which say what is said: sentences by one speaker each.

`errors` are word and character error rates by language: edits over words or letters of the text,
letters folded, what is no letter left out; the language is told by the recogniser itself, or given.
Intervals are 95 % bootstrap over recordings. Texts with digits or signs are left out, since they
can be written in several ways. `nobody` counts texts over sounds in which nobody speaks: made ones
(noise, hum, silence, synthesised music), and the package's own recordings of animals and things.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from q2e.arrays import Float32
from q2e.decoding.doors import probe, read_audio
from q2e.models.local.whisper import RATE_HZ, Whisper
from q2e.types import Audio

#: Recordings of one source and language.
MOST = 15
#: Seconds of each made sound, and how often each kind is made.
_LENGTH_S, _TIMES = 20.0, 1
_LANGUAGES = ("en", "es", "fr", "ru", "bg", "ca", "da", "el", "ro", "be")
#: Words of a sentence of a telephone prompt, at least.
_SENTENCE = 5


@dataclass(frozen=True, slots=True)
class Said:
    """A recording, and what is said in it."""

    path: Path
    language: str
    text: str


def run(data: Path) -> dict[str, Any]:
    recogniser = Whisper(threads=2)
    return {"errors": errors(recogniser, data), "nobody": nobody(recogniser, data)}


# -- errors -------------------------------------------------------------------------------------


def errors(recogniser: Whisper, data: Path) -> dict[str, Any]:
    """Return error rates by source and language."""
    groups = {f"prompts, {name}": list(prompts(data / "asterisk", name)) for name in ("en", "ru")}
    groups |= {f"words, {name}": list(stamps(data / "tuxpaint", name)) for name in _LANGUAGES}
    found = {}
    for name, group in groups.items():
        if group:
            found[name] = figures(recogniser, chosen(group, MOST))
            print(name, json.dumps(found[name]), file=sys.stderr, flush=True)
    return found


def figures(recogniser: Whisper, group: Sequence[Said]) -> dict[str, Any]:
    """Return the error rates of some recordings, as the product hears them and language given."""
    rows: dict[str, list[tuple[int, int, int, int]]] = {"told": [], "given": []}
    right, silent, heard_s = 0, 0, 0.0
    for one in group:
        audio = sound_of(one.path)
        heard_s += len(audio.samples) / RATE_HZ
        found = recogniser.transcribe(audio, None)
        rows["told"].append(edits(one.text, " ".join(line.text for line in found.lines)))
        silent += not found.lines
        if found.language == one.language:
            right += 1
        else:
            found = recogniser.transcribe(audio, one.language)
        rows["given"].append(edits(one.text, " ".join(line.text for line in found.lines)))
    told: dict[str, Any] = {"recordings": len(group), "seconds": round(heard_s, 1)}
    told["language right"] = round(right / len(group), 3)
    # What nothing is written of has no language either.
    told["no text"] = round(silent / len(group), 3)
    for way, found_rows in rows.items():
        counts = np.array(found_rows)
        for what, wrong, of in (("words", 0, 1), ("characters", 2, 3)):
            told[f"{what}, {way}"] = rate(counts[:, wrong], counts[:, of])
    return told


def sound_of(path: Path) -> Audio:
    """Return a recording; telephone prompts are bare G.722, which says nothing of itself."""
    if path.suffix != ".g722":
        return read_audio(path, 0.0, min(probe(path).duration_s, 120.0))
    import av

    with av.open(str(path), format="g722") as container:
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
    return Audio(np.concatenate(frames, axis=1)[0].astype(np.float32) / 32_768)


def rate(wrong: Any, of: Any) -> list[float]:
    """Return edits over words, with a 95 % bootstrap over recordings."""
    random = np.random.default_rng(0)
    draws = random.integers(0, len(wrong), (2_000, len(wrong)))
    many = wrong[draws].sum(axis=1) / of[draws].sum(axis=1)
    low, high = np.quantile(many, [0.025, 0.975])
    return [round(float(one), 3) for one in (wrong.sum() / of.sum(), low, high)]


def edits(said: str, heard: str) -> tuple[int, int, int, int]:
    """Return edits and number of words, then of characters."""
    wanted, found = plain(said).split(), plain(heard).split()
    letters = "".join(wanted), "".join(found)
    return distance(wanted, found), len(wanted), distance(*letters), len(letters[0])


def plain(text: str) -> str:
    """Return a text as its words: letters folded, other signs as spaces."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("ё", "е")
    return " ".join(re.sub(r"[^\w]+|_", " ", folded).split())


def distance(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many words or letters are to be put in, left out or changed (Levenshtein)."""
    row = list(range(len(other) + 1))
    for number, left in enumerate(one, 1):
        last, row[0] = row[0], number
        for place, right in enumerate(other, 1):
            last, row[place] = (
                row[place],
                min(row[place] + 1, row[place - 1] + 1, last + (left != right)),
            )
    return row[-1]


def prompts(folder: Path, language: str) -> Iterator[Said]:
    """Yield telephone prompts that are sentences."""
    texts = folder / f"core-sounds-{language}.txt"
    sounds = sorted((folder / language).glob("usr/share/asterisk/sounds/*"))
    if not texts.is_file() or not sounds:
        return
    for line in texts.read_text("utf-8").splitlines():
        name, _, text = line.partition(": ")
        path = sounds[0] / f"{name}.g722"
        if path.is_file() and usual(text) and len(plain(text).split()) >= _SENTENCE:
            yield Said(path, language, text)


def stamps(folder: Path, language: str) -> Iterator[Said]:
    """Yield spoken names of pictures, but for letters and numbers."""
    ending = "_desc.ogg" if language == "en" else f"_desc_{language}.ogg"
    for path in sorted(folder.glob(f"usr/share/tuxpaint/stamps/**/*{ending}")):
        texts = path.with_name(path.name.removesuffix(ending) + ".txt")
        if not texts.is_file() or {"symbols", "alphabet"} & set(path.parts):
            continue
        lines = texts.read_text("utf-8", errors="replace").splitlines()
        own = [line.partition("=")[2] for line in lines if line.startswith(f"{language}.utf8=")]
        text = lines[0] if language == "en" else (own or [""])[0]
        if usual(text) and 0 < len(plain(text).split()) <= 12:
            yield Said(path, language, text)


def usual(text: str) -> bool:
    """Whether a text is written as it is said."""
    return bool(text) and not re.search(r"[\d\[\]<>#*()@|…]|\.\.\.|[A-Z]{2}", text)


def chosen(group: Sequence[Said], most: int) -> list[Said]:
    """Return some of a group, the same each time, in no order of names."""

    def draw(one: Said) -> str:
        return hashlib.sha256(one.path.name.encode()).hexdigest()

    return sorted(group, key=draw)[:most]


# -- nobody speaks ------------------------------------------------------------------------------


def nobody(recogniser: Whisper, data: Path) -> dict[str, Any]:
    """Return, by kind of sound, how many give any text: Whisper alone, with its filters, all."""
    sounds = {kind: [make(kind, seed) for seed in range(_TIMES)] for kind in KINDS}
    real = [
        sound_of(path).samples
        for path in sorted((data / "tuxpaint").glob("usr/share/tuxpaint/stamps/**/*.ogg"))
        if "_desc" not in path.name and not {"symbols", "alphabet"} & set(path.parts)
    ]
    if real:
        sounds["recordings of animals and things"] = real[:MOST]
    found = {}
    for kind, own in sounds.items():
        found[kind] = texts_over(recogniser, own)
        print(kind, json.dumps(found[kind], ensure_ascii=False), file=sys.stderr, flush=True)
    return found


def texts_over(recogniser: Whisper, sounds: Sequence[Float32]) -> dict[str, Any]:
    """Return how many sounds give a text in each way, and the texts that stay."""
    alone = filtered = 0
    stay = []
    for samples in sounds:
        bare, kept = texts(recogniser, samples)
        alone += bool(bare)
        filtered += bool(kept)
        found = recogniser.transcribe(Audio(samples), None)
        if found.lines:
            stay.append(" ".join(line.text for line in found.lines)[:200])
    return {
        "sounds": len(sounds),
        "seconds": round(sum(map(len, sounds)) / RATE_HZ, 1),
        "Whisper alone": alone,
        "with its filters": filtered,
        "as shipped": len(stay),
        "texts": stay,
    }


def texts(recogniser: Any, samples: Float32) -> tuple[str, str]:
    """Return what Whisper writes over a sound cut in windows whether or not anybody speaks.

    First all that it writes, then what its own filters leave of it.
    """
    import ctranslate2

    bare, kept = [], []
    for first in range(0, len(samples), round(13.9 * RATE_HZ)):
        end = min(len(samples), first + round(13.9 * RATE_HZ))
        window = recogniser._encode(samples, first / RATE_HZ, end / RATE_HZ)
        language = max(window.languages, key=window.languages.__getitem__)
        (heard,) = recogniser._decode([window], {id(window): language}, "<|transcribe|>")
        kept.append("".join(word.text for word in heard.words))
        (answer,) = recogniser._model.generate(
            ctranslate2.StorageView.from_array(window.encoded),
            [["<|startoftranscript|>", f"<|{language}|>", "<|transcribe|>"]],
            beam_size=1,
            max_length=40,
        )
        told = [one for one in answer.sequences_ids[0] if one < recogniser._first_time]
        bare.append(recogniser._text(told))
    return _said(bare), _said(kept)


def _said(found: Sequence[str]) -> str:
    return " ".join(one for one in found if re.search(r"\w", one))


#: Kinds of made sounds, in the order in which they are shown.
KINDS = (
    *("silence", "faint noise", "white noise", "pink noise", "brown noise", "hum", "clicks"),
    *("bursts", "chords", "plucked notes", "drums", "sung vowels"),
)


def make(kind: str, seed: int) -> Float32:
    """Return a sound in which nobody speaks, its loudest sample at most .5."""
    random = np.random.default_rng([seed, *kind.encode()])
    time_s = np.arange(round(_LENGTH_S * RATE_HZ)) / RATE_HZ
    white = random.standard_normal(len(time_s))
    if kind == "silence":
        return np.zeros(len(time_s), np.float32)
    if kind == "faint noise":
        return (3e-3 * white).astype(np.float32)
    if kind == "clicks":
        sound = (random.random(len(time_s)) < 3 / RATE_HZ) * white
        sound = np.convolve(sound, np.exp(-np.arange(400) / 60), "same")
    elif kind == "bursts":
        sound = white * (np.sin(2 * np.pi * random.uniform(0.3, 3) * time_s) > 0.6)
    elif kind == "hum":
        sound = sum(np.sin(2 * np.pi * 50 * n * time_s) / n for n in (1, 2, 3, 5, 7))
        sound = np.asarray(sound) + 0.05 * white
    elif kind.endswith("noise"):
        power = {"white": 0.0, "pink": 0.5, "brown": 1.0}[kind.split()[0]]
        tones = np.fft.rfft(white)
        sound = np.fft.irfft(tones / np.maximum(np.arange(len(tones)), 20) ** power, len(white))
    else:
        sound = _music(kind, time_s, random)
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)


def _music(kind: str, time_s: Any, random: np.random.Generator) -> Any:
    """Return synthesised music of one instrument: chords, plucked notes, drums or sung vowels."""
    sound = np.zeros(len(time_s))
    beat_s = float(random.uniform(0.3, 0.6))
    scale = 220 * 2 ** (np.array([0, 2, 4, 5, 7, 9, 11, 12]) / 12)
    for number, start_s in enumerate(np.arange(0, _LENGTH_S, beat_s)):
        since_s = np.maximum(time_s - start_s, 0)
        on = time_s >= start_s
        if kind == "drums":
            deep = np.sin(2 * np.pi * 60 * since_s) * np.exp(-12 * since_s)
            brush = random.standard_normal(len(time_s)) * np.exp(-40 * since_s)
            sound += on * (deep if number % 2 == 0 else 0.4 * brush)
            continue
        first = int(random.integers(0, 6))
        notes = [scale[first], scale[(first + 2) % 8], scale[(first + 4) % 8]]
        if kind == "chords":
            own = on & (since_s < beat_s)
            sound += own * sum(
                np.sin(2 * np.pi * f * n * time_s) / n for f in notes for n in (1, 2, 3)
            )
        elif kind == "plucked notes":
            fall = np.exp(-5 * since_s)
            sound += (
                on
                * fall
                * sum(np.sin(2 * np.pi * notes[0] * n * since_s) / n for n in (1, 2, 3, 4))
            )
        else:
            own = on & (since_s < beat_s)
            vibrato = 1 + 0.01 * np.sin(2 * np.pi * 5.5 * since_s)
            phase = np.cumsum(notes[0] * vibrato) / RATE_HZ
            vowel = ((800, 1_150), (350, 2_000), (450, 800))[number % 3]
            for n in range(1, 16):
                strength = sum(np.exp(-(((n * notes[0] - f) / 150) ** 2)) for f in vowel)
                sound += own * (strength + 0.02) * np.sin(2 * np.pi * n * phase)
    return sound
