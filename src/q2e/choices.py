"""What can be said of the methods of a search: one of a kind, several, or one for each channel.

What is said is text (`rrf(k=5)`), a list of texts, or for pooling a rule for each channel; it is
looked at as soon as it is said, and kept in the one form that `said` gives it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from q2e.errors import ConfigError
from q2e.plugins import registry
from q2e.registry import NONE, Choice
from q2e.types import check_channel

#: The kinds that a search chooses from, in the order of a question; whether several may be chosen.
KINDS: Mapping[str, bool] = MappingProxyType(
    {
        "decompose": False,
        "expand": True,
        "pool": False,
        "calibrate": False,
        "fuse": False,
        "feedback": False,
        "rerank": True,
        "localise": False,
        "compose": False,
        "likes": False,
    }
)
#: What is said of a kind: a text, or texts where several may be chosen.
Said = str | tuple[str, ...]

#: What stands for every channel that is not named.
EVERY = "*"


@dataclass(frozen=True, slots=True)
class Pools:
    """Which rule pools each channel; written `max`, or `{"*": "max", "frame": "mean"}`."""

    default: Choice
    channels: tuple[tuple[str, Choice], ...] = ()
    """Those with a rule of their own, by name."""

    @classmethod
    def of(cls, given: object) -> Pools:
        """Return what was given: a rule, a mapping (or its JSON), or `RULE` and `CHANNEL=RULE`.

        Channels that are not named take the rule of `*`, else `max`. Raises ConfigError for an
        unknown rule and for what can name no channel.
        """
        if isinstance(given, Pools):
            return given
        if isinstance(given, str):
            given = _mapping(given) if given.lstrip().startswith("{") else listed_in(given)
        if isinstance(given, Sequence):
            given = dict(_pair(_text("pool", one)) for one in given)
        if not isinstance(given, Mapping):
            raise ConfigError(f"pool = {given!r}: must be a rule, or a rule for each channel")
        rules = {channel: _rule(rule) for channel, rule in given.items()}
        default = rules.pop(EVERY, None) or _rule("max")
        for channel in rules:
            try:
                check_channel(channel)
            except ValueError as error:
                raise ConfigError(f"pool: {error}, or {EVERY} for all others") from None
        own = tuple(sorted((one, rule) for one, rule in rules.items() if rule != default))
        return cls(default, own)

    def for_channel(self, name: str) -> Choice:
        """Return the rule that pools a channel's evidence."""
        return dict(self.channels).get(name, self.default)

    @property
    def rules(self) -> tuple[Choice, ...]:
        """All its rules."""
        return (self.default, *dict(self.channels).values())

    def without_steps(self) -> Pools:
        """Return it for questions that have no events: a rule of steps is `max` to them."""

        def plain(rule: Choice) -> Choice:
            return _rule("max") if rule.method.facts.get("steps") else rule

        return Pools(plain(self.default), tuple((one, plain(own)) for one, own in self.channels))

    def __str__(self) -> str:
        if not self.channels:
            return str(self.default)
        rules = {EVERY: self.default, **dict(self.channels)}
        return json.dumps({channel: str(rule) for channel, rule in rules.items()})


def _rule(text: object) -> Choice:
    return registry().one("pool", _text("pool", text))


def _mapping(text: str) -> Mapping[str, str]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not all(isinstance(rule, str) for rule in found.values()):
        example = '{"*": "max", "frame": "mean"}'
        raise ConfigError(f"pool = {text[:80]!r}: a rule a channel is written  {example}")
    return found


def _pair(text: str) -> tuple[str, str]:
    """Return channel and rule of `CHANNEL=RULE`, or of a rule alone, whose arguments have `=`."""
    head, sign, rule = text.partition("=")
    return (head.strip(), rule.strip()) if sign and "(" not in head else (EVERY, text.strip())


# -- one form for what is said ------------------------------------------------------------------
def said(kind: str, value: Any) -> Said:
    """Return what is said of a kind in its one form. Raises ConfigError for what is not allowed."""
    if kind == "pool":
        return str(Pools.of(value))
    if KINDS.get(kind):
        return tuple(str(one) for one in several(kind, value))
    return str(registry().choose(kind, _text(kind, value)) or NONE)


def several(kind: str, value: Any) -> tuple[Choice, ...]:
    """Return the methods that a text or a list of texts names, without `none`.

    A text may hold several, with commas between them. Raises ConfigError.
    """
    listed = listed_in(value) if isinstance(value, str) else value
    if not isinstance(listed, Sequence):
        raise ConfigError(f"{kind} = {value!r}: must be a name, or a list of names")
    found = (registry().choose(kind, _text(kind, one)) for one in listed)
    return tuple(one for one in found if one is not None)


def check_plain(chosen: Mapping[str, Said]) -> None:
    """Raise ConfigError where an argument is a text of one's own, as an address or a file is.

    Numbers, truth values and texts out of a list are plain: a stranger may choose them.
    """
    for kind, given in chosen.items():
        if kind == "pool":
            pools = Pools.of(given)
            found = (pools.default, *dict(pools.channels).values())
        else:
            found = several(kind, given)
        for choice in found:
            for name in choice.arguments:
                if _free(choice.method.parameters[name].schema()):
                    raise ConfigError(f"{kind} {choice.name}: {name} cannot be given from outside")


def _free(schema: Any) -> bool:
    """Return whether a JSON schema allows any text."""
    if isinstance(schema, list):
        return any(map(_free, schema))
    if not isinstance(schema, dict) or "enum" in schema or "const" in schema:
        return False
    return schema.get("type") == "string" or any(
        _free(one) for name, one in schema.items() if name != "default"
    )


def listed_in(text: str) -> list[str]:
    """Return the texts between the commas of a text that stand in no brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def _text(kind: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ConfigError(f'{kind} = {value!r}: must be a name, as in  {kind} = "NAME"')
    return value
