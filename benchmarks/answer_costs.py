"""What each way of answering asks of models: calls, pictures and tokens, counted, never quality.

`python -m benchmarks answer_costs`: every strategy answers questions over the samples, with a
scripted server that says the least that each form allows and is sure of nothing, so that searches
go on as long as they may. What a strategy keeps in the cache is made anew for each question.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from statistics import mean
from typing import Any

import q2e
from q2e.plugins import registry

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "samples" / "manifest.csv"
QUESTIONS = (
    "What have weasels eaten?",
    "Was klettert am Baumstamm?",
    "¿Quién cantó?",
    "Why was the launch delayed?",
)
#: Strategies that no server answers: they need a model that fills gaps.
APART = ("frozen",)


def run() -> dict[str, Any]:
    """Return {strategy: mean calls, pictures and tokens of a question}."""
    sys.path.insert(0, str(ROOT / "tests"))
    from answering import sure_of
    from scripted_model import filled, scripted, weighed

    def least(asked: Any) -> Any:
        """Say the least that is allowed, and be sure of nothing."""
        if asked.body.get("top_logprobs"):
            options = asked.prompt.rpartition("nothing else: ")[2].split(", ")
            return weighed({options[0]: 0.3})
        if asked.body.get("logprobs"):
            return sure_of("something", 0.3)
        if asked.schema is not None:
            return json.dumps(filled(asked.schema))
        return json.dumps({"sentences": []}) if "cites" in asked.prompt else "something"

    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        index = q2e.open(Path(folder) / "index")
        index.add(SAMPLES)
        for name in registry().names("answer"):
            if name in APART:
                continue
            rows = []
            for number, question in enumerate(QUESTIONS):
                os.environ["Q2E_CACHE"] = str(Path(folder) / name / str(number))
                with scripted(least) as model:
                    answer = index.answer(
                        question,
                        how=name,
                        language_model=model.source,
                        vision_model=model.source,
                    )
                    shown = [one.pictures for one in model.asked]
                rows.append({
                    "calls": len(shown),
                    "looks": sum(one > 0 for one in shown),
                    "pictures": sum(shown),
                    "tokens": answer.spent["tokens"],
                })  # fmt: skip
            found[name] = {key: mean(one[key] for one in rows) for key in rows[0]}
    return {"questions": len(QUESTIONS), "strategies": found}
