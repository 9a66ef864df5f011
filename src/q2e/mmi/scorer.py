"""The joint score of MMI-TVR: relevance of vectors and agreement of skeletons (eqs. 8 to 10).

`joint_scores` works on arrays in either direction; `methods.rerank.mmi` on candidates of a search.
L = 0.6 L_r + 0.3 L_s, where L_s, the probability that two skeletons describe one scene, is asked
of a model for the best pairs only. The weights add up to 0.9, as published; ranks do not mind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from q2e.arrays import Float32, Float64, UInt8
from q2e.errors import ModelError
from q2e.mmi.skeletons import Skeleton
from q2e.models.base import LanguageModel, VisionLanguageModel, WeighingModel
from q2e.text.fence import fence
from q2e.text.prompt import beside, render

#: Shares of relevance and of skeletons (eq. 10).
RELEVANCE, SKELETON = 0.6, 0.3
#: Candidates whose skeletons are compared.
TOP = 50
_NUMBER = re.compile(r"(?<![\w.])(\d{1,3}(?:[.,]\d+)?|[.,]\d+)\s*(%|/\s*(?:10|100|1)\b)?")
_YES = ("yes", "true", "ja", "是", "对", "はい", "예", "네", "نعم", "да", "हाँ", "हां", "ใช่")
_NO = ("no", "not", "false", "nein", "否", "不", "いいえ", "아니", "لا", "нет", "नहीं", "ไม่")


@dataclass(frozen=True, slots=True)
class Judged:
    """How probable it is that two skeletons describe one scene, and how that was found.

    `how`: `logits` of a model, `stated` by a model in words, `likeness` of texts without a
    model, or `none` where no usable answer came.
    """

    probability: float | None
    how: str
    note: str = ""


def judge(
    model: LanguageModel | VisionLanguageModel,
    request: Skeleton,
    video: Skeleton,
    images: Sequence[UInt8] = (),
    timeout_s: float = 30.0,
) -> Judged:
    """Ask a model whether two skeletons describe one scene: from logits where it gives them."""
    try:
        if hasattr(model, "probability"):
            yes, no = cast(WeighingModel, model).probability(
                enc_prompt(str(request), str(video)), ("yes", "no"), timeout_s=timeout_s
            )
            return Judged(yes / (yes + no) if yes + no > 0 else None, "logits")
        prompt = enc_prompt(str(request), str(video), stated=True)
        if images and hasattr(model, "describe"):
            said = model.describe(images, prompt, max_tokens=16, timeout_s=timeout_s)
        elif hasattr(model, "complete"):
            said = model.complete(prompt, max_tokens=16, timeout_s=timeout_s)
        else:
            return Judged(None, "none", f"{model.info.id} answers only about pictures")
    except ModelError as error:
        return Judged(None, "none", str(error))
    probability = parse_probability(said)
    if probability is None:
        return Judged(None, "none", f"{model.info.id} gave no number")
    return Judged(probability, "stated")


def enc_prompt(
    request: str, video: str, stated: bool = False, marks: tuple[str, str] | None = None
) -> str:
    """Return what Enc (eq. 9) is asked about two skeletons, written out.

    It is to be answered with yes or no, or where it is `stated` with a number. `marks` of both
    fences are random unless given, which only a training does that must repeat exactly.
    """
    first, second = marks or (None, None)
    shown = {"request": fence(request, mark=first), "video": fence(video, mark=second)}
    return render(beside(__file__), stated=stated, **shown)


def parse_probability(said: str) -> float | None:
    """Return the probability an answer states: 0.8, .8, 0,8, 80 %, 8/10, yes, no; else None.

    The last number counts, because models think aloud first. A bare number above 1 is a
    percentage; one above 100 is none.
    """
    found = list(_NUMBER.finditer(said))
    if found:
        number = float(found[-1][1].replace(",", "."))
        unit = (found[-1][2] or "").replace(" ", "")
        if unit.startswith("/"):
            number /= float(unit[1:])
        elif unit == "%" or number > 1:
            number /= 100
        return number if 0 <= number <= 1 else None
    words = re.findall(r"\w+", said.casefold())
    for word in words[:3]:
        if word.startswith(_NO):
            return 0.0
        if word.startswith(_YES):
            return 1.0
    return None


def likeness(asked: Float32, known: Float32) -> Judged:
    """Compare skeletons without a model: statements of a request (a, d) and of a video (b, d).

    The mean over the request's of the best cosine with the video's, from [-1, 1] to [0, 1]: no
    probability, and marked as `likeness`. A skeleton that says nothing is not judged.
    """
    if not len(asked) or not len(known):
        return Judged(None, "none", "a skeleton says nothing")
    near = float((asked @ known.T).max(axis=1).mean())
    return Judged(float(np.clip((1 + near) / 2, 0, 1)), "likeness")


def _filled(relevance: Float64, skeleton: Float64) -> Float64:
    """Return L_s (n,) with L_r on the scale of L_s where it is NaN; unknown never counts as 0.

    L_r is moved to the mean and spread of the known L_s, or from [-1, 1] to [0, 1] where fewer
    than two are known.
    """
    known = ~np.isnan(skeleton)
    if known.all():
        return skeleton
    if known.sum() < 2:
        guess = (1.0 + np.clip(relevance, -1.0, 1.0)) / 2.0
    else:
        spread = float(relevance[known].std())
        place = (relevance - relevance[known].mean()) / spread if spread > 0 else 0.0 * relevance
        guess = np.clip(skeleton[known].mean() + skeleton[known].std() * place, 0.0, 1.0)
    return np.asarray(np.where(known, skeleton, guess))


def joint_scores(
    relevance: Float64,
    pair: Callable[[int, int], float | None],
    top: int = TOP,
    shares: tuple[float, float] = (RELEVANCE, SKELETON),
) -> Float64:
    """Return joint scores (Q, V) from L_r (Q, V), asking `pair(q, v)` for L_s of the `top` a row.

    `shares` are lambda_r and lambda_s. For the other direction transpose `relevance`, and the pair
    with it. What is not asked about has the lowest L_s of its row, so it never passes what was; a
    pair without an answer (None) is filled in by L_r on the scale of L_s. Ties of L_r are broken by
    position.
    """
    scores = np.empty(relevance.shape)
    for row, values in enumerate(relevance):
        best = np.argsort(-values, kind="stable")[:top]
        said = [pair(row, column) for column in best.tolist()]
        answers = np.array([np.nan if one is None else one for one in said], np.float64)
        filled = _filled(values[best], answers)
        scores[row] = shares[0] * values + shares[1] * filled.min(initial=1.0)
        scores[row, best] = shares[0] * values[best] + shares[1] * filled
    return scores
