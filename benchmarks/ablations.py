"""Runs the experiments of `benchmarks/experiments`: what each score, rule and decomposer brings.

`python -m benchmarks.ablations DATA [NAME ...]`. Results are kept in the cache folder, so that a
stopped run goes on. With `--language-model SOURCE` that model decomposes the sample questions too.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import q2e
from q2e.cache import cache_dir
from q2e.evaluate.conduct import conduct
from q2e.evaluate.experiment import Experiment, Row, read_experiment
from q2e.evaluate.report import shape

HERE = Path(__file__).parent
SAMPLES = HERE.parent / "samples"
NAMES = ("cap4video", "events", "excerpts", "captions", "samples")
#: What of a row the docs need; settings may name files of one machine.
_KEPT = ("name", "values", "intervals", "groups", "transductive")


def run(
    dev_data: Path, names: Sequence[str] = NAMES, language_model: str | None = None
) -> dict[str, Any]:
    """Return the rows, subsets and differences of each experiment."""
    return {name: _figures(name, dev_data, language_model) for name in names}


def _figures(name: str, dev_data: Path, language_model: str | None) -> dict[str, Any]:
    out = cache_dir() / "experiments" / name
    data = _samples(out) if name == "samples" else dev_data
    experiment = read_experiment(HERE / "experiments" / f"{name}.toml", data)
    if name == "samples" and language_model is not None:
        experiment = _decomposed_by(experiment, language_model)
    found = shape(conduct(experiment, out))
    for kind in ("rows", "subsets"):
        found[kind] = [{key: row[key] for key in _KEPT} for row in found[kind]]
    return {key: value for key, value in found.items() if key != "machine"}


def _samples(out: Path) -> Path:
    """Index the sample clips and lay their questions out as anybody's own set."""
    index = q2e.open(out / "samples.q2e")
    index.add(SAMPLES / "manifest.csv")
    folder = out / "samples"
    folder.mkdir(parents=True, exist_ok=True)
    with (SAMPLES / "queries.tsv").open(encoding="utf-8", newline="") as file:
        rows = [
            {"query": row["query"], "video": Path(row["expected"]).name, "group": row["channel"]}
            for row in csv.DictReader(file, delimiter="\t")
        ]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "queries.jsonl").write_text(lines, encoding="utf-8")
    return out


def _decomposed_by(experiment: Experiment, language_model: str) -> Experiment:
    more = {"decompose": "llm", "language_model": language_model}
    row = Row("decomposition by a language model", {**experiment.rows[0].options, **more})
    return replace(experiment, rows=(*experiment.rows, row))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("names", nargs="*", default=list(NAMES))
    parser.add_argument("--language-model")
    given = parser.parse_args()
    print(
        json.dumps(run(given.data, given.names, given.language_model), indent=1, ensure_ascii=False)
    )
