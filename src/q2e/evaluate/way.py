"""How score matrices become one: transforms, the rule of fusion, and what is done to the sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from q2e.arrays import Float64
from q2e.errors import ConfigError
from q2e.methods.normalise.base import Normalised, normalise, normalise_each, transductive
from q2e.plugins import registry
from q2e.registry import Choice

#: One temperature for all matrices, or one for each.
Heats = float | Sequence[float] | None


@dataclass(frozen=True, slots=True)
class Way:
    """A transform before fusion (None for `none`), a rule of fusion, and a transform after it."""

    rule: Choice
    transform: Choice | None
    each: tuple[Choice, ...] = ()
    """The transform of each matrix where these have temperatures of their own."""
    after: Choice | None = None

    @property
    def transductive(self) -> bool:
        """Whether the queries of a batch are looked at together."""
        return transductive(self.transform) or self.after is not None

    def normalised(
        self,
        stack: Float64,
        which: Sequence[int] | None = None,
        *,
        floor: ArrayLike | None = None,
        bank: ArrayLike | None = None,
    ) -> Normalised:
        """Return score matrices (S, Q, V) made comparable; `which` numbers those of S given.

        Raises FusionError where there are not as many temperatures as matrices.
        """
        if not self.each:
            return normalise(stack, self.transform, floor=floor, bank=bank)
        own = range(len(stack)) if which is None and len(stack) == len(self.each) else which or ()
        return normalise_each(stack, [self.each[number] for number in own])

    def finished(self, fused: Float64) -> Float64:
        """Return fused scores (Q, V) as they rank: by the transform that follows fusion."""
        return fused if self.after is None else self.after.bound(fused)


def way(
    fuse: str,
    normalise: str,
    temperature: Heats = None,
    correction: str | None = None,
    after: str | None = None,
) -> Way:
    """Return the way that texts name.

    `temperature` goes to the transform where that is over a batch, else to the rule; several are
    those of the matrices, in their order. `correction` goes to the transform. Where the text gives
    one itself, that counts. `after` is a transform over the batch that the fused scores go through,
    as in Q2E's `softmax=post`. Raises ConfigError for unknown names and parameters.
    """
    rule, transform = registry().one("fuse", fuse), registry().choose("normalise", normalise)
    over_batch = transform is not None and transductive(transform)
    each: tuple[Choice, ...] = ()
    if isinstance(temperature, Sequence):
        if transform is None or not over_batch:
            raise ConfigError(
                f"temperature = {list(temperature)}: one for each matrix is for transforms over "
                f"the batch, not for {normalise!r}"
            )
        each = tuple(transform.filled(temperature=one) for one in temperature)
    elif temperature is not None and transform is not None and over_batch:
        transform = transform.filled(temperature=temperature)
    elif temperature is not None:
        rule = rule.filled(temperature=temperature)
    if transform is not None and correction is not None:
        transform = transform.filled(correction=correction)
    last = None if after is None else registry().choose("normalise", after)
    if last is not None and not transductive(last):
        raise ConfigError(
            f"after = {after!r}: must be a transform over the batch: dual_softmax, ..."
        )
    return Way(rule, transform, each, last)
