"""How score matrices become one: the rule of fusion and the transform before it, as chosen."""

from __future__ import annotations

from q2e.methods.normalise.base import transductive
from q2e.plugins import registry
from q2e.registry import Choice


def way(
    fuse: str, normalise: str, temperature: float | None = None, correction: str | None = None
) -> tuple[Choice, Choice | None]:
    """Return the rule and the transform (None for `none`) that two texts name.

    `temperature` goes to the transform where that is over a batch, else to the rule; `correction`
    to the transform. Where the text gives one itself, that counts. Raises ConfigError for unknown
    names and parameters.
    """
    rule, transform = registry().one("fuse", fuse), registry().choose("normalise", normalise)
    if temperature is not None:
        if transform is not None and transductive(transform):
            transform = transform.filled(temperature=temperature)
        else:
            rule = rule.filled(temperature=temperature)
    if transform is not None and correction is not None:
        transform = transform.filled(correction=correction)
    return rule, transform
