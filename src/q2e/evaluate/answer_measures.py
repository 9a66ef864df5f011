"""How good one answer is: against reference texts, against its own citations, against right times.

Pure functions. Words are those of `q2e.text.tokens`, so that every script is measured: words where
spaces are written, overlapping pairs of characters elsewhere, each in all its spellings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from q2e.evaluate.moment_measures import VideoMoment
from q2e.query.parts import LONGEST, words_of_meaning
from q2e.text.tokens import characters, spellings, tokens


@dataclass(frozen=True, slots=True)
class Cited:
    """A moment that a sentence cites, `[start_s, end_s]`, and what it says is said there."""

    names: frozenset[str]
    """What its video may be called: its id, its path, the name of its file."""
    start_s: float
    end_s: float
    quote: str

    def meets(self, window: VideoMoment) -> bool:
        """Whether it shares time with a window of the same video; a point lies in or on it."""
        if window.video not in self.names:
            return False
        first, last = max(self.start_s, window.start_s), min(self.end_s, window.end_s)
        point = self.start_s == self.end_s or window.start_s == window.end_s
        return first <= last if point else first < last


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence of an answer."""

    text: str
    language: str | None
    citations: tuple[Cited, ...]


def rouge_l(answer: str, references: Iterable[str]) -> float:
    """Return ROUGE-L: the F of the longest common subsequence of words, best over references.

    Lin 2004, with precision and recall weighed alike (beta 1). 0 where either has no word.
    """
    own = spellings(answer)
    return max((_f(own, spellings(one)) for one in references), default=0.0)


def common_subsequence(one: Sequence[Iterable[str]], other: Sequence[Iterable[str]]) -> int:
    """Return the length of the longest common subsequence of words given in their spellings.

    Two words are equal where they share a spelling. Bits of one number stand for the places of
    `one` (Hyyrö 2004), which takes time by the length of `other` alone for texts of usual length.
    """
    places: dict[str, int] = {}
    for place, word in enumerate(one):
        for spelling in word:
            places[spelling] = places.get(spelling, 0) | 1 << place
    every = (1 << len(one)) - 1
    unmet = every
    for word in other:
        here = 0
        for spelling in word:
            here |= places.get(spelling, 0)
        met = unmet & here
        unmet = ((unmet + met) | (unmet - met)) & every
    return len(one) - unmet.bit_count()


def rouge_su(answer: str, references: Iterable[str], gap: int = 4) -> float:
    """Return ROUGE-SU: the F of words and of pairs of words in order, best over references.

    Pairs have at most `gap` words between them (Lin 2004, section 5; with 4 it is ROUGE-SU4, which
    VideoSET, Yeung et al. 2014, compares summaries by), counted as often as both texts have them.
    0 where either text has no word.
    """
    own = spellings(answer)
    best = 0.0
    for reference in map(spellings, references):
        if not own or not reference:
            continue
        same = _same((*own, *reference))
        one, other = (_units([same[min(word)] for word in of], gap) for of in (own, reference))
        best = max(best, 2 * (one & other).total() / (one.total() + other.total()))
    return best


def _same(words: Iterable[Iterable[str]]) -> dict[str, str]:
    """Return one name for all spellings that words share, by spelling."""
    names: dict[str, str] = {}

    def name(spelling: str) -> str:
        while (other := names.setdefault(spelling, spelling)) != spelling:
            spelling = other
        return spelling

    for word in words:
        first, *others = word
        for other in others:
            names[name(other)] = name(first)
        name(first)
    return {one: name(one) for one in names}


def _units(words: Sequence[str], gap: int) -> Counter[tuple[str, ...]]:
    units: Counter[tuple[str, ...]] = Counter((word,) for word in words)
    for place, word in enumerate(words):
        units.update((word, other) for other in words[place + 1 : place + 2 + gap])
    return units


def support_words(sentences: Iterable[Said]) -> float | None:
    """Return the share of the sentences' content words that stand in what they cite.

    Function words of the sentence's language do not count, and each word counts once a sentence.
    Of a word of several tokens, as scripts without spaces have them, the share that stands there
    counts. It is no entailment: a sentence may take its words from its citation and say something
    else. None where no sentence has a content word.
    """
    shares: list[float] = []
    for sentence in sentences:
        quotes = [one.quote for one in sentence.citations]
        cited = {token for one in quotes for token in (*tokens(one), *characters(one))}
        for word in words_of_meaning(sentence.text, sentence.language, LONGEST):
            own = spellings(word)
            met = sum(any(one in cited for one in way) for way in own)
            shares.append(met / len(own) if own else 0.0)
    return sum(shares) / len(shares) if shares else None


def citation_precision(cited: Sequence[Cited], windows: Sequence[VideoMoment]) -> float:
    """Return the share of citations that share time with a right window; 0 of none."""
    right = sum(any(one.meets(window) for window in windows) for one in cited)
    return right / len(cited) if cited else 0.0


def citation_recall(cited: Sequence[Cited], windows: Sequence[VideoMoment]) -> float:
    """Return the share of right windows that a citation shares time with; 0 of none."""
    met = sum(any(one.meets(window) for one in cited) for window in windows)
    return met / len(windows) if windows else 0.0


def _f(own: Sequence[Iterable[str]], reference: Sequence[Iterable[str]]) -> float:
    # 2 P R / (P + R) with P = common / own and R = common / reference
    both = len(own) + len(reference)
    return 2 * common_subsequence(own, reference) / both if own and reference else 0.0
