"""Words of a user's list that are nearest to what is seen, as evidence of the channel `word`.

They are told by the vectors of frames that the index holds, so that no medium is read, and in
whatever language the list is: encoders of text and pictures put both into one space.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from q2e.arrays import Float32, Float64
from q2e.errors import ConfigError
from q2e.text.clean import clean
from q2e.types import Evidence, Tag

CHANNEL = "word"
#: Words of a list, characters of one, and words of one shot.
FEWEST, _MOST, _LONGEST, _OF_SHOT = 10, 50_000, 80, 3
#: How far a word stands out among the list, in standard deviations.
LEAST = 2.5
_VERSION = 1
_LANGUAGE = re.compile(r"\.([a-z]{2,3})$")


@dataclass(frozen=True, slots=True)
class Words:
    """A list of words, and its language where the name of its file says it (`list.de.txt`)."""

    words: tuple[str, ...]
    language: str | None = None

    def packed(self) -> str:
        """Return it as a text for a setting of a store."""
        return json.dumps({"version": _VERSION} | asdict(self), ensure_ascii=False)

    @classmethod
    def unpacked(cls, text: str) -> Words:
        given = json.loads(text)
        return cls(tuple(given["words"]), given["language"])


def read_words(file: Path) -> Words:
    """Return the words of a file, one a line; lines that begin with `#` are left out.

    Raises ConfigError for a file that cannot be read so, and one of fewer than `FEWEST` words.
    """
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read as words: {error}; write it in UTF-8") from None
    told = (clean(line, _LONGEST) for line in lines if not line.startswith("#"))
    words = tuple(dict.fromkeys(filter(None, told)))
    if not FEWEST <= len(words) <= _MOST:
        raise ConfigError(
            f"{file} holds {len(words)} words; write {FEWEST} to {_MOST:,}, one a line: a word is "
            "told by how far it stands out among the others"
        )
    named = _LANGUAGE.search(file.stem)
    return Words(words, named[1] if named else None)


def standing_out(frames: Float32, words: Float32) -> Float64:
    """Return (n, w) how far words (w, d) stand out in pictures (n, d), all of length 1.

    That is the cosine less its mean over the words, in standard deviations over the words.
    """
    cosine = np.asarray(frames, np.float64) @ np.asarray(words, np.float64).T
    spread = cosine.std(axis=1, keepdims=True)
    above = cosine - cosine.mean(axis=1, keepdims=True)
    return np.asarray(above / np.maximum(spread, 1e-9), np.float64)


def nearest(
    video: str,
    stretches: Sequence[tuple[float, float]],
    vectors: Float32,
    known: Words,
    encoded: Float32,
    origin: str,
) -> Iterator[Evidence]:
    """Yield the words of each shot of a video, by the mean of its frames, best first.

    `stretches` (n,) are the shots that frames of `vectors` (n, d) lie in, `encoded` (w, d) the
    words.
    """
    strength = standing_out(vectors, encoded)
    for stretch in dict.fromkeys(stretches):
        own = [number for number, one in enumerate(stretches) if one == stretch]
        mean = strength[own].mean(axis=0)
        best = np.argsort(-mean, kind="stable")[:_OF_SHOT]
        # One in 160 of what is normally distributed lies beyond: never all of a short list.
        kept = [int(place) for place in best if mean[place] >= LEAST]
        if kept:
            yield Evidence(
                video=video,
                channel=CHANNEL,
                start_s=stretch[0],
                end_s=stretch[1],
                text=", ".join(known.words[place] for place in kept),
                language=known.language,
                origin=origin,
                tags=tuple(Tag(known.words[place], _share(float(mean[place]))) for place in kept),
            )


def _share(strength: float) -> float:
    """Return a strength as a number of 0 to 1: a half at the least that is kept."""
    return round(1 / (1 + float(np.exp(LEAST - strength))), 3)
