"""Reranking by what was read from the videos: encoders of pairs, tokens, and language models."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from q2e.arrays import Float32, Float64
from q2e.cache import cache_dir, content_key, write_whole
from q2e.errors import ModelError
from q2e.models.base import LanguageModel
from q2e.query.decompose import language_model
from q2e.retrieve.rerank import Candidate, Rating, Tools, by_place, ranked_list
from q2e.text.fence import clean, fence
from q2e.text.prompt import prompt_version, render

#: Characters of a candidate's texts that a language model reads, and that it weighs.
READ = 600
WEIGHED = 240
#: Share of a text's own likelihood that is taken off; BLiM reports 0.8 to 0.9.
PRIOR = 0.8


def cross_encoder(question: str, candidates: Sequence[Candidate], tools: Tools) -> Rating:
    """Rate by a model that reads question and text as one; a video counts by its best text."""
    model = tools.models.reranker

    def score(texts: list[str]) -> Float64:
        return np.asarray(model.score(question, texts), dtype=np.float64)

    return Rating(_by_best_text(candidates, score), model.info.id)


def late_interaction(question: str, candidates: Sequence[Candidate], tools: Tools) -> Rating:
    """Rate by mean_j max_i q_j.d_i over token vectors; a video counts by its best text.

    ColBERT's MaxSim with Video-ColBERT's mean. Where the profile names no model of tokens,
    windows of words, each encoded by the text model, stand for them.
    """
    if tools.models.has("late"):
        encoder = tools.models.late
    else:
        from q2e.models.windows import Windows

        encoder = Windows(tools.models.text)
    (asked,) = encoder.encode_query_tokens([question])

    def score(texts: list[str]) -> Float64:
        return np.array(
            [max_sim(asked, passage) for passage in encoder.encode_passage_tokens(texts)]
        )

    return Rating(_by_best_text(candidates, score), encoder.info.id)


def max_sim(query: Float32, passage: Float32) -> float:
    """Return mean_j max_i q_j.d_i for tokens (m, d) and (n, d); NaN where either has none."""
    if not len(query) or not len(passage):
        return float("nan")
    return float((query @ passage.T).max(axis=1).mean())


def yes_no(question: str, candidates: Sequence[Candidate], tools: Tools) -> Rating:
    """Rate by p(yes) / (p(yes) + p(no)) that a candidate's texts are what is asked for.

    Of a model that gives no probabilities, the word it answers counts as 1 or 0.
    """
    model = language_model(tools.settings, tools.models)

    def rate(candidate: Candidate, left_s: float) -> float:
        lines = " / ".join(candidate.texts)
        prompt = render("yes_no", question=_quoted(question), evidence=_fenced(lines, READ))
        return yes_share(model, prompt, left_s)

    return _rated(candidates, tools, model, "yes_no", question, rate)


def yes_share(model: LanguageModel, prompt: str, timeout_s: float) -> float:
    """Return how probable it is that the answer is Yes rather than No, in [0, 1].

    Raises ModelError where the model says neither.
    """
    weigh = getattr(model, "probability", None)
    if weigh is not None:
        try:
            return float(weigh(prompt, ("Yes", "No"), timeout_s=timeout_s)[0])
        except ModelError:
            pass  # It may still answer in words.
    said = model.complete(prompt, max_tokens=16, timeout_s=timeout_s).strip().casefold()
    words = [word for word in ("yes", "no") if said.lstrip("*\"' ").startswith(word)]
    if not words:
        raise ModelError(f"{model.info.id}: neither Yes nor No: {clean(said, 60)!r}")
    return float(words[0] == "yes")


def likelihood(question: str, candidates: Sequence[Candidate], tools: Tools) -> Rating:
    """Rate by log P(q | d) + log P(d | q) - 0.8 log P(d), means over tokens.

    BLiM (Ko et al. 2025): query likelihood plus candidate likelihood, whose prior (CPN) is
    measured with the question left out. Here d is the best text that was read from the video,
    where the paper's is its frames in a trained model.
    """
    model = language_model(tools.settings, tools.models)
    weigh = getattr(model, "likelihood", None)
    if weigh is None:
        raise ModelError(
            f"{model.info.id} gives no likelihoods; rerank by yes_no, or use a `file:` model"
        )

    def rate(candidate: Candidate, left_s: float) -> float:
        text = clean(candidate.texts[0], WEIGHED)
        asked = weigh(render("ask", evidence=_fenced(text, WEIGHED)), question, timeout_s=left_s)
        told = weigh(render("tell", question=_quoted(question)), text, timeout_s=left_s)
        prior = weigh(render("tell", question=""), text, timeout_s=left_s)
        return float(asked + told - PRIOR * prior)

    return _rated(candidates, tools, model, "likelihood", question, rate)


def listwise(question: str, candidates: Sequence[Candidate], tools: Tools) -> Rating:
    """Rate by the order in which a language model lists the candidates, from their texts."""
    model = language_model(tools.settings, tools.models)
    unrated = np.full(len(candidates), np.nan)
    try:
        answer = model.complete(
            listwise_prompt(question, candidates),
            max_tokens=8 * len(candidates) + 16,
            timeout_s=tools.left_s,
        )
    except ModelError as error:
        return Rating(unrated, model.info.id, str(error))
    order = ranked_list(answer, len(candidates))
    if order is None:
        return Rating(unrated, model.info.id, f"no list in the answer {clean(answer, 80)!r}")
    return Rating(by_place(order), model.info.id)


def listwise_prompt(
    question: str, candidates: Sequence[Candidate], *, pictures: bool = False
) -> str:
    """Return the prompt that asks for an order of candidates."""
    each = max(80, READ * 4 // max(1, len(candidates)))
    return render(
        "listwise",
        question=_quoted(question),
        count=len(candidates),
        pictures=pictures,
        evidence=[_fenced(" / ".join(one.texts), each) for one in candidates],
    )


def _by_best_text(
    candidates: Sequence[Candidate], score: Callable[[list[str]], Float64]
) -> Float64:
    texts = [text for candidate in candidates for text in candidate.texts]
    found = score(texts) if texts else np.zeros(0)
    ends = np.cumsum([len(candidate.texts) for candidate in candidates])
    return np.array(
        [
            np.nanmax(own) if len(own := found[end - len(one.texts) : end]) else np.nan
            for one, end in zip(candidates, ends, strict=True)
        ]
    )


def _rated(
    candidates: Sequence[Candidate],
    tools: Tools,
    model: LanguageModel,
    strategy: str,
    question: str,
    rate: Callable[[Candidate, float], float],
) -> Rating:
    """Rate one candidate after the other while there is time; what was rated once is kept."""
    scores = np.full(len(candidates), np.nan)
    note = ""
    version = "/".join(prompt_version(name) for name in ("yes_no", "ask", "tell"))
    for number, candidate in enumerate(candidates):
        if not candidate.texts:
            continue
        key = content_key(model.info.id, strategy, version, question, *candidate.texts)
        path = cache_dir() / "ratings" / key[:2] / f"{key[2:]}.json"
        try:
            scores[number] = float(json.loads(path.read_bytes()))
            continue
        except (OSError, ValueError, TypeError):
            pass  # Not rated before.
        if not tools.left_s:
            note = "out of time; the candidates not rated keep their place"
            break
        try:
            scores[number] = rate(candidate, tools.left_s)
        except ModelError as error:
            note = str(error)
            continue
        _keep(path, float(scores[number]))
    return Rating(scores, model.info.id, note)


def _keep(path: Path, value: float) -> None:
    with suppress(OSError):  # A cache that cannot be written only costs time.
        write_whole(path, lambda file: file.write(json.dumps(value).encode()))


def _quoted(question: str) -> str:
    return json.dumps(clean(question, READ), ensure_ascii=False)


def _fenced(text: str, limit: int) -> str:
    # A mark made from the text cannot occur in it, and equal prompts get equal ratings.
    return fence(text, limit, mark=content_key("fence", text)[:16])
