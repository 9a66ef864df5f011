"""Reads an experiment: one TOML file that says what is searched, how, and what is compared."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from q2e.errors import ConfigError, EvaluationError, unknown
from q2e.evaluate.direction import DIRECTIONS
from q2e.evaluate.measures import Measure, parse_measures
from q2e.evaluate.way import Heats, Way, way
from q2e.renamed import OLD
from q2e.settings import Settings, load_settings

MEASURES = "nDCG@10,Success@1,Success@5,Success@10,R@10,MRR@10,MAP"
_TOP = ("title", "tuned", "measures", "top", "compare_with", "notes",
        "data", "matrices", "settings", "grid", "row", "ablation")  # fmt: skip
_DATA = ("set", "folder", "merge", "index", "direction", "relevant", "ids", "splits")
#: What a row may say over an index beside the settings.
_OVER_INDEX = ("channels", "without")
#: What a row may say over score matrices.
_OVER_MATRICES = (
    "matrices",
    "fuse",
    "normalise",
    "temperature",
    "weights",
    "correction",
    "after",
    "ties",
)
#: The scores of the paper: the question against the video and against texts, and three events.
SCORES = ("video", "query", "prequel", "current", "sequel")

#: Called with what is being done, how many are done, and of how many.
Watch = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a name, and what it sets."""

    name: str
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ablation:
    """Every subset of some scores, fused by one rule; with five scores the paper's 31."""

    scores: tuple[str, ...]
    fuse: str = "entropy_sum"
    normalise: str = "none"
    temperature: Heats = None
    after: str | None = None

    @property
    def way(self) -> Way:
        """How its matrices become one."""
        return way(self.fuse, self.normalise, self.temperature, after=self.after)


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment as declared; paths are resolved against the folder of its file."""

    title: str
    tuned: str
    measures: tuple[Measure, ...]
    top: int
    rows: tuple[Row, ...]
    compare_with: str | None
    data: Mapping[str, Any]
    matrices: Mapping[str, Path]
    ablation: Ablation | None
    notes: tuple[str, ...] = ()
    text: str = field(default="", repr=False)
    """The file itself, kept in the report."""


def read_experiment(path: Path, data: Path | None = None) -> Experiment:
    """Return the experiment of a TOML file; relative paths start at `data`, else at the file.

    Raises EvaluationError with the key that is wrong and what is allowed.
    """
    try:
        text = path.read_text(encoding="utf-8")
        table = tomllib.loads(text)
    except OSError as error:
        raise EvaluationError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{path}: not valid TOML ({error})") from None
    _known(path, "the file", table, _TOP)
    place = data or path.parent
    where = _data(path, table.get("data", {}), place)
    matrices = {name: place / file for name, file in table.get("matrices", {}).items()}
    if bool(matrices) == bool(where.get("set")):
        raise EvaluationError(f"{path}: name either a data set ([data] set) or [matrices]")
    if matrices and "direction" in table.get("data", {}):
        raise EvaluationError(f"{path}: [matrices] are measured in both directions, always")
    rows = tuple(_rows(path, table, over_matrices=bool(matrices)))
    for row in rows:
        if matrices:
            _way(path, row.options)
        else:
            _settings(path, row)
    names = [row.name for row in rows]
    base = table.get("compare_with")
    if base is not None and base not in names:
        raise EvaluationError(
            f"{path}: compare_with = {base!r} is no row; rows: {', '.join(names)}"
        )
    return Experiment(
        title=str(table.get("title", path.stem)),
        tuned=str(table.get("tuned", "")) or "not said",
        measures=parse_measures(table.get("measures", MEASURES)),
        top=int(table.get("top", 100)),
        rows=rows,
        compare_with=base,
        data=where,
        matrices=matrices,
        ablation=_ablation(path, table.get("ablation"), tuple(matrices)),
        notes=tuple(table.get("notes", ())),
        text=text,
    )


def _data(path: Path, table: Mapping[str, Any], place: Path) -> dict[str, Any]:
    _known(path, "[data]", table, _DATA)
    found = dict(table)
    for name in ("folder", "index", "relevant"):
        if name in found:
            found[name] = place / str(found[name])
    if "ids" in found:
        found["ids"] = [place / str(one) for one in found["ids"]]
    if "splits" in found:
        found["splits"] = {name: place / str(file) for name, file in found["splits"].items()}
    if "set" in found and "folder" not in found:
        raise EvaluationError(f"{path}: [data] set = {found['set']!r} needs folder, where it lies")
    direction = found.setdefault("direction", DIRECTIONS[0])
    if direction not in DIRECTIONS:
        raise EvaluationError(
            f"{path}: [data] direction = {direction!r}; known: {', '.join(DIRECTIONS)}"
        )
    return found


def _rows(path: Path, table: Mapping[str, Any], over_matrices: bool) -> Iterator[Row]:
    allowed: Sequence[str] = (
        _OVER_MATRICES if over_matrices else (*_OVER_INDEX, *Settings.model_fields, *OLD)
    )
    base = table.get("settings", {})
    _known(path, "[settings]", base, allowed)
    named = table.get("row", [])
    for row in named:
        if not isinstance(row.get("name"), str):
            raise EvaluationError(f"{path}: each [[row]] needs a name")
        _known(path, f"row {row['name']!r}", row, ("name", *allowed))
        yield Row(row["name"], base | {k: v for k, v in row.items() if k != "name"})
    grid = table.get("grid", {})
    _known(path, "[grid]", grid, allowed)
    for name, values in grid.items():
        if not isinstance(values, list) or not values:
            raise EvaluationError(f"{path}: [grid] {name} must be a list of values")
    if grid:
        for values in itertools.product(*grid.values()):
            chosen = dict(zip(grid, values, strict=True))
            label = ", ".join(f"{k} {_shown(v)}" for k, v in chosen.items())
            yield Row(label, base | chosen)
    if not grid and not named:
        yield Row("as set" if base else "as it is", dict(base))


def _ablation(path: Path, table: Mapping[str, Any] | None, matrices: tuple[str, ...]) -> Any:
    if table is None:
        return None
    _known(path, "[ablation]", table, ("scores", "fuse", "normalise", "temperature", "after"))
    allowed = matrices or (*SCORES, "words", "names")
    scores = tuple(table.get("scores", matrices or SCORES))
    strangers = [one for one in scores if one not in allowed]
    if strangers or not 1 <= len(scores) <= 8:
        raise EvaluationError(
            f"{path}: [ablation] scores must be 1 to 8 of {', '.join(allowed)}, got {list(scores)}"
        )
    _way(path, table)
    heats = table.get("temperature")
    if isinstance(heats, list) and len(heats) != len(scores):
        raise EvaluationError(
            f"{path}: [ablation] temperature has {len(heats)} numbers for {len(scores)} scores"
        )
    return Ablation(**{**table, "scores": scores})


def _way(path: Path, given: Mapping[str, Any]) -> None:
    """Refuse a rule or transform that does not exist before anything is measured."""
    names = ("temperature", "correction", "after")
    try:
        way(
            str(given.get("fuse", "entropy")),
            str(given.get("normalise", "none")),
            *(given.get(name) for name in names),
        )
    except ConfigError as error:
        raise EvaluationError(f"{path}: {error}") from None


def _settings(path: Path, row: Row) -> None:
    """Refuse settings that are not allowed before anything is searched."""
    given = {name: value for name, value in row.options.items() if name not in _OVER_INDEX}
    try:
        load_settings(**given)
    except ConfigError as error:
        raise EvaluationError(f"{path}, row {row.name!r}: {error}") from None


def _known(path: Path, where: str, table: Mapping[str, Any], allowed: Sequence[str]) -> None:
    for name in table:
        if name not in allowed:
            raise EvaluationError(f"{path}, {where}: {unknown('key', name, sorted(allowed))}")


def _shown(value: Any) -> str:
    return "+".join(map(str, value)) if isinstance(value, list) else str(value)


def subsets(scores: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield every subset that is not empty, small ones first: 31 of five scores."""
    for size in range(1, len(scores) + 1):
        yield from itertools.combinations(scores, size)
