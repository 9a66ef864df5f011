"""`python -m benchmarks NAME`: JSON results with the machine named; `--help` lists the names."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from q2e.evaluate.machine import machine

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "what",
        choices=[
            *(
                "ingest",
                "prices",
                "fast",
                "decoding",
                "load",
                "search",
                "quality",
                "fuzz",
                "letters",
                "reading",
            ),
            *(
                "truth",
                "certainty",
                "fellows",
                "moments",
                "scale",
                "public",
                "leftout",
                "heads",
                "answers",
            ),
            "chapters",
            "chapter_channel",
            "contained",
            "marked",
            "dense",
            "answer_costs",
            "articles",
            "contrast",
            "senses",
            "speech",
            "growth",
            "peers",
            "page",
            "tasks",
        ],
    )
    parser.add_argument("--data", type=Path, help="folder of evaluation data, for quality")
    parser.add_argument(
        "--only", nargs="*", default=[], help="parts of quality, fuzz, public, heads or senses"
    )
    parser.add_argument(
        "--minutes",
        type=float,
        default=10.0,
        help="length made for ingest and prices, or to fill in",
    )
    parser.add_argument("--items", type=int, default=100_000, help="evidence made for search")
    parser.add_argument("--count", type=int, default=2_000, help="inputs of each target, for fuzz")
    parser.add_argument(
        "--seed", type=int, default=1, help="what all inputs of fuzz and letters are made from"
    )
    parser.add_argument("--first", type=int, default=0, help="number of the first input, for fuzz")
    parser.add_argument(
        "--index",
        type=Path,
        default=Path("scale.q2e"),
        help="index made for scale or contrast, kept there",
    )
    parser.add_argument("--store", help="postgresql://... that scale compares with a file")
    parser.add_argument("--engine", help="milvus://... that scale compares with that of --store")
    parser.add_argument("--out", type=Path, help="where to write the JSON, or the collections")
    parser.add_argument("--keep", type=Path, help="folder that keeps what was asked, to go on from")
    given = parser.parse_args()
    what = given.what
    if what == "scale" and given.store:
        what = "scale_engines" if given.engine else "scale_stores"
        what = "scale_events" if given.engine and given.data else what
        what += "_million" if given.engine and given.items >= 1_000_000 else ""
    out = given.out or RESULTS / f"{what}.json"
    about = machine()
    if given.what == "ingest":
        from benchmarks import ingest

        figures = ingest.run(given.minutes)
    elif given.what == "prices":
        from benchmarks import prices

        figures = prices.run(given.minutes)
    elif given.what == "fast":
        from benchmarks import fast

        figures = fast.run(given.data)
    elif given.what == "decoding":
        from benchmarks import decoding

        figures = decoding.run()
    elif given.what == "load":
        from benchmarks import load

        figures = load.run(given.items)
    elif given.what == "answer_costs":
        from benchmarks import answer_costs

        figures = answer_costs.run()
    elif given.what == "search":
        from benchmarks import search

        figures = search.run(given.items)
    elif given.what == "fuzz":
        from benchmarks import fuzz

        figures = fuzz.run(given.count, given.seed, given.only, given.first)
    elif given.what == "truth":
        from benchmarks import truth

        if given.data is None:
            parser.error("truth needs --data FOLDER of collections")
        figures = truth.run(given.data, given.keep)
    elif given.what == "public":
        from benchmarks import public

        if given.data is None or given.out is None:
            parser.error("public needs --data FOLDER of sources and --out FOLDER")
        sys.stdout.write(json.dumps(public.run(given.data, given.out, given.only), indent=2) + "\n")
        return
    elif given.what == "scale" and given.engine:
        from benchmarks import scale_engines

        where = given.index, given.store, given.engine
        figures = scale_engines.run(given.items, given.minutes, *where, given.data)
    elif given.what == "scale":
        from benchmarks import scale

        if given.data is None:
            parser.error("scale needs --data FOLDER of collections")
        if given.store:
            from benchmarks import scale_stores

            figures = scale_stores.run(given.data, given.items, given.index, given.store)
        else:
            figures = scale.run(given.data, given.items, given.index)
    elif given.what == "senses":
        from benchmarks import senses

        if given.data is None or given.keep is None:
            parser.error("senses needs --data FOLDER of development data and --keep FOLDER")
        figures = senses.run(given.data, given.keep, given.only)
    elif given.what == "speech":
        from benchmarks import speech

        if given.data is None:
            parser.error("speech needs --data FOLDER of recordings")
        figures = speech.run(given.data)
    elif given.what == "growth":
        from benchmarks import growth

        figures = growth.run()
    elif given.what == "page":
        from benchmarks import page

        figures = page.run(given.index)
    elif given.what == "tasks":
        from benchmarks import tasks

        figures = tasks.run(given.index)
    elif given.what == "peers":
        from benchmarks import peers

        figures = peers.run()
    elif given.what == "moments":
        from benchmarks import moments

        figures = moments.run()
    elif given.what == "chapters":
        from benchmarks import chapters

        if given.data is None:
            parser.error("chapters needs --data FOLDER of development data")
        figures = chapters.run(given.data)
    elif given.what == "dense":
        from benchmarks import dense

        figures = dense.run()
    elif given.what == "contained":
        from benchmarks import contained

        figures = contained.run(given.keep)
    elif given.what == "marked":
        from benchmarks import marked

        if given.data is None:
            parser.error("marked needs --data FOLDER with a checkout of the captions")
        figures = marked.run(given.data, given.keep)
    elif given.what == "chapter_channel":
        from benchmarks import chapter_channel

        if given.data is None:
            parser.error("chapter_channel needs --data FOLDER of collections")
        figures = chapter_channel.run(given.data)
    elif given.what == "contrast":
        from benchmarks import contrast

        if given.data is None:
            parser.error("contrast needs --data FOLDER of development data")
        figures = contrast.run(given.data, given.index)
    elif given.what == "heads":
        from benchmarks import heads

        figures = heads.run(given.data, given.only, out)
    elif given.what == "answers":
        from benchmarks import answers

        if given.data is None:
            parser.error("answers needs --data FOLDER, which holds captions")
        figures = answers.run(given.data, given.keep)
    elif given.what == "articles":
        from benchmarks import articles

        if given.data is None:
            parser.error("articles needs --data FOLDER, which holds wikivideo")
        figures = articles.run(given.data, given.keep)
    elif given.what == "fellows":
        from benchmarks import fellows

        if given.data is None:
            parser.error("fellows needs --data FOLDER of evaluation data")
        figures = fellows.run(given.data, given.keep)
    elif given.what == "certainty":
        from benchmarks import certainty

        if given.data is None:
            parser.error("certainty needs --data FOLDER of collections")
        figures = certainty.run(given.data, given.keep)
    elif given.what == "leftout":
        from benchmarks import leftout

        if given.data is None:
            parser.error("leftout needs --data FOLDER of collections")
        figures = leftout.run(given.data, given.keep)
    elif given.what == "letters":
        from benchmarks import letters

        figures = letters.run(given.seed)
    elif given.what == "reading":
        from benchmarks import reading

        if given.data is None:
            parser.error("reading needs --data FOLDER")
        figures = reading.run(given.data)
    else:
        from benchmarks import quality

        if given.data is None:
            parser.error("quality needs --data FOLDER")
        figures = quality.run(given.data, given.only, out)
    text = json.dumps({"machine": about, what: figures}, indent=2, ensure_ascii=False)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
