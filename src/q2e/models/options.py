"""Reads how probable each of a few answers is from the likeliest first tokens of a model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from q2e.errors import ModelError


def option_shares(
    name: str, tokens: Sequence[Mapping[str, Any]], options: Sequence[str]
) -> tuple[float, ...]:
    """Return the share of each option among the first token's alternatives, summing to 1.

    `tokens` are entries of an OpenAI-style `logprobs.content`. A token counts for the one option
    that it begins or that begins with it, whatever the case: `Yes`, `yes` and ` Y` are one.
    Raises ModelError, naming the model, where no token counts for any.
    """
    wanted = [option.strip().casefold() for option in options]
    if not all(wanted) or len(set(wanted)) < len(wanted):
        raise ModelError(f"options must be different words, got {list(options)}")
    mass = [0.0] * len(wanted)
    alternatives = (tokens[0].get("top_logprobs") or ()) if tokens else ()
    for entry in alternatives:
        said = str(entry.get("token", "")).strip().casefold()
        fits = [
            number
            for number, option in enumerate(wanted)
            if said and (option.startswith(said) or said.startswith(option))
        ]
        if len(fits) == 1:
            mass[fits[0]] += math.exp(min(0.0, float(entry["logprob"])))
    total = sum(mass)
    if not total > 0:
        raise ModelError(f"{name}: none of {', '.join(options)} is among its likely answers")
    return tuple(own / total for own in mass)
