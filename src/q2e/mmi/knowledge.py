"""Two pools of questions, and which of them to ask: clusters, demonstrations and choice.

Questions are asked of a search request (`text`) and of a video (`visual`); the pools are our own,
as the paper prints only two examples of each. Section 3.3 of the paper: eqs. 4 to 7.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Literal, Protocol, cast

import numpy as np

from q2e.arrays import Float32, Float64, Int64
from q2e.errors import ConfigError
from q2e.models.base import TextEncoder
from q2e.models.remembered import remembered
from q2e.text.tokens import tokens

Side = Literal["text", "visual"]
Rule = Literal["first_fit", "lexicographic", "weighted"]

#: Questions asked of each side; the paper's figure 3b flattens there.
ASKED = 5
#: Numbers of clusters that `auto` chooses from.
FEWEST, MOST = 3, 10
#: Longest question in tokens and longest answer in sentences that `first_fit` takes (Auto-CoT).
LONGEST_QUESTION, LONGEST_ANSWER = 60, 5
_STARTS = 10


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a pool; `theme` names what its answer tells about."""

    text: str
    theme: str
    side: Side
    language: str


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A question with a model's answer and what retrieval then found: [Q: q, A: a o r]."""

    question: str
    answer: str
    found: str = ""

    def __str__(self) -> str:
        joined = f"{self.answer} -> {self.found}" if self.found else self.answer
        return f"Q: {self.question}\nA: {joined}"


@lru_cache(maxsize=16)
def pool(side: Side, language: str = "en") -> tuple[Question, ...]:
    """Return the questions of one side; English where there are none in `language`.

    Raises ConfigError for an unknown side.
    """
    if side not in ("text", "visual"):
        raise ConfigError(f"unknown pool {side!r}; known: text, visual")
    used = language if language in languages() else "en"
    content = tomllib.loads(_file(f"{side}.{used}.toml"))
    return tuple(Question(row["ask"], row["theme"], side, used) for row in content["question"])


def languages() -> tuple[str, ...]:
    """Return the languages that have pools, sorted."""
    folder = resources.files("q2e") / "data" / "mmi"
    names = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name.split(".")[1] for name in names if name.startswith("text.")))


@lru_cache(maxsize=1)
def hedges() -> tuple[str, ...]:
    """Return the words of every language that say nothing (the paper's set nabla)."""
    content = tomllib.loads(_file("hedges.toml"))
    return tuple(word for name, words in content.items() if name != "version" for word in words)


def _file(name: str) -> str:
    return (resources.files("q2e") / "data" / "mmi" / name).read_text(encoding="utf-8")


class TokenVectors(Protocol):
    """What makes a vector of each token of a text."""

    def encode_passage_tokens(self, texts: Sequence[str]) -> list[Float32]: ...


def vectors(encoder: TextEncoder | TokenVectors, questions: Sequence[Question]) -> Float32:
    """Return (n, d) vectors of questions: the mean of token vectors (eq. 4), of unit length.

    A model that gives no token vectors gives its own sentence vectors, which are such means.
    """
    texts = [question.text for question in questions]
    if hasattr(encoder, "encode_passage_tokens"):
        of_tokens = cast(TokenVectors, encoder).encode_passage_tokens(texts)
        means = np.stack([part.mean(axis=0) for part in of_tokens])
    else:
        means = remembered(encoder.space, "passages", texts, encoder.encode_passages)
    length = np.linalg.norm(means, axis=1, keepdims=True)
    return np.asarray(means / np.maximum(length, 1e-12), np.float32)


# -- clusters ---------------------------------------------------------------------------------


def cluster(points: Float32, k: int | Literal["auto"] = ASKED, seed: int = 0) -> list[list[int]]:
    """Return k clusters, each the numbers of its points by distance to the centre, nearest first.

    `auto` takes the k of 3 to 10 with the highest silhouette. Clusters come in the order of
    their smallest member, so equal input and seed give equal output. Raises ConfigError where
    there are fewer points than clusters.
    """
    label, centres = k_means(points, best_k(points, seed) if k == "auto" else k, seed)
    away = np.linalg.norm(points - centres[label], axis=1)
    groups = [np.flatnonzero(label == number) for number in range(len(centres))]
    ordered = [group[np.argsort(away[group], kind="stable")].tolist() for group in groups]
    return sorted(ordered, key=min)


def best_k(points: Float32, seed: int = 0) -> int:
    """Return the number of clusters, 3 to 10, of the highest silhouette; the smaller of equals."""
    tried = {
        k: silhouette(points, k_means(points, k, seed)[0])
        for k in range(FEWEST, min(MOST, len(points) - 1) + 1)
    }
    if not tried:
        raise ConfigError(f"k = auto needs more than {FEWEST} questions, got {len(points)}")
    return max(tried, key=lambda k: (tried[k], -k))


def k_means(points: Float32, k: int, seed: int = 0) -> tuple[Int64, Float64]:
    """Return labels (n,) and centres (k, d) of least sum of distances (eq. 5), of ten starts.

    Distances are Euclidean and squared, as in k-means; no cluster is left empty.
    """
    if not 1 <= k <= len(points):
        raise ConfigError(f"k = {k}: needs 1 to {len(points)} clusters of {len(points)} questions")
    rng = np.random.default_rng(seed)
    wide = np.asarray(points, np.float64)
    best: tuple[float, Int64, Float64] | None = None
    for _ in range(_STARTS):
        label, centres = _settle(wide, _spread(wide, k, rng))
        cost = float(((wide - centres[label]) ** 2).sum())
        if best is None or cost < best[0] - 1e-12:
            best = cost, label, centres
    assert best is not None
    return best[1], best[2]


