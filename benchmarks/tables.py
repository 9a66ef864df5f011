"""The tables of the docs, made from `benchmarks/results` by name.

`scripts/gentables.py` puts them between `<!-- table: NAME -->` and `<!-- /table -->`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Figures = Mapping[str, Any]
Table = Callable[[Figures], str]

#: Captioning models of WikiVideo, as the tables call them.
CAPTIONS = {
    "qwenvl_2_5_72b": "72B captions",
    "qwenvl_2_5_72b_audio": "72B with audio",
    "qwenvl_2_5_3b": "3B",
    "internvideo2.5_8b": "InternVideo",
    "vast": "VAST",
}
LANGUAGES = {"english": "en", "russian": "ru", "korean": "ko", "arabic": "ar", "chinese": "zh"}
#: What the Q2E paper prints for MultiVENT 1.0 by language (as transcribed by a third party).
Q2E_LANGUAGES = {
    "MultiCLIP": {"en": 89.98, "ru": 82.84, "ko": 70.38, "ar": 76.10, "zh": 77.29},
    "with events": {"en": 90.57, "ru": 84.62, "ko": 76.92, "ar": 78.09, "zh": 86.32},
    "with events and speech": {"en": 91.43, "ru": 88.70, "ko": 80.58, "ar": 82.07, "zh": 86.61},
}
#: nDCG of the paper's fusion ablation on MultiVENT 1.0 with speech; its last rule is exp(+entropy).
Q2E_FUSION = {"entropy": 83.24, "mean": 82.44, "max": 80.04, "rrf": 76.29, "plus": 73.20}
#: The rules of its released code, in the order of that table.
RELEASED = {
    "entropy": "inverse entropy",
    "mean": "mean",
    "max": "max",
    "rrf": "RRF, k = 60",
    "sorted": "RRF, ties as sorted",
    "plus": "exp(+entropy), as released",
    "exponential": "exp(-entropy), as named",
}
TRIED = {
    "z-scores, inverse entropy, 1.0": "z-scores, inverse-entropy weights, temperature 1",
    "z-scores, inverse entropy, 0.35": "z-scores, inverse-entropy weights, temperature 0.35",
    "square roots of probabilities": "square roots of probabilities, inverse-entropy weights",
    "z-scores, gap to the second": "weights from the gap between best and second best z-score",
    "z-scores, best": "weights from the best z-score",
    "z-scores, best cubed": "weights from the cube of the best z-score",
    "z-scores, fourth moment": "weights from the fourth moment of the row",
}
RULE_NAMES = {
    "entropy": "inverse entropy",
    "entropy_sum": "inverse entropy of values",
    "exponential": "exp(-entropy)",
    "mean": "mean",
    "max": "max",
    "combsum": "CombSUM",
    "combmnz": "CombMNZ",
    "rrf": "RRF, k = 60",
    "socratic": "product (Socratic)",
}


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _r1(one: Mapping[str, Any]) -> str:
    found = one["R@1"]
    return f"{found['value']:.1f} [{found['low']:.1f}, {found['high']:.1f}]"


def _hits(one: Mapping[str, Any]) -> list[str]:
    return [_r1(one), f"{one['R@5']:.1f}", f"{one['R@10']:.1f}"]


# -- fusion.md ----------------------------------------------------------------------------------
def matrices_raw(figures: Figures) -> str:
    """The two matrices, and their published weighted sum."""
    found = figures["matrices"]
    rows = {
        "video": found["single channels"]["video"],
        "titles": found["single channels"]["titles"],
        "0.73 video + 0.27 titles, raw": found["weighted sum 0.73 / 0.27"],
    }
    return markdown(["matrices", "R@1", "R@5", "R@10"], [[n, *_hits(r)] for n, r in rows.items()])


def matrices_batch(figures: Figures) -> str:
    """Fusion rules after a softmax over the test queries."""
    found = figures["matrices"]["batch mode, temperature 100 (transductive)"]
    rows = [[name, *_hits(found[name])] for name in ("video alone", "titles alone")]
    rows += [[RULE_NAMES[rule], *_hits(found[rule])] for rule in RULE_NAMES if rule in found]
    return markdown(["rule", "R@1", "R@5", "R@10"], rows)


def matrices_videos(figures: Figures) -> str:
    """Fusion rules one query at a time."""
    found = figures["matrices"]["one query at a time, no bank"]
    rows = [[RULE_NAMES[rule], *_hits(found[rule])] for rule in RULE_NAMES if rule in found]
    return markdown(["rule", "R@1", "R@5", "R@10"], rows)


def matrices_tried(figures: Figures) -> str:
    """Ideas that were not kept."""
    found = figures["matrices"]["tried and not kept"]
    rows = [[TRIED.get(name, name), f"{value:.1f}"] for name, value in found.items()]
    return markdown(["idea", "R@1"], rows)


def matrices_bank(figures: Figures) -> str:
    """Corrections by a bank, in two galleries."""
    found = figures["matrices"]["one query at a time, half of the queries as bank"]
    galleries = ("whole gallery", "unseen gallery")
    rows = []
    for name in found[galleries[0]]:
        if name == "best channel alone":
            continue
        row = [name]
        for gallery in galleries:
            one = found[gallery][name]
            change = one["entropy against best channel"]
            bounds = f"{change['value']:+.1f} [{change['low']:.1f}, {change['high']:.1f}]"
            if change["p"] < 0.055:
                bounds += f", p {change['p']:.2g}"
            row += [f"{one['entropy']['value']:.1f}", bounds]
        rows.append(row)
    head = ["correction", "whole gallery", "difference", "unseen gallery", "difference"]
    return markdown(head, rows)


# -- events.md ----------------------------------------------------------------------------------
def _sets(figures: Figures) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for form in ("names", "excerpts"):
        yield form, figures["events"]["multivent"][form]
    for key, name in CAPTIONS.items():
        yield name, figures["events"]["wikivideo"][key]


def events_rules(figures: Figures) -> str:
    """What each part brings on every set; the fullest rules with their intervals."""
    sets = dict(_sets(figures))
    rows = []
    for rule in figures["events"]["multivent"]["names"]:
        row = [rule]
        for found in sets.values():
            one = found[rule]
            low, high = one["interval"]
            exact = "fed back" in rule or rule.endswith("both")
            row.append(f"{one['nDCG@10']:.1f}" + (f" [{low:.1f}, {high:.1f}]" if exact else ""))
        rows.append(row)
    return markdown(["rule", *sets], rows)


def events_languages(figures: Figures) -> str:
    """MultiVENT by language of the event, before and after all rules."""
    rows = []
    for form in ("names", "excerpts"):
        found = figures["events"]["multivent"][form]
        for name, rule in (("meaning alone", "meaning"), ("all rules", "... fed back, smoothed")):
            rows.append([f"{form}: {name}", *(f"{found[rule][one]:.1f}" for one in LANGUAGES)])
    return markdown(["language of the event", *LANGUAGES.values()], rows)


def events_others(figures: Figures) -> str:
    """Smaller and scattered collections drawn from the same data."""
    found = figures["events"]["other collections"]
    sets = {
        "names": "multivent names",
        "excerpts": "multivent excerpts",
        "72B captions": "wikivideo qwenvl_2_5_72b",
        "VAST": "wikivideo vast",
    }
    rules = {
        "words or names": "... and words or names",
        "smoothed": "... smoothed",
        "fed back": "... fed back, smoothed",
    }
    rows = []
    for kind in found["multivent names"]:
        for number, (name, rule) in enumerate(rules.items()):
            values = [f"{found[one][kind][rule]:.1f}" for one in sets.values()]
            rows.append(["" if number else kind, name, *values])
    return markdown(["collection", "rule", *sets], rows)


# -- reproductions.md ---------------------------------------------------------------------------
def repro_cap4video(figures: Figures) -> str:
    """Cap4Video's matrices beside what their authors print."""
    found = figures["matrices"]
    ours = {
        "video only": found["single channels"]["video"],
        "captions only": found["single channels"]["titles"],
        "0.73 video + 0.27 captions": found["weighted sum 0.73 / 0.27"],
    }
    published = {"0.73 video + 0.27 captions": "49.1 / 74.8 / 83.0"}
    rows = [
        [name, published.get(name, "not printed"),
         f"{one['R@1']['value']:.1f} / {one['R@5']:.1f} / {one['R@10']:.1f}"]
        for name, one in ours.items()
    ]  # fmt: skip
    return markdown(["matrices", "published R@1 / 5 / 10", "here"], rows)


