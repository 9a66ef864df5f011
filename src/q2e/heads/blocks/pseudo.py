"""Training of a localiser on pseudo queries: words that fit a stretch, and words that go with them.

PSVL (Nam et al. 2021). The paper detects nouns in a stretch and has a language model, trained on a
text corpus, guess verbs; here both are words (tokens) of the texts at hand. Which text belongs to
which video is not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from q2e.arrays import Float32, Float64, Int64
from q2e.heads.blocks.stretched import Drawn, Kept, Stretched
from q2e.heads.features import FeatureSet
from q2e.heads.segments import events, joined

#: Words that one pseudo query is made of, of those that fit best: one is drawn of so many.
_OF_BEST = 2


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """W different words: unit vectors (W, d), and how often two stand in one text (W, W)."""

    words: Float32
    together: Float64

    def nouns(self, seen: Any, count: int) -> Int64:
        """Return the words most like a vector (d,), best first."""
        return np.asarray(np.argsort(-(self.words @ seen), kind="stable")[:count])

    def goes_with(self, nouns: Int64) -> Float64:
        """Return (W,) the chance that a text with one of these words holds each other word.

        P(w | nouns) is the mean over nouns of their shared texts by the texts of the noun; words
        that are themselves asked for have none.
        """
        count = np.maximum(np.diagonal(self.together)[nouns], 1)
        chance = (self.together[nouns] / count[:, None]).mean(axis=0)
        chance[nouns] = 0.0
        return np.asarray(chance)


def corpus_of(features: FeatureSet) -> Corpus:
    """Return the words of all texts of a feature set; equal vectors are one word."""
    rows = np.concatenate(features.tokens)
    words, which = np.unique(rows.round(5), axis=0, return_inverse=True)
    which = which.ravel()
    text = np.repeat(np.arange(len(features.tokens)), [len(one) for one in features.tokens])
    there = np.zeros((len(features.tokens), len(words)))
    there[text, which] = 1.0
    length = np.maximum(np.linalg.norm(words, axis=1, keepdims=True), 1e-12)
    return Corpus((words / length).astype(np.float32), there.T @ there)


class PseudoObjective(Drawn):
    """A stretch is drawn; words of the corpus that fit it, and go with those, are its query."""

    def __init__(
        self, localiser: Stretched, most: int, together: int, nouns: int, verbs: int
    ) -> None:
        super().__init__(localiser)
        self.most, self.together, self.nouns, self.verbs = most, together, nouns, verbs
        self._events, self._corpus = Kept(), Kept()

    def drawn(
        self, features: FeatureSet, video: int, random: np.random.Generator
    ) -> tuple[Any, tuple[float, float]]:
        frames = features.frames[video]
        spans = self._events.of(
            features, video, lambda: joined(events(frames, self.most), self.together)
        )
        corpus: Corpus = self._corpus.of(features, 0, lambda: corpus_of(features))
        begin, end = spans[random.integers(len(spans))]
        shown = frames[round(begin * len(frames)) : round(end * len(frames))].mean(axis=0)
        best = corpus.nouns(shown, self.nouns * _OF_BEST)
        # The best is always said; of the next ones some are.
        more = random.permutation(best[1:])[: self.nouns - 1]
        nouns = np.concatenate([best[:1], more])
        chance = corpus.goes_with(nouns)
        verbs = np.zeros(0, np.int64)
        if self.verbs and chance.sum() > 0:
            many = min(self.verbs, int((chance > 0).sum()))
            verbs = random.choice(len(chance), many, replace=False, p=chance / chance.sum())
        said = np.concatenate([nouns, verbs])
        # Either kind alone is asked for as well, as people do.
        part = random.integers(3)
        if len(verbs) and part < 2:
            said = (nouns, verbs)[part]
        return corpus.words[said], (float(begin), float(end))
