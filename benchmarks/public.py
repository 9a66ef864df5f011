"""Makes collections of public captions and passages, shaped like those that people have.

`python -m benchmarks public --data FOLDER --out SETS` writes for each collection `NAME.q2e` and
`NAME.json`, as `truth` and `certainty` read them. FOLDER holds checkouts of public repositories,
and `flickr8k_features`, what the picture classifier finds in the pictures of Flickr8k (logits and
shares of colours, by the picture's name). All may be used for research; nothing of them is kept
here.

| folder | from | licence |
| --- | --- | --- |
| `XTD10` | github.com/adobe-research/Cross-lingual-Test-Dataset-XTD10 | research |
| `xquad` | github.com/google-deepmind/xquad | CC BY-SA 4.0 |
| `multi30k` | github.com/multi30k/dataset | research (Flickr30k) |
| `pyvideo` | github.com/pyvideo/data | CC0 |

- `captions`: pictures of COCO, each told of in one of eleven languages, asked for by what was
  written of them in another.
- `lessons`: passages read aloud in one of eight languages, some alone, some five of a series in
  as many videos, some all five in one; asked by what people asked about them in another language.
- `passages`: passages in one of eight languages, every second one asked about in the same.
- `pictures`: silent clips of one picture (Flickr8k, seen by the classifier alone); over some a
  passage is spoken, over others what recognisers leave. Asked for by captions in four languages
  and by questions about what is said.
- `talks`: what speakers at conferences of one programming language say that they will speak of, in
  one of ten languages, asked for by the titles of their talks.

Each has questions about what was left out.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import q2e
from q2e.arrays import Float32
from q2e.text.language import detect

#: Files of XTD10 by language; those of Japanese were written by people who saw the pictures.
XTD10 = {
    "de": "MIC/test_1kcaptions_de.txt",
    "fr": "MIC/test_1kcaptions_fr.txt",
    "ja": "STAIR/test_1kcaptions_jp.txt",
    **{
        one: f"XTD10/test_1kcaptions_{one}.txt"
        for one in ("en", "es", "it", "ko", "pl", "ru", "tr", "zh")
    },
}
XQUAD = ("ar", "de", "en", "es", "hi", "ru", "th", "zh")
#: Videos of `captions`, and pictures asked for that were left out.
CAPTIONS, UNSEEN = 160, 50
#: Articles of `lessons`: of one passage, of five in as many videos, of five in one, left out.
ARTICLES = {"one": 10, "series": 10, "long": 18, "none": 10}
PICTURES = 150
#: Languages of `talks`; of each so many, and so many asked for that were left out.
SPEAKERS = ("en", "es", "fr", "it", "ja", "ko", "pl", "ru", "sk", "zh")
TALKS, UNHEARD = 14, 5
SAID = ("Thank you.", "Hmm", "you", "Bye.", "Oh", "Yeah.", "ん", "謝謝", "Gracias.", "Danke.")
WRITTEN = ("shutterstock", "gettyimages", "iStock", "HD", "bilibili", "xKw3", "SAMTW", "ck")
#: Seconds that a word is taken to last, and a clip of one picture.
WORD_S, CLIP_S = 0.4, 10.0
SEED = 15


@dataclass
class Made:
    """A collection: lines to import, seen pictures (logits, colours) by video, questions."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    seen: dict[str, tuple[Float32, Float32]] = field(default_factory=dict)
    questions: list[dict[str, Any]] = field(default_factory=list)

    def say(self, video: str, channel: str, text: str, language: str, at_s: float = 0.0) -> float:
        """Add a text of a video; return when it ends."""
        end_s = round(at_s + WORD_S * max(len(text.split()), len(text) / 6), 1)
        time = {"start": at_s, "end": end_s} if channel == "speech" else {}
        own = {"video": video, "channel": channel, "text": text, "language": language}
        self.lines.append(own | time)
        return end_s

    def ask(self, text: str, language: str, kind: str, *right: str) -> None:
        """Add a question and the videos that answer it."""
        self.questions.append({"q": text, "lang": language, "kind": kind, "right": list(right)})


def run(data: Path, out: Path, only: Sequence[str] = ()) -> dict[str, Any]:
    """Make the collections that are not there yet; return their videos and questions, counted."""
    out.mkdir(parents=True, exist_ok=True)
    counts = {}
    for name in only or MAKERS:
        if not (out / f"{name}.json").exists():
            made = MAKERS[name](data, random.Random(SEED))
            _write(made, out / f"{name}.q2e")
            text = json.dumps(made.questions, ensure_ascii=False, indent=0)
            (out / f"{name}.json").write_text(text, "utf-8")
        asked = json.loads((out / f"{name}.json").read_text("utf-8"))
        with q2e.open(out / f"{name}.q2e") as index:
            videos = len(list(index.videos()))
        answered = sum(bool(one["right"]) for one in asked)
        counts[name] = {"videos": videos, "answered": answered, "unanswered": len(asked) - answered}
    return counts