def repro_fusion(figures: Figures) -> str:
    """Q2E's order of fusion rules on MultiVENT beside the same rules on the matrices."""
    released = figures["released"]["cap4video"]
    single = figures["matrices"]["one query at a time, no bank"]
    rows = [["video alone", "", *(f"{released[heat]['video alone']:.1f}" for heat in released), ""]]
    for rule, name in RELEASED.items():
        value = Q2E_FUSION.get(rule)
        own = (f"{released[heat][name]:.1f}" for heat in released)
        alone = f"{single[rule]['R@1']['value']:.1f}" if rule in single else ""
        rows.append([name, "" if value is None else f"{value:.1f}", *own, alone])
    head = ["rule", "Q2E, MultiVENT 1.0, nDCG", "batch at 50, as released (T), R@1",
            "batch at 100, ours (T), R@1", "here, single query, R@1"]  # fmt: skip
    return markdown(head, rows)


def released_weights(figures: Figures) -> str:
    """What negative weights do to matrices on two scales."""
    found = figures["released"]["vic"]
    rows = [
        [heat, str(one.get("weights below 0", 0)), f"{one['as released']:.1f}",
         f"{one['weights that sum to 1']:.1f}"]
        for heat, one in found.items() if heat != "alone"
    ]  # fmt: skip
    head = ["temperature", "weights below 0 of 2,000", "as released, R@1", "weights sum to 1, R@1"]
    return markdown(head, rows)


def repro_wikivideo(figures: Figures) -> str:
    """Captions of WikiVideo by model: words, meaning, both, all rules."""
    rules = {
        "BM25": "words (BM25)",
        "dense": "meaning",
        "hybrid": "meaning and 0.2 words",
        "dense with a bank": "meaning less bank",
        "all rules": "... fed back, smoothed",
        "all rules and events": "with sub-events, both",
    }
    rows = [
        [name, *(f"{figures['events']['wikivideo'][key][rule]['nDCG@10']:.1f}"
                 for rule in rules.values())]
        for key, name in CAPTIONS.items()
    ]  # fmt: skip
    return markdown(["captions by", *rules], rows)


def repro_languages(figures: Figures) -> str:
    """MultiVENT 1.0 by language: the paper's over videos, ours over descriptions."""
    rows = [
        [f"Q2E, {name} (videos)", *(f"{values[one]:.1f}" for one in LANGUAGES.values())]
        for name, values in Q2E_LANGUAGES.items()
    ]
    for form in ("excerpts", "names"):
        found = figures["events"]["multivent"][form]
        for name, rule in (("meaning alone", "meaning"), ("all rules", "... fed back, smoothed")):
            values = [f"{found[rule][one]:.1f}" for one in LANGUAGES]
            rows.append([f"here, descriptions, {form}, {name}", *values])
    return markdown(["nDCG@10", *LANGUAGES.values()], rows)


def confidence_rates(figures: Figures) -> str:
    """Stated rates of false alarms against those found, and what right answers are kept."""
    wrong, kept = "unanswerable questions with a confident hit", "right answers kept"
    rows = [
        [f"{100 * float(rate):.0f} %", f"{found[wrong]:.1f} %", f"{found[kept]:.1f} %"]
        for rate, found in figures["confidence"].items()
    ]
    return markdown(["stated rate of false alarms", wrong, kept], rows)


def load_clients(figures: Figures) -> str:
    """What the server answers, alone and while it indexes, by the number of clients."""
    kinds = (figures["load"]["searching_alone"], figures["load"]["while_indexing"])
    rows = []
    for both in zip(*kinds, strict=True):
        row = [str(both[0]["clients"])]
        for one in both:
            row += [f"{one['per_second']:.1f}", f"{one['p95_ms'] / 1000:.2f} s"]
        rows.append([*row, str(sum(one["failed"] for one in both))])
    head = ["clients", "answers a second", "95 % within"]
    return markdown([*head, f"{head[1]} while indexing", head[2], "failed"], rows)


# -- faults.md and safety.md ----------------------------------------------------------------------
def decoding_doors(figures: Figures) -> str:
    """What a decoding costs in a process of its own and in this one."""
    found, machine = figures["decoding"], figures["machines"]["decoding"]
    rows = [
        [one["what"], f"{one['here_cpu_ms']:.0f} ms", f"{one['door_cpu_ms']:.0f} ms"]
        for one in found["doors"]
    ]
    head = ["of a clip of " + f"{found['clip_s']:.0f} s", "in this process", "shut in"]
    said = (
        f"\nProcessor time, mean of {found['rounds']}; {_machine(machine)}; shut in by "
        f"{found['shut_in_by']}. A frame of 448 x 336 costs "
        f"{found['frame_way_cpu_ms']['448x336']:.1f} ms on its way, the longest question "
        f"{found['longest_question_cpu_ms'] / 1000:.1f} s.\n"
    )
    return markdown(head, rows) + said


