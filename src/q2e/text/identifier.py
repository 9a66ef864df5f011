"""The statistical model that tells languages apart, unpacked once into the user's cache.

The package holds it compressed, which takes half a second of each process that asks. What lies in
the cache is what the package loads, array for array: of the features the languages asked for, and
of the steps from letter to letter only those that a text takes are read from the disk.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np

from q2e.cache import cache_dir, content_key, write_whole
from q2e.errors import MissingDependency

#: Raised when it is kept in another way.
_VERSION = 1
_ARRAYS = ("features", "prior", "next", "row", "output")


def identifier(languages: Sequence[str]) -> Any:
    """Return py3langid's identifier for some languages, whose shares of a text add up to 1.

    Raises MissingDependency without that package.
    """
    try:
        from py3langid.langid import MODEL_DIR, MODEL_FILE, LanguageIdentifier
    except ImportError as error:
        raise MissingDependency("py3langid", "local", "telling languages apart") from error
    packed = Path(MODEL_DIR) / MODEL_FILE
    digest = hashlib.sha256(packed.read_bytes()).hexdigest()
    folder = cache_dir() / "languages" / content_key(str(_VERSION), digest, *languages)
    with suppress(OSError, ValueError, TypeError, LookupError, EOFError):
        return _kept(folder, LanguageIdentifier)
    made = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    made.set_languages(languages)
    with suppress(OSError):
        _keep(folder, made)
    return made


def _kept(folder: Path, kind: Any) -> Any:
    """Return the identifier kept in a folder. Raises OSError and the like where none is."""
    names = json.loads((folder / "languages.json").read_bytes())
    read = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in _ARRAYS}
    states = len(read["row"])
    steps = 256 * (1 + int(read["row"].max()))
    fits = read["features"].shape[1:] == read["prior"].shape == (len(names),)
    if not fits or read["output"].shape != (states,) or read["next"].shape != (steps,):
        raise ValueError(f"{folder} holds another model")
    return kind(
        read["features"],
        np.asarray(read["prior"]),
        names,
        memoryview(read["next"]),
        read["output"].tolist(),
        norm_probs=True,
        tk_row=read["row"].tolist(),
    )


def _keep(folder: Path, made: Any) -> None:
    arrays = (made.nb_ptc, made.nb_pc, made.tk_nextmove, made.tk_row, made.tk_output)
    for name, values in zip(_ARRAYS, arrays, strict=True):
        write_whole(folder / f"{name}.npy", partial(_save, np.ascontiguousarray(values)))
    # Last, so that what is there is whole.
    text = json.dumps(list(made.nb_classes)).encode()
    write_whole(folder / "languages.json", lambda file: file.write(text))


def _save(values: Any, file: IO[bytes]) -> None:
    np.save(file, values)