# -- what collections are made of ---------------------------------------------------------------
def captions(data: Path, drawn: random.Random) -> Made:
    """Return pictures of COCO told of in one language and asked for in another."""
    told = {language: _lines(data / "XTD10" / file) for language, file in XTD10.items()}
    made = Made()
    chosen = drawn.sample(range(len(told["en"])), CAPTIONS + UNSEEN)
    for place, number in enumerate(chosen):
        own, other = drawn.sample(sorted(told), 2)
        right = [f"coco-{number:04}"] if place < CAPTIONS else []
        for video in right:
            made.say(video, "caption", told[own][number], own)
        made.ask(told[other][number], other, "visual", *right)
    return made


@dataclass(frozen=True)
class Passage:
    """A passage by language, and questions about it by language in the same order."""

    text: Mapping[str, str]
    questions: Mapping[str, Sequence[str]]


def passages(data: Path) -> list[list[Passage]]:
    """Return the five passages of each article of XQuAD."""
    read = {
        one: json.loads((data / "xquad" / f"xquad.{one}.json").read_text("utf-8"))["data"]
        for one in XQUAD
    }
    return [
        [
            Passage(
                {
                    one: own["context"].lstrip("\ufeff")
                    for one, own in zip(XQUAD, told, strict=True)
                },
                {
                    one: [asked["question"].lstrip("\ufeff") for asked in own["qas"]]
                    for one, own in zip(XQUAD, told, strict=True)
                },
            )
            for told in zip(*(article["paragraphs"] for article in articles), strict=True)
        ]
        for articles in zip(*read.values(), strict=True)
    ]


def lessons(data: Path, drawn: random.Random) -> Made:
    """Return passages spoken in one language and asked about in another."""
    articles = passages(data)
    drawn.shuffle(articles)
    made = Made()
    for kind, count in ARTICLES.items():
        for article in articles[:count]:
            parts = article[:1] if kind == "one" else article
            own, number = drawn.choice(XQUAD), len(made.lines)
            at_s = 0.0
            for place, passage in enumerate(parts):
                video = f"lesson-{number:04}" + (f"-{place}" if kind == "series" else "")
                if kind != "none":
                    end_s = made.say(video, "speech", passage.text[own], own, at_s)
                    at_s = 0.0 if kind == "series" else end_s
                other = drawn.choice([one for one in XQUAD if one != own])
                if place < 4:
                    asked = drawn.choice(passage.questions[other])
                    made.ask(asked, other, "said", *([video] if kind != "none" else []))
        articles = articles[count:]
    return made


def each_passage(data: Path, drawn: random.Random) -> Made:
    """Return passages spoken in one language, asked about in the same or in any."""
    made = Made()
    for number, article in enumerate(passages(data)):
        own = drawn.choice(XQUAD)
        for place, passage in enumerate(article):
            video = f"passage-{number:02}-{place}"
            made.say(video, "speech", passage.text[own], own)
            language = own if place % 2 else drawn.choice(XQUAD)
            made.ask(drawn.choice(passage.questions[language]), language, "said", video)
    return made


def pictures(data: Path, drawn: random.Random) -> Made:
    """Return clips of one picture, some with speech or debris over it."""
    told, seen = _multi30k(data / "multi30k"), _flickr8k(data / "flickr8k_features")
    known = sorted(told.keys() & seen.keys())
    articles = passages(data)
    drawn.shuffle(known)
    drawn.shuffle(articles)
    spoken = [passage for article in articles for passage in article[:2]]
    made = Made()
    for place, name in enumerate(known[:PICTURES]):
        video = f"clip-{name}"
        made.seen[video] = seen[name]
        what = drawn.random()
        if what < 0.4:
            own, other = drawn.sample(XQUAD, 2)
            passage = spoken.pop()
            made.say(video, "speech", passage.text[own], own)
            made.ask(drawn.choice(passage.questions[other]), other, "said", video)
        elif what < 0.65:
            made.say(video, "speech", drawn.choice(SAID), "en")
        if drawn.random() < 0.4:
            made.say(video, "screen_text", drawn.choice(WRITTEN), "en")
        if place % 2:
            language = drawn.choice(sorted(told[name]))
            made.ask(told[name][language], language, "visual", video)
    for name in known[PICTURES : PICTURES + 25]:
        language = drawn.choice(sorted(told[name]))
        made.ask(told[name][language], language, "visual")
    for passage in spoken[:25]:
        other = drawn.choice(XQUAD)
        made.ask(drawn.choice(passage.questions[other]), other, "said")
    return made


