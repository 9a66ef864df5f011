"""What a model replied before: an answer that was broken off goes on where it stopped.

A reply is kept by the prompt with all that it was filled with, the pictures beside it, the form
that was asked for and the model. A question asked again costs no call for what was replied already,
so that one whose budget was spent goes on with a budget of its own. Erasing any video drops all
replies.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from q2e.arrays import UInt8
from q2e.cache import ALL, Fingerprint, ResultCache, as_json, fingerprint
from q2e.text.prompt import prompt_version, render, schema_of

_REPLIES: ResultCache[dict[str, Any]] = ResultCache("replies", as_json(dict))
#: The marks around strangers' words are made by chance, and no part of what is asked.
_MARK = re.compile(r"<<(data|end) [0-9a-f]{16}>>")


def which(
    prompt: Path, form: type[BaseModel], max_tokens: int, model: str, values: Mapping[str, Any]
) -> Fingerprint:
    """Return what a reply is kept under; `model` names the model and where it is served."""
    asked = _MARK.sub(r"<<\1>>", render(prompt, mistake="", **values))
    shape = json.dumps(schema_of(form), sort_keys=True)
    version = f"{prompt_version(prompt)} {max_tokens}"
    return fingerprint(asked, shape, method=f"reply {prompt.stem}", version=version, space=model)


def which_look(
    text: str, images: Sequence[UInt8], max_tokens: int, model: str, kind: str = "look"
) -> Fingerprint:
    """Return what a model's words on pictures are kept under, by the pictures themselves."""
    shown = [hashlib.sha256(repr(one.shape).encode() + one.tobytes()).hexdigest() for one in images]
    asked = _MARK.sub(r"<<\1>>", text)
    return fingerprint(asked, *shown, method=kind, version=str(max_tokens), space=model)


def kept_look(look: Fingerprint) -> dict[str, Any] | None:
    """Return what was said of pictures before, `text` and perhaps `probability`, or None."""
    return _REPLIES.get(look)


def keep_look(look: Fingerprint, **said: Any) -> None:
    """Keep what was said of pictures."""
    _REPLIES.put(look, said, about=ALL)


def kept(reply: Fingerprint) -> dict[str, Any] | None:
    """Return what was replied before, or None."""
    return _REPLIES.get(reply)


def keep(reply: Fingerprint, said: BaseModel) -> None:
    """Keep a reply of the right form."""
    _REPLIES.put(reply, said.model_dump(mode="json"), about=ALL)
