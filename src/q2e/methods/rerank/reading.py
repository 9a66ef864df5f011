"""What strategies share that read the texts of candidates, one by one or with a language model."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import numpy as np

from q2e.arrays import Float64
from q2e.cache import ResultCache, as_json, content_key, fingerprint
from q2e.errors import ModelError
from q2e.methods.rerank.base import Candidate, Rating, Tools
from q2e.models.base import LanguageModel
from q2e.registry import Choice
from q2e.text.fence import clean, fence

#: Characters of a question, and of a candidate's texts, that a language model reads.
READ = 600

#: Ratings of single candidates by language models.
RATINGS = ResultCache("ratings", as_json(float))


def by_best_text(candidates: Sequence[Candidate], score: Callable[[list[str]], Float64]) -> Float64:
    """Return ratings (n,) of videos by their best text; NaN for one without texts."""
    texts = [text for candidate in candidates for text in candidate.texts]
    found = score(texts) if texts else np.zeros(0)
    ends = np.cumsum([len(candidate.texts) for candidate in candidates])
    return np.array(
        [
            np.nanmax(own) if len(own := found[end - len(one.texts) : end]) else np.nan
            for one, end in zip(candidates, ends, strict=True)
        ]
    )


def rated_one_by_one(
    way: Choice,
    question: str,
    candidates: Sequence[Candidate],
    tools: Tools,
    model: LanguageModel,
    rate: Callable[[Candidate, float], float],
) -> Rating:
    """Rate one candidate after the other while there is time; what was rated once is kept.

    `way` is what a rating is kept under: the method with those arguments that decide it.
    """
    scores = np.full(len(candidates), np.nan)
    note = ""
    for number, candidate in enumerate(candidates):
        if not candidate.texts:
            continue
        which = fingerprint(
            question,
            *candidate.texts,
            method=f"{way.method.kind} {way}",
            version=way.method.version,
            space=model.info.id,
        )
        kept = RATINGS.get(which)
        if kept is not None:
            scores[number] = kept
            continue
        if not tools.left_s:
            note = "out of time; the candidates not rated keep their place"
            break
        try:
            scores[number] = rate(candidate, tools.left_s)
        except ModelError as error:
            note = str(error)
            continue
        RATINGS.put(which, float(scores[number]), about=(candidate.video.id,))
    return Rating(scores, model.info.id, note)


def quoted(question: str) -> str:
    """Return a question as a prompt holds it."""
    return json.dumps(clean(question, READ), ensure_ascii=False)


def fenced(text: str, limit: int) -> str:
    """Return text from a video as a prompt holds it, at most `limit` characters of it."""
    # A mark made from the text cannot occur in it, and equal prompts get equal ratings.
    return fence(text, limit, mark=content_key("fence", text)[:16])
