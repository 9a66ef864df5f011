"""What a text becomes before a model sees it: encodable, and in the model's own form."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from q2e.models.base import ModelInfo

#: Code points that are read: more than the context of any model holds.
_LONGEST = 1_000_000
_E5 = ("query: ", "passage: ")


@dataclass(frozen=True, slots=True)
class Prompts:
    """What is put before a question, and before a passage."""

    query: str = ""
    passage: str = ""


def encodable(text: str) -> str:
    """Return a text that every tokenizer takes: bounded, and without what has no UTF-8 form."""
    return text[:_LONGEST].encode("utf-8", "replace").decode("utf-8")


def prompts_of(folder: Path, info: ModelInfo) -> Prompts:
    """Return the prompts of a model: those its folder states, else those of its family.

    The E5 family states its own on its model card alone, so they are known here by name.
    """
    try:
        stated = json.loads((folder / "config_sentence_transformers.json").read_text("utf-8"))
        prompts = stated.get("prompts") or {}
    except (OSError, ValueError, AttributeError):
        prompts = {}
    if any(prompts.values()):
        passage = prompts.get("document") or prompts.get("passage") or ""
        return Prompts(str(prompts.get("query") or ""), str(passage))
    name = info.id.rpartition("/")[2].casefold()
    is_e5 = name.startswith(("e5-", "multilingual-e5-")) and "instruct" not in name
    return Prompts(*_E5) if is_e5 else Prompts()
