"""Articles by people, by quotes and by chance, against Wikipedia: paired by event.

`python -m benchmarks articles --data FOLDER`; FOLDER holds `wikivideo`, files of
github.com/alexmartin1722/wikivideo by their names (`human_outputs.json`, `wikipedia_outputs.json`,
`qwenvl_outputs_4_humans.json`), `wikivideo_dev` and `multivent1_dev`. Nothing of it is kept.

All are written from the captions of the event's own videos, as in the paper's oracle setting: the
quotes are those of `HOW` over these videos, never refused, and random lines are drawn from them.
Each text is read up to its first `WORDS` words, as ROUGE-L is ruled by length.
"""

from __future__ import annotations

import csv
import json
import random
import re
import tempfile
from pathlib import Path
from statistics import mean
from typing import Any
from urllib.parse import unquote

import q2e
from q2e.evaluate.answer_files import articles
from q2e.evaluate.answer_measures import rouge_l
from q2e.evaluate.compare import bootstrap, randomisation_test
from q2e.text.chunk import chunk_text

CAPTIONS = "qwenvl_2_5_72b_audio.json"
#: Words of a text that are compared, and drawings of random lines.
WORDS, DRAWN = 100, 20
HOW = "extractive(sentences=12, least=-10, behind=10)"
#: Words of a line, as quotes are cut.
_LINE = 30


def run(data: Path, keep: Path | None = None) -> dict[str, Any]:
    """Return ROUGE-L by event and way against both references, and paired differences.

    The index stays in `keep`.
    """
    captions = json.loads((data / "wikivideo_dev" / CAPTIONS).read_text("utf-8"))
    own = {e: {v: t for v, t in of.items() if v != "article"} for e, of in captions.items()}
    excerpts = _excerpts(data / "multivent1_dev" / "multivent1_dev.csv", own)
    published = data / "wikivideo"
    human = articles(published / "human_outputs.json")
    model = articles(published / "qwenvl_outputs_4_humans.json")
    wikipedia = articles(published / "wikipedia_outputs.json")
    asked = [event for event in own if event in wikipedia or event in excerpts]
    told = _quoted(own, asked, keep)
    rows = []
    for event in asked:
        of = own[event]
        for against, reference in (
            ("Wikipedia's beginning", wikipedia.get(event)),
            ("Wikipedia's first sentence", excerpts.get(event)),
        ):
            if reference is None:
                continue
            own_texts = {"human": human.get(event), "model": model.get(event)}
            values = {
                way: rouge_l(_first(text), [_first(reference)])
                for way, text in {**own_texts, "quotes": told[event]}.items()
                if text is not None
            }
            drawn = _random(of, event)
            values["random"] = mean(rouge_l(_first(text), [_first(reference)]) for text in drawn)
            rows.append({"event": event, "against": against, **values})
    return {"rows": rows, "differences": _differences(rows)}


def _differences(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for against in dict.fromkeys(row["against"] for row in rows):
        of = [row for row in rows if row["against"] == against]
        for one, other in (("human", "quotes"), ("quotes", "random"), ("human", "random"),
                           ("model", "quotes")):  # fmt: skip
            both = [(row[one], row[other]) for row in of if one in row and other in row]
            if not both:
                continue
            interval = bootstrap([a - b for a, b in both])
            found.append({
                "against": against, "one": one, "other": other, "events": len(both),
                "means": [mean(a for a, _ in both), mean(b for _, b in both)],
                "difference": [interval.value, interval.low, interval.high],
                "p": randomisation_test([a for a, _ in both], [b for _, b in both]),
            })  # fmt: skip
    return found


def _quoted(own: dict[str, dict[str, str]], asked: list[str], keep: Path | None) -> dict[str, str]:
    """Return the articles of quotes by event, empty where nothing tells of it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        q2e.open((keep or Path(folder)) / "articles") as index,
    ):
        if not index.exists:
            rows = [
                {"video": video, "channel": "caption", "text": text}
                for of in own.values()
                for video, text in of.items()
                if text.strip()
            ]
            lines = dict.fromkeys(json.dumps(row, ensure_ascii=False) for row in rows)
            file = Path(folder) / "captions.jsonl"
            file.write_text("\n".join(lines) + "\n", "utf-8")
            index.import_evidence(file)
        answers = {event: index.answer(event, how=HOW, video=list(own[event])) for event in asked}
    return {event: " ".join(s.text for s in one.sentences) for event, one in answers.items()}


def _random(of: dict[str, str], event: str) -> list[str]:
    """Return articles of random lines, each long enough to be cut."""
    lines = [line for text in of.values() for line in chunk_text(text, _LINE)]
    dice = random.Random(event)
    return [" ".join(dice.sample(lines, min(len(lines), WORDS))) for _ in range(DRAWN)]


def _first(text: str) -> str:
    return " ".join(text.split()[:WORDS])


def _excerpts(path: Path, own: dict[str, Any]) -> dict[str, str]:
    """Return the beginnings of the English articles that are called like an event."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    named = {_letters(unquote(row["en_article_url"]).rpartition("/")[2]): row for row in rows}
    found = {event: named.get(_letters(event)) for event in own}
    return {event: row["en_article_excerpt"] for event, row in found.items() if row is not None}


def _letters(name: str) -> str:
    return re.sub(r"\W|_", "", name.casefold())
