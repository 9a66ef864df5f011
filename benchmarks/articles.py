"""Articles by people, by quotes and by chance, against Wikipedia; events found and refused.

`python -m benchmarks articles --data FOLDER`; FOLDER holds `wikivideo`, files of
github.com/alexmartin1722/wikivideo by their names (`human_outputs.json`, `wikipedia_outputs.json`,
`qwenvl_outputs_4_humans.json`), `wikivideo_dev` and `multivent1_dev`. Nothing of it is kept.

All are written from the captions of the event's own videos, as in the paper's oracle setting: the
quotes are those of `HOW` over these videos, never refused, and random lines are drawn from them.
Each text is read up to its first `WORDS` words, as ROUGE-L is ruled by length.

`found` asks for the article of every event of `wikivideo_dev` by its name alone, among the videos
of all, and again in an index without the event's own videos, where nothing tells of it.
"""

from __future__ import annotations

import csv
import json
import random
import re
import shutil
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
    with tempfile.TemporaryDirectory() as folder:
        where = (keep or Path(folder)) / "articles"
        told, found = _quoted(own, asked, where), _found(own, where)
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
    return {"rows": rows, "differences": _differences(rows), "found": found}


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


def _quoted(own: dict[str, dict[str, str]], asked: list[str], where: Path) -> dict[str, str]:
    """Return the articles of quotes by event, empty where nothing tells of it."""
    with q2e.open(where) as index:
        if not index.exists:
            rows = [
                {"video": video, "channel": "caption", "text": text}
                for of in own.values()
                for video, text in of.items()
                if text.strip()
            ]
            lines = dict.fromkeys(json.dumps(row, ensure_ascii=False) for row in rows)
            file = where.with_suffix(".jsonl")
            file.write_text("\n".join(lines) + "\n", "utf-8")
            index.import_evidence(file)
        answers = {event: index.answer(event, how=HOW, video=list(own[event])) for event in asked}
    return {event: " ".join(s.text for s in one.sentences) for event, one in answers.items()}


def _found(own: dict[str, dict[str, str]], where: Path) -> list[dict[str, Any]]:
    """Return how sure it is of each event with its videos and without, and whose sentences."""
    rows = []
    for event, of in own.items():
        with q2e.open(where) as index:
            told = index.answer(event, how="article")
        less = where.with_name("without")
        shutil.rmtree(less, ignore_errors=True)
        shutil.copytree(where, less)
        with q2e.open(less) as index:
            index.remove(*(video for video, text in of.items() if text.strip()))
            other = index.answer(event, how="article")
        cited = [one.citations[0].video.id for one in told.sentences]
        rows.append({
            "event": event, "confidence": round(told.confidence, 3), "sentences": len(cited),
            "of its videos": sum(video in of for video in cited),
            "without": round(other.confidence, 3), "sentences without": len(other.sentences),
        })  # fmt: skip
    return rows


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