def fuzz_runs(figures: Figures) -> str:
    """What became of damaged inputs, by the door that they were fed to."""
    found = figures["fuzz"]
    faults = ("traceback", "crash", "hang")
    rows = [
        [name, f"{one['inputs']:,}", f"{one['read']:,}", f"{one['refused']:,}",
         *(str(one[kind]) for kind in faults), f"{one['slowest_s']:.1f} s"]
        for name, one in found["targets"].items()
    ]  # fmt: skip
    said = f"\nSeed {found['seed']}; {_machine(figures['machines']['fuzz'])}.\n"
    return markdown(["door", "inputs", "read", "refused", *faults, "slowest"], rows) + said


def _machine(about: Mapping[str, Any]) -> str:
    load = about["load_at_start"][0]
    return f"{about['processor']}, {about['cores']} cores, {load:.0f} waiting for them"


# -- experiments --------------------------------------------------------------------------------
def experiment_rows(name: str) -> Table:
    """Return the table of an experiment's rows, with what it says of itself."""
    return lambda figures: _experiment(figures["experiments"][name], "rows")


def experiment_subsets(name: str) -> Table:
    """Return the table of an experiment's subsets of scores."""
    return lambda figures: _experiment(figures["experiments"][name], "subsets")


def _experiment(found: Mapping[str, Any], kind: str) -> str:
    rows = found[kind]
    measures = list(rows[0]["values"])
    lines = []
    for row in rows:
        cells = []
        for number, measure in enumerate(measures):
            value = row["values"][measure]
            rank = measure in ("MdR", "MnR")
            cell = "-" if value is None else f"{value:.1f}" if rank else f"{100 * value:.1f}"
            if number == 0 and measure in row["intervals"]:
                low, high = row["intervals"][measure]
                cell += f" [{100 * low:.1f}, {100 * high:.1f}]"
            cells.append(cell)
        change = found["differences"].get(row["name"])
        if found["differences"] and kind == "rows":
            cells.append(
                "" if change is None else
                f"{100 * change['difference']:+.1f} ({change['p_holm']:.2g})"
            )  # fmt: skip
        lines.append([row["name"] + (" (T)" if row["transductive"] else ""), *cells])
    head = ["", *measures]
    if found["differences"] and kind == "rows":
        head.append(f"against {found['compare_with']} (p by Holm)")
    transductive = any(row["transductive"] for row in rows)
    how = "T: transductive" if transductive else "nothing is transductive"
    return markdown(head, lines) + f"\n{how}; tuned: {found['tuned']}.\n"


# -- asking.md ----------------------------------------------------------------------------------
def likes_rounds(figures: Figures) -> str:
    """Residual nDCG@10 after each round of judging, beside the list without it."""
    found = figures["likes"]
    rows = []
    for name in ("likes", "likes and dislikes"):
        for number, one in enumerate(found[name], 1):
            change, low, high = one["change"]
            rows.append(
                [name, str(number), str(one["questions"]), f"{one['without']:.1f}",
                 f"{one['nDCG@10']:.1f}", f"{change:+.1f} [{low:+.1f}, {high:+.1f}]",
                 f"{one['better']} / {one['worse']}"]
            )  # fmt: skip
    head = ["judged by", "rounds", "questions", "without", "with", "difference", "better / worse"]
    return markdown(head, rows)


# -- reading.md ---------------------------------------------------------------------------------
#: Sources of questions, as the table calls them.
READ = {
    "names": "names of events, eleven languages",
    "bare": "the same without their year",
    "small": "the same in small letters",
    "english": "more names, in English",
    "nouns": "names of things, eleven languages",
    "plain": "sentences near to events, eleven languages",
    "asked": "everyday questions, eleven languages",
}


def reading_rates(figures: Figures) -> str:
    """Share of questions read as events, by source, and with languages left out of the fit."""
    found: dict[tuple[str, bool], dict[str, list[int]]] = {}
    for row in figures["reading"]:
        own = found.setdefault((row["source"], row["event"]), {})
        counts = own.setdefault("all" if row["fit"].startswith("fitted") else "left out", [0, 0])
        counts[0] += row["read"]
        counts[1] += row["questions"]
    rows = []
    for (source, event), own in sorted(found.items(), key=lambda one: not one[0][1]):
        shares = [
            f"{100 * own[fit][0] / own[fit][1]:.1f} %" if fit in own else "-"
            for fit in ("all", "left out")
        ]
        kind = "event" if event else "plain"
        rows.append([READ.get(source, source), kind, str(own["all"][1]), *shares])
    head = ["questions", "are", "count", "read as events", "with their language left out"]
    return markdown(head, rows)


# -- truth.md -----------------------------------------------------------------------------------
def truth_collections(figures: Figures) -> str:
    """Reciprocal ranks by collection and kind, before and after, with paired intervals."""
    rows = []
    for one in figures["truth"]["rows"]:
        change, low, high = one["change"]
        rows.append(
            [one["collection"], one["kind"], str(one["questions"]), f"{one['before']:.3f}",
             f"{one['after']:.3f}", f"{change:+.3f} [{low:+.3f}, {high:+.3f}]",
             f"{one['shown']:.3f}"]
        )  # fmt: skip
    head = ["collection", "questions", "count", "entropy_sum", "witnesses", "difference",
            "with feedback"]  # fmt: skip
    return markdown(head, rows)


def _interval(change: Sequence[float]) -> str:
    return f"{change[0]:+.3f} [{change[1]:+.3f}, {change[2]:+.3f}]"


def leftout_fusion(figures: Figures) -> str:
    """Constants of the fusion chosen without a collection or a language, judged on it."""
    rows = [
        [one["by"], one["left out"], one["chosen"] or "-", str(one["questions"]),
         f"{one['before']:.3f}", f"{one['stands']:.3f}", _interval(one["gain"]),
         f"{one['left']:.3f}", _interval(one["change"])]
        for one in figures["leftout"]["fusion"]
    ]  # fmt: skip
    head = ["by", "left out", "chosen by the others", "questions", "entropy_sum", "as it stands",
            "gain", "as chosen", "difference"]  # fmt: skip
    return markdown(head, rows)


def leftout_channels(figures: Figures) -> str:
    """All channels together against the best single one of each kind of question."""
    rows = [
        [one["collection"], one["kind"], str(one["questions"]), one["channel"],
         f"{one['alone']:.3f}", f"{one['together']:.3f}", _interval(one["change"])]
        for one in figures["leftout"]["channels"]
    ]  # fmt: skip
    head = ["collection", "questions", "count", "best channel", "alone", "all", "difference"]
    return markdown(head, rows)


