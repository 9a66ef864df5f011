"""What docs/reference/json.md shows: each shape, made by the code that prints it.

Values are of the right kind and mean nothing; `…` as a key stands for names that the data give.
"""

from __future__ import annotations

import dataclasses
import types as kinds
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from q2e import backup, checks, shape, survey
from q2e.cli import datasets, judge_answers, matrix, mmi
from q2e.cli import eval as evaluation
from q2e.evaluate import report as experiments
from q2e.evaluate.answers import AnswersDifference, AnswersMeasured
from q2e.evaluate.compare import Comparison, Interval
from q2e.evaluate.conduct import Outcome
from q2e.evaluate.datasets import Dataset, Loaded, Spec
from q2e.evaluate.judging import Evaluation
from q2e.evaluate.matrix import MatrixReport
from q2e.ingest.run import Report
from q2e.models.fetch.pulling import Pulled
from q2e.papers import Paper
from q2e.plugins import registry
from q2e.search.clarify import Clarification
from q2e.search.engines import EngineCheck
from q2e.search.overview import Overview
from q2e.settings import Settings
from q2e.tagging import Tagged
from q2e.types import Answer, Chapters, Example, Results, Video

#: Fields whose types say less than a shape needs.
_GIVEN: dict[tuple[str, str], Any] = {
    ("Results", "info"): {
        **dict.fromkeys(("videos", "evidence", "version", "found"), 1),
        **dict.fromkeys(("profile", "recipe", "fuse", "normalise", "calibrate", "pool"), "…"),
        "expand": {"method": "…", "backend": "…", "note": "…"},
        "rerank": {"strategy": "…", "…": 1},
        "confident": True,
        "more": True,
        "hint": "…",
        "candidates": {
            **dict.fromkeys(("each", "videos", "panel", "expected", "recalled"), 1),
            **dict.fromkeys(("exact", "complete"), True),
        },
        "models": {"text": "…", "…": "…"},
    },
    ("Clause", "kind"): "text",
    ("Outcome", "differences"): {"…": {"…": 0.0}},
    ("Report", "evidence"): {"…": 1},
}
_PLAIN: dict[Any, Any] = {str: "…", int: 1, float: 0.5, bool: True, Path: Path("…")}


