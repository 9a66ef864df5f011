"""How an example is changed by a text: "like this, but at night".

PDV, Prompt Directional Vectors for Zero-shot Composed Image Retrieval. The strengths need no new
encoding.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from q2e.arrays import Float32
from q2e.registry import method


@method("compose", source="PDV: Prompt Directional Vectors, 2025")
def pdv(
    picture: ArrayLike,
    before: ArrayLike,
    after: ArrayLike,
    *,
    image: Annotated[
        float, Field(ge=0, description="How far a text moves the picture (alpha_I).")
    ] = 1.4,
    text: Annotated[
        float, Field(ge=0, description="How far a text moves the description (alpha_T).")
    ] = 1.4,
    share: Annotated[
        float, Field(ge=0, le=1, description="Share of the description (beta).")
    ] = 0.75,
) -> Float32:
    """A picture moved as far as a text moves the description of it.

    With I the `picture`, T0 `before` and T1 `after` (d,), all of unit length, and D = T1 - T0:
    (1 - b)(I + a_I D) + b(T0 + a_T D), normalised. `share` b = 1 and `text` a_T = 1 give T1
    alone, the description with the change.
    """
    seen, told, changed = (np.asarray(v, dtype=np.float64) for v in (picture, before, after))
    way = changed - told
    mixed = (1 - share) * (seen + image * way)
    mixed += share * (told + text * way)
    length = float(np.linalg.norm(mixed))
    return np.asarray(mixed / (length or 1.0), dtype=np.float32)
