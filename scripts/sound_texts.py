"""Writes src/q2e/web/texts/sounds: what the page calls kinds of sound, in each of its languages.

Made of src/q2e/data/sound_words.tsv, whose rows name the commonest kinds. The first kind of a row
has the row's word; another that the row stands for has it with its own name beside it.
Run it after that table has changed: `python scripts/sound_texts.py`.
"""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent / "src" / "q2e"
TARGET = ROOT / "web" / "texts" / "sounds"


def texts() -> dict[str, dict[str, str]]:
    """Return {language: {key: name}}."""
    table = (ROOT / "data" / "sound_words.tsv").read_text("utf-8").splitlines()
    head, *rows = [line.split("\t") for line in table if line and not line.startswith("#")]
    written = {
        line.casefold(): line
        for line in (ROOT / "data" / "sounds.txt").read_text("utf-8").split("\n")
    }
    found: dict[str, dict[str, str]] = {language: {} for language in head[1:]}
    kinds = [(row[0].split("|"), row[1:]) for row in rows]
    first = {names[0] for names, _ in kinds}
    for names, words in kinds:
        for language, word in zip(head[1:], words, strict=True):
            told = word.split("|")[0]
            for place, name in enumerate(names):
                own = written.get(name, name)
                if place and name in first:
                    continue
                whole = told if not place else f"{told} ({own})"
                found[language].setdefault(f"sound.{name}", own if language == "en" else whole)
    return found


if __name__ == "__main__":
    TARGET.mkdir(exist_ok=True)
    for language, own in texts().items():
        lines = json.dumps(dict(sorted(own.items())), ensure_ascii=False, indent=2)
        (TARGET / f"{language}.json").write_text(lines + "\n", encoding="utf-8")