def shapes() -> Iterator[tuple[str, Any]]:
    """Yield (commands, what they print with `--json`), but for those that write it in place."""
    yield "q2e answer, q2e article", _said(shape.answer(filled(Answer)))
    yield "q2e ask", _said(shape.clarification(filled(Clarification)))
    yield "q2e backup, q2e restore", _said(backup.shape(filled(backup.Backup)))
    yield "q2e map", _said(filled(Overview).shape())
    yield "q2e chapters", _said(shape.chapters(filled(Chapters)))
    yield "q2e chapters --keep", _said({"kept": 1, "how": "…"})
    yield "q2e config", _said(dict.fromkeys(Settings.model_fields, "…"))
    yield "q2e doctor", _said({"ok": True, "checks": [filled(checks.Check).shape()]})
    yield "q2e engine rebuild", _said({"indexes": 1})
    yield "q2e engine check", _said(dataclasses.asdict(filled(EngineCheck)))
    found = datasets._spec(filled(Spec))
    measured = AnswersMeasured({"…": {"…": 0.5}}, 1, 1, ("…",), ("…",))
    compared = {"…": filled(AnswersDifference)}
    yield "q2e eval answers", _said(judge_answers._answers(measured, compared))
    told = {"pairs": 1, "auc": 0.5, "low": 0.5, "high": 0.5}
    contrasts = {"captions": 1, "contrasts": 1, "scores": {"…": {"…": told}}}
    yield "q2e eval contrast", _said(contrasts)
    yield "q2e eval datasets", _said({"datasets": [found]})
    yield "q2e eval datasets NAME", _said(found)
    loaded = datasets._loaded(filled(Loaded), None, ["…"]) | {"counts": {"…": 1}}
    yield "q2e eval datasets NAME --folder DIR", _said(loaded)
    yield "q2e eval compare", _said(evaluation._comparison(filled(Comparison)))
    yield "q2e eval experiment", _said(_experiment())
    yield "q2e eval head", _said(_HEAD | _EVAL_HEAD)
    yield "q2e eval labels", _said(_LABELS)
    yield "q2e eval matrix", _said(_matrix())
    yield "q2e eval paper", _said(_PAPER)
    yield "q2e eval run", _said(_run())
    yield "q2e features", _said(_FEATURES)
    yield "q2e index, q2e retry", shape.report(filled(Report))
    yield "q2e methods KIND, q2e methods NAME", _said({"methods": [_method()]})
    papers = {"counts": {"…": 1}, "papers": [dataclasses.asdict(filled(Paper))]}
    yield "q2e methods --papers", _said(papers)
    yield "q2e mmi eval", _said(_MMI_EVAL)
    yield "q2e mmi eval INDEX", _said(_MMI_INDEX)
    facts = mmi._facts("…", _Done())
    yield "q2e mmi train", _said({"weights": "…", "source": "…"} | facts)
    yield "q2e mmi export", _said({"weights": "…", "source": "…", "size_bytes": 1} | facts)
    tuned = {"adapters": "…", "source": "…", "agreement": {"before": 0.5, "after": 0.5}}
    yield "q2e mmi tune", _said(tuned | facts)
    yield "q2e models list", [dict.fromkeys(checks.model_rows()[0], "…")]
    yield "q2e models pull", [dataclasses.asdict(filled(Pulled))]
    yield "q2e pairs", _said({"file": "…", "pairs": 1, "failed": {"…": "…"}})
    yield "q2e search --facets", _said({"…": {"…": 1}})
    yield "q2e show", shape.record(filled(survey.VideoRecord))
    yield "q2e list", {"version": shape.VERSION, "videos": [shape.video(filled(Video))]}
    yield "q2e status", shape.status(filled(survey.Status), ["…"])
    yield "q2e train", _said(_HEAD | {"note": "…"})
    yield "q2e tag", _said({"sets": [{"set": "…", "how": "…"}]})
    yield "q2e tag --labels FILE", _said(shape.tagged(filled(Tagged)))
    yield "q2e tag --undo SET", _said({"undone": "…", "changed": 1})
    yield "q2e token list", [{"name": "…", "scope": "…", "made": "…"}]


#: What `q2e eval paper` says; a row is measured, printed by the paper, or missing with its reason.
_PAPER = {
    "set": "…",
    "index": "…",
    "profile": "…",
    "models": {"…": "…"},
    "questions": 1,
    "transductive": True,
    "warnings": ["…"],
    "tables": [
        {
            "title": "…",
            "rows": [{"name": "…", "values": {"…": 0.5}, "published": {"…": 0.5}, "missing": "…"}],
        }
    ],
}


def results() -> Any:
    """Return the shape of a search with every key that one may have."""
    return shape.results(filled(Results))


def filled(kind: Any, field: tuple[str, str] = ("", "")) -> Any:
    """Return a value of a type in which everything that may be there is there once."""
    origin, inner = get_origin(kind), get_args(kind)
    if field[1] == "channel":
        return "speech"
    if field[1] == "end_s":
        return 1.5
    if field in _GIVEN:
        return _GIVEN[field]
    if kind in _PLAIN:
        return _PLAIN[kind]
    if origin in (Union, kinds.UnionType):
        return filled(next(one for one in inner if one is not type(None)))
    if origin is Literal:
        return inner[0]
    if origin is tuple and inner[1:] != (...,):
        return tuple(filled(one) for one in inner)
    if origin in (tuple, list, Sequence):
        return (origin if origin in (tuple, list) else tuple)([filled(inner[0])])
    if origin in (dict, Mapping):
        return {filled(inner[0]): filled(inner[1])}
    if not dataclasses.is_dataclass(kind) or kind in (Dataset, Example):
        return None
    hints = _hints(kind)
    made = kind(
        **{
            one.name: filled(hints[one.name], (kind.__name__, one.name))
            for one in dataclasses.fields(kind)
            if one.init and (kind.__name__, one.name) != ("Clause", "parts")
        }
    )
    # A clause holds clauses, one of which is enough to show.
    return dataclasses.replace(made, parts=(made,)) if kind.__name__ == "Clause" else made


