"""Measures every named strategy of pooling, expansion and reranking through the product itself.

Each row is one setting changed against the defaults, over real questions: captions of short clips
in five languages asked of their frames (reciprocal rank), event names asked of captions
(`wikivideo_dev`) and of descriptions in five languages (`multivent1_dev`; nDCG@10). Rows that
need a language model are measured on the captions, with the model given. Run it with

    python -m benchmarks.strategies DATA [--model file:MODEL.gguf] [--only NAME ...]

which adds to `benchmarks/results/strategies.json`, and `--table` to print the table of the docs.
Nothing was tuned on these sets here; the constants are the papers'.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import q2e
from benchmarks.__main__ import RESULTS, machine
from benchmarks.captions import _captions
from benchmarks.events import PIECE_WORDS
from q2e.evaluate.compare import bootstrap, randomisation_test
from q2e.index import Index
from q2e.text.chunk import chunk_text

FILE = RESULTS / "strategies.json"
#: Videos that language models rate, and of how many questions they are asked one.
DEPTH, STEP = 5, 2

#: Strategies by name: their settings, and the sets they are measured on.
CLIPS, CAPTIONS, NAMES, EXCERPTS = "clips", "captions", "names", "excerpts"
TEXTS = (CAPTIONS, NAMES, EXCERPTS)
LOCAL: Mapping[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "default": ({}, (CLIPS, *TEXTS)),
    **{
        f"pool {rule}": ({"pool": rule}, (CLIPS, CAPTIONS))
        for rule in (
            "top", "mean", "hitchhiker", "soft", "meanmaxsim", "chamfer", "transport",
            "cross_alignment", "key_events", "schema",
        )
    },
    "fuse socratic": ({"fuse": "socratic"}, (CLIPS, *TEXTS)),
    "expand hyde": ({"expand": "hyde"}, TEXTS),
    "expand lamer": ({"expand": "lamer"}, TEXTS),
    "expand rewrite": ({"expand": "rewrite"}, TEXTS),
    "rerank late_interaction": ({"rerank": "late_interaction"}, TEXTS),
    "rerank mmi": ({"rerank": "mmi"}, (CLIPS, CAPTIONS)),
}  # fmt: skip
WITH_MODEL: Mapping[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    **{
        f"expand {method}, model": ({"expand": method}, (CAPTIONS,))
        for method in ("hyde", "lamer", "rewrite")
    },
    **{
        f"rerank {name}, model": ({"rerank": name, "rerank_depth": DEPTH}, (CAPTIONS,))
        for name in ("yes_no", "likelihood", "listwise")
    },
}


@dataclass(frozen=True)
class Asked:
    """An index with questions, the names of the videos that answer each, and the measure."""

    index: Index
    questions: Sequence[str]
    answers: Sequence[frozenset[str]]
    measure: str
    channels: tuple[str, ...] = ()


@dataclass
class Sets:
    """The sets by name, made when first asked for."""

    data: Path
    work: Path
    _made: dict[str, Asked] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Asked:
        if name not in self._made:
            if name == CLIPS:
                self._made[name] = clips(self.data / "videos", self.work / "clips")
            elif name == CAPTIONS:
                file = self.data / "wikivideo_dev" / "qwenvl_2_5_72b.json"
                self._made[name] = captions(file, self.work / "captions")
            else:
                folder = self.data / "multivent1_dev"
                self._made |= descriptions(folder, self.work / "descriptions")
        return self._made[name]


def clips(folder: Path, work: Path) -> Asked:
    """Return the frames of the clips, asked by captions in five languages."""
    index = q2e.open(work, channels=("frame",), threads=1)
    index.add(folder / "clips")
    by_language = _captions(folder / "captions.tsv")
    names = by_language.pop("video")
    return Asked(
        index,
        [question for questions in by_language.values() for question in questions],
        [frozenset({name}) for _ in by_language for name in names],
        "MRR",
    )


def captions(file: Path, work: Path) -> Asked:
    """Return the captions of real events, 60 words a piece, asked by the names of the events."""
    found: dict[str, dict[str, str]] = json.loads(file.read_text(encoding="utf-8"))
    texts = {
        f"{number}/{video}": text
        for number, own in enumerate(found.values())
        for video, text in own.items()
        if video != "article"
    }
    answers = [
        frozenset(f"{number}/{video}" for video in own if video != "article")
        for number, own in enumerate(found.values())
    ]
    return Asked(_imported(texts, work), list(found), answers, "nDCG@10")


def descriptions(folder: Path, work: Path) -> dict[str, Asked]:
    """Return descriptions in five languages, asked by event names and by English excerpts."""
    with (folder / "multivent1_dev.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    texts = {f"row-{number}": row["video_description"] for number, row in enumerate(rows)}
    index = _imported(texts, work)
    events = {row["event_name"]: row["en_article_excerpt"] for row in reversed(rows)}
    answers = [
        frozenset(f"row-{n}" for n, row in enumerate(rows) if row["event_name"] == event)
        for event in events
    ]
    named = [event.replace("_", " ") for event in events]
    return {
        NAMES: Asked(index, named, answers, "nDCG@10"),
        EXCERPTS: Asked(index, list(events.values()), answers, "nDCG@10"),
    }


def _imported(texts: Mapping[str, str], work: Path) -> Index:
    """Return an index of texts as captions, cut into pieces that lie a second apart."""
    index = q2e.open(work, threads=1)
    if (work / "index.sqlite").exists() and len(index):
        return index
    lines = [
        {"video": video, "channel": "caption", "text": piece, "start": at, "end": at + 1.0}
        for video, text in texts.items()
        for at, piece in enumerate(chunk_text(text, PIECE_WORDS) or ["-"])
    ]
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
        file.flush()
        index.import_evidence(file.name)
    return index


def measured(
    asked: Asked, settings: Mapping[str, Any], step: int = 1
) -> tuple[list[float], dict[str, Any]]:
    """Return the measure of every question, or one in `step`, and what else there is to say."""
    values, held, notes = [], [], 0
    began = time.perf_counter()
    for question, answers in zip(asked.questions[::step], asked.answers[::step], strict=True):
        found = asked.index.search(
            question,
            top=100,
            moments=False,
            confidence=0.0,
            duplicates="keep",
            channels=asked.channels,
            **settings,
        )
        names = [_name(hit.video) for hit in found]
        values.append(round(_value(names, answers, asked.measure), 2))
        depth = found.info["rerank"].get("depth", 0)
        held.append(len(answers & set(names[:depth])) / len(answers))
        notes += bool(found.info["rerank"].get("note") or found.info["expand"]["note"])
    more: dict[str, Any] = {
        "seconds_a_question": round((time.perf_counter() - began) / len(values), 3)
    }
    if "rerank" in settings:
        more["candidate_recall"] = round(100 * float(np.mean(held)), 1)
        more["depth"] = depth
    if notes:
        more["questions_with_a_note"] = notes
    return values, more


def _name(video: q2e.Video) -> str:
    return Path(video.path).name if video.path else video.id


def _value(names: Sequence[str], answers: frozenset[str], measure: str) -> float:
    """Return MRR or nDCG@10 in percent."""
    if measure == "MRR":
        return 100 * max((1 / rank for rank, n in enumerate(names, 1) if n in answers), default=0.0)
    discount = 1 / np.log2(np.arange(2, 12))
    gained = sum(discount[at] for at, name in enumerate(names[:10]) if name in answers)
    return float(100 * gained / discount[: len(answers)].sum())


def run(
    sets: Sets,
    names: Sequence[str],
    model: str | None,
    done: dict[str, Any],
    save: Callable[[], object],
) -> None:
    """Add the figures of some strategies to `done`; `default` is measured where it is missing."""
    known = {**LOCAL, **WITH_MODEL}
    for name in names:
        settings, where = known[name]
        slow = name in WITH_MODEL
        extra, step = ({"language_model": model}, STEP) if slow else ({}, 1)
        for one in where:
            rows = done.setdefault(one, {})
            if name == "default" or "default" not in rows:
                values, more = measured(sets[one], {})
                rows["default"] = _row(values, values) | more | {"measure": sets[one].measure}
            if name != "default":
                values, more = measured(sets[one], settings | extra, step)
                rows[name] = _row(values, rows["default"]["values"][::step]) | more
            sys.stderr.write(f"{one}: {name}: {rows[name]['value']}\n")
            save()


def _row(values: Sequence[float], base: Sequence[float]) -> dict[str, Any]:
    change = np.subtract(values, base)
    whole, gained = bootstrap(values), bootstrap(change)
    return {
        "value": round(whole.value, 1),
        "interval": [round(whole.low, 1), round(whole.high, 1)],
        "change": round(gained.value, 1),
        "change_interval": [round(gained.low, 1), round(gained.high, 1)],
        "p": round(randomisation_test(values, base), 4),
        "better": int((change > 1e-9).sum()),
        "worse": int((change < -1e-9).sum()),
        "questions": len(values),
        "values": list(values),
    }


def table(figures: Mapping[str, Any]) -> str:
    """Return the Markdown table of all strategies; a change is bold where p < 0.05."""
    names = [
        name for name in (*LOCAL, *WITH_MODEL) if any(name in rows for rows in figures.values())
    ]
    where = [one for one in (CLIPS, *TEXTS) if one in figures]
    lines = [f"| strategy | {' | '.join(where)} |", "|---" * (len(where) + 1) + "|"]
    for name in names:
        cells = [_cell(figures[one].get(name), name) for one in where]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(row: Mapping[str, Any] | None, name: str) -> str:
    if row is None:
        return ""
    low, high = row["interval"]
    if name == "default":
        return f"{row['value']} [{low}, {high}]"
    change = _signed(row["change"])
    change = f"**{change}**" if row["p"] < 0.05 else change
    low, high = map(_signed, row["change_interval"])
    recall = f", of {row['candidate_recall']} held" if "candidate_recall" in row else ""
    return f"{change} [{low}, {high}], {row['better']} up {row['worse']} down{recall}"


def _signed(change: float) -> str:
    return f"{change + 0.0:+.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.strategies", description=__doc__)
    parser.add_argument("data", type=Path, nargs="?", help="folder of evaluation data")
    parser.add_argument("--work", type=Path, help="folder where the indexes are kept")
    parser.add_argument("--model", help="language model, such as file:MODEL.gguf")
    parser.add_argument("--only", nargs="+", choices=[*LOCAL, *WITH_MODEL], help="these rows only")
    parser.add_argument("--table", action="store_true", help="print the table of the docs")
    parser.add_argument("--out", type=Path, default=FILE)
    given = parser.parse_args()
    done: dict[str, Any] = json.loads(given.out.read_text("utf-8")) if given.out.exists() else {}
    if given.table:
        print(table(done["figures"]))
        return
    if given.data is None:
        parser.error("needs the folder of evaluation data")
    names = given.only or [*LOCAL, *(WITH_MODEL if given.model else ())]
    done["machine"] = machine()
    if given.model:
        done["language_model"] = Path(given.model).name
    with tempfile.TemporaryDirectory() as temporary:
        sets = Sets(given.data, given.work or Path(temporary))

        def save() -> None:
            given.out.write_text(json.dumps(done, indent=1, ensure_ascii=False) + "\n", "utf-8")

        run(sets, names, given.model, done.setdefault("figures", {}), save)


if __name__ == "__main__":
    main()
