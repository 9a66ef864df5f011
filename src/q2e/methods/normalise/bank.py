"""Hubness taken away by a bank of other queries."""

from __future__ import annotations

from typing import Annotated

from numpy.typing import ArrayLike
from pydantic import AfterValidator, Field

from q2e.arrays import Float64
from q2e.errors import ConfigError
from q2e.registry import method


def _known(text: str) -> str:
    from q2e.plugins import registry

    try:
        return str(registry().one("correction", text))
    except ConfigError as error:
        raise ValueError(str(error)) from None


@method("normalise", over="bank")
def bank(
    scores: ArrayLike,
    others: ArrayLike,
    *,
    correction: Annotated[
        str, AfterValidator(_known), Field(description="A method of the kind `correction`.")
    ] = "nnn",
) -> Float64:
    """Hubness taken away by a bank of other queries, then standardised over the videos.

    (Q, V) scores corrected by those of `others` (B, V), each query by itself.
    """
    from q2e.plugins import registry

    corrected: Float64 = registry().one("correction", correction).bound(scores, others)
    return corrected