def leftout_certainty(figures: Figures) -> str:
    """Constants of the certainty chosen without a collection or a language, judged on it."""

    def told(one: Any) -> list[str]:
        right = "-" if one["right"] is None else f"{100 * one['right']:.0f} %"
        firsts = one["firsts found"]
        share = "-" if firsts is None else f"{100 * firsts:.0f} %"
        return [f"{one['brier']:.4f}", f"{one['found']}, {right}", share]

    rows = [
        [one["by"], one["left out"], ", ".join(f"{n:g}" for n in one["chosen"]) or "-",
         str(one["hits"]), *told(one["stands"]), *told(one["left"]), _interval(one["change"])]
        for one in figures["leftout"]["certainty"]
    ]  # fmt: skip
    head = ["by", "left out", "chosen by the others", "hits", "Brier", "found, right",
            "right firsts found", "Brier as chosen", "found, right as chosen",
            "right firsts as chosen", "difference of Brier"]  # fmt: skip
    return markdown(head, rows)


def certainty_groups(figures: Figures) -> str:
    """How hits come out whose collection was left out, by size and collection."""
    return _certainties(figures["certainty"]["groups"])


def fellows_groups(figures: Figures) -> str:
    """How hits come out that may be some of many, before and now."""
    rows = []
    for name, told in figures["fellows"]["groups"].items():
        before, now = told["before"], told["now"]
        cells = [f"{before['error']:.3f}", f"{now['error']:.3f}"]
        for key in ("right", "firsts found", "shown", "unanswerable found"):
            cells.append(", ".join(_percent(one[key]) for one in (before, now)))
        rows.append(
            [name, str(now["hits"]), *cells[:2], f"{before['found']}, {now['found']}", *cells[2:]]
        )
    head = ["asked of", "hits", "calibration error before", "now", "found", "of these right",
            "of right firsts found", "of right ones shown", "without an answer found"]  # fmt: skip
    return markdown(head, rows)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f} %"


def certainty_languages(figures: Figures) -> str:
    """How hits come out whose language was left out."""
    return _certainties(figures["certainty"]["languages"])


def _certainties(groups: Mapping[str, Any]) -> str:
    rows = []
    for name, one in groups.items():
        right = "-" if one["right"] is None else f"{100 * one['right']:.0f} %"
        rows.append(
            [name, str(one["hits"]), f"{one['error']:.3f}", f"{one['brier']:.3f}",
             f"{one['base']:.3f}", str(one["found"]), right,
             "-" if one["firsts found"] is None else f"{100 * one['firsts found']:.0f} %"]
        )  # fmt: skip
    head = ["asked of", "hits", "calibration error", "Brier", "of the base rate", "found",
            "of these right", "of right firsts found"]  # fmt: skip
    return markdown(head, rows)


def certainty_laws(figures: Figures) -> str:
    """The numbers of the law by the collection that is left out."""
    found = figures["certainty"]
    rows = [[name, *(f"{one:.2f}" for one in law)] for name, law in found["laws"].items()]
    rows.append(["none", *(f"{one:.2f}" for one in found["law"])])
    head = ["left out", "start", "lead", "eye", "first", "size", "lead by size", "text", "picture"]
    return markdown(head, rows)


# -- moments.md ---------------------------------------------------------------------------------
#: What is localised by, and whether frames between those of the shots were read, as tables say it.
LOCALISED = {
    ("runs", "without"): "whole shots (`runs`)",
    ("runs", "with"): "whole shots, frames between",
    ("contrast", "without"): "the curve (`contrast`)",
    ("contrast", "with"): "the curve, frames between",
    ("mask", "without"): "soft masks (`mask`)",
    ("mask", "with"): "soft masks, frames between",
    **{
        (name, "without"): f"a head: `{name}`"
        for name in ("language_free", "psvl", "vlanet", "mcn", "vdi", "detr")
    },
}


def moments_found(figures: Figures) -> str:
    """How well first moments lie on the true ones, by set, way and reading."""
    rows = []
    for one in figures["moments"]["rows"]:
        value, low, high = one["R@1 IoU .5"]
        change, least, most = one["change"]
        told = "" if (one["way"], one["reading"]) == ("runs", "without") else (
            f"{change:+.2f} [{least:+.2f}, {most:+.2f}]"
        )  # fmt: skip
        rows.append(
            [one["set"], LOCALISED[one["way"], one["reading"]], str(one["asked"]),
             f"{value:.2f} [{low:.2f}, {high:.2f}]", told, f"{one['R@1 IoU .7']:.2f}",
             f"{one['mIoU']:.2f}", f"{one['within 2 s']:.2f}", f"{one['reciprocal rank']:.2f}"]
        )  # fmt: skip
    head = ["set", "way", "asked", "R@1 IoU .5", "difference", "R@1 IoU .7", "mIoU",
            "within 2 s", "rank of the video"]  # fmt: skip
    return markdown(head, rows)


def moments_ranked(figures: Figures) -> str:
    """How well the first moments of all videos lie on the true ones, by set and way."""

    def share(one: Any, name: str) -> str:
        value, low, high = one[name]
        return f"{value:.2f} [{low:.2f}, {high:.2f}]"

    rows = []
    for one in figures["moments"]["corpus"]:
        change, low, high = one["R@5 change"]
        told = "" if one["way"] == "runs" else f"{change:+.2f} [{low:+.2f}, {high:+.2f}]"
        way = LOCALISED[one["way"], "without"]
        cells = [one["set"], way, str(one["asked"]), share(one, "R@1"), share(one, "R@5")]
        rows.append([*cells, told, f"{one['mIoU']:.2f}"])
    head = ["set", "way", "asked", "R@1 IoU .5", "R@5 IoU .5", "difference of R@5", "mIoU"]
    return markdown(head, rows)


#: How a video is cut, as tables say it.
CUT = {
    "texttiling": "`texttiling`",
    "even": "as many of equal length",
    "random": "as many as found, by chance",
    "shots": "shots of the index",
}


def chapters_found(figures: Figures) -> str:
    """How well chapters are cut where subjects change, by way."""
    rows = []
    for one in figures["chapters"]["rows"]:
        less, low, high = one["behind"]
        told = "" if one["way"] == "texttiling" else f"{-less:+.2f} [{-high:+.2f}, {-low:+.2f}]"
        shares = (f"{one[name]:.2f}" for name in ("f1", "precision", "recall", "tiou"))
        rows.append([CUT[one["way"]], str(one["talks"]), *shares, told])
    head = ["chapters", "talks", "F1 within 5 s", "precision", "recall", "tIoU", "difference of F1"]
    return markdown(head, rows)