def _spread(points: Float64, k: int, rng: np.random.Generator) -> Float64:
    """Return k starting centres far from each other (k-means++)."""
    chosen = [int(rng.integers(len(points)))]
    while len(chosen) < k:
        away = _squared(points, points[chosen]).min(axis=1)
        total = away.sum()
        share = away / total if total > 0 else None
        chosen.append(int(rng.choice(len(points), p=share)))
    return points[chosen].copy()


def _settle(points: Float64, centres: Float64) -> tuple[Int64, Float64]:
    label = np.full(len(points), -1)
    for _ in range(300):
        away = _squared(points, centres)
        new = away.argmin(axis=1)
        for empty in np.setdiff1d(np.arange(len(centres)), new):
            # The point that fits worst where others stay behind opens an empty cluster.
            alone = np.bincount(new, minlength=len(centres))[new] == 1
            cost = np.where(alone, -1.0, away[np.arange(len(points)), new])
            new[cost.argmax()] = empty
        centres = np.stack([points[new == n].mean(axis=0) for n in range(len(centres))])
        if (new == label).all():
            break
        label = new
    return label.astype(np.int64), centres


def _squared(points: Float64, centres: Float64) -> Float64:
    return np.asarray(((points[:, None] - centres[None]) ** 2).sum(axis=-1))


def silhouette(points: Float32, label: Int64) -> float:
    """Return the mean silhouette (Rousseeuw 1987) in [-1, 1]; a point alone counts as 0."""
    away = np.sqrt(_squared(np.asarray(points, np.float64), np.asarray(points, np.float64)))
    one_hot = (label[:, None] == np.unique(label)[None]).astype(np.float64)
    size = one_hot.sum(axis=0)
    total = away @ one_hot
    own = one_hot.argmax(axis=1)
    rows = np.arange(len(points))
    inner = total[rows, own] / np.maximum(size[own] - 1, 1)
    outer = np.where(one_hot > 0, np.inf, total / size).min(axis=1)
    value = (outer - inner) / np.maximum(np.maximum(outer, inner), 1e-12)
    return float(np.where(size[own] > 1, value, 0.0).mean())


def choose(
    questions: Sequence[Question],
    points: Float32,
    k: int | Literal["auto"] = ASKED,
    seed: int = 0,
    clustered: bool = True,
) -> list[Question]:
    """Return the question nearest the centre of each cluster.

    Without clusters (the paper's ablation) as many questions are drawn by chance.
    """
    if clustered:
        return [questions[members[0]] for members in cluster(points, k, seed)]
    count = ASKED if k == "auto" else k
    drawn = np.random.default_rng(seed).choice(len(questions), min(count, len(questions)), False)
    return [questions[number] for number in sorted(drawn.tolist())]


# -- demonstrations ---------------------------------------------------------------------------


def demonstrations(
    questions: Sequence[Question],
    clusters: Sequence[Sequence[int]],
    ask: Callable[[str], tuple[str, str]],
    rule: Rule = "lexicographic",
    tries: int = 3,
) -> list[Demonstration]:
    """Return one demonstration of each cluster; `ask` gives (answer, what retrieval found).

    The `tries` questions nearest the centre are asked, in that order; `first_fit` asks no more
    than it needs.
    """
    found = []
    for members in clusters:
        tried: list[Demonstration] = []
        for number in members[:tries]:
            tried.append(Demonstration(questions[number].text, *ask(questions[number].text)))
            if rule == "first_fit" and _fits(tried[-1]):
                break
        found.append(tried[sample(tried, rule)])
    return found


def sample(candidates: Sequence[Demonstration], rule: Rule = "lexicographic") -> int:
    """Return the number of the best candidate: argmin of (len(q), len(a), count(nabla, a)), eq. 7.

    How three numbers become one is not said: `lexicographic` compares them in this order,
    `weighted` adds them up after scaling each to [0, 1], `first_fit` takes the first within the
    limits of Auto-CoT, or else the lexicographic best. Ties go to the first. Raises ConfigError
    for no candidate or an unknown rule.
    """
    if not candidates or rule not in ("first_fit", "lexicographic", "weighted"):
        raise ConfigError(
            f"{len(candidates)} candidates by rule {rule!r}; needs one or more, and one of "
            "first_fit, lexicographic, weighted"
        )
    if rule == "first_fit":
        fitting = [number for number, one in enumerate(candidates) if _fits(one)]
        if fitting:
            return fitting[0]
    costs = [_cost(one) for one in candidates]
    if rule == "weighted":
        table = np.array(costs, dtype=np.float64)
        span = np.ptp(table, axis=0)
        scaled = (table - table.min(axis=0)) / np.where(span > 0, span, 1.0)
        return int(scaled.sum(axis=1).argmin())
    return min(range(len(costs)), key=lambda number: (costs[number], number))


def _cost(one: Demonstration) -> tuple[int, int, int]:
    answer = one.answer.casefold()
    fillers = sum(answer.count(word) for word in hedges())
    return len(tokens(one.question)), len(tokens(one.answer)), fillers


def _fits(one: Demonstration) -> bool:
    sentences = [part for part in re.split(r"[.!?。！？।]+", one.answer) if part.strip()]
    short = len(tokens(one.question)) <= LONGEST_QUESTION
    return short and 1 <= len(sentences) <= LONGEST_ANSWER