def talks(data: Path, drawn: random.Random) -> Made:
    """Return talks at conferences, each told of by its speaker and asked for by its title."""
    told = _pyvideo(data / "pyvideo")
    made = Made()
    for language in SPEAKERS:
        chosen = drawn.sample(told[language], min(len(told[language]), TALKS + UNHEARD))
        for place, (title, text) in enumerate(chosen):
            right = [f"talk-{language}-{place:02}"] if place >= UNHEARD else []
            for video in right:
                made.say(video, "speech", text, language)
            made.ask(title, language, "title", *right)
    return made


MAKERS: dict[str, Callable[[Path, random.Random], Made]] = {
    "captions": captions,
    "lessons": lessons,
    "passages": each_passage,
    "pictures": pictures,
    "talks": talks,
}


# -- reading and writing ------------------------------------------------------------------------
def _lines(file: Path) -> list[str]:
    told = file.read_bytes()
    text = (gzip.decompress(told) if file.suffix == ".gz" else told).decode("utf-8")
    return [line.strip() for line in text.removesuffix("\n").split("\n")]


def _multi30k(folder: Path) -> dict[str, dict[str, str]]:
    """Return captions by language by the number of the picture."""
    found: dict[str, dict[str, str]] = {}
    for part in ("train", "val", "test_2016_flickr"):
        names = _lines(folder / "data/task1/image_splits" / f"{part}.txt")
        for language in ("cs", "de", "en", "fr"):
            told = _lines(folder / "data/task1/raw" / f"{part}.{language}.gz")
            for name, text in zip(names, told, strict=True):
                found.setdefault(_number(name), {})[language] = text
    return found


def _flickr8k(folder: Path) -> dict[str, tuple[Float32, Float32]]:
    """Return logits (1000,) and shares of colours by the number of the picture."""
    found = {}
    for file in sorted(folder.glob("f*8k*.npz")):
        with np.load(file) as kept:
            if {"ids", "logits", "colours"} <= set(kept.files):
                rows = (kept[one] for one in ("ids", "logits", "colours"))
                for name, logits, colours in zip(*rows, strict=True):
                    own = logits.astype(np.float32), colours.astype(np.float32)
                    found[_number(Path(str(name)).name)] = own
    return found


def _pyvideo(folder: Path) -> dict[str, list[tuple[str, str]]]:
    """Return titles of talks and what is told of them, less the title, by the language of both."""
    found: dict[str, list[tuple[str, str]]] = {one: [] for one in SPEAKERS}
    for file in sorted(folder.glob("*/videos/*.json")):
        own = json.loads(file.read_text("utf-8"))
        title = " ".join((own.get("title") or "").split())
        text = " ".join((own.get("description") or "").replace(title, " ").split())
        plain = len(title) >= 12 and not re.search(r"[|｜\d]|PyCon|PyData", title)
        language = detect(title) if plain and len(text) >= 200 else None
        if language in found and detect(text) == language:
            found[language].append((title, text))
    return found


def _number(name: str) -> str:
    return name.split(".")[0].split("_")[0]


def _write(made: Made, place: Path) -> None:
    """Write a collection as an index."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "lines.jsonl"
        told = [json.dumps(one, ensure_ascii=False) for one in made.lines]
        file.write_text("\n".join(told) + "\n", "utf-8")
        with q2e.open(place) as index:
            index.import_evidence(file)
            if made.seen:
                _show(index, made.seen)


def _show(index: q2e.Index, seen: Mapping[str, tuple[Float32, Float32]]) -> None:
    """Add what is seen to an index: frames of the classifier, and captions composed of labels."""
    from q2e.ingest.derive import derived, items
    from q2e.methods.caption.composed import ComposedCaptionChannel
    from q2e.models.local.tagbridge import TagBridge
    from q2e.store.base import Item, StageKey
    from q2e.store.sqlite import SqliteStore
    from q2e.types import Evidence, Part, Segment, Video

    bridge = TagBridge(index.models.text)
    logits, colours = (np.stack(one) for one in zip(*seen.values(), strict=True))
    vectors, tags = bridge.placed(logits, colours)
    text = index.models.text

    def parts() -> Iterator[tuple[Video, Evidence, Sequence[Evidence]]]:
        for video, vector, own in zip(seen, vectors, tags, strict=True):
            frame = Evidence(
                video, "frame", 0.0, CLIP_S, tags=own, vectors={bridge.space: vector},
                frame_s=CLIP_S / 2,
            )  # fmt: skip
            about = Video(video, "", CLIP_S)
            whole = Part(about, 0.0, CLIP_S, (Segment(0.0, CLIP_S),), (frame,))
            yield about, frame, ComposedCaptionChannel().extract(whole)

    with SqliteStore(index.directory / "index.sqlite") as store:
        store.adopt("image", bridge.space)
        for about, frame, told in parts():
            if store.video(about.id) is None:
                store.put_video(about)
            store.put_part(StageKey(about.id, "frame", 0), "made", [Item(frame, ())])
            own = items(list(told), text.space, text.encode_passages)
            store.put_part(
                StageKey(about.id, "caption", 0), "made", own, derived=derived(text.space)
            )