def chapters_contained(figures: Figures) -> str:
    """How well chapters are cut where those of the file begin, by way."""
    return _cut(figures["contained"]["rows"], "films")


def chapters_marked(figures: Figures) -> str:
    """How well talks are cut where their makers marked chapters, by way."""
    return _cut(figures["marked"]["rows"], "talks")


def _cut(ways: Sequence[Mapping[str, Any]], what: str) -> str:
    rows = []
    for one in ways:
        less, low, high = one["behind"]
        told = f"{-less:+.2f} [{-high:+.2f}, {-low:+.2f}]" if low or high else ""
        shares = (f"{one[name]:.2f}" for name in ("f1", "precision", "recall", "tiou"))
        rows.append([CUT.get(one["way"], f"`{one['way']}`"), str(one["talks"]), *shares, told])
    head = ["chapters", what, "F1 within 5 s", "precision", "recall", "tIoU", "difference of F1"]
    return markdown(head, rows)


def captions_placed(figures: Figures) -> str:
    """How well captions lie on what they tell, moved in windows and refined by masks."""
    found = figures["dense"]
    more, low, high = found["more"]
    told = {"windows": "the 8 s that fit best", "masks": "refined by masks"}
    rows = [
        [
            told[one["way"]],
            str(found["captions"]),
            f"{one['miou']:.2f}",
            f"{one['half']:.2f}",
            f"{more:+.2f} [{low:+.2f}, {high:+.2f}]" if one["way"] == "masks" else "",
        ]
        for one in found["rows"]
    ]
    head = ["captions", "number", "mean IoU", "IoU above .5", "difference of mean IoU"]
    return markdown(head, rows)


def chapter_channel(figures: Figures) -> str:
    """What the channel of chapters changes in searches, by collection."""
    rows = []
    for one in figures["chapter_channel"]["rows"]:
        change, low, high = one["change"]
        counts = (str(one[name]) for name in ("videos", "chapters", "questions"))
        told = f"{change:+.3f} [{low:+.3f}, {high:+.3f}]"
        rows.append([one["set"], *counts, f"{one['without']:.3f}", f"{one['with']:.3f}", told])
    head = ["set", "videos", "chapters", "questions", "without", "with", "difference"]
    return markdown(head, rows)


# -- heads.md -----------------------------------------------------------------------------------


def heads_eye(figures: Figures) -> str:
    """Text to picture by labels, a trained head, and both."""
    found = figures["heads"]["eye"]
    ways = ("labels alone", "head alone", "head and labels")
    kinds = {"test-en": "en", "test-de": "de", "test-fr": "fr"}
    rows = []
    for way in ways:
        for kind, language in kinds.items():
            one = found[way][kind]
            low, high = one["R@1 interval"]
            first = f"{one['R@1']:.1f} [{low:.1f}, {high:.1f}]"
            later = [f"{one['R@5']:.1f}", f"{one['R@10']:.1f}", f"{one['MRR']:.3f}"]
            rows.append([way, language, first, *later])
    return markdown(["way", "language", "R@1 [95 %]", "R@5", "R@10", "MRR"], rows)


def heads_pairs(figures: Figures) -> str:
    """Text to picture of head and labels by the number of pairs it was trained on."""
    found = figures["heads"]["eye"]["by pairs"]
    rows = [
        [f"{int(size):,}", f"{one['R@1']:.1f}", f"{one['R@5']:.1f}", f"{one['MRR']:.3f}"]
        for size, one in found.items()
    ]
    return markdown(["pairs", "R@1", "R@5", "MRR"], rows)


def heads_rows(world: str, base: str = "mean pooling") -> Table:
    def table(figures: Figures) -> str:
        """Heads on clips of real pictures, each beside trained mean pooling."""
        rows = []
        for name, one in figures["heads"][world]["rows"].items():
            value, low, high = one["R@1"]
            gain, least, most = one["over mean pooling"]
            told = "" if name == base else f"{gain:+.1f} [{least:+.1f}, {most:+.1f}]"
            rows.append([name, f"{value:.1f} [{low:.1f}, {high:.1f}]", told, f"{one['MRR']:.3f}",
                         f"{one['video to text MRR']:.3f}"])  # fmt: skip
        return markdown(["head", "R@1 [95 %]", "over mean pooling", "MRR", "video to text"], rows)

    return table


# -- answers.md ---------------------------------------------------------------------------------
def answers_halves(figures: Figures) -> str:
    """How often the first citation is right, and what is refused, by half and collection."""
    rows = []
    asked = figures["answers"]["rows"]
    for half, seen in (("seen", (True,)), ("unseen", (False,)), ("both", (True, False))):
        for name in ("samples", "talks", "all"):
            own = [
                one for one in asked if one["seen"] in seen and name in ("all", one["collection"])
            ]
            yes = [one["first"] for one in own if one["answerable"]]
            no = [not one["found"] for one in own if not one["answerable"]]
            rows.append([half, name, f"{sum(yes)} of {len(yes)}, {100 * sum(yes) / len(yes):.0f} %",
                         f"{sum(no)} of {len(no)}, {100 * sum(no) / len(no):.0f} %"])  # fmt: skip
    return markdown(["half", "collection", "first citation right", "unanswerable refused"], rows)


def answer_costs(figures: Figures) -> str:
    """What each strategy asks of models for a question."""
    rows = [
        [f"`{name}`", *(f"{one[key]:.0f}" for key in ("calls", "looks", "pictures", "tokens"))]
        for name, one in figures["answer_costs"]["strategies"].items()
    ]
    return markdown(["strategy", "calls", "with pictures", "pictures", "tokens"], rows)


def article_events(figures: Figures) -> str:
    """Which events are told of where their videos are, and refused where they are not."""
    rows = []
    for one in figures["articles"]["found"]:
        refused = "refused" if not one["sentences"] else f"{one['confidence']:.2f}"
        without = "refused" if not one["sentences without"] else f"{one['without']:.2f}"
        own = [str(one["sentences"]), str(one["of its videos"])]
        rows.append([one["event"], *own, refused, without])
    head = ["event", "sentences", "of its videos", "sure", "sure without its videos"]
    return markdown(head, rows)


