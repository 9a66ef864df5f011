"""Trains by a recipe's name and keeps what was learnt; measures what was kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from q2e.errors import ConfigError, unknown
from q2e.heads.features import FeatureSet
from q2e.heads.kept import Kept, load, save
from q2e.heads.recipe import TRAINS, Recipe
from q2e.plugins import registry
from q2e.registry import Choice

if TYPE_CHECKING:
    from q2e.heads.trainer import Watch


def recipes(kind: str) -> tuple[str, ...]:
    """Return the names of the recipes of a kind, plugins' included.

    Raises ConfigError for an unknown kind.
    """
    if kind not in TRAINS:
        raise ConfigError(unknown("kind of training", kind, TRAINS))
    every = registry().all("training")
    return tuple(one.name for one in every if one.facts.get("trains") == kind)


def chosen(kind: str, recipe: str | None, changes: Mapping[str, str]) -> Choice:
    """Return the recipe of a kind by its text (`xpool(seed=3)`), with changes; else its only one.

    Raises ConfigError for an unknown kind, recipe or parameter, for a recipe of another kind, and
    where a kind has none or several and none is named.
    """
    known = recipes(kind)
    if not known:
        raise ConfigError(
            f"there is no recipe for {kind} yet; a package brings one by a method of the kind "
            f"'training' with the fact  trains='{kind}',  see docs/how-to/training.md"
        )
    if recipe is None and len(known) > 1:
        raise ConfigError(f"say which recipe of {kind}:  --recipe {' or '.join(known)}")
    name = known[0] if recipe is None else recipe
    every = {one.name: one for one in registry().all("training")}
    own = name.partition("(")[0].strip()
    if own not in known:
        trains = str(every[own].facts.get("trains")) if own in every else ""
        if trains:
            raise ConfigError(f"{own} trains {trains}: run  q2e train {trains} --recipe {own}")
        raise ConfigError(unknown(f"recipe of {kind}", own, known))
    found = registry().one("training", name)
    values: dict[str, Any] = {key: _value(text) for key, text in changes.items()}
    return found.method.choice({**found.arguments, **values})


def trained(
    choice: Choice, features: FeatureSet, folder: Path, watch: Watch | None = None
) -> tuple[Kept, str]:
    """Train by a recipe, keep what was learnt in `folder`, and return it with what is to be known.

    A training by gradients that is there already goes on.
    """
    recipe: Recipe = choice.bound
    learnt = recipe.train(features, folder, watch)
    kind = str(choice.method.facts["trains"])
    return save(folder, kind, str(choice), learnt, features), learnt.note


def opened(folder: Path) -> tuple[Kept, Recipe]:
    """Return what `folder` keeps, and its recipe.

    Raises ConfigError where there is nothing or its recipe is not known here, ModelError where it
    is damaged.
    """
    kept = load(folder)
    made: Recipe = registry().one("training", kept.recipe).bound
    return kept, made


def _value(text: str) -> Any:
    """Return a number or a truth for what is written like one, else the text."""
    if text in ("True", "False"):
        return text == "True"
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text
