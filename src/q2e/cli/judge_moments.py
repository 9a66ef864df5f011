"""`q2e eval moments`: how well found moments lie on the true ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from q2e.cli.options import Json, print_json, talk
from q2e.errors import ConfigError

_PROTOCOLS = ("corpus", "didemo", "qvhighlights")


def moments(
    found: Annotated[
        Path,
        typer.Argument(help='Moments found, {"query": [[video, start, end], ...]}, best first.'),
    ],
    truths: Annotated[
        Path,
        typer.Option("--truths", help="True moments in the same form, with an optional relevance."),
    ],
    at: Annotated[str, typer.Option("--at", help="Ranks, comma-separated.")] = "1,5,10",
    iou: Annotated[str, typer.Option("--iou", help="Overlaps, comma-separated.")] = "0.3,0.5,0.7",
    protocol: Annotated[
        str,
        typer.Option(
            help="`corpus`, or as the authors of a data set count: `didemo`, 21 stretches of a "
            "video and the best three of the people who marked each; `qvhighlights`, R@1 and mAP."
        ),
    ] = "corpus",
    json: Json = False,
) -> None:
    """Measure moments over all videos: R@n at IoU m, mIoU, and TVR-Ranking's nDCG@n at IoU m.

    A moment counts when it lies in the right video. R@n takes IoU of at least m, nDCG of more
    than m. A query without moments found counts as 0. `q2e eval datasets NAME --write DIR` writes
    the true moments of a data set as moments.json.

    With --protocol didemo the truths hold what each person marked, as didemo_people has them; with
    it and with qvhighlights --at and --iou are fixed. With qvhighlights both files may be .jsonl,
    as its authors publish them; then HL-mAP and HIT@1 of highlights are told too.
    """
    from q2e.errors import unknown
    from q2e.evaluate.highlight_files import read_submission, read_truths
    from q2e.evaluate.highlights import highlight_scores, qvhighlights_scores
    from q2e.evaluate.moment_measures import didemo_scores, score_moments
    from q2e.evaluate.runs import read_moments

    if protocol not in _PROTOCOLS:
        raise ConfigError(unknown("protocol", protocol, _PROTOCOLS))
    salient: dict[str, float] = {}
    if protocol == "qvhighlights" and found.suffix == truths.suffix == ".jsonl":
        told, marked = read_submission(found), read_truths(truths)
        given, true = dict(told.moments), dict(marked.moments)
        salient = highlight_scores(told.clips, marked.clips) if told.clips else {}
    else:
        given, true = read_moments(found), read_moments(truths)
    missing = [query for query in true if query not in given]
    if missing:
        talk(f"warning: {len(missing)} queries have no moment found and count as 0: {missing[0]}")
    ranks, overlaps = _numbers("--at", at, int), _numbers("--iou", iou, float)
    if protocol == "corpus":
        values = score_moments(given, true, ranks, overlaps)
    else:
        score = {"didemo": didemo_scores, "qvhighlights": qvhighlights_scores}[protocol]
        values = score(given, true) | salient
    if json:
        print_json({"queries": len(true), "measures": values, "missing": missing})
        return
    width = max(map(len, values))
    for name, value in values.items():
        print(f"{name:<{width}}  {value:.4f}")


def _numbers(option: str, text: str, kind: Any) -> list[Any]:
    try:
        values = [kind(part) for part in text.split(",")]
    except ValueError:
        values = []
    if not values or any(value <= 0 for value in values):
        raise ConfigError(f"{option} {text!r}: needs numbers above 0, separated by commas")
    return values