def article_differences(figures: Figures) -> str:
    """ROUGE-L of two ways of writing an article, and what the one has more, paired by event."""
    rows = []
    for one in figures["articles"]["differences"]:
        value, low, high = one["difference"]
        rows.append([
            one["against"], one["one"], one["other"], str(one["events"]),
            f"{one['means'][0]:.3f}", f"{one['means'][1]:.3f}",
            f"{value:+.3f} [{low:+.3f}, {high:+.3f}]" if one["events"] > 2 else f"{value:+.3f}",
        ])  # fmt: skip
    head = ["against", "one", "other", "events", "ROUGE-L of one", "of the other", "difference"]
    return markdown(head, rows)


# -- evaluation.md ------------------------------------------------------------------------------
def contrast_kinds(figures: Figures) -> str:
    """How often each score tells captions from contrasts, by kind."""
    scores = figures["contrast"]["scores"]
    rows = []
    for kind, one in scores["seen"].items():
        told = scores["told"].get(kind)
        texts = [str(told["pairs"]), _within(told)] if told else ["", ""]
        rows.append([kind, str(one["pairs"]), _within(one), *texts])
    return markdown(["kind", "pairs", "`seen`", "pairs with texts", "`told`"], rows)


def _within(one: Figures) -> str:
    return f"{one['value']:.2f} [{one['low']:.2f}, {one['high']:.2f}]"


# -- speed.md -----------------------------------------------------------------------------------
def growth_verbs(figures: Figures) -> str:
    """What each verb takes at each size, and how it grows."""
    verbs = figures["growth"]["verbs"]
    sizes = list(next(iter(verbs.values()))["ms"])
    rows = [
        [name, *(f"{one['ms'][size]:.0f}" for size in sizes), f"{one['exponent']:.2f}"]
        for name, one in verbs.items()
    ]
    head = ["verb", *(f"{size},000" for size in sizes), "exponent"]
    return markdown(head, [["import, each", *rows[0][1:]], *rows[1:]])


def search_kinds(figures: Figures) -> str:
    """What each kind of search takes."""
    rows = [
        [name, *(f"{one[key]:.0f}" for key in ("clock_p50", "clock_p95", "p50", "p95"))]
        for name, one in figures["search"]["kinds"].items()
    ]
    head = ["search", "p50, ms", "p95, ms", "p50 of processors, ms", "p95 of processors, ms"]
    return markdown(head, rows)


def page_costs(figures: Figures) -> str:
    """What the first load of the page takes, and how soon hits are painted."""
    found = figures["page"]
    first, times = found["first_load"], found["key_to_painted_ms"].values()
    rows = [
        ["first load, kB as sent", f"{first['bytes'] / 1000:.0f}"],
        ["files", str(first["files"])],
        ["layout shift", f"{first['shift']:.3f}"],
        ["last key to painted, ms, median", f"{found['median_ms']:.0f}"],
        ["from, to", f"{min(times):.0f}, {max(times):.0f}"],
    ]
    return markdown(["page", ""], rows)


def tasks_found(figures: Figures) -> str:
    """Steps and seconds of each task of someone who looks for something."""
    rows = [
        [name, "yes" if one["found"] else "no", str(one["steps"]), f"{one['seconds']:.1f}"]
        for name, one in figures["tasks"].items()
    ]
    return markdown(["task", "found", "steps", "s"], rows)


def search_first(figures: Figures) -> str:
    """What first searches take."""
    rows = [[name, f"{spent:.2f}"] for name, spent in figures["search"]["first_s"].items()]
    return markdown(["first search", "s"], rows)


def prices_steps(figures: Figures) -> str:
    """What each step of reading costs, and what all may."""
    found = figures["prices"]
    prices = dict(found["price_ms"]) | {"all": found["sum_ms"], "budget": found["budget_ms"]}
    rows = []
    for name, price in prices.items():
        rows.append([name, f"{price:.1f}"])
        if name.startswith("decoding"):
            rows.append(["of it, decoding and shots alone", f"{found['decoding_ms']:.1f}"])
    return markdown(["step", "core-ms a second of 720p"], rows)


def fast_shots(figures: Figures) -> str:
    """What reading by key frames alone takes, and what cuts it finds."""
    rows = [
        [one["collection"], *(f"{spent:.0f}" for spent in one["spent_s"]), str(one["cuts"]),
         str(one["found"]), str(one["others"])]
        for one in figures["fast"]["shots"]
    ]  # fmt: skip
    head = ["collection", "whole, s", "key frames, s", "cuts", "of them found", "others"]
    return markdown(head, rows)


def fast_hits(figures: Figures) -> str:
    """Reciprocal ranks of what was read whole and by key frames alone."""
    rows = [
        [one["collection"], one["kind"], str(one["questions"]), f"{one['whole']:.3f}",
         f"{one['fast']:.3f}", _interval(one["change"])]
        for one in figures["fast"]["hits"]
    ]  # fmt: skip
    return markdown(["collection", "questions", "n", "whole", "key frames", "change"], rows)


def peers_of(part: str) -> Table:
    def table(figures: Figures) -> str:
        """What others take for the same task, as a ratio to ours, and whether they agree."""
        alone = part == "evaluation"
        rows = []
        for one in figures["peers"][part]["rows"]:
            name = " ".join(filter(None, (one["name"], one.get("version"))))
            if "not installed" in one:
                rows.append([name, "not installed", "", ""])
                continue
            agree = (
                f"{one['difference']:.0e}"
                if alone
                else f"{100 * one['same']:.1f} %".replace(".0", "")
            )
            rows.append([name, f"{one['ms']:.2f}", f"{one['times ours']:.2f}", agree])
        each = "ms a run" if alone else "ms a question"
        return markdown(
            ["", each, "times ours", "furthest digit" if alone else "the same ten"], rows
        )

    return table


def heads_parts(part: str, first: str) -> Table:
    def table(figures: Figures) -> str:
        """What was trained beside what needs no training, in each world, over five seeds."""
        rows = []
        for world, found in figures["heads"][part].items():
            for name, one in found["rows"].items():
                value, low, high = one[first]
                gain, least, most = one["over the best untrained"]
                best = name == found["best untrained"]
                told = "" if best else f"{gain:+.1f} [{least:+.1f}, {most:+.1f}]"
                seeds = ", ".join(f"{seed:.0f}" for seed in one[f"{first} by seed"])
                rows.append([world, name, f"{value:.1f} [{low:.1f}, {high:.1f}]", seeds, told])
        head = ["world", "way", f"{first} [95 %]", "by seed", "over the best untrained"]
        return markdown(head, rows)

    return table


#: Recipes that have a world of their own, as `benchmarks.stretches` measures them.
WORLDS = ("language_free", "psvl", "vdi", "stal", "vlanet", "detr")


