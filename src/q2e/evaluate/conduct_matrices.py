"""Measures the rows of an experiment over score matrices from files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from q2e.cache import Fingerprint, content_key, fingerprint
from q2e.errors import EvaluationError
from q2e.evaluate.agreement import check_matrices
from q2e.evaluate.datasets.base import sha256_of
from q2e.evaluate.experiment import Experiment, Row
from q2e.evaluate.matrix import evaluate_matrices, load_ids, load_matrix, query_groups
from q2e.evaluate.measured import Measured, judge_matrices, measured
from q2e.evaluate.scores import ablated
from q2e.plugins import registry
from q2e.versions import code_version


class MatrixBench:
    """Score matrices of one experiment, checked to describe the same items in the same order."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.tables = {name: load_matrix(path) for name, path in experiment.matrices.items()}
        where = experiment.data.get("relevant")
        self.relevance = None if where is None else load_matrix(where)
        self.ids = [load_ids(path) for path in experiment.data.get("ids", ())]
        check_matrices(*self.tables.values())
        first = next(iter(self.tables.values()))
        self.names = [str(number) for number in range(len(first))]
        self.queries = {name: f"row {name}" for name in self.names}
        hashes = {path.name: sha256_of(path) for path in experiment.matrices.values()}
        self.state = content_key(repr(sorted(hashes.items())), str(experiment.measures), str(where))
        self.about: dict[str, Any] = {
            "queries": first.shape[0],
            "videos": first.shape[1],
            "files": hashes,
        }
        self.warnings: list[str] = []
        repeated = len(first) - len(
            set(query_groups(np.stack(list(self.tables.values()))).tolist())
        )
        if repeated:
            self.warnings.append(
                f"{repeated} queries repeat another query's scores exactly, as the same sentence "
                "does; each still counts, with its own relevant items alone"
            )

    def fingerprint(self, row: Row) -> Fingerprint:
        """Return what a row's measures rest on: the matrices, how they are fused, and the code."""
        named = ((kind, row.options.get(kind)) for kind in ("fuse", "normalise"))
        chosen = (registry().choose(kind, str(text)) for kind, text in named if text)
        versions = [one.method.version for one in chosen if one is not None]
        return fingerprint(
            self.state,
            method=repr(sorted(row.options.items())),
            # Ours are in the version of the whole code, a plugin's are not.
            version=" ".join((code_version(), *versions)),
        )

    def measure(self, row: Row, key: str) -> Measured:
        """Return the measures of one way to normalise and fuse."""
        options = dict(row.options)
        chosen = options.pop("matrices", list(self.tables))
        strangers = [name for name in chosen if name not in self.tables]
        if strangers:
            raise EvaluationError(
                f"row {row.name!r}: unknown matrix {strangers[0]!r}; "
                f"known: {', '.join(self.tables)}"
            )
        report = evaluate_matrices(
            [self.tables[name] for name in chosen],
            relevance=self.relevance,
            ids=self.ids if len(self.ids) == len(chosen) else (),
            rule=options.pop("fuse", "entropy"),
            mode=options.pop("normalise", "none"),
            measures=self.experiment.measures,
            **options,
        )
        judged = judge_matrices(report.fused, self.relevance, self.names)
        return measured(
            row,
            judged,
            self.experiment.measures,
            {},
            transductive=report.transductive,
            backward=report.items_to_queries.values,
            # That a row is transductive stands in every table.
            notes=[one for one in report.notes if not one.startswith("transductive")],
        )

    def subsets(self) -> Iterator[Measured]:
        """Yield the measures of every subset of the matrices."""
        ablation = self.experiment.ablation
        assert ablation is not None
        for chosen, fused in ablated(self.tables, ablation):
            row = Row(" + ".join(chosen), {"scores": list(chosen)})
            judged = judge_matrices(fused, self.relevance, self.names)
            yield measured(
                row,
                judged,
                self.experiment.measures,
                {},
                transductive=ablation.way.transductive,
            )
