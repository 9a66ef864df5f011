"""Collections made of public captions: asked in another language than they are told in."""

from __future__ import annotations

import random
from pathlib import Path

from benchmarks.public import CAPTIONS, UNSEEN, XTD10, captions


def test_pictures_are_asked_for_in_another_language_than_they_are_told_in(tmp_path: Path) -> None:
    for language, file in XTD10.items():
        place = tmp_path / "XTD10" / file
        place.parent.mkdir(parents=True, exist_ok=True)
        lines = [f"{language} {number}" for number in range(CAPTIONS + UNSEEN + 20)]
        place.write_text("\n".join(lines) + "\n", "utf-8")
    made = captions(tmp_path, random.Random(1))
    told = {line["video"]: line for line in made.lines}
    asked = [one for one in made.questions if one["right"]]
    assert len(told) == len(asked) == CAPTIONS
    assert len(made.questions) - len(asked) == UNSEEN
    for one in asked:
        line = told[one["right"][0]]
        assert one["lang"] != line["language"]
        assert one["q"] == f"{one['lang']} {line['text'].split()[1]}"
    left = {one["q"].split()[1] for one in made.questions if not one["right"]}
    assert not left & {line["text"].split()[1] for line in made.lines}