def heads_world(name: str) -> Table:
    def table(figures: Figures) -> str:
        """A recipe of stretches in the world it is for, beside what lacks its mechanism."""
        found = figures["heads"]["worlds"][name]
        rows = []
        for way, one in found["rows"].items():
            value, low, high = one["mIoU"]
            gain, least, most = one["over the best other"]
            told = "" if way == found["best other"] else f"{gain:+.1f} [{least:+.1f}, {most:+.1f}]"
            seeds = ", ".join(f"{seed:.0f}" for seed in one["mIoU by seed"])
            rows.append([way, f"{value:.1f} [{low:.1f}, {high:.1f}]", seeds, told])
        return markdown(["way", "mIoU [95 %]", "by seed", "over the best other"], rows)

    return table


#: Every table by the name that stands in the docs.
# -- scale.md -----------------------------------------------------------------------------------
def scale_filters(figures: Figures) -> str:
    """What the engine of a database finds of the exact scan, by kind of filter."""
    rows = []
    for name, one in figures["scale_stores"]["classes"].items():
        recall = [f"{one[key]:.3f}".lstrip("0") for key in ("rows_recall", "recall_at_20")]
        times = [
            f"{one[f'{who}_p50_s']:.1f} / {one[f'{who}_p95_s']:.1f}" for who in ("exact", "engine")
        ]
        rows.append([name, f"{one['share']:.1%}", *recall, *times])
    head = ["filter", "pieces left", "recall of rows", "recall@20"]
    return markdown([*head, "exact, p50 / p95 s", "engine, p50 / p95 s"], rows)


def scale_stores(figures: Figures) -> str:
    """What adding to a file and to a database takes, and beginning with either."""
    found = figures["scale_stores"]
    rows = [
        [
            said,
            f"{found[name]['pieces_a_second']:,}",
            f"{found[name]['bytes_a_piece'] / 1000:.1f} kB",
            f"{found['restart'][name]:.0f} s",
        ]
        for name, said in (("file", "SQLite"), ("database", "PostgreSQL, engine"))
    ]
    head = ["", "pieces added a second", "a piece", "a new process to its first answer"]
    return markdown(head, rows)


def engines_filters(which: str) -> Table:
    """What PostgreSQL and Milvus find of the exact scan of one row, and how quickly."""
    names = ("exact", "postgresql", "milvus")

    def table(figures: Figures) -> str:
        rows = []
        for name, one in figures[which]["classes"].items():
            recall = [
                " / ".join(
                    f"{one[depth][who]:.3f}".replace("0.", ".")
                    for depth in ("recall_at_20", "recall")
                )
                for who in names[1:]
            ]
            times = [f"{one['p50_ms'][who]} / {one['p95_ms'][who]}" for who in names]
            rows.append([name, f"{one['share']:.1%}", *recall, *times])
        head = ["filter", "pieces left"]
        head += [f"{who}, of the best 20 / 100" for who in ("PostgreSQL", "Milvus")]
        head += [f"{who}, p50 / p95 ms" for who in ("exact", "PostgreSQL", "Milvus")]
        return markdown(head, rows)

    return table


def engines_made(which: str) -> Table:
    """What filling and beginning with each engine took."""

    def table(figures: Figures) -> str:
        found = figures[which]
        put = found["pieces_a_second"]
        rows = [
            ["pieces, of the number wanted", f"{found['pieces']:,} of {found['wanted']:,}"],
            ["put into PostgreSQL part by part, pieces a second", f"{put['alone']:,}"],
            ["put into PostgreSQL together, pieces a second", f"{put['together']:,}"],
            ["its HNSW indexes made, pieces a second", _rate(found, "postgresql")],
            ["copied to Milvus and indexed there, pieces a second", _rate(found, "milvus")],
            ["a piece in PostgreSQL, all tables and indexes", f"{found['bytes_a_piece']:,} bytes"],
            *(
                [f"opened anew to the first answer, {said}", f"{found['begin_s'][name]:.1f} s"]
                for name, said in (
                    ("exact", "all columns read for the exact scan"),
                    ("postgresql", "PostgreSQL's engine"),
                    ("milvus", "Milvus"),
                )
            ),
        ]
        return markdown(["", "measured"], rows)

    return table


def _rate(found: Figures, name: str) -> str:
    return f"{found['pieces'] / found[f'{name}_built_s']:,.0f}"


def senses_eye(figures: Figures) -> str:
    """Reciprocal ranks of clips by labels and by an eye, with paired intervals."""
    rows = []
    for name, one in figures["senses"]["eye"]["rows"].items():
        if name == "caption":  # the kind of all captions, which stand above
            continue
        cells = [
            cell
            for more in ("", ", frames alone")
            for cell in (
                f"{one['local' + more]:.3f}",
                f"{one['flickr-eye' + more]:.3f}",
                _interval(one["gain" + more]),
            )
        ]
        rows.append([name, str(one["questions"]), *cells])
    head = ["asked", "count", "labels", "with an eye", "gain", "labels, frames alone"]
    return markdown([*head, "with an eye, frames alone", "gain, frames alone"], rows)


def senses_cost(figures: Figures) -> str:
    """What each part that sees costs."""
    rows = [
        [name, f"{one['ms a frame']:.1f}", f"{one['MB']:.1f}", str(one["dimensions"])]
        for name, one in figures["senses"]["cost"].items()
    ]
    return markdown(["", "ms a frame", "MB", "dimensions"], rows)


def encoders_full(figures: Figures) -> str:
    """What encoders at full size cost, and how far vectors are apart that should be one."""
    rows = []
    for one in figures["encoders"]:
        apart, memory = one["apart"], one.get("memory_bytes")
        rows.append([
            one["model"], f"{one['parameters'] / 1e6:.0f}", f"{one['processor_s_per_frame']:.2f}",
            f"{one['processor_s_per_text']:.2f}", "" if memory is None else f"{memory / 1e9:.1f}",
            *(
                f"{max(0.0, apart[name]):.0e}" if name in apart else ""
                for name in ("pictures, one by one", "pictures, ONNX", "pictures, bfloat16")
            ),
        ])  # fmt: skip
    head = ["architecture", "million parameters", "s a frame", "s a text", "GB", "one by one"]
    return markdown([*head, "by ONNX", "in bfloat16"], rows)


def _senses_gains(rows: Mapping[str, Any], plain: str) -> str:
    """Reciprocal ranks by way, with gains over a plain one, by groups of questions."""
    groups = [name for name in rows[plain] if name in ("questions", "captions", "all")]
    groups += [name for name in rows[plain] if name not in groups]
    made = []
    for way, row in rows.items():
        cells = [
            f"{row[name][0]:.3f}" + ("" if way == plain else f" {_interval(row[name][1:])}")
            for name in groups
        ]
        made.append([way, *cells])
    return markdown(["", *groups], made)


