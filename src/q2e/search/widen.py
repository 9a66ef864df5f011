"""Lets what expansion adds to a question into its vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from q2e.channel_facts import facts, of_style
from q2e.methods.expand.base import STYLES, Expansion, mixed
from q2e.methods.rows import Vectors
from q2e.models.base import ImageTextEncoder, TextEncoder, VideoEncoder


def widened(
    part: Vectors, expansions: Sequence[Expansion], encoder: TextEncoder, held: Sequence[str]
) -> list[Vectors]:
    """Return the question (1, d or more) with what was added to it, style by style.

    Rewritings count in all channels, imagined texts each in the channels that read like them. Of
    the channels `held`, those of no style are asked the question without imagined texts.
    """
    for one in expansions:
        if one.requests:
            more = encoder.encode_queries(list(one.requests))
            part = replace(part, matrix=mixed(part.matrix, more, one.weight))
    imagined = [one for one in expansions if one.passages]
    if not imagined:
        return [part]
    parts = []
    for style in STYLES:
        own = part.matrix
        for one in imagined:
            more = encoder.encode_passages(list(one.passages.get(style, ())))
            own = mixed(own, more, one.weight)
        parts.append(replace(part, matrix=own, channels=of_style(style)))
    plain = tuple(name for name in held if facts(name).style not in STYLES)
    return [*parts, replace(part, channels=plain)] if plain else parts


def pictured(
    texts: Sequence[str], expansions: Sequence[Expansion], encoder: ImageTextEncoder | VideoEncoder
) -> Vectors:
    """Return texts as descriptions of pictures, with imagined captions and rewritings."""
    own = encoder.encode_texts(list(texts))
    for one in expansions:
        more = [*one.requests, *one.passages.get("caption", ())]
        if more:
            own = mixed(own, encoder.encode_texts(more), one.weight)
    return Vectors("query", tuple(texts), own)
