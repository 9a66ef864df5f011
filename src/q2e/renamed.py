"""Settings as they were called before methods had parameters: understood still, with a warning.

What changed a method is now an argument of it: `temperature = 0.5` is
`fuse = "entropy_sum(temperature=0.5)"`. A warning shows the new text, once for each old one.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

from q2e.choices import KINDS, Said, said, several
from q2e.plugins import registry
from q2e.recipes import DEFAULT, read
from q2e.registry import Choice
from q2e.written import parsed

_log = logging.getLogger("q2e.settings")

#: Settings that are a method's parameters now: the kind, and the parameter.
ARGUMENTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "temperature": ("fuse", "temperature"),
        "event_weight": ("decompose", "weight"),
        "refine": ("decompose", "refine"),
        "expand_weight": ("expand", "weight"),
        "rerank_depth": ("rerank", "depth"),
        "change_image": ("compose", "image"),
        "change_text": ("compose", "text"),
        "change_share": ("compose", "share"),
        "like_weight": ("likes", "towards"),
        "dislike_weight": ("likes", "away"),
        "drift": ("likes", "limit"),
    }
)
#: Settings that have another name now.
NAMES: Mapping[str, str] = MappingProxyType({"normalise": "calibrate"})
#: Values that are written otherwise now, by setting.
VALUES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "feedback": MappingProxyType(
            {"events": "likeness", "always": "likeness(when='always')", "never": "none"}
        )
    }
)
OLD = (*ARGUMENTS, *NAMES)
#: What was the default where an old setting meant something, by setting.
MEANT: Mapping[str, str] = MappingProxyType({"temperature": "entropy_sum"})


def merged(layers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the settings of several places, the last of which has the last word, in new names.

    An old setting changes the method chosen in its place or before it, and one chosen later where
    that does not say otherwise. Raises ConfigError for what is not allowed.
    """
    values: dict[str, Any] = {}
    old: dict[str, Any] = {}
    layers = [_in_new_names(layer) for layer in layers]
    recipe = next((one["recipe"] for one in reversed(layers) if "recipe" in one), DEFAULT)
    for layer in layers:
        here = {name: value for name, value in layer.items() if name in ARGUMENTS}
        old |= here
        values |= {name: value for name, value in layer.items() if name not in ARGUMENTS}
        for kind in KINDS:
            wanted = {
                ARGUMENTS[name][1]: value
                for name, value in (old if kind in layer else here).items()
                if ARGUMENTS[name][0] == kind
            }
            if wanted:
                before = values.get(kind)
                own = [MEANT[name] for name in here if name in MEANT]
                usual = own[0] if own and kind == "fuse" else read(recipe).choices[kind]
                chosen = usual if before is None else before
                values[kind] = _with(kind, chosen, wanted, kept=kind in layer)
        for name in here:
            kind, parameter = ARGUMENTS[name]
            takes = any(parameter in one.method.parameters for one in several(kind, values[kind]))
            said = f"write  {kind} = {_shown(values[kind])}" if takes else "what is chosen has none"
            _warn(f"{name} is now an argument of a method of {kind}: {said}")
    return values


def _in_new_names(layer: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for name, value in layer.items():
        new = NAMES.get(name, name)
        if new != name:
            _warn(f"{name} is now called {new}: write  {new} = {_shown(value)}")
        if isinstance(value, str) and value in VALUES.get(new, {}):
            value = VALUES[new][value]
            _warn(f"{name} is written otherwise now: {new} = {_shown(value)}")
        found[new] = value
    return found


def _with(kind: str, chosen: Any, wanted: Mapping[str, Any], kept: bool) -> Said:
    """Return what is chosen of a kind with arguments, but those that it has no parameter for.

    With `kept`, what its own text says stays.
    """
    texts = [chosen] if isinstance(chosen, str) else list(chosen)
    if not KINDS[kind]:
        found = registry().choose(kind, texts[0])
        return "none" if found is None else str(_filled(found, texts[0], wanted, kept))
    return said(kind, [str(_filled(one, str(one), wanted, kept)) for one in several(kind, chosen)])


def _filled(choice: Choice, text: str, wanted: Mapping[str, Any], kept: bool) -> Choice:
    own = parsed(text)[1] if kept else {}
    more = {
        name: value
        for name, value in wanted.items()
        if name in choice.method.parameters and name not in own
    }
    return choice.method.choice({**choice.arguments, **more})


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    return f"[{', '.join(map(_shown, value))}]" if isinstance(value, tuple | list) else repr(value)


@cache
def _warn(text: str) -> None:
    _log.warning("%s; the old form goes with the next version", text)