def _hints(kind: type) -> dict[str, Any]:
    unknown: dict[str, Any] = {}
    while True:
        try:
            return get_type_hints(kind, localns=unknown)
        except NameError as error:  # imported for checking alone
            unknown[str(error.name)] = None


class _Done:
    best_step, best, steps, stopped_early = 1, 0.5, 1, True


def _said(value: Mapping[str, Any]) -> Any:
    return {"version": shape.VERSION} | dict(value)


def _method() -> Any:
    made = shape.method(registry().get("fuse", "rrf"))
    own = [dict.fromkeys(one, "…") for one in made["parameters"]]
    named = dict.fromkeys(made, "…")
    return named | {"needs": ["…"], "parameters": own, "facts": {"…": "…"}}


def _experiment() -> Any:
    found = experiments.shape(filled(Outcome)) | {"files": ["…"]}
    for row in (*found["rows"], *found["subsets"]):
        del row["per_query"]
    return found


def _run() -> Any:
    found = evaluation._run(
        Evaluation({"R@1": 0.5}, {"R@1": {"…": 0.5}}),
        {"…": 0.5},
        {"strategy": "…", "depth": 1, "recall": 0.5},
        {"…": {"queries": 1, "measures": {"…": 0.5}}},
    )
    lists = {name: ["…"] for name in ("missing", "unjudged", "irrelevant")}
    named = {"measures": {"…": 0.5}, "intervals": {"…": [0.5, 0.5]}}
    return found | lists | named | {"per_query": {"…": {"…": 0.5}}}


def _matrix() -> Any:
    measured = Evaluation({"…": 0.5}, {"…": {"…": 0.5}})
    intervals = {"…": filled(Interval)}
    report = MatrixReport(measured, measured, intervals, True, ("…",), np.zeros((1, 1)))
    names = (
        "matrices",
        "fuse",
        "normalise",
        "temperature",
        "weights",
        "correction",
        "after",
        "banks",
    )
    return matrix._matrix(report, dict.fromkeys((*names, "ties"), "…"))


_LABELS = {
    "labels": 1,
    "queries": 1,
    "measures": {"…": 0.5},
    "intervals": {"…": [0.5, 0.5]},
    "by_query": [{"query": "…", "labels": 1, "…": 0.5}],
}
_MMI_EVAL = {
    "head": "…",
    "split": "…",
    "texts": 1,
    "videos": 1,
    "text_to_video": {"…": 0.5},
    "video_to_text": {"…": 0.5},
    "intervals": {"…": [0.5, 0.5]},
    "notes": ["…"],
}

#: `judged` counts the pairs of skeletons by direction and by how they were judged.
_MMI_INDEX = {
    "index": "…",
    "way": "…",
    "texts": 1,
    "videos": 1,
    "text_to_video": {"…": 0.5},
    "video_to_text": {"…": 0.5},
    "judged": {"…": {"…": 1}},
}
#: What `q2e features` says of what it wrote; `left_out` is the reason by id.
_FEATURES = {
    "features": "…",
    "videos": 1,
    "texts": 1,
    "splits": {"train": 1, "val": 1, "test": 1},
    "dimension": 1,
    "text_dimension": 1,
    "space": "…",
    "skeletons": True,
    "data": "…",
    "licence": "…",
    "left_out": {"…": "…"},
}
#: What `q2e train` keeps of a head, and what `q2e eval head` adds.
_HEAD = {
    "head": "…",
    "kind": "…",
    "recipe": "…",
    "space": "…",
    "data": "…",
    "licence": "…",
    "validation": 0.5,
    "best_step": 1,
    "steps": 1,
    "stopped_early": False,
    "videos": 1,
}
_EVAL_HEAD = {"split": "…", "texts": 1, "figures": {"…": 0.5}}
