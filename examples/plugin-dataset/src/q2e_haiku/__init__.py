"""A data set for q2e from a package of its own: copy this, and read your files in place.

Lines of three fields: a question, the video that answers it, and its language.
"""

from __future__ import annotations

from importlib.resources import files as resources

from q2e.errors import EvaluationError
from q2e.evaluate.datasets import Dataset, Spec
from q2e.evaluate.datasets.base import Files
from q2e.registry import Registry, method


def read(spec: Spec, files: Files) -> Dataset:
    """Return the questions with their videos, grouped by language."""
    path = files.needed("haiku.txt")
    queries, qrels, groups = {}, {}, {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        fields = [field.strip() for field in line.split("/")]
        if len(fields) != 3:
            raise EvaluationError(f"{path}, line {number}: needs  question / video / language")
        name = str(number)
        queries[name], groups[name] = fields[0], fields[2]
        qrels[name] = {fields[1]: 1}
    return Dataset(queries, qrels, tuple(v for items in qrels.values() for v in items), groups)


@method("dataset", "haiku")
def haiku() -> Spec:
    """Questions of one line each."""
    return Spec.of(resources("q2e_haiku") / "haiku.toml", read)


def register(registry: Registry) -> None:
    """Offer the set."""
    registry.add(haiku)