def senses_cues(figures: Figures) -> str:
    """What words about light, colours, faces and the like bring beside all else."""
    return _senses_gains(figures["senses"]["cues"]["rows"], "plain")


def senses_crops(figures: Figures) -> str:
    """What crops of frames bring to pictures alone."""
    return _senses_gains(figures["senses"]["crops"]["rows"], "whole")


def speech_errors(figures: Figures) -> str:
    """Word and character error rates by source and language."""

    def percent(one: Sequence[float]) -> str:
        value, low, high = (100 * number for number in one)
        return f"{value:.0f} [{low:.0f}, {high:.0f}]"

    rows = [
        [
            name,
            str(one["recordings"]),
            f"{one['seconds']:.0f}",
            f"{100 * one['language right']:.0f}",
            f"{100 * one['no text']:.0f}",
            *(
                percent(one[f"{what}, {way}"])
                for way in ("told", "given")
                for what in ("words", "characters")
            ),
        ]
        for name, one in figures["speech"]["errors"].items()
    ]
    head = ["source", "recordings", "s", "language told right", "no text", "words", "characters"]
    return markdown([*head, "words, language given", "characters, language given"], rows)


def speech_nobody(figures: Figures) -> str:
    """How many sounds in which nobody speaks give a text."""
    ways = ("sounds", "Whisper alone", "with its filters", "as shipped")
    rows = [
        [kind, *(str(one[way]) for way in ways)]
        for kind, one in figures["speech"]["nobody"].items()
    ]
    whole = [str(sum(one[way] for one in figures["speech"]["nobody"].values())) for way in ways]
    return markdown(["", *ways], [*rows, ["all", *whole]])


TABLES: dict[str, Table] = {
    "matrices raw": matrices_raw,
    "matrices batch": matrices_batch,
    "matrices videos": matrices_videos,
    "matrices tried": matrices_tried,
    "matrices bank": matrices_bank,
    "events rules": events_rules,
    "events languages": events_languages,
    "events others": events_others,
    "reproduction cap4video": repro_cap4video,
    "reproduction fusion": repro_fusion,
    "released weights": released_weights,
    "reproduction wikivideo": repro_wikivideo,
    "reproduction languages": repro_languages,
    "likes rounds": likes_rounds,
    "confidence rates": confidence_rates,
    "load clients": load_clients,
    "reading rates": reading_rates,
    "truth collections": truth_collections,
    "decoding doors": decoding_doors,
    "fuzz runs": fuzz_runs,
    "certainty groups": certainty_groups,
    "certainty laws": certainty_laws,
    "certainty languages": certainty_languages,
    "fellows groups": fellows_groups,
    "leftout fusion": leftout_fusion,
    "leftout channels": leftout_channels,
    "leftout certainty": leftout_certainty,
    "moments found": moments_found,
    "moments ranked": moments_ranked,
    "chapters found": chapters_found,
    "contained chapters": chapters_contained,
    "marked chapters": chapters_marked,
    "dense captions": captions_placed,
    "chapter channel": chapter_channel,
    "heads eye": heads_eye,
    "heads pairs": heads_pairs,
    "heads stories": heads_rows("stories"),
    "heads alike": heads_rows("alike"),
    "heads clips": heads_rows("clips", "mean pooling, of stories"),
    "scale filters": scale_filters,
    "scale stores": scale_stores,
    "engines filters": engines_filters("scale_engines"),
    "engines events": engines_filters("scale_events"),
    "engines made": engines_made("scale_events"),
    "engines million": engines_filters("scale_engines_million"),
    "engines million made": engines_made("scale_engines_million"),
    "engines million events": engines_filters("scale_events_million"),
    "growth verbs": growth_verbs,
    "search kinds": search_kinds,
    "page costs": page_costs,
    "tasks found": tasks_found,
    "search first": search_first,
    "prices steps": prices_steps,
    "fast shots": fast_shots,
    "fast hits": fast_hits,
    "answers halves": answers_halves,
    "answer_costs strategies": answer_costs,
    "articles differences": article_differences,
    "articles found": article_events,
    "contrast kinds": contrast_kinds,
    "senses eye": senses_eye,
    "senses cost": senses_cost,
    "encoders full": encoders_full,
    "senses cues": senses_cues,
    "senses crops": senses_crops,
    "speech errors": speech_errors,
    "speech nobody": speech_nobody,
    "peers vectors": peers_of("vectors"),
    "peers words": peers_of("words"),
    "peers evaluation": peers_of("evaluation"),
    "heads localise": heads_parts("localise", "mIoU"),
    "heads compose": heads_parts("compose", "R@1"),
    **{f"heads {name}": heads_world(name) for name in WORLDS},
    "experiment events": experiment_rows("events"),
    "experiment events subsets": experiment_subsets("events"),
    "experiment excerpts": experiment_rows("excerpts"),
    "experiment captions": experiment_rows("captions"),
    "experiment samples": experiment_rows("samples"),
    "experiment samples subsets": experiment_subsets("samples"),
}

#: The parts of the figures that tables need, by the first word of their name.
NEEDS: dict[str, set[str]] = {
    "matrices": {"matrices"},
    "events": {"events"},
    "released": {"released"},
    "reproduction": {"released", "matrices", "events"},
    "experiment": {"experiments"},
    "likes": {"likes"},
    "confidence": {"confidence"},
    "load": {"load"},
    "reading": {"reading"},
    "truth": {"truth"},
    "decoding": {"decoding"},
    "fuzz": {"fuzz"},
    "certainty": {"certainty"},
    "fellows": {"fellows"},
    "leftout": {"leftout"},
    "moments": {"moments"},
    "chapters": {"chapters"},
    "chapter": {"chapter_channel"},
    "contained": {"contained"},
    "marked": {"marked"},
    "dense": {"dense"},
    "scale": {"scale_stores"},
    "engines": {"scale_engines", "scale_events", "scale_engines_million", "scale_events_million"},
    "heads": {"heads"},
    "growth": {"growth"},
    "search": {"search"},
    "page": {"page"},
    "tasks": {"tasks"},
    "prices": {"prices"},
    "fast": {"fast"},
    "answers": {"answers"},
    "answer_costs": {"answer_costs"},
    "articles": {"articles"},
    "contrast": {"contrast"},
    "senses": {"senses"},
    "encoders": {"encoders"},
    "speech": {"speech"},
    "peers": {"peers"},
}
